import NetTypes
import Testing

@Suite struct AddressTests {
  @Test(arguments: ["", "1.2.3", "1.2.3.4.5", "256.1.1.1", "01.2.3.4", "1..2.3", "1.2.3.4 ", "a"])
  func `text that is no IPv4 address is refused`(_ text: String) {
    #expect(IPv4Address(text) == nil)
  }

  @Test(arguments: [
    ("::", "::"), ("::1", "::1"), ("2001:DB8::1", "2001:db8::1"), ("1:0:0:2:0:0:0:3", "1:0:0:2::3"),
    ("::ffff:1.2.3.4", "::ffff:102:304"), ("1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"),
  ])
  func `IPv6 text is printed in its canonical form`(_ text: String, _ canonical: String) {
    #expect(IPv6Address(text)?.description == canonical)
  }

  @Test(arguments: [":", ":::", "1::2::3", "1:2:3:4:5:6:7:8:9", "12345::", "1:2:3:4:5:6:7", "::+1"])
  func `text that is no IPv6 address is refused`(_ text: String) {
    #expect(IPv6Address(text) == nil)
  }

  @Test func `a prefix with host bits is no prefix`() {
    #expect(IPPrefix("10.0.0.1/8") == nil)
    #expect(IPPrefix("10.0.0.0/33") == nil)
    #expect(InterfaceAddress("10.0.0.1/8")?.prefix == IPPrefix("10.0.0.0/8"))
  }

  @Test func `a prefix knows its first, last and count`() throws {
    let block = try #require(IPPrefix("10.53.64.64/26"))
    #expect(block.count == 64)
    #expect(block.last == IPAddress("10.53.64.127"))
    #expect(block[5] == IPAddress("10.53.64.69"))
    #expect(block.index(of: block[63]) == 63)
    #expect(block.index(of: block.last.advanced(by: 1)) == nil)
    #expect(IPPrefix.defaultIPv4.contains(block))
    #expect(!IPPrefix.defaultIPv6.contains(block))
    #expect(IPPrefix.defaultIPv6.last.description == "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff")
  }

  @Test(
    arguments: [("1.10", 65546), ("64512", 64512), ("4294967295", 4_294_967_295)]
      as [(String, UInt32)])
  func `AS numbers are read in both notations`(_ text: String, _ number: UInt32) {
    #expect(ASNumber(text: text)?.rawValue == number)
  }
}
