import Delivery
import NetTypes
import Testing

/// HAProxy's proxy-protocol.txt; the vectors are its own examples and what HAProxy 2.6 sends.
@Suite struct ProxyProtocolTests {
  private func read(_ bytes: [UInt8]) -> ProxyProtocol.Outcome { ProxyProtocol.read(bytes.span) }
  private func read(_ text: String) -> ProxyProtocol.Outcome { read(Array(text.utf8)) }

  private func address(_ text: String, _ port: UInt16) throws -> SocketAddress {
    SocketAddress(try #require(IPAddress(text)), port: port)
  }

  @Test func `version 1 is read, and written back the same`() throws {
    for (line, source, destination) in [
      (
        "PROXY TCP4 192.168.0.1 192.168.0.11 56324 443\r\n", try address("192.168.0.1", 56324),
        try address("192.168.0.11", 443)
      ),
      (
        "PROXY TCP6 2001:db8::1 2001:db8::2 4124 80\r\n", try address("2001:db8::1", 4124),
        try address("2001:db8::2", 80)
      ),
    ] {
      #expect(
        read(line + "GET / HTTP/1.1\r\n")
          == .complete(
            ProxyProtocol.Header(
              source: source, destination: destination, length: line.utf8.count)))
      #expect(
        ProxyProtocol.header(.v1, source: source, destination: destination) == Array(line.utf8))
    }
  }

  @Test func `version 2 is read, and written back the same`() throws {
    for (source, destination) in [
      (try address("192.0.2.1", 56324), try address("198.51.100.1", 443)),
      (try address("2001:db8::1", 1), try address("2001:db8::ffff:1", 65535)),
    ] {
      let header = ProxyProtocol.header(.v2, source: source, destination: destination)
      let expected = ProxyProtocol.Header(
        source: source, destination: destination, length: header.count)
      #expect(read(header + [1, 2, 3]) == .complete(expected))
      for cut in 0..<header.count { #expect(read(Array(header[..<cut])) == .incomplete) }
    }
    let v2: [UInt8] = [
      0x0d, 0x0a, 0x0d, 0x0a, 0, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a, 0x21, 0x11, 0, 12, 127,
      0,
      0, 1, 127, 0, 0, 2, 0x30, 0x39, 0x01, 0xbb,
    ]
    #expect(
      read(v2)
        == .complete(
          ProxyProtocol.Header(
            source: try address("127.0.0.1", 12345), destination: try address("127.0.0.2", 443),
            length: 28)))
  }

  @Test func `a proxy that speaks for itself has no addresses`() {
    let signature: [UInt8] = [0x0d, 0x0a, 0x0d, 0x0a, 0, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a]
    #expect(read("PROXY UNKNOWN\r\n") == .complete(ProxyProtocol.Header(length: 15)))
    #expect(read("PROXY UNKNOWN ffff:: x 1 2\r\n") == .complete(ProxyProtocol.Header(length: 28)))
    #expect(read(signature + [0x20, 0, 0, 0]) == .complete(ProxyProtocol.Header(length: 16)))
    #expect(read(signature + [0x21, 0, 0, 2, 9, 9]) == .complete(ProxyProtocol.Header(length: 18)))
    // TLVs are passed over.
    #expect(
      read(signature + [0x20, 0x11, 0, 15] + [UInt8](repeating: 7, count: 15))
        == .complete(ProxyProtocol.Header(length: 31)))
  }

  @Test(arguments: [
    "GET / HTTP/1.1\r\n", "PROXY TCP4 1.2.3.4 5.6.7.8 1 2\n", "PROXY TCP4 1.2.3.4 5.6.7.8 1\r\n",
    "PROXY TCP4 1.2.3.4 ::1 1 2\r\n", "PROXY TCP6 1.2.3.4 5.6.7.8 1 2\r\n",
    "PROXY TCP4 1.2.3.4 5.6.7.8 1 65536\r\n", "PROXY TCP4 1.2.3.4 5.6.7.8 01 2\r\n",
    "PROXY TCP4 1.2.3.4  5.6.7.8 1 2\r\n", "PROXY TCP4 1.2.3.4 5.6.7.8 +1 2\r\n",
    "PROXY TCP5 1.2.3.4 5.6.7.8 1 2\r\n", "PROXY\r\n", "PROXY TCP4 1.2.3.4\r5.6.7.8 1 2\r\n",
  ])
  func `what is no header of version 1 is refused`(_ line: String) {
    #expect(read(line) == .invalid)
  }

  @Test func `a line without an end is refused at 107 bytes`() {
    #expect(read("PROXY TCP6 " + String(repeating: "f", count: 90)) == .incomplete)
    #expect(read("PROXY TCP6 " + String(repeating: "f", count: 96)) == .invalid)
  }

  @Test func `what is no header of version 2 is refused`() {
    let signature: [UInt8] = [0x0d, 0x0a, 0x0d, 0x0a, 0, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a]
    for rest: [UInt8] in [
      [0x11, 0x11, 0, 12], [0x22, 0x11, 0, 12], [0x21, 0x41, 0, 0], [0x21, 0x11, 0xff, 0xff],
      [0x21, 0x11, 0, 4, 1, 2, 3, 4], [0x21, 0x21, 0, 12] + [UInt8](repeating: 1, count: 12),
    ] {
      #expect(read(signature + rest) == .invalid, "\(rest)")
    }
    #expect(read([0x0d, 0x0a, 0x0d, 0x0b]) == .invalid)
  }

  @Test func `addresses of two families are not mixed up`() throws {
    let (v4, v6) = (try address("192.0.2.1", 1), try address("2001:db8::1", 2))
    for version in ProxyProtocol.Version.allCases {
      let header = ProxyProtocol.header(version, source: v4, destination: v6)
      #expect(read(header) == .complete(ProxyProtocol.Header(length: header.count)))
    }
  }
}
