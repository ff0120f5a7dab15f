import Glibc
import Linux
import NetTypes
import Testing

/// Real namespaces, with names of this process's own.
@Suite(.serialized, .enabled(if: geteuid() == 0, "namespaces need root"))
struct NamespaceTests {
  let left = "atoll-test-\(getpid())-l"
  let right = "atoll-test-\(getpid())-r"

  /// Two namespaces joined by a cable, 192.0.2.1 and 192.0.2.2.
  @Loop private func joined(_ body: () async throws -> Void) async throws {
    try NetworkNamespace.create(named: left)
    try NetworkNamespace.create(named: right)
    defer {
      try? NetworkNamespace.delete(named: left)
      try? NetworkNamespace.delete(named: right)
    }
    let peer = try NetworkNamespace.open(named: right)
    try inside(left) { try $0.addVeth("eth0", peer: "eth0", in: peer) }
    for (name, last) in [(left, UInt8(1)), (right, 2)] {
      try inside(name) { netlink in
        let address = InterfaceAddress(.v4(IPv4Address(192, 0, 2, last)), length: 24)
        try netlink.addAddress(address, to: "eth0")
        try netlink.setUp("lo")
        try netlink.setUp("eth0")
        #expect(try netlink.addresses(of: "eth0").filter(\.address.isIPv4) == [address])
      }
    }
    try await body()
  }

  @Loop private func inside<Value>(_ name: String, _ body: (Netlink) throws -> Value) throws
    -> Value
  {
    try NetworkNamespace.open(named: name).with { try body(try Netlink()) }
  }

  @Test @Loop func `two namespaces answer each other's echoes, and go without a trace`()
    async throws
  {
    try await joined {
      #expect(NetworkNamespace.exists(named: left))
      let times = try await ICMPEcho.ping(
        .v4(IPv4Address(192, 0, 2, 2)), count: 3, timeout: .seconds(2), inNamespace: left)
      #expect(times.count == 3)
      let lost = try await ICMPEcho.ping(
        .v4(IPv4Address(192, 0, 2, 99)), count: 1, timeout: .milliseconds(50), inNamespace: left)
      #expect(lost.isEmpty)
    }
    #expect(!NetworkNamespace.exists(named: left))
    #expect(NetworkNamespace.names(withPrefix: "atoll-test-\(getpid())-").isEmpty)
  }

  @Test @Loop func `routes come back from the kernel as they went in`() async throws {
    try await joined {
      try inside(left) { netlink in
        let block = IPPrefix(.v4(IPv4Address(10, 53, 0, 64)), length: 26)
        var route = Route(destination: block, gateway: .v4(IPv4Address(192, 0, 2, 2)))
        route.routingProtocol = 167
        route.metric = 20
        try netlink.replaceRoute(route)
        let found = try netlink.routes().filter { $0.routingProtocol == 167 }
        #expect(found.map(\.destination) == [block])
        #expect(found.first?.nextHops == route.nextHops && found.first?.metric == 20)

        route.hops = [
          Route.NextHop(gateway: .v4(IPv4Address(192, 0, 2, 2))),
          Route.NextHop(gateway: .v4(IPv4Address(192, 0, 2, 3)), weight: 2),
        ]
        try netlink.replaceRoute(route)
        let multipath = try netlink.routes().filter { $0.routingProtocol == 167 }
        #expect(multipath.count == 1)
        #expect(multipath.first?.hops.map(\.weight) == [1, 2])

        var hole = Route(
          destination: IPPrefix(.v4(IPv4Address(10, 54, 0, 0)), length: 26), kind: .blackhole)
        hole.routingProtocol = 167
        #expect(try netlink.replaceRoutes([hole]).allSatisfy { $0 == nil })
        #expect(try netlink.routes().contains { $0.kind == .blackhole })
        #expect(try netlink.deleteRoutes([route, hole]).allSatisfy { $0 == nil })
        #expect(try netlink.routes().allSatisfy { $0.routingProtocol != 167 })
      }
    }
  }

  @Test @Loop func `an error carries the kernel's reason`() async throws {
    try await joined {
      try inside(left) { netlink in
        let far = Route(
          destination: IPPrefix(.v4(IPv4Address(10, 0, 0, 0)), length: 8),
          gateway: .v4(IPv4Address(203, 0, 113, 1)))
        let error = #expect(throws: NetlinkError.self) { try netlink.addRoute(far) }
        #expect(error?.code == ENETUNREACH)
        #expect(error?.description.contains("10.0.0.0/8 via 203.0.113.1") == true)
      }
    }
  }

