import DNS
import NetTypes
import Testing

@Suite struct ZoneFileTests {
  private func parse(
    _ text: String, origin: String = "example.com", include: [String: String] = [:]
  ) -> (zone: Zone, problems: [ZoneProblem]) {
    ZoneFile.parse(text, origin: name(origin), file: "zone") { include[$0].map { Array($0.utf8) } }
  }

  /// RFC 1035 §5.3, but for the second SOA's numbers.
  static let isi = """
    @   IN  SOA     VENERA      Action\\.domains (
                                     20     ; SERIAL
                                     7200   ; REFRESH
                                     600    ; RETRY
                                     3600000; EXPIRE
                                     60)    ; MINIMUM

            NS      A.ISI.EDU.
            NS      VENERA
            NS      VAXA
            MX      10      VENERA
            MX      20      VAXA

    A       A       26.3.0.103

    VENERA  A       10.1.0.52
            A       128.9.0.32

    VAXA    A       10.2.0.27
            A       128.9.0.33


    $INCLUDE <SUBSYS>ISI-MAILBOXES.TXT
    """
  static let mailboxes = """
    MOE     MB      A.ISI.EDU.
    LARRY   MB      A.ISI.EDU.
    CURLEY  MB      A.ISI.EDU.
    STOOGES MG      MOE
            MG      LARRY
            MG      CURLEY
    """

  @Test func `the example of RFC 1035 section 5_3 reads as it says`() throws {
    let (zone, problems) = parse(
      Self.isi, origin: "ISI.EDU", include: ["<SUBSYS>ISI-MAILBOXES.TXT": Self.mailboxes])
    #expect(problems.isEmpty)
    #expect(zone.startOfAuthority?.mailbox == name("Action\\.domains.ISI.EDU"))
    #expect(zone.startOfAuthority?.mailbox.labelCount == 3)
    #expect(zone.records.count == 17)
    #expect(zone.records.allSatisfy { $0.ttl == 60 }, "the SOA's minimum")
    #expect(zone.records.last == record("STOOGES.ISI.EDU 60 MG CURLEY.ISI.EDU."))
    #expect(zone.records.contains(record("VENERA.ISI.EDU 60 A 128.9.0.32")))
  }

  static let head = "$TTL 1h\n@ SOA ns. host. 1 2 3 4 5\n"

  @Test(arguments: [
    ("www A 10.0.0.1", "www.example.com 3600 A 10.0.0.1"),
    ("www 60 A 10.0.0.1", "www.example.com 60 A 10.0.0.1"),
    ("www 1m30s IN A 10.0.0.1", "www.example.com 90 A 10.0.0.1"),
    ("www IN 60 A 10.0.0.1", "www.example.com 60 A 10.0.0.1"),
    ("www\tin\ta\t10.0.0.1 ; of old", "www.example.com 3600 A 10.0.0.1"),
    ("www A (\n10.0.0.1\n)", "www.example.com 3600 A 10.0.0.1"),
    ("$ORIGIN sub\nwww A 10.0.0.1", "www.sub.example.com 3600 A 10.0.0.1"),
    ("www TXT a\\;b \"c;d\" (e\nf)", "www.example.com 3600 TXT \"a;b\" \"c;d\" \"e\" \"f\""),
    ("www CLASS1 TYPE1 \\# 4 0A 00 00 01", "www.example.com 3600 A 10.0.0.1"),
    ("e TYPE731 \\# 6 abcdef (\n 012345 )", "e.example.com 3600 TYPE731 \\# 6 abcdef012345"),
    ("a.b.c MX 5 @", "a.b.c.example.com 3600 MX 5 example.com."),
    ("\\$x A 10.0.0.1", "\\$x.example.com 3600 A 10.0.0.1"),
    (
      "www HTTPS 1 . alpn=\"h2,h3\" port=8443",
      "www.example.com 3600 HTTPS 1 . alpn=h2,h3 port=8443"
    ),
    ("a 60 A 10.0.0.1\r", "a.example.com 60 A 10.0.0.1"),
    ("5 A 10.0.0.1", "5.example.com 3600 A 10.0.0.1"),
    ("mx MX 10 mail", "mx.example.com 3600 MX 10 mail.example.com."),
  ])
  func `a record reads however it is written`(text: String, line: String) {
    let (zone, problems) = parse(Self.head + text)
    #expect(problems.isEmpty)
    #expect(zone.records.last == record(line))
  }

