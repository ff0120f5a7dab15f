import BFD
import BGP
import Glibc
import Linux
import NetTypes
import RouterService
import Testing

/// Our router at one end of a cable, FRR with bfdd at the other. Hold times are 90 s: whatever ends
/// a session within a test is BFD.
@Suite(
  .serialized, .enabled(if: geteuid() == 0, "needs root: network namespaces"),
  .enabled(if: FRRSuite.isInstalled, "needs FRR: apt-get install frr"))
struct BFDInteropTests {
  private static let ourRoute = "10.91.0.0/26"
  private static let theirRoute = "10.92.0.0/24"

  /// Two namespaces, a router of ours in the first, FRR in the second; `isDistant`: with a third
  /// between them, which forwards.
  @Loop private final class Bench {
    private(set) var names: [String]
    let router: Router
    let frr: FRRSuite

    init(_ addresses: [String], isDistant: Bool = false) throws {
      let id = "atollbfd-\(getpid())-\(UInt32.random(in: 0 ... .max))"
      names = [id + "-a", id + "-b"]
      for name in names {
        try NetworkNamespace.create(named: name)
        try NetworkNamespace.open(named: name).with {
          try Sysctl.set("net.ipv6.conf.all.accept_dad", "0")
          try Sysctl.set("net.ipv6.conf.default.accept_dad", "0")
        }
      }
      if isDistant {
        names.append(id + "-c")
        try NetworkNamespace.create(named: names[2])
        try NetworkNamespace.open(named: names[2]).with {
          try Sysctl.set("net.ipv4.ip_forward", "1")
        }
        let middle = try NetworkNamespace.open(named: names[2])
        for end in 0...1 {
          try NetworkNamespace.open(named: names[end]).with {
            try Netlink().addVeth("eth0", peer: "eth\(end)", in: middle)
          }
        }
      } else {
        let other = try NetworkNamespace.open(named: names[1])
        try NetworkNamespace.open(named: names[0]).with {
          try Netlink().addVeth("eth0", peer: "eth0", in: other)
        }
      }
      for (name, address) in zip(names, addresses) {
        try NetworkNamespace.open(named: name).with {
          let netlink = try Netlink()
          try netlink.setUp("lo")
          try netlink.addAddress(InterfaceAddress(address)!, to: "eth0")
          try netlink.setUp("eth0")
        }
      }
      if isDistant { try Self.join(names) }
      let hosts = addresses.map { String($0.prefix { $0 != "/" }) }
      frr = try FRRSuite(
        """
        bfd
         profile fast
          transmit-interval 50
          receive-interval 50
        router bgp 64513
         bgp router-id 10.90.0.2
         no bgp ebgp-requires-policy
         no bgp network import-check
         no bgp default ipv4-unicast
         timers bgp 30 90
         neighbor \(hosts[0]) remote-as 64512
         neighbor \(hosts[0]) bfd
         neighbor \(hosts[0]) bfd profile fast
         \(isDistant ? "neighbor \(hosts[0]) ebgp-multihop 3" : "")
         neighbor \(hosts[0]) timers connect 1
         address-family ipv4 unicast
          neighbor \(hosts[0]) activate
          network \(BFDInteropTests.theirRoute)
         exit-address-family
         address-family ipv6 unicast
          neighbor \(hosts[0]) activate
          network 2001:db8:92::/64
         exit-address-family

        """, namespace: "\(NetworkNamespace.folder)/\(names[1])")
      var configuration = RouterConfiguration(
        localAS: ASNumber(64512), routerID: IPv4Address("10.90.0.1"))
      configuration.timers = SessionTimers(hold: .seconds(90), keepalive: .seconds(30))
      var neighbor = Neighbor(address: IPAddress(hosts[1])!, remoteAS: ASNumber(64513))
      neighbor.settings.bfd = BFDSettings()
      neighbor.settings.bfd?.transmitInterval = .milliseconds(50)
      neighbor.settings.bfd?.receiveInterval = .milliseconds(50)
      configuration.neighbors = [neighbor]
      configuration.networks = [
        IPPrefix(BFDInteropTests.ourRoute)!, IPPrefix("2001:db8:91::/64")!,
      ]
      if isDistant { configuration.neighbors[0].settings.ebgpMultihop = 3 }
      var options = Router.Options()
      options.namespace = "\(NetworkNamespace.folder)/\(names[0])"
      router = Router(configuration: configuration, options: options)
    }

    /// The middle is 10.90.0.254 to us and 10.90.9.254 to FRR.
    private static func join(_ names: [String]) throws {
      try NetworkNamespace.open(named: names[2]).with {
        let netlink = try Netlink()
        for (link, own) in [("eth0", "10.90.0.254/24"), ("eth1", "10.90.9.254/24")] {
          try netlink.addAddress(InterfaceAddress(own)!, to: link)
          try netlink.setUp(link)
        }
      }
      for (name, far, gateway) in [
        (names[0], "10.90.9.0/24", "10.90.0.254"), (names[1], "10.90.0.0/24", "10.90.9.254"),
      ] {
        try NetworkNamespace.open(named: name).with {
          try Netlink().addRoute(Route(destination: prefix(far), gateway: address(gateway)))
        }
      }
    }

    func start() async throws {
      try await frr.start()
      try router.start()
    }

