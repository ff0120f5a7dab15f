import BFD
import BGP
import Glibc
import Linux
import NetTypes
import RouterService
import Testing

/// FRR at the other end of a cable that has no addresses but link-local ones.
@Suite(
  .serialized, .enabled(if: geteuid() == 0, "needs root: network namespaces"),
  .enabled(if: FRRSuite.isInstalled, "needs FRR: apt-get install frr"))
struct UnnumberedInteropTests {
  private static let frr = """
    hostname right
    router bgp 64513
     bgp router-id 10.90.0.2
     no bgp ebgp-requires-policy
     no bgp network import-check
     neighbor eth0 interface remote-as external
     neighbor eth0 timers connect 1
     neighbor eth0 bfd
     neighbor eth0 password sesame
     address-family ipv4 unicast
      network 10.92.0.0/24
     exit-address-family

    """

  private func routes(_ name: String, by routingProtocol: UInt8) throws -> [IPPrefix: Route] {
    try NetworkNamespace.open(named: name).with {
      let routes = try Netlink().routes().filter { $0.routingProtocol == routingProtocol }
      return Dictionary(routes.map { ($0.destination, $0) }) { $1 }
    }
  }

  @Loop @Test func `FRR and we find each other by advertisements and exchange IPv4 routes`()
    async throws
  {
    let id = "atollunnumbered-\(getpid())-\(UInt32.random(in: 0 ... .max))"
    let names = [id + "-a", id + "-b"]
    for name in names { try NetworkNamespace.create(named: name) }
    defer { for name in names { try? NetworkNamespace.delete(named: name) } }
    let other = try NetworkNamespace.open(named: names[1])
    try NetworkNamespace.open(named: names[0]).with {
      try Netlink().addVeth("eth0", peer: "eth0", in: other)
    }
    for (name, own) in zip(names, ["10.91.0.1/32", "10.92.0.1/32"]) {
      try NetworkNamespace.open(named: name).with {
        let netlink = try Netlink()
        try netlink.addAddress(InterfaceAddress(own)!, to: "lo")
        try netlink.setUp("lo")
        try netlink.setUp("eth0")
      }
    }
    var configuration = RouterConfiguration(
      localAS: ASNumber(64512), routerID: IPv4Address("10.90.0.1"))
    var settings = NeighborSettings()
    settings.remoteAS = ASNumber(64513)
    settings.bfd = BFDSettings()
    settings.password = "sesame"
    configuration.interfaceNeighbors = [InterfaceNeighbor(interface: "eth0", settings: settings)]
    configuration.networks = [IPPrefix("10.91.0.0/24")!]
    var options = Router.Options()
    options.namespace = "\(NetworkNamespace.folder)/\(names[0])"
    let router = Router(configuration: configuration, options: options)
    let frr = try FRRSuite(Self.frr, namespace: "\(NetworkNamespace.folder)/\(names[1])")
    do {
      try await frr.start()
      try router.start()
      let theirs = IPPrefix("10.92.0.0/24")!
      let ours = IPPrefix("10.91.0.0/24")!
      #expect(
        await eventually { try self.routes(names[0], by: 167)[theirs] != nil },
        "\(frr.log)")
      // 186 is RTPROT_BGP, which zebra marks its routes by.
      #expect(
        await eventually { try self.routes(names[1], by: 186)[ours] != nil },
        "\(frr.log)")
      #expect(try routes(names[0], by: 167)[theirs]?.hops.first?.interface == "eth0")
      let times = try await ICMPEcho.ping(
        IPAddress("10.92.0.1")!, count: 3, timeout: .seconds(1), inNamespace: names[0])
      #expect(times.count == 3)
      #expect(await eventually { router.status.bfd.first?.state == .up })
    } catch {
      Issue.record(error)
    }
    router.stop(graceful: false)
    await frr.remove()
  }
}
