import DNS
import NetTypes
import Testing

@Suite struct SteeringTests {
  static func set(
    owner: String = "app.example.com", type: RecordType = .a, _ tables: [SteeredSet.Table],
    classes: [SteeredSet.ClientClass] = [], whenEmpty: SteeredSet.WhenEmpty = .noData
  ) -> SteeredSet {
    SteeredSet(
      owner: name(owner), type: type, ttl: 5,
      records: (1...3).map { .a(IPv4Address(10, 0, 0, $0)) }, tables: tables, classes: classes,
      whenEmpty: whenEmpty)
  }

  private func addresses(_ message: Message) -> [String] {
    message.answers.compactMap { $0.data.ipv4Address?.description }
  }

  @Test func `a rotating table goes through its rows, each as often`() throws {
    let server = Server(
      [AnswerTests.example],
      steering: [Self.set([.init(rows: [[0, 1], [1, 0], [0, 1], [2]])])])
    var seen: [[String]: Int] = [:]
    for _ in 0..<40 {
      let answer = try server.ask("APP.example.com", .a)
      #expect(answer.isAuthoritative && answer.answers.allSatisfy { $0.ttl == 5 })
      #expect(answer.answers.first?.name.description == "APP.example.com.")
      seen[addresses(answer), default: 0] += 1
    }
    #expect(
      seen == [["10.0.0.1", "10.0.0.2"]: 20, ["10.0.0.2", "10.0.0.1"]: 10, ["10.0.0.3"]: 10])
    #expect(server.responder.counters.steered == 40)
  }

  @Test func `by client the same network gets the same row, and rows are spread evenly`() throws {
    let server = Server(
      [], steering: [Self.set([.init(turn: .byClient, rows: [[0], [1], [2]])])])
    var seen: [String: Int] = [:]
    for index in 0..<3000 {
      server.client = .v4(IPv4Address(rawValue: 0x0a00_0000 + UInt32(index) << 8))
      let first = addresses(try server.ask("app.example.com", .a))
      server.client = server.client.advanced(by: 200)
      #expect(addresses(try server.ask("app.example.com", .a)) == first)
      seen[first[0], default: 0] += 1
    }
    for count in seen.values { #expect((900...1100).contains(count)) }
  }

  @Test func `the longest class decides, and the client's subnet counts before its address`() throws
  {
    let server = Server(
      [],
      steering: [
        Self.set(
          [.init(rows: [[0]]), .init(rows: [[1]]), .init(rows: [[2]])],
          classes: [
            .init(prefix("198.51.0.0/16"), table: 1), .init(prefix("198.51.100.0/24"), table: 2),
            .init(prefix("2001:db8::/32"), table: 1),
          ])
      ])
    for (client, expected) in [
      ("192.0.2.1", "10.0.0.1"), ("198.51.1.1", "10.0.0.2"), ("198.51.100.1", "10.0.0.3"),
      ("2001:db8::1", "10.0.0.2"), ("2001:db9::1", "10.0.0.1"),
    ] {
      server.client = address(client)
      #expect(addresses(try server.ask("app.example.com", .a)) == [expected])
    }
    server.client = address("192.0.2.1")
    for (subnet, expected, scope) in [
      ("198.51.100.0/24", "10.0.0.3", 24), ("198.51.101.0/24", "10.0.0.2", 24),
      ("198.51.0.0/24", "10.0.0.2", 18), ("198.52.0.0/24", "10.0.0.1", 14),
      ("0.0.0.0/0", "10.0.0.1", 0),
      ("198.51.0.0/16", "10.0.0.2", 16), ("2001:db8::/56", "10.0.0.2", 32),
    ] {
      let answer = try server.ask(
        "app.example.com", .a, options: [ClientSubnet(prefix(subnet)).option])
      #expect(addresses(answer) == [expected])
      #expect(answer.edns?.clientSubnet == ClientSubnet(prefix(subnet), scope: UInt8(scope)))
    }
  }

  @Test func `another type of a steered name is the zone's to answer, or no data`() throws {
    let server = Server(
      [AnswerTests.example],
      steering: [
        Self.set([.init(rows: [[0]])]), Self.set(owner: "web.example.com", [.init(rows: [[0]])]),
        Self.set(owner: "app.elsewhere", [.init(rows: [[0]])]),
      ])
    let other = try server.ask("app.example.com", .aaaa)
    #expect(other.responseCode == .noError && other.authority.lines == [AnswerTests.soa])
    #expect(other.isAuthoritative)
    #expect(addresses(try server.ask("web.example.com", .a)) == ["10.0.0.1"])
    #expect(try server.ask("web.example.com", .mx).authority.lines == [AnswerTests.soa])
    #expect(try server.ask("x.app.example.com", .a).responseCode == .nameError)
    let alone = try server.ask("app.elsewhere", .aaaa)
    #expect(alone.responseCode == .noError && alone.isAuthoritative && alone.authority.isEmpty)
    #expect(
      server.outcome(Message(id: 1, query: name("x.elsewhere"), .a).encoded()).outcome == .outside)
  }

  @Test func `where no row has a member the set says what happens`() throws {
    func server(_ whenEmpty: SteeredSet.WhenEmpty, rows: [[UInt16]] = []) -> Server {
      Server(
        [AnswerTests.example],
        steering: [Self.set(owner: "web.example.com", [.init(rows: rows)], whenEmpty: whenEmpty)])
    }
    for rows in [[], [[]]] as [[[UInt16]]] {
      let none = server(.noData, rows: rows)
      let answer = try none.ask("web.example.com", .a)
      #expect(answer.answers.isEmpty && answer.authority.lines == [AnswerTests.soa])
      let back = server(.returnToDNS, rows: rows)
      #expect(addresses(try back.ask("web.example.com", .a)) == ["192.0.2.10", "192.0.2.11"])
      let drop = server(.drop, rows: rows)
      #expect(
        drop.outcome(Message(id: 1, query: name("web.example.com"), .a).encoded()).outcome == .drop)
      let last = server(.records([.a(IPv4Address(10, 9, 9, 9))]), rows: rows)
      #expect(addresses(try last.ask("web.example.com", .a)) == ["10.9.9.9"])
      let fail = server(.fail(ede: EDNS.ExtendedErrorCode.noReachableAuthority), rows: rows)
      let failed = try fail.ask("web.example.com", .a, options: [])
      #expect(failed.responseCode == .serverFailure && failed.edns?.extendedError?.code == 22)
    }
  }

  @Test func `a chain of a zone ends in a steered set`() throws {
    let example = zone(
      "example.com",
      """
      example.com 60 SOA a. b. 1 2 3 4 5
      one.example.com 60 CNAME two.example.com.
      two.example.com 60 CNAME app.gslb.example.
      in.example.com 60 CNAME app.example.com.
      """)
    let server = Server(
      [example],
      steering: [
        Self.set(owner: "app.gslb.example", [.init(rows: [[1, 0]])]),
        Self.set(owner: "app.example.com", [.init(rows: [[2]])]),
      ])
    #expect(
      try server.ask("one.example.com", .a).answers.lines == [
        "one.example.com. 60 CNAME two.example.com.", "two.example.com. 60 CNAME app.gslb.example.",
        "app.gslb.example. 5 A 10.0.0.2", "app.gslb.example. 5 A 10.0.0.1",
      ])
    #expect(
      try server.ask("in.example.com", .a).answers.lines == [
        "in.example.com. 60 CNAME app.example.com.", "app.example.com. 5 A 10.0.0.3",
      ])
  }

  @Test func `a steered CNAME leads on to what is ours`() throws {
    let alias = SteeredSet(
      owner: name("go.gslb.example"), type: .cname, ttl: 5,
      records: [
        .cname(name("web.example.com")), .cname(name("app.gslb.example")), .cname(name("x.org")),
      ],
      tables: [.init(rows: [[0], [1], [2]])])
    let server = Server(
      [AnswerTests.example],
      steering: [alias, Self.set(owner: "app.gslb.example", [.init(rows: [[0]])])])
    var seen: Set<[String]> = []
    for _ in 0..<3 { seen.insert(try server.ask("go.gslb.example", .a).answers.lines) }
    #expect(
      seen == [
        [
          "go.gslb.example. 5 CNAME web.example.com.", "web.example.com. 300 A 192.0.2.10",
          "web.example.com. 300 A 192.0.2.11",
        ],
        ["go.gslb.example. 5 CNAME app.gslb.example.", "app.gslb.example. 5 A 10.0.0.1"],
        ["go.gslb.example. 5 CNAME x.org."],
      ])
    #expect(try server.ask("go.gslb.example", .cname).answers.count == 1)
  }

  @Test func `a steered wildcard answers for names that nothing else has`() throws {
    let server = Server(
      [AnswerTests.example], steering: [Self.set(owner: "*.example.com", [.init(rows: [[0]])])])
    #expect(
      try server.ask("any.thing.example.com", .a).answers.lines == [
        "any.thing.example.com. 5 A 10.0.0.1"
      ])
    #expect(addresses(try server.ask("web.example.com", .a)).count == 2)
    #expect(try server.ask("any.example.com", .mx).responseCode == .noError)
  }

  @Test func `steering changes between two queries, the zones stay`() throws {
    let server = Server([AnswerTests.example], steering: [Self.set([.init(rows: [[0]])])])
    #expect(addresses(try server.ask("app.example.com", .a)) == ["10.0.0.1"])
    server.responder.use(Steering([Self.set([.init(rows: [[2]])])]))
    #expect(addresses(try server.ask("app.example.com", .a)) == ["10.0.0.3"])
    server.responder.use(Steering.none)
    #expect(try server.ask("app.example.com", .a).responseCode == .nameError)
  }
}