    func end() async {
      router.stop(graceful: false)
      await frr.remove()
      for name in names { try? NetworkNamespace.delete(named: name) }
    }

    var isUp: Bool {
      router.status.sessions.first?.state == .established
        && router.status.bfd.first?.state == .up
        && router.status.bfd.first?.detectionTime == .milliseconds(150)
    }

    /// Routes that a routing protocol made, in our namespace or in FRR's.
    func routes(_ end: Int, by routingProtocol: UInt8) throws -> [IPPrefix] {
      try NetworkNamespace.open(named: names[end]).with {
        try Netlink().routes().filter { $0.routingProtocol == routingProtocol }.map(\.destination)
      }
    }

    /// Nothing passes from or to FRR's namespace, while its links stay up.
    func cut() async throws { try await NetworkNamespace.cut(names[1]) }
    func mend() async throws { try await NetworkNamespace.mend(names[1]) }
  }

  @Loop private func with(
    _ addresses: [String], isDistant: Bool = false, _ body: @Loop (Bench) async throws -> Void
  ) async throws {
    let bench = try Bench(addresses, isDistant: isDistant)
    do {
      try await bench.start()
      try await body(bench)
      await bench.end()
    } catch {
      await bench.end()
      throw error
    }
  }

  @Loop
  @Test(arguments: [
    ["10.90.0.1/24", "10.90.0.2/24"], ["2001:db8:90::1/64", "2001:db8:90::2/64"],
  ])
  func `a broken path to FRR takes the routes of both ends with it, and mended brings them back`(
    _ addresses: [String]
  ) async throws {
    let isIPv4 = !addresses[0].contains(":")
    let theirs = IPPrefix(isIPv4 ? Self.theirRoute : "2001:db8:92::/64")!
    let ours = IPPrefix(isIPv4 ? Self.ourRoute : "2001:db8:91::/64")!
    try await with(addresses) { bench in
      #expect(await eventually { bench.isUp }, "\(bench.frr.log)")
      // 186 is RTPROT_BGP, which zebra marks its routes by.
      let areInstalled = {
        try bench.routes(0, by: 167).contains(theirs) && bench.routes(1, by: 186).contains(ours)
      }
      #expect(await eventually { try areInstalled() })
      let shown = try await bench.frr.show("show bfd peers json").filter { $0 != " " }
      #expect(shown.contains("\"status\":\"up\""))
      #expect(shown.contains("\"remote-transmit-interval\":50"))
      #expect(shown.contains("\"remote-receive-interval\":50"))

      try await bench.cut()
      #expect(await eventually { try !bench.routes(0, by: 167).contains(theirs) })
      #expect(await eventually { try !bench.routes(1, by: 186).contains(ours) })
      #expect(bench.router.status.sessions.first?.state != .established)

      try await bench.mend()
      #expect(await eventually { try bench.isUp && areInstalled() })
      #expect(bench.router.status.bfd.first?.counters.downs == 1)
    }
  }

  /// RFC 5883: a router in between takes one from the TTL, so that it is no longer 255.
  @Loop @Test func `a path of several hops to FRR is watched from end to end`() async throws {
    try await with(["10.90.0.1/24", "10.90.9.2/24"], isDistant: true) { bench in
      #expect(await eventually { bench.isUp }, "\(bench.router.status.bfd) \(bench.frr.log)")
      #expect(bench.router.status.bfd.first?.path.isMultihop == true)
      let shown = try await bench.frr.show("show bfd peers json").filter { $0 != " " }
      #expect(
        shown.contains("\"multihop\":true") && shown.contains("\"status\":\"up\""), "\(shown)")

      try await bench.cut()
      #expect(await eventually { bench.router.status.sessions.first?.state != .established })
      #expect(
        await eventually {
          try await bench.frr.show("show bfd peers json").filter { $0 != " " }
            .contains("\"status\":\"down\"")
        })
      try await bench.mend()
      #expect(await eventually { bench.isUp })
      #expect(bench.router.status.bfd.first?.counters.downs == 1)
    }
  }

  @Loop @Test func `when FRR's bfdd is killed the session ends, as its path cannot be watched`()
    async throws
  {
    try await with(["10.90.0.1/24", "10.90.0.2/24"]) { bench in
      #expect(await eventually { bench.isUp }, "\(bench.frr.log)")
      try await bench.frr.kill("bfdd")
      #expect(await eventually { bench.router.status.bfd.first?.counters.downs == 1 })
      #expect(
        bench.router.status.bfd.first?.diagnostic == .controlDetectionTimeExpired)
      #expect(await eventually { bench.router.status.sessions.first?.lastError != nil })
    }
  }

  /// RFC 5882 §3.2.
  @Loop @Test func `FRR's operator who shuts BFD down leaves our session alone`() async throws {
    try await with(["10.90.0.1/24", "10.90.0.2/24"]) { bench in
      #expect(await eventually { bench.isUp }, "\(bench.frr.log)")
      try await bench.frr.configure(["bfd", "profile fast", "shutdown"])
      #expect(await eventually { bench.router.status.bfd.first?.remoteState == .adminDown })
      #expect(bench.router.status.bfd.first?.state == .down)
      // Longer than it would take to end.
      try await Loop.sleep(.seconds(1))
      #expect(bench.router.status.sessions.first?.state == .established)
      #expect(bench.router.status.sessions.first?.counters.established == 1)
    }
  }
}
