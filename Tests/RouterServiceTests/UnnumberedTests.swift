import BFD
import BGP
import Linux
import NetTypes
import RouterService
import Testing

/// Routers of ours that know each other by the cable between them.
@Suite(.serialized, .enabled(if: isRoot, "needs root: network namespaces"))
struct UnnumberedTests {
  @Loop private func router(
    _ net: TwoNamespaces, _ name: String, interface: String = "eth0", password: String? = nil,
    isPassive: Bool = false
  ) -> Router {
    let isLeft = name == net.left
    return net.router(name, peer: "10.90.0.9") {
      $0.localAS = ASNumber(isLeft ? 64512 : 64513)
      $0.neighbors = []
      var settings = NeighborSettings()
      settings.remoteAS = ASNumber(isLeft ? 64513 : 64512)
      settings.bfd = .fast
      settings.password = password
      settings.passive = isPassive
      $0.interfaceNeighbors = [InterfaceNeighbor(interface: interface, settings: settings)]
      $0.networks = [prefix(isLeft ? "10.91.0.0/24" : "10.92.0.0/24")]
    }
  }

  @Loop @Test func `IPv4 routes come over link-local sessions, and lead where they say`()
    async throws
  {
    let net = try TwoNamespaces()
    try net.with(net.left) { try $0.addAddress(InterfaceAddress("10.91.0.1/32")!, to: "lo") }
    try net.with(net.right) { try $0.addAddress(InterfaceAddress("10.92.0.1/32")!, to: "lo") }
    let (left, right) = (router(net, net.left), router(net, net.right))
    defer {
      left.stop(graceful: false)
      right.stop(graceful: false)
    }
    try left.start()
    try right.start()
    #expect(await eventually { try net.routes(in: net.left)[prefix("10.92.0.0/24")] != nil })
    #expect(await eventually { try net.routes(in: net.right)[prefix("10.91.0.0/24")] != nil })
    let hop = try #require(try net.routes(in: net.left)[prefix("10.92.0.0/24")]?.hops.first)
    #expect(hop.interface == "eth0")
    #expect(hop.gateway == left.status.sessions.first?.peer)
    #expect(left.status.sessions.first?.interface == "eth0")
    let times = try await ICMPEcho.ping(
      address("10.92.0.1"), count: 3, timeout: .seconds(1), inNamespace: net.left)
    #expect(times.count == 3)
    // BFD watches the same link.
    #expect(await eventually { left.status.bfd.first?.state == .up })
  }

  @Loop @Test(arguments: [("sesame", true), ("other", false)])
  func `a key is asked of the peer that was found, on the connection it opens too`(
    _ theirs: String, _ comesUp: Bool
  ) async throws {
    let net = try TwoNamespaces()
    let left = router(net, net.left, password: "sesame", isPassive: true)
    let right = router(net, net.right, password: theirs)
    defer {
      left.stop(graceful: false)
      right.stop(graceful: false)
    }
    try left.start()
    try right.start()
    let isUp = { @Loop in left.status.sessions.first?.state == .established }
    if comesUp { #expect(await eventually { isUp() }) }
    if !comesUp {
      #expect(await eventually { !left.status.sessions.isEmpty && !right.status.sessions.isEmpty })
      try await Loop.sleep(.seconds(2))
      #expect(!isUp())
    }
  }

  @Loop @Test func `an interface that comes later brings its neighbour`() async throws {
    let net = try TwoNamespaces()
    let (left, right) = (router(net, net.left, interface: "eth1"), router(net, net.right))
    defer {
      left.stop(graceful: false)
      right.stop(graceful: false)
    }
    try left.start()
    try right.start()
    #expect(left.status.sessions.isEmpty)
    let veth = try NetworkNamespace.open(named: net.right)
    try net.with(net.left) { try $0.addVeth("eth1", peer: "eth1", in: veth) }
    for name in [net.left, net.right] { try net.with(name) { try $0.setUp("eth1") } }
    var configuration = right.configuration
    configuration.interfaceNeighbors[0].interface = "eth1"
    try right.apply(configuration)
    #expect(await eventually { left.status.sessions.first?.state == .established })
    #expect(left.status.sessions.first?.interface == "eth1")
  }
}
