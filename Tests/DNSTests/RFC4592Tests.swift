import DNS
import NetTypes
import Testing

/// Wildcards, by the zone of RFC 4592 §2.2.1.
@Suite struct RFC4592Tests {
  static let example = zone(
    "example",
    """
    example 3600 SOA ns.example.com. host.example. 1 2 3 4 5
    example 3600 NS ns.example.com.
    example 3600 NS ns.example.net.
    *.example 3600 TXT "this is a wildcard"
    *.example 3600 MX 10 host1.example.
    sub.*.example 3600 TXT "this is not a wildcard"
    host1.example 3600 A 192.0.2.1
    _ssh._tcp.host1.example 3600 SRV 0 0 22 host1.example.
    _ssh._tcp.host2.example 3600 SRV 0 0 22 host1.example.
    subdel.example 3600 NS ns.example.com.
    subdel.example 3600 NS ns.example.net.
    """)
  let server = Server([example])
  private let soa = "example. 5 SOA ns.example.com. host.example. 1 2 3 4 5"

  @Test(arguments: [
    ("host3.example", RecordType.mx, "host3.example. 3600 MX 10 host1.example."),
    ("foo.bar.example", .txt, "foo.bar.example. 3600 TXT \"this is a wildcard\""),
    // Asked for by its name it is a name like any other.
    ("*.example", .mx, "*.example. 3600 MX 10 host1.example."),
    ("sub.*.example", .txt, "sub.*.example. 3600 TXT \"this is not a wildcard\""),
  ])
  func `section 2_2_1: what is synthesized, and what is there`(
    name: String, type: RecordType, line: String
  ) throws {
    let answer = try server.ask(name, type)
    #expect(answer.isAuthoritative && answer.responseCode == .noError)
    #expect(answer.answers.lines == [line])
    #expect(type != .mx || answer.additional.lines == ["host1.example. 3600 A 192.0.2.1"])
  }

  @Test(arguments: [
    ("host3.example", RecordType.a, ResponseCode.noError), ("host1.example", .mx, .noError),
    ("sub.*.example", .mx, .noError), ("_telnet._tcp.host1.example", .srv, .nameError),
    ("ghost.*.example", .mx, .nameError), ("host2.example", .mx, .noError),
    ("_tcp.host2.example", .txt, .noError), ("x.host1.example", .txt, .nameError),
  ])
  func `section 2_2_1: what is not synthesized`(
    name: String, type: RecordType, code: ResponseCode
  ) throws {
    let answer = try server.ask(name, type)
    #expect(answer.isAuthoritative && answer.responseCode == code && answer.answers.isEmpty)
    #expect(answer.authority.lines == [soa])
  }

  @Test func `section 2_2_1: a delegation counts before the wildcard`() throws {
    let answer = try server.ask("host.subdel.example", .a)
    #expect(!answer.isAuthoritative && answer.authority.count == 2 && answer.answers.isEmpty)
  }

  @Test func `a synthesized owner keeps the question's case and labels`() throws {
    let answer = try server.ask("A.b\\.C.d.EXAMPLE", .mx)
    #expect(answer.answers.first?.name.description == "A.b\\.C.d.EXAMPLE.")
    #expect(answer.additional.count == 1)
  }

  @Test func `section 3_3_3: a wildcard's CNAME is followed`() throws {
    let server = Server([
      zone(
        "x",
        """
        x 60 SOA a. b. 1 2 3 4 5
        *.w.x 60 CNAME end.x.
        end.x 60 A 10.0.0.1
        *.away.x 60 CNAME elsewhere.
        to.x 60 CNAME any.w.x.
        """)
    ])
    #expect(
      try server.ask("q.w.x", .a).answers.lines == [
        "q.w.x. 60 CNAME end.x.", "end.x. 60 A 10.0.0.1",
      ])
    let none = try server.ask("q.w.x", .txt)
    #expect(none.answers.count == 1 && none.authority.map(\.type) == [.soa])
    #expect(try server.ask("q.away.x", .a).answers.lines == ["q.away.x. 60 CNAME elsewhere."])
    #expect(
      try server.ask("to.x", .a).answers.lines == [
        "to.x. 60 CNAME any.w.x.", "any.w.x. 60 CNAME end.x.", "end.x. 60 A 10.0.0.1",
      ])
  }

  @Test func `section 4_4: the closest encloser's wildcard alone is asked`() throws {
    let server = Server([
      zone(
        "x",
        """
        x 60 SOA a. b. 1 2 3 4 5
        *.x 60 TXT "outer"
        a.b.x 60 A 10.0.0.1
        *.c.x 60 TXT "inner"
        """)
    ])
    #expect(try server.ask("q.b.x", .txt).responseCode == .nameError, "b.x encloses it")
    #expect(try server.ask("q.c.x", .txt).answers.lines == ["q.c.x. 60 TXT \"inner\""])
    #expect(try server.ask("c.x", .txt).answers.isEmpty, "an empty non-terminal exists")
    #expect(try server.ask("*.c.x", .txt).answers.count == 1)
    #expect(try server.ask("q.*.c.x", .txt).responseCode == .nameError)
  }
}
