import DNS
import NetTypes
import Testing

@Suite struct RecordDataTests {
  /// Type, text, wire form; from the RFC named, or as BIND's `named-compilezone` and `dig` write it.
  static let vectors: [(type: String, text: String, wire: String)] = [
    ("A", "10.0.0.1", "0a000001"),
    ("NS", "ns.x.", "026e73017800"),
    (
      "SOA", "a. b. 20 7200 600 3600000 60",
      "016100 016200 00000014 00001c20 00000258 0036ee80 0000003c"
    ),
    ("PTR", "x.", "017800"),
    ("HINFO", "\"DEC-2060\" \"TOPS20\"", "08 4445432d32303630 06 544f50533230"),
    ("MX", "10 a.x.", "000a 0161 0178 00"),
    ("TXT", "\"a b\" \"\\\"\\\\\\200\"", "03 612062 03 225cc8"),
    ("RP", "a. .", "016100 00"),
    ("AFSDB", "1 x.", "0001 017800"),
    ("AAAA", "2001:db8::1", "20010db8000000000000000000000001"),
    // RFC 1876 §4.
    (
      "LOC", "42 21 54.000 N 71 6 18.000 W -24.00m 30.00m 10000.00m 10.00m",
      "00 33 16 13 89172dd0 70be15f0 00988d20"
    ),
    ("SRV", "0 5 5060 sip.x.", "0000 0005 13c4 03736970 0178 00"),
    (
      "NAPTR", "100 10 \"u\" \"E2U+sip\" \"!^.*$!sip:a@x!\" .",
      "0064 000a 0175 07 4532552b736970 0e 215e2e2a24217369703a614078 21 00"
    ),
    ("KX", "1 x.", "0001 017800"),
    ("CERT", "1 2 3 AQID", "0001 0002 03 010203"),
    ("DNAME", "x.", "017800"),
    // RFC 3123 §4.
    (
      "APL", "1:192.168.32.0/21 !1:192.168.38.0/28", "0001 15 03 c0a820 0001 1c 83 c0a826"
    ),
    // RFC 4034 §5.4.
    (
      "DS", "60485 5 1 2bb183af5f22588179a53b0a98631fad1a292118",
      "ec45 05 01 2bb183af5f22588179a53b0a98631fad1a292118"
    ),
    (
      "SSHFP", "2 1 123456789abcdef67890123456789abcdef67890",
      "02 01 123456789abcdef67890123456789abcdef67890"
    ),
    // RFC 4034 §3.3, its signature cut.
    (
      "RRSIG", "A 5 3 86400 20030322173103 20030220173103 2642 example.com. oJB1W6WN",
      "0001 05 03 00015180 3e7c9dd7 3e5510d7 0a52 076578616d706c6503636f6d00 a090755ba58d"
    ),
    // RFC 4034 §4.3.
    (
      "NSEC", "host.example.com. A MX RRSIG NSEC TYPE1234",
      """
      04 686f7374 07 6578616d706c65 03 636f6d 00 00 06 400100000003
      04 1b 000000000000000000000000000000000000000000000000000020
      """
    ),
    ("DNSKEY", "256 3 5 AQPSKmyn", "0100 03 05 01 03 d22a6ca7"),
    // RFC 5155 Appendix B.1.
    (
      "NSEC3", "1 1 12 aabbccdd 2t7b4g4vsa5smi47k61mv5bv1a22bojr A RRSIG",
      "01 01 000c 04 aabbccdd 14 174eb2409fe28bcb4887a1836f957f0a8425e27b 00 06 400000000002"
    ),
    ("NSEC3PARAM", "1 0 0 -", "01 00 0000 00"),
    ("TLSA", "3 1 1 d2abde24", "03 01 01 d2abde24"),
    ("CSYNC", "66 3 A NS AAAA", "00000042 0003 00 04 60000008"),
    ("ZONEMD", "2018031900 1 1 c68090d9", "7848b91c 01 01 c68090d9"),
    ("NID", "10 14:4fff:ff20:ee64", "000a 0014 4fff ff20 ee64"),
    ("EUI48", "00-00-5e-00-53-2a", "00005e00532a"),
    // RFC 7553 §4.5.
    (
      "URI", "10 1 \"ftp://ftp1.example.com/public\"",
      "000a 0001 6674703a2f2f667470312e6578616d706c652e636f6d2f7075626c6963"
    ),
    // RFC 8659 §4.
    ("CAA", "0 issue \"ca1.example.net\"", "00 05 6973737565 6361312e6578616d706c652e6e6574"),
    ("TYPE65280", "\\# 4 0a000001", "0a000001"),
    ("TYPE731", "\\# 0", ""),
  ]

  @Test(arguments: vectors)
  func `text and wire are one`(type: String, text: String, wire: String) throws {
    let type = try #require(RecordType(type))
    let data = try RecordData(presentation: text, type: type)
    #expect(data.bytes == octets(wire))
    #expect(RecordData(bytes: octets(wire)).description(as: type) == text)
    #expect(data.isWellFormed(as: type))
  }

