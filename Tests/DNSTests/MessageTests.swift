import DNS
import NetTypes
import Testing

@Suite struct MessageTests {
  /// RFC 1035 §4.1.4: F.ISI.ARPA at 20, FOO.F.ISI.ARPA, ARPA and the root behind it.
  static let compression = octets(
    """
    0001 8000 0001 0002 0000 0000
    01 46 03 495349 04 41525041 00 0001 0001
    03 464f4f c00c 0001 0001 0000003c 0004 0a000001
    c012 0002 0001 0000003c 0006 03 464f4f c00c
    """)

  @Test func `names of RFC 1035 section 4.1.4 unpack and pack again`() throws {
    let message = try Message(decoding: Self.compression)
    #expect(message.questions == [.init(name("F.ISI.ARPA"), .a)])
    #expect(
      message.answers == [
        record("FOO.F.ISI.ARPA 60 A 10.0.0.1"), record("ARPA 60 NS FOO.F.ISI.ARPA."),
      ])
    let again = message.encoded()
    #expect(again.count < Self.compression.count)
    #expect(try Message(decoding: again) == message)
  }

  /// As `dig +norec www.example.com` of 9.18 sends it, with a cookie.
  @Test func `a query with EDNS reads as sent`() throws {
    let bytes = octets(
      """
      5d1a 0020 0001 0000 0000 0001
      03 777777 07 6578616d706c65 03 636f6d 00 0001 0001
      00 0029 04d0 0000 0000 000c 000a 0008 2464c4abcf10c957
      """)
    let message = try Message(decoding: bytes)
    #expect(message.id == 0x5d1a)
    #expect(message.authenticData && !message.recursionDesired && !message.isResponse)
    #expect(message.edns?.payloadSize == 1232)
    #expect(message.edns?.option(EDNS.OptionCode.cookie) == octets("2464c4abcf10c957"))
    #expect(message.encoded() == bytes)
  }

  @Test func `an extended code's upper bits stand in the OPT record, RFC 6891 section 6.1.3`()
    throws
  {
    var message = Message(id: 7, query: name("x"), .a)
    message.isResponse = true
    message.responseCode = .badVersion
    let bytes = message.encoded()
    #expect(bytes[3] & 15 == 0)
    #expect(try Message(decoding: bytes) == message)
  }

  @Test func `every prefix of a message is refused, not read beyond`() throws {
    for end in 0..<Self.compression.count {
      #expect(throws: FormatError.self) {
        try Message(decoding: Array(Self.compression[..<end]))
      }
    }
    #expect(throws: FormatError.self) { try Message(decoding: Self.compression + [0]) }
  }

  @Test(arguments: [
    "c00c",  // to itself
    "c00e 0001 0001",  // forward
    "01 61 c00c",  // to the name that it ends
    "ffff",  // beyond the end
    "c0",  // half a pointer
    "40 61 00", "80 61 00",  // label types that are not in use
    "3f 61",  // a label that goes on behind the end
  ])
  func `a name that does not end is refused`(text: String) {
    let header = octets("0001 0000 0001 0000 0000 0000")
    #expect(throws: FormatError.self) {
      try Message(decoding: header + octets(text) + octets("0001 0001"))
    }
  }

  @Test func `a name of 256 octets by pointers is refused`() {
    let label = [UInt8(63)] + [UInt8](repeating: 0x61, count: 63)
    let long = label + label + label + [61] + [UInt8](repeating: 0x61, count: 61) + [0]
    let header = octets("0001 0000 0002 0000 0000 0000")
    let first = header + long + octets("0001 0001")
    #expect(throws: Never.self) {
      try Message(decoding: first + octets("c00c 0001 0001"))
    }
    #expect(throws: FormatError.self) {
      try Message(decoding: first + octets("0161 c00c 0001 0001"))
    }
  }

  @Test func `a second OPT record, or one of a name, is refused`() {
    let opt = "0029 04d0 00000000 0000"
    let header = "0001 0000 0000 0000 0000"
    #expect(throws: Never.self) { try Message(decoding: octets("\(header) 0001 00 \(opt)")) }
    #expect(throws: FormatError.self) {
      try Message(decoding: octets("\(header) 0002 00 \(opt) 00 \(opt)"))
    }
    #expect(throws: FormatError.self) {
      try Message(decoding: octets("\(header) 0001 0161 00 \(opt)"))
    }
  }

  @Test func `data of a length that its type does not have is refused`() {
    let header = octets("0001 8000 0000 0001 0000 0000")
    for data in ["0001 0001 0000003c 0003 0a0000", "0001 0001 0000003c 0005 0a00000102"] {
      #expect(throws: FormatError.self) { try Message(decoding: header + [0] + octets(data)) }
    }
  }

  @Test func `what does not fit goes from the end, and says so once an answer is missing`() throws {
    var message = Message(id: 1, query: name("x"), .txt, edns: nil)
    message.answers = [record("x 60 TXT \"\(String(repeating: "a", count: 200))\"")]
    message.additional = [record("y 60 TXT \"\(String(repeating: "b", count: 200))\"")]
    let shorter = try Message(decoding: message.encoded(limit: 300))
    #expect(shorter.answers.count == 1 && shorter.additional.isEmpty && !shorter.isTruncated)
    let shortest = try Message(decoding: message.encoded(limit: 100))
    #expect(shortest.answers.isEmpty && shortest.isTruncated)
  }

  @Test func `a client subnet reads and prints, and is refused with bits beyond its length`() {
    #expect(ClientSubnet(decoding: octets("0001 18 00 c00002"))?.prefix == prefix("192.0.2.0/24"))
    #expect(
      ClientSubnet(prefix("2001:db8::/56"), scope: 48).encoded
        == octets("0002 38 30 20010db8000000"))
    for bad in ["0001 18 00 c0000201", "0001 17 00 c00003", "0003 18 00 c00002", "0001 21 00", ""] {
      #expect(ClientSubnet(decoding: octets(bad)) == nil)
    }
  }

  @Test func `serial numbers go round, RFC 1982`() {
    let pairs: [(UInt32, UInt32)] = [
      (1, 0), (44, 0), (100, 44), (200, 100), (0, 255 << 24), (5, .max),
    ]
    for (newer, older) in pairs {
      #expect(SerialNumber(newer).isNewer(than: SerialNumber(older)))
      #expect(!SerialNumber(older).isNewer(than: SerialNumber(newer)))
    }
    #expect(!SerialNumber(1).isNewer(than: SerialNumber(1)))
    #expect(!SerialNumber(0).isNewer(than: SerialNumber(1 << 31)))
    #expect(!SerialNumber(1 << 31).isNewer(than: SerialNumber(0)))
  }
}
