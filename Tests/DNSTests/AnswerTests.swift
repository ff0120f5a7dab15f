import DNS
import NetTypes
import Testing

/// Answers by RFC 1034 §4.3.2, RFC 2181 and RFC 2308.
@Suite struct AnswerTests {
  static let example = zone(
    "example.com",
    """
    example.com 3600 SOA ns1.example.com. hostmaster.example.com. 1 7200 600 3600000 60
    example.com 3600 NS ns1.example.com.
    example.com 3600 NS ns2.example.net.
    example.com 300 MX 10 mail.example.com.
    ns1.example.com 3600 A 192.0.2.1
    ns1.example.com 3600 AAAA 2001:db8::1
    mail.example.com 3600 A 192.0.2.2
    www.example.com 300 CNAME web.example.com.
    web.example.com 300 A 192.0.2.10
    web.example.com 300 A 192.0.2.11
    away.example.com 300 CNAME www.example.org.
    lost.example.com 300 CNAME nothing.example.com.
    loop.example.com 300 CNAME pool.example.com.
    pool.example.com 300 CNAME loop.example.com.
    a.deep.example.com 300 TXT "x"
    sub.example.com 3600 NS ns.sub.example.com.
    sub.example.com 3600 NS ns2.example.net.
    sub.example.com 3600 DS 1 8 2 00
    ns.sub.example.com 3600 A 192.0.2.20
    below.example.com 300 CNAME x.sub.example.com.
    _sip._udp.example.com 300 SRV 0 5 5060 web.example.com.
    """)
  let server = Server([example])

  static let soa =
    "example.com. 60 SOA ns1.example.com. hostmaster.example.com. 1 7200 600 3600000 60"