  /// RFC 9460 Appendix D.
  static let services: [(text: String, wire: String, printed: String?)] = [
    ("0 foo.example.com.", "0000 03666f6f076578616d706c6503636f6d00", nil),
    ("1 .", "0001 00", nil),
    (
      "16 foo.example.com. port=53",
      "0010 03666f6f076578616d706c6503636f6d00 0003 0002 0035", nil
    ),
    (
      "1 foo.example.com. key667=hello",
      "0001 03666f6f076578616d706c6503636f6d00 029b 0005 68656c6c6f",
      "1 foo.example.com. key667=\"hello\""
    ),
    (
      "1 foo.example.com. key667=\"hello\\210qoo\"",
      "0001 03666f6f076578616d706c6503636f6d00 029b 0009 68656c6c6fd2716f6f", nil
    ),
    (
      "1 foo.example.com. ipv6hint=\"2001:db8::1,2001:db8::53:1\"",
      """
      0001 03666f6f076578616d706c6503636f6d00 0006 0020
      20010db8000000000000000000000001 20010db8000000000000000000530001
      """, "1 foo.example.com. ipv6hint=2001:db8::1,2001:db8::53:1"
    ),
    (
      "16 foo.example.org. alpn=h2,h3-19 mandatory=ipv4hint,alpn ipv4hint=192.0.2.1",
      """
      0010 03666f6f076578616d706c65036f726700 0000 0004 0001 0004
      0001 0009 02 6832 05 68332d3139 0004 0004 c0000201
      """,
      "16 foo.example.org. mandatory=alpn,ipv4hint alpn=\"h2,h3-19\" ipv4hint=192.0.2.1"
    ),
    (
      "16 foo.example.org. alpn=\"f\\\\\\\\oo\\\\,bar,h2\"",
      """
      0010 03666f6f076578616d706c65036f726700
      0001 000c 08 665c6f6f2c626172 02 6832
      """, nil
    ),
  ]

  @Test(arguments: services)
  func `services of RFC 9460 appendix D read as there`(text: String, wire: String, printed: String?)
    throws
  {
    for type in [RecordType.svcb, .https] {
      let data = try RecordData(presentation: text, type: type)
      #expect(data.bytes == octets(wire))
      #expect(data.description(as: type) == printed ?? text)
    }
  }

  @Test(arguments: [
    "1 x. key123=abc key123=def", "1 x. mandatory", "1 x. alpn", "1 x. port", "1 x. ipv4hint",
    "1 x. ipv6hint", "1 x. no-default-alpn=abc", "1 x. mandatory=key123",
    "1 x. mandatory=mandatory",
    "1 x. mandatory=key123,key123 key123=abc",
  ])
  func `services that RFC 9460 appendix D.3 calls failures are refused`(text: String) {
    #expect(throws: ZoneProblem.self) { try RecordData(presentation: text, type: .svcb) }
  }

  @Test(arguments: [
    ("A", "10.0.0.256", "10.0.0.256", "an IPv4 address"),
    ("A", "", "the end of the record", "an IPv4 address"),
    ("A", "10.0.0.1 10.0.0.2", "10.0.0.2", "the end of A data"),
    ("MX", "70000 x.", "70000", "a number up to 65535"),
    ("NS", "a..b", "a..b", "a domain name, not an empty label"),
    ("A", "\\# 3 0a0000", "0a0000", "data of A"), ("A", "\\# 4 0a0000", "3 octets", "4 octets"),
    ("TYPE731", "abc", "the end of the record", "data of TYPE731 as \\# LENGTH HEXADECIMAL"),
    ("TXT", "\"a", "the end of the line", "a closing quotation mark"),
  ])
  func `a problem says what was found and what was expected`(
    type: String, text: String, found: String, expected: String
  ) throws {
    let problem = #expect(throws: ZoneProblem.self) {
      try RecordData(presentation: text, type: RecordType(type)!)
    }
    #expect(problem?.found == found && problem?.expected == expected)
  }

  @Test func `makers write what text reads as`() throws {
    let made: [(RecordData, String, RecordType)] = [
      (.a(IPv4Address(192, 0, 2, 1)), "192.0.2.1", .a),
      (.aaaa(IPv6Address("2001:db8::1")!), "2001:db8::1", .aaaa),
      (.mx(preference: 10, name("x")), "10 x.", .mx),
      (.srv(priority: 1, weight: 2, port: 3, target: name("x")), "1 2 3 x.", .srv),
      (.txt([]), "\"\"", .txt), (.txt(["a", "b"]), "\"a\" \"b\"", .txt),
      (.cname(name("x")), "x.", .cname),
    ]
    for (data, text, type) in made { #expect(data.description(as: type) == text) }
    #expect(RecordData.txt([String(repeating: "a", count: 300)]).bytes.count == 302)
    #expect(
      RecordData.srv(priority: 1, weight: 2, port: 3, target: name("x")).target(of: .srv)
        == name("x"))
  }

  @Test func `types print and read by name and number`() {
    #expect(RecordType("https") == .https && RecordType.https.description == "HTTPS")
    #expect(RecordType("TYPE1") == .a && RecordType("type65280")?.rawValue == 65280)
    #expect(RecordType("TYPE65536") == nil && RecordType("TYPE+1") == nil && RecordType("X") == nil)
  }
}
