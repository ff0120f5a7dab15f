import BGP
import Linux
import NetTypes
import RouterService
import Testing

/// What the sockets of sessions let through, between two network namespaces.
@Suite(.serialized, .enabled(if: isRoot, "needs root: network namespaces"))
struct PeerSocketTests {
  private let numbers = (left: ASNumber(64512), right: ASNumber(64513))

  @Loop private func right(
    _ net: TwoNamespaces, _ change: (inout RouterConfiguration) -> Void
  ) -> Router {
    net.router(net.right, peer: "10.90.0.1") {
      $0.localAS = numbers.right
      $0.neighbors[0].settings.remoteAS = numbers.left
      change(&$0)
    }
  }

  @Loop @Test(arguments: [false, true])
  func `RFC 5082: what has come too far is not heard`(_ leftIsPassive: Bool) async throws {
    let net = try TwoNamespaces()
    let left = net.router(net.left, peer: "10.90.0.2") {
      $0.neighbors[0].settings.remoteAS = numbers.right
      $0.neighbors[0].settings.ttlSecurityHops = 1
      $0.neighbors[0].settings.passive = leftIsPassive
    }
    // Packets leave with a TTL of 64, as if from 192 hops away.
    let right = right(net) { $0.neighbors[0].settings.ebgpMultihop = 64 }
    try left.start()
    try right.start()
    try await Loop.sleep(.milliseconds(500))
    #expect(left.status.sessions.map(\.state) != [.established])
    var configuration = right.configuration
    configuration.neighbors[0].settings.ebgpMultihop = nil
    configuration.neighbors[0].settings.ttlSecurityHops = 1
    try right.apply(configuration)
    #expect(await eventually { left.status.sessions[0].state == .established })
    left.stop(graceful: false)
    right.stop(graceful: false)
  }

  @Loop @Test func `a connection from a listen range makes a neighbour, with the range's key`()
    async throws
  {
    let net = try TwoNamespaces()
    let left = net.router(net.left, peer: "10.90.0.2") {
      $0.neighbors = []
      var group = PeerGroup(name: "leaves")
      group.settings.remoteASKind = .external
      group.settings.password = "sesame"
      $0.peerGroups = [group]
      $0.listenRanges = [ListenRange(prefix: prefix("10.90.0.0/24"), peerGroup: "leaves")]
    }
    let right = right(net) {
      $0.neighbors[0].settings.password = "wrong"
      $0.networks = [prefix("10.92.0.0/24")]
    }
    try left.start()
    try right.start()
    try await Loop.sleep(.milliseconds(300))
    #expect(left.status.sessions.isEmpty)
    var configuration = right.configuration
    configuration.neighbors[0].settings.password = "sesame"
    try right.apply(configuration)
    #expect(await eventually { left.status.sessions.first?.state == .established })
    #expect(left.status.sessions.first?.isDynamic == true)
    #expect(left.status.sessions.first?.remoteAS == numbers.right)
    #expect(await eventually { try net.routes(in: net.left).count == 1 })
    left.stop(graceful: false)
    right.stop(graceful: false)
  }

  @Loop @Test func `IPv6 routes over an IPv4 session have the interface's address as next hop`()
    async throws
  {
    let net = try TwoNamespaces()
    try net.with(net.left) { try $0.addAddress(InterfaceAddress("2001:db8:90::1/64")!, to: "eth0") }
    try net.with(net.right) {
      try $0.addAddress(InterfaceAddress("2001:db8:90::2/64")!, to: "eth0")
    }
    let left = net.router(net.left, peer: "10.90.0.2") {
      $0.neighbors[0].settings.activations = [.ipv6: true]
    }
    let right = net.router(net.right, peer: "10.90.0.1") {
      $0.neighbors[0].settings.activations = [.ipv6: true]
      $0.networks = [prefix("10.92.0.0/24"), prefix("2001:db8:92::/48")]
    }
    try left.start()
    try right.start()
    let route = prefix("2001:db8:92::/48")
    #expect(await eventually { try net.routes(in: net.left)[route] != nil })
    #expect(try net.routes(in: net.left)[route]?.nextHops == [address("2001:db8:90::2")])
    #expect(try net.routes(in: net.left)[prefix("10.92.0.0/24")] != nil)
    left.stop(graceful: false)
    right.stop(graceful: false)
  }

  @Loop @Test func `RFC 8950: IPv4 routes over an IPv6 session are in the kernel`() async throws {
    let net = try TwoNamespaces()
    try net.with(net.left) { try $0.addAddress(InterfaceAddress("2001:db8:90::1/64")!, to: "eth0") }
    try net.with(net.right) {
      try $0.addAddress(InterfaceAddress("2001:db8:90::2/64")!, to: "eth0")
    }
    let left = net.router(net.left, peer: "2001:db8:90::2") {
      $0.neighbors[0].settings.activations = [.ipv4: true]
    }
    let right = net.router(net.right, peer: "2001:db8:90::1") {
      $0.neighbors[0].settings.activations = [.ipv4: true]
      $0.networks = [prefix("10.92.0.0/24")]
    }
    try left.start()
    try right.start()
    let route = prefix("10.92.0.0/24")
    #expect(await eventually { try net.routes(in: net.left)[route] != nil })
    #expect(try net.routes(in: net.left)[route]?.nextHops == [address("2001:db8:90::2")])
    left.stop(graceful: false)
    right.stop(graceful: false)
  }
}