  @Test func `a type that the name has is answered with authority`() throws {
    let answer = try server.ask("web.example.com", .a)
    #expect(answer.isAuthoritative && answer.responseCode == .noError && answer.authority.isEmpty)
    #expect(
      answer.answers.lines == [
        "web.example.com. 300 A 192.0.2.10", "web.example.com. 300 A 192.0.2.11",
      ])
  }

  @Test func `the question comes back in its case, and so do owners`() throws {
    let answer = try server.ask("WeB.eXample.COM", .a)
    #expect(answer.questions.first?.name.description == "WeB.eXample.COM.")
    #expect(answer.answers.first?.name.description == "WeB.eXample.COM.")
  }

  @Test func `addresses of targets are additional`() throws {
    let mail = try server.ask("example.com", .mx)
    #expect(mail.additional.lines == ["mail.example.com. 3600 A 192.0.2.2"])
    let servers = try server.ask("example.com", .ns)
    #expect(servers.answers.count == 2)
    #expect(
      servers.additional.lines == [
        "ns1.example.com. 3600 A 192.0.2.1", "ns1.example.com. 3600 AAAA 2001:db8::1",
      ])
    let service = try server.ask("_sip._udp.example.com", .srv)
    #expect(service.additional.count == 2)
  }

  @Test(arguments: [
    ("web.example.com", RecordType.mx, ResponseCode.noError), ("deep.example.com", .a, .noError),
    ("nothing.example.com", .a, .nameError), ("b.deep.example.com", .a, .nameError),
    ("x.web.example.com", .a, .nameError), ("example.com", .txt, .noError),
    ("deep.example.com", .any, .noError),
  ])
  func `what is not there is told with the SOA, its TTL the shorter of two, RFC 2308 section 3`(
    name: String, type: RecordType, code: ResponseCode
  ) throws {
    let answer = try server.ask(name, type)
    #expect(answer.responseCode == code && answer.isAuthoritative && answer.answers.isEmpty)
    #expect(answer.authority.lines == [Self.soa])
  }

  @Test func `an alias leads to its target's records`() throws {
    let answer = try server.ask("www.example.com", .a)
    #expect(
      answer.answers.lines == [
        "www.example.com. 300 CNAME web.example.com.", "web.example.com. 300 A 192.0.2.10",
        "web.example.com. 300 A 192.0.2.11",
      ])
    #expect(answer.isAuthoritative)
  }

  @Test func `an alias itself is answered to who asks for it`() throws {
    let answer = try server.ask("www.example.com", .cname)
    #expect(answer.answers.lines == ["www.example.com. 300 CNAME web.example.com."])
    let any = try server.ask("www.example.com", .any)
    #expect(any.answers == answer.answers)
  }

  @Test func `an alias to a name without the type is no data, RFC 2308 section 2_2`()
    throws
  {
    let answer = try server.ask("www.example.com", .mx)
    #expect(answer.answers.count == 1 && answer.responseCode == .noError)
    #expect(answer.authority.lines == [Self.soa])
  }

  @Test func `an alias to no name is a name error, RFC 2308 section 2_1`() throws {
    let answer = try server.ask("lost.example.com", .a)
    #expect(answer.answers.count == 1 && answer.responseCode == .nameError)
    #expect(answer.authority.lines == [Self.soa])
  }

  @Test func `an alias that leads away or round ends where it is`() throws {
    let away = try server.ask("away.example.com", .a)
    #expect(away.answers.lines == ["away.example.com. 300 CNAME www.example.org."])
    #expect(away.authority.isEmpty && away.responseCode == .noError)
    let loop = try server.ask("loop.example.com", .a)
    #expect(loop.answers.count >= 2 && loop.answers.count <= 3)
    let below = try server.ask("below.example.com", .a)
    #expect(below.answers.count == 1 && below.authority.isEmpty)
  }

  @Test(arguments: [
    "sub.example.com", "x.sub.example.com", "a.b.c.sub.example.com", "ns.sub.example.com",
  ])
  func `at and below a delegation comes a referral with its glue`(name: String) throws {
    let answer = try server.ask(name, .a)
    #expect(!answer.isAuthoritative && answer.answers.isEmpty)
    #expect(
      answer.authority.lines == [
        "sub.example.com. 3600 NS ns.sub.example.com.", "sub.example.com. 3600 NS ns2.example.net.",
      ])
    #expect(answer.additional.lines == ["ns.sub.example.com. 3600 A 192.0.2.20"])
  }

  @Test func `the DS of a delegation is the parent's, RFC 4035 section 3_1_4_1`() throws {
    let answer = try server.ask("sub.example.com", .ds)
    #expect(answer.isAuthoritative)
    #expect(answer.answers.lines == ["sub.example.com. 3600 DS 1 8 2 00"])
    let both = Server([
      Self.example,
      zone(
        "sub.example.com",
        """
        sub.example.com 60 SOA ns.sub.example.com. a. 1 2 3 4 5
        sub.example.com 60 NS ns.sub.example.com.
        ns.sub.example.com 60 A 192.0.2.20
        """),
    ])
    #expect(try both.ask("sub.example.com", .ds).answers == answer.answers)
    #expect(try both.ask("ns.sub.example.com", .a).isAuthoritative)
    #expect(try both.ask("sub.example.com", .ns).answers.count == 1)
  }

  @Test func `names that are in no zone are for others`() {
    for query in ["example.org", "com", ".", "xample.com"] {
      let (outcome, _) = server.outcome(Message(id: 1, query: name(query), .a).encoded())
      #expect(outcome == .outside)
    }
  }

  @Test func `chains go on in another zone of ours`() throws {
    let server = Server([
      Self.example,
      zone(
        "example.org",
        """
        example.org 60 SOA ns. a. 1 2 3 4 5
        www.example.org 60 CNAME end.example.org.
        end.example.org 60 A 192.0.2.99
        """),
    ])
    let answer = try server.ask("away.example.com", .a)
    #expect(
      answer.answers.lines == [
        "away.example.com. 300 CNAME www.example.org.",
        "www.example.org. 60 CNAME end.example.org.",
        "end.example.org. 60 A 192.0.2.99",
      ])
  }

  @Test func `records of a set share the least TTL, RFC 2181 section 5_2`() throws {
    let server = Server([
      zone(
        "x",
        """
        x 60 SOA a. b. 1 2 3 4 5
        a.x 60 A 10.0.0.1
        a.x 30 A 10.0.0.2
        a.x 60 A 10.0.0.1
        """)
    ])
    #expect(
      try server.ask("a.x", .a).answers.lines == ["a.x. 30 A 10.0.0.1", "a.x. 30 A 10.0.0.2"])
  }

  @Test
  func `an answer that does not fit is truncated, additional records first, RFC 2181 section 9`()
    throws
  {
    let lines = (0..<40).map { "big.x 60 A 10.0.0.\($0)" }
    let mail =
      (0..<20).map { "m.x 60 MX 1 m\($0).x." } + (0..<20).map { "m\($0).x 60 A 10.0.0.\($0)" }
    let server = Server([
      zone("x", (["x 60 SOA a. b. 1 2 3 4 5"] + lines + mail).joined(separator: "\n"))
    ])
    let plain = try server.ask("big.x", .a)
    #expect(plain.isTruncated && plain.answers.isEmpty)
    let extended = try server.ask("big.x", .a, options: [], payloadSize: 1232)
    #expect(!extended.isTruncated && extended.answers.count == 40)
    let tcp = try server.ask(Message(id: 1, query: name("big.x"), .a, edns: nil), over: .tcp)
    #expect(tcp.answers.count == 40)
    let without = try server.ask("m.x", .mx)
    #expect(without.answers.count == 20 && without.additional.isEmpty && !without.isTruncated)
  }

  @Test func `a DNAME renames what is below it, RFC 6672`() throws {
    let server = Server([
      zone(
        "x",
        """
        x 60 SOA a. b. 1 2 3 4 5
        old.x 60 DNAME new.x.
        old.x 60 A 10.0.0.9
        a.new.x 60 A 10.0.0.1
        """)
    ])
    let answer = try server.ask("a.old.x", .a)
    #expect(
      answer.answers.lines == [
        "old.x. 60 DNAME new.x.", "a.old.x. 60 CNAME a.new.x.", "a.new.x. 60 A 10.0.0.1",
      ])
    #expect(try server.ask("old.x", .a).answers.lines == ["old.x. 60 A 10.0.0.9"])
    #expect(try server.ask("old.x", .dname).answers.count == 1)
  }

  @Test func `transfers are told apart by transport and zone`() throws {
    let query = Message(id: 1, query: name("example.com"), .axfr).encoded()
    #expect(server.outcome(query, over: .tcp).outcome == .transfer(zone: 0))
    #expect(try server.ask("example.com", .axfr).responseCode == .notImplemented)
    #expect(try server.ask("example.com", .ixfr).answers.map(\.type) == [.soa])
    #expect(try server.ask("www.example.com", .axfr).responseCode == .notAuthoritative)
  }
}
