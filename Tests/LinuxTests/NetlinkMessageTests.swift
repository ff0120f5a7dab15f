import CLinux
import Linux
import NetTypes
import Testing

/// Little-endian machines only: rtnetlink's integers are in host byte order.
@Suite struct NetlinkMessageTests {
  @Test func `an attribute is its length, its type and a payload padded to four bytes`() {
    var message = NetlinkMessage()
    message.attribute(3, "eth0")
    message.attribute(4, UInt32(1500))
    #expect(
      message.bytes == [
        9, 0, 3, 0, 0x65, 0x74, 0x68, 0x30, 0, 0, 0, 0,
        8, 0, 4, 0, 0xdc, 0x05, 0, 0,
      ])
  }

  @Test func `a nested attribute carries the kernel's mark and its parts`() {
    var message = NetlinkMessage()
    message.nested(18) { $0.attribute(1, Array("veth".utf8)) }
    #expect(message.bytes == [12, 0, 18, 0x80, 8, 0, 1, 0, 0x76, 0x65, 0x74, 0x68])
    let outer = NetlinkAttributes(message.bytes[...])
    #expect(outer[18].map { NetlinkAttributes($0).string(1) } == "veth")
  }

  @Test func `a request begins with its header, asking to be acknowledged`() {
    let message = NetlinkMessage(type: UInt16(RTM_NEWLINK), flags: Netlink.create)
    // Type 16; REQUEST 1, ACK 4, EXCL 0x200, CREATE 0x400. Length and number are set on sending.
    #expect(message.bytes == [0, 0, 0, 0, 16, 0, 0x05, 0x06, 0, 0, 0, 0, 0, 0, 0, 0])
  }

  /// `ip route add 10.53.0.64/26 proto 167 metric 20 nexthop via 172.19.0.2 dev eth0 weight 2
  /// nexthop via 172.19.0.3 dev eth0`, as the kernel lists it.
  static let multipath: [UInt8] =
    [92, 0, 0, 0, 24, 0, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0]
    + [2, 26, 0, 0, 254, 167, 0, 1, 0, 0, 0, 0]
    + [8, 0, 15, 0, 254, 0, 0, 0]
    + [8, 0, 1, 0, 10, 53, 0, 64]
    + [8, 0, 6, 0, 20, 0, 0, 0]
    + [36, 0, 9, 0]
    + [16, 0, 0, 1, 5, 0, 0, 0, 8, 0, 5, 0, 172, 19, 0, 2]
    + [16, 0, 0, 0, 5, 0, 0, 0, 8, 0, 5, 0, 172, 19, 0, 3]
    + [4, 0, 0, 0]

  @Test func `a multipath route of the kernel's is read whole`() throws {
    let replies = NetlinkReply.split(Self.multipath[...])
    let reply = try #require(replies.first)
    #expect(replies.count == 1 && reply.sequence == 7)
    let route = try #require(Netlink.route(from: reply, [5: "eth0"]))
    #expect(route.destination == IPPrefix("10.53.0.64/26"))
    #expect(route.routingProtocol == 167 && route.metric == 20 && route.table == 254)
    #expect(
      route.hops == [
        .init(gateway: .v4(IPv4Address(172, 19, 0, 2)), interface: "eth0", weight: 2),
        .init(gateway: .v4(IPv4Address(172, 19, 0, 3)), interface: "eth0", weight: 1),
      ])
  }

  @Test
  func `a route cut anywhere, or with any byte changed, is read without running past its end`() {
    for length in 0..<Self.multipath.count {
      // Cut behind a length that still promises the rest, and behind one that fits.
      var cut = Array(Self.multipath[..<length])
      _ = NetlinkReply.split(cut[...]).map { Netlink.route(from: $0, [:]) }
      if length >= 16 { cut[0] = UInt8(length) }
      _ = NetlinkReply.split(cut[...]).map { Netlink.route(from: $0, [:]) }
    }
    for index in Self.multipath.indices {
      for value in [UInt8(0), 1, 3, 4, 7, 8, 127, 128, 255] {
        var changed = Self.multipath
        changed[index] = value
        for reply in NetlinkReply.split(changed[...]) {
          _ = Netlink.route(from: reply, [:])
          _ = Netlink.link(from: reply)
        }
      }
    }
  }
}