  @Test @Loop func `a script of nft applies inside the namespace it is meant for`() async throws {
    try await joined {
      try await NFTables.apply("table inet atoll_test { }\n", inNamespace: left)
      let list = try await ChildProcess.run([
        "nsenter", "--net=/run/netns/\(left)", "nft", "list", "tables",
      ])
      #expect(list.outputText.contains("atoll_test"))
      await #expect(throws: NFTables.Failure.self) {
        try await NFTables.apply("table inet {", inNamespace: left)
      }
    }
  }

  @Test @Loop func `namespaces on one bridge reach each other, until their port is taken down`()
    async throws
  {
    let middle = "atoll-test-\(getpid())-m"
    let ends = [left, right]
    for name in ends + [middle] { try NetworkNamespace.create(named: name) }
    defer { for name in ends + [middle] { try? NetworkNamespace.delete(named: name) } }
    try inside(middle) { netlink in
      try netlink.addBridge("br0")
      try netlink.setUp("br0")
      for (index, name) in ends.enumerated() {
        let end = try NetworkNamespace.open(named: name)
        try netlink.addVeth(
          "p\(index)", peer: "eth0", in: end,
          peerHardwareAddress: [2, 0, 0, 0, 0, UInt8(index)], mtu: 1400)
        try netlink.setMaster(of: "p\(index)", to: "br0")
        try netlink.setUp("p\(index)")
      }
      let bridge = try netlink.link(named: "br0")?.index
      #expect(bridge != nil)
      #expect(try netlink.link(named: "p0")?.master == bridge)
    }
    for (index, name) in ends.enumerated() {
      try inside(name) { netlink in
        let link = try #require(try netlink.link(named: "eth0"))
        #expect(link.mtu == 1400 && link.hardwareAddress == [2, 0, 0, 0, 0, UInt8(index)])
        let address = IPAddress.v4(IPv4Address(198, 51, 100, UInt8(index + 1)))
        try netlink.addAddress(InterfaceAddress(address, length: 24), to: "eth0")
        try netlink.setUp("eth0")
      }
    }
    let far = IPAddress.v4(IPv4Address(198, 51, 100, 2))
    let times = try await ICMPEcho.ping(
      far, count: 2, timeout: .seconds(2), inNamespace: left)
    #expect(times.count == 2)
    try inside(middle) { try $0.setDown("p1") }
    let lost = try await ICMPEcho.ping(
      far, count: 2, timeout: .milliseconds(50), inNamespace: left)
    #expect(lost.isEmpty)
  }

  @Test @Loop func `thousands of routes go in and out, and each failure is told from the others`()
    async throws
  {
    try await joined {
      try inside(left) { netlink in
        var routes = (0..<3000).map { index -> Route in
          let block = IPv4Address(rawValue: 0x0a00_0000 + UInt32(index) << 8)
          var route = Route(
            destination: IPPrefix(.v4(block), length: 24),
            gateway: .v4(IPv4Address(192, 0, 2, 2)))
          route.routingProtocol = 167
          return route
        }
        routes[1500].hops = [Route.NextHop(gateway: .v4(IPv4Address(203, 0, 113, 1)))]
        let results = try netlink.replaceRoutes(routes)
        #expect(results.indices.filter { results[$0] != nil } == [1500])
        #expect(results[1500]?.code == ENETUNREACH)
        #expect(results[1500]?.detail?.isEmpty == false)
        #expect(try netlink.routes().count { $0.routingProtocol == 167 } == 2999)
        routes.remove(at: 1500)
        #expect(try netlink.deleteRoutes(routes).allSatisfy { $0 == nil })
        #expect(try netlink.routes().allSatisfy { $0.routingProtocol != 167 })
      }
    }
  }

  @Test @Loop func `permanent neighbours are kept until they are deleted`() async throws {
    try await joined {
      try inside(left) { netlink in
        let address = IPAddress.v4(IPv4Address(192, 0, 2, 77))
        let hardware: [UInt8] = [0xee, 0xee, 0xee, 0xee, 0xee, 0xee]
        try netlink.setNeighbour(address, hardwareAddress: hardware, on: "eth0")
        let found = try netlink.neighbours().first { $0.address == address }
        #expect(found?.hardwareAddress == hardware && found?.isPermanent == true)
        try netlink.deleteNeighbour(address, on: "eth0")
        #expect(try netlink.neighbours().allSatisfy { $0.address != address })
      }
    }
  }

  @Test @Loop func `an interface moves to another namespace under another name`() async throws {
    try await joined {
      let namespace = try NetworkNamespace.open(named: right)
      try inside(left) { netlink in
        try netlink.change("eth0", hardwareAddress: [2, 0, 0, 0, 1, 1], mtu: 1300)
        try netlink.move("eth0", to: namespace, as: "moved")
        #expect(try netlink.link(named: "eth0") == nil)
      }
      try inside(right) { netlink in
        let moved = try #require(try netlink.link(named: "moved"))
        #expect(moved.mtu == 1300 && moved.hardwareAddress == [2, 0, 0, 0, 1, 1] && !moved.isUp)
      }
    }
  }
}