  @Test(arguments: [
    ("www A 10.0.0.256", 3, 7, "10.0.0.256", "an IPv4 address"),
    ("www A", 3, 6, "the end of the record", "an IPv4 address"),
    ("www", 3, 1, "www", "a record type and its data behind the owner"),
    ("www 60 B 10.0.0.1", 3, 8, "B", "a TTL, a class or a record type"),
    ("www TXT (\"a\"", 3, 9, "the end of the file", "a parenthesis that closes this one"),
    ("www TXT \"a", 3, 11, "the end of the line", "a closing quotation mark"),
    ("www TXT )", 3, 9, "a closing parenthesis", "one opened before"),
    ("$LOAD x", 3, 1, "$LOAD", "$ORIGIN, $TTL, $INCLUDE or $GENERATE"),
    ("$TTL", 3, 1, "$TTL", "a number of seconds, or as 1h30m"),
    ("$INCLUDE other", 3, 10, "other", "a file that can be read"),
    (
      "www.example.org. A 10.0.0.1", 3, 1, "a record outside of the zone",
      "names within example.com."
    ),
    ("a..b A 10.0.0.1", 3, 1, "a..b", "a domain name, not an empty label"),
    ("www CH A 10.0.0.1", 3, 1, "class CH", "class IN"),
    ("$GENERATE 9-1 a$ A 10.0.0.$", 3, 11, "9-1", "a range as 1-127 or 0-255/2, of at most 65536"),
  ])
  func `a bad record is told by its place, and the others stay`(
    text: String, line: Int, column: Int, found: String, expected: String
  ) {
    let behind = text.contains("(") ? "" : "\nlast A 10.0.0.9\n"
    let (zone, problems) = parse(Self.head + text + behind)
    #expect(
      problems == [
        ZoneProblem(
          file: "zone", line: line, column: column, name: problems.first?.name, found: found,
          expected: expected)
      ])
    #expect(zone.records.count == (behind.isEmpty ? 1 : 2))
  }

  @Test func `a zone without its SOA is refused`() {
    let (_, problems) = parse("www 60 A 10.0.0.1")
    #expect(problems.map(\.refusesZone) == [true])
    #expect(
      problems.first?.description
        == "zone: example.com.: found no SOA record, expected one at the zone's origin")
  }

  @Test func `beside a CNAME the later record goes`() {
    let (zone, problems) = parse(Self.head + "a CNAME b\na A 10.0.0.1\nc A 10.0.0.1\nc CNAME b\n")
    #expect(problems.map(\.line) == [4, 6])
    #expect(zone.records.count == 3)
  }

  @Test func `GENERATE counts, with offset, width and base`() {
    let (zone, problems) = parse(
      Self.head + """
        $GENERATE 1-3 host$ A 10.0.0.$
        $GENERATE 0-2/2 x${10,3} CNAME ${0,4,x}.y
        $GENERATE 10-10 ${0,3,n} PTR h$$-\\$-${-1}
        """)
    #expect(problems.isEmpty)
    #expect(
      zone.records.dropFirst().map { "\($0.name) \($0.data.description(as: $0.type))" } == [
        "host1.example.com. 10.0.0.1", "host2.example.com. 10.0.0.2", "host3.example.com. 10.0.0.3",
        "x010.example.com. 0000.y.example.com.", "x012.example.com. 0002.y.example.com.",
        "a.0.example.com. h\\$-\\$-9.example.com.",
      ])
  }

  @Test func `an included file has its own origin and name, and gives both back`() {
    let (zone, problems) = parse(
      Self.head + "a A 10.0.0.1\n$INCLUDE more sub\n  A 10.0.0.2\n",
      include: ["more": "b A 10.0.0.3\nc A x\n"])
    #expect(problems.map(\.file) == ["more"] && problems.map(\.line) == [2])
    #expect(
      zone.records.dropFirst().map(\.name)
        == [name("a.example.com"), name("b.sub.example.com"), name("a.example.com")])
  }

  @Test func `files that include each other end`() {
    let (_, problems) = parse(Self.head + "$INCLUDE a", include: ["a": "$INCLUDE a"])
    #expect(problems.count == 1)
  }

  @Test func `a zone that was printed reads back`() {
    let types = RecordDataTests.vectors.enumerated().filter {
      !["CNAME", "DNAME", "SOA"].contains($1.type)
    }
    let lines = types.map { "n\($0) \($1.type) \($1.text)" }.joined(separator: "\n")
    let (zone, problems) = parse(Self.head + lines)
    #expect(problems.isEmpty && zone.records.count == types.count + 1)
    let (again, none) = parse(zone.text)
    #expect(none.isEmpty)
    #expect(Set(again.records) == Set(zone.records))
    #expect(again.text == zone.text)
  }
}
