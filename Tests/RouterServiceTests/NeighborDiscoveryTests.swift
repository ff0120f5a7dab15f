import Linux
import NetTypes
import Testing

@testable import RouterService

@Suite struct NeighborDiscoveryTests {
  private static let router = IPv6Address("fe80::1")!
  /// RFC 4861 §4.2: hop limit 64, lifetime 1800 s, then options: source link-layer address, MTU.
  private static let advertisement: [UInt8] = [
    134, 0, 0xab, 0xcd, 64, 0, 0x07, 0x08, 0, 0, 0, 0, 0, 0, 0, 0,
    1, 1, 2, 0, 0, 0, 0, 1, 5, 1, 0, 0, 0, 0, 0x05, 0xdc,
  ]

  private func decode(
    _ bytes: [UInt8], from sender: IPv6Address = router, hopLimit: Int = 255
  ) -> RouterDiscoveryMessage? {
    RouterDiscoveryMessage(decoding: bytes[...], sender: sender, hopLimit: hopLimit)
  }

  @Test func `an advertisement is read with its options`() {
    #expect(
      decode(Self.advertisement)
        == .advertisement(RouterAdvertisement(lifetime: .seconds(1800), mtu: 1500)))
    let own = RouterAdvertisement(lifetime: .seconds(30), mtu: 9000)
    #expect(decode(own.encoded) == .advertisement(own))
    #expect(decode(RouterDiscoveryMessage.encodedSolicitation) == .solicitation)
  }

  @Test func `what may have crossed a router or is malformed is dropped`() {
    #expect(decode(Self.advertisement, hopLimit: 254) == nil)
    #expect(decode(Self.advertisement, from: IPv6Address("2001:db8::1")!) == nil)
    for length in 0..<Self.advertisement.count where ![16, 24].contains(length) {
      #expect(decode(Array(Self.advertisement.prefix(length))) == nil, "\(length) octets")
    }
    var zeroOption = Self.advertisement
    zeroOption[17] = 0
    #expect(decode(zeroOption) == nil)
    #expect(decode([135] + Self.advertisement.dropFirst()) == nil)
  }

  @Loop @Test(.enabled(if: isRoot, "needs root: network namespaces"))
  func `two routers on a link find each other`() async throws {
    let net = try TwoNamespaces()
    var found: [String: IPv6Address] = [:]
    var both: [NeighborDiscovery] = []
    for name in [net.left, net.right] {
      try net.with(name) { _ in both.append(try NeighborDiscovery(interface: "eth0")) }
    }
    try both[0].start { found[net.left] = $0 }
    try both[1].start { found[net.right] = $0 }
    // A link-local address is of use once the kernel has found it to be unique.
    #expect(await eventually { found.count == 2 })
    for (finder, other) in [(net.left, net.right), (net.right, net.left)] {
      try net.with(other) { netlink in
        let own = try netlink.addresses(of: "eth0").map(\.address)
        #expect(found[finder].map { own.contains(.v6($0)) } == true)
      }
    }
    for discovery in both { discovery.stop() }
  }

  @Loop @Test(.enabled(if: isRoot, "needs root: network namespaces"))
  func `an interface that is not there is named`() throws {
    let net = try TwoNamespaces()
    #expect(throws: SystemError.self) {
      try net.with(net.left) { _ in _ = try NeighborDiscovery(interface: "eth7") }
    }
  }
}
