import Glibc
import Linux
import NetTypes
import Testing

@testable import EdgeService

@Suite(.enabled(if: geteuid() == 0, "needs root to make a network namespace"))
struct VIPInterfaceNamespaceTests {
  @Test @Loop func `virtual addresses come and go on a real interface`() throws {
    let name = "atoll-test-vip-\(getpid())"
    try NetworkNamespace.create(named: name)
    defer { try? NetworkNamespace.delete(named: name) }
    let prefix = try #require(IPPrefix("10.10.2.0/24"))
    let own = try #require(InterfaceAddress("10.10.2.1/24"))
    let (first, second) = (prefix[11], prefix[12])
    try NetworkNamespace.open(named: name).with {
      let netlink = try Netlink()
      try netlink.addBridge("eth1")
      try netlink.addAddress(own, to: "eth1")
      let interface = VIPInterface(name: "eth1", prefix: prefix)
      func held() throws -> [IPAddress] {
        try netlink.addresses(of: "eth1").map(\.address).filter(\.isIPv4).sorted()
      }

      try interface.apply([first, second], removing: true)
      #expect(try held() == [own.address, first, second])
      // A picture that is not complete removes nothing.
      try interface.apply([], removing: false)
      #expect(try held() == [own.address, first, second])
      try interface.apply([second], removing: true)
      #expect(try held() == [own.address, second])
      #expect(throws: NetlinkError.self) {
        try VIPInterface(name: "none", prefix: prefix).apply([first], removing: false)
      }
    }
  }
}
