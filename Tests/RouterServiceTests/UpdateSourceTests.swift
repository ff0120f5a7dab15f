import BGP
import Linux
import NetTypes
import RouterService
import Testing

@Suite(.serialized, .enabled(if: isRoot, "needs root: network namespaces"))
struct UpdateSourceTests {
  @Loop @Test func `a session comes from its interface's address, and follows it`() async throws {
    let net = try TwoNamespaces()
    let left = net.router(net.left, peer: "10.90.0.2") {
      $0.neighbors[0].settings.sourceInterface = "eth0"
    }
    let right = net.router(net.right, peer: "10.90.0.1") {
      $0.neighbors[0].settings.passive = true
      $0.neighbors.append(Neighbor(address: address("10.90.0.7"), remoteAS: ASNumber(64512)))
      $0.neighbors[1].settings.passive = true
    }
    try left.start()
    try right.start()
    func local() -> IPAddress? {
      left.status.sessions.first { $0.state == .established }?.localAddress
    }
    #expect(await eventually { local() == address("10.90.0.1") })

    try net.with(net.left) { netlink in
      try netlink.deleteAddress(InterfaceAddress("10.90.0.1/24")!, from: "eth0")
      try netlink.addAddress(InterfaceAddress("10.90.0.7/24")!, to: "eth0")
    }
    #expect(await eventually { local() == address("10.90.0.7") })
    left.stop(graceful: false)
    right.stop(graceful: false)
  }

  @Loop @Test func `an interface without an address opens no session from another`() async throws {
    let net = try TwoNamespaces()
    let left = net.router(net.left, peer: "10.90.0.2") {
      $0.neighbors[0].settings.sourceInterface = "none0"
    }
    let right = net.router(net.right, peer: "10.90.0.1") { $0.neighbors[0].settings.passive = true }
    try left.start()
    try right.start()
    try await Loop.sleep(.milliseconds(1500))
    #expect(left.status.sessions.allSatisfy { $0.state != .established })
    #expect(right.status.sessions.allSatisfy { $0.counters.bytesReceived == 0 })
    left.stop(graceful: false)
    right.stop(graceful: false)
  }
}
