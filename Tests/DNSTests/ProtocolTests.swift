import DNS
import NetTypes
import Testing

/// What comes with a question: EDNS (RFC 6891), cookies (RFC 7873, 9018), subnets (RFC 7871) and the rest.
@Suite struct ProtocolTests {
  let server = Server([AnswerTests.example]) {
    $0.identifier = Array("ns7".utf8)
    $0.version = "atoll"
    $0.hostName = "ns7.example"
    $0.cookies = ServerCookies(secret: .init(octets("e5e973e5a6b2a43f48e7dc849e37bfcf")))
  }

  @Test func `what is no query gets no answer`() {
    for bytes in ["", "0001", "0001 8000 0001 0000 0000 0000 00 0001 0001"] {
      #expect(server.outcome(octets(bytes)).outcome == .drop)
    }
  }

  @Test(arguments: [
    "0001 0000 0001 0000 0000 0000", "0001 0000 0001 0000 0000 0000 c00c 0001 0001",
    "0001 0000 0001 0000 0000 0000 0161", "0001 0000 0002 0000 0000 0000 00 0001 0001",
    "0001 0000 0001 0000 0000 0001 00 0001 0001", "0001 0000 0001 0000 0000 0000 00 0001 0001 00",
    "0001 0000 0001 0000 0000 0001 00 0001 0001 00 0029 04d0 00000000 0003 000a00",
    "0001 0000 0001 0000 0000 0001 00 0001 0001 00 0029 04d0 00000000 0006 000a 0002 0000",
    "0001 0000 0000 0000 0000 0000",
  ])
  func `what is malformed gets a format error`(hex: String) throws {
    let (outcome, bytes) = server.outcome(octets(hex))
    #expect(outcome == .reply(12))
    #expect(bytes == octets("0001 8001 0000 0000 0000 0000"))
  }

  @Test func `other operations are not implemented, NOTIFY is another's`() throws {
    var query = Message(id: 1, query: name("example.com"), .soa)
    query.opcode = .status
    #expect(try server.ask(query).responseCode == .notImplemented)
    query.opcode = .notify
    #expect(server.outcome(query.encoded()).outcome == .notify)
  }

  @Test func `EDNS comes back where it came, with our size, RFC 6891 section 6_1_1`()
    throws
  {
    #expect(try server.ask("web.example.com", .a).edns == nil)
    let answer = try server.ask("web.example.com", .a, options: [])
    #expect(answer.edns == EDNS(payloadSize: 1232))
  }

  @Test func `a version that we do not have gets BADVERS, RFC 6891 section 6_1_3`() throws {
    let answer = try server.ask(
      Message(id: 1, query: name("web.example.com"), .a, edns: EDNS(version: 1)))
    #expect(
      answer.responseCode == .badVersion && answer.edns?.version == 0 && answer.answers.isEmpty)
  }

  @Test func `unknown options are passed over, DO comes back, RFC 3225`() throws {
    let answer = try server.ask(
      Message(
        id: 1, query: name("web.example.com"), .a,
        edns: EDNS(dnssecOK: true, options: [.init(65001, [1, 2, 3])])))
    #expect(answer.edns == EDNS(dnssecOK: true))
    #expect(answer.answers.count == 2)
  }

  @Test func `a small size counts as 512, RFC 6891 section 6_2_5`() throws {
    #expect(try server.ask("example.com", .mx, options: [], payloadSize: 0).answers.count == 1)
  }

  @Test func `who asks for our identifier gets it, RFC 5001`() throws {
    let answer = try server.ask("web.example.com", .a, options: [.init(EDNS.OptionCode.nsid, [])])
    #expect(answer.edns?.option(EDNS.OptionCode.nsid) == Array("ns7".utf8))
  }

  struct CookieExchange: Sendable {
    var secrets: [String]
    var client: String
    var time: Int64
    var query: String
    var answer: String
    var isGood: Bool
  }

  /// RFC 9018 Appendix A.1 to A.4.
  static let exchanges = [
    CookieExchange(
      secrets: ["e5e973e5a6b2a43f48e7dc849e37bfcf"], client: "198.51.100.100",
      time: 1_559_731_985, query: "2464c4abcf10c957",
      answer: "2464c4abcf10c957 010000005cf79f111f8130c3eee29480", isGood: false),
    CookieExchange(
      secrets: ["e5e973e5a6b2a43f48e7dc849e37bfcf"], client: "198.51.100.100",
      time: 1_559_734_385, query: "2464c4abcf10c957 010000005cf79f111f8130c3eee29480",
      answer: "2464c4abcf10c957 010000005cf7a871d4a564a1442aca77", isGood: true),
    CookieExchange(
      secrets: ["e5e973e5a6b2a43f48e7dc849e37bfcf"], client: "203.0.113.203",
      time: 1_559_734_700, query: "fc93fc62807ddb86 01abcdef5cf78f71a314227b6679ebf5",
      answer: "fc93fc62807ddb86 010000005cf7a9acf73a7810aca2381e", isGood: false),
    CookieExchange(
      secrets: ["445536bcd2513298075a5d379663c962", "dd3bdf9344b678b185a6f5cb60fca715"],
      client: "2001:db8:220:1:59de:d0f4:8769:82b8", time: 1_559_741_961,
      query: "22681ab97d52c298 010000005cf7c57926556bd0934c72f8",
      answer: "22681ab97d52c298 010000005cf7c609a6bb79d16625507a", isGood: true),
  ]

  @Test(arguments: exchanges)
  func `cookies are those of RFC 9018 appendix A`(exchange: CookieExchange) throws {
    let secrets = exchange.secrets.map { ServerCookies.Secret(octets($0)) }
    let server = Server([AnswerTests.example]) {
      $0.cookies = ServerCookies(
        secret: secrets[0], previous: secrets.count > 1 ? secrets[1] : nil)
      $0.secondsAtZero = exchange.time
    }
    server.client = address(exchange.client)
    let reply = try server.ask(
      "web.example.com", .a, options: [.init(EDNS.OptionCode.cookie, octets(exchange.query))])
    #expect(reply.edns?.option(EDNS.OptionCode.cookie) == octets(exchange.answer))
    #expect(server.responder.counters.goodCookies == (exchange.isGood ? 1 : 0))
  }

  @Test func `what is reserved in a cookie counts as it came, RFC 9018 section 4_4`() throws {
    let server = Server([AnswerTests.example]) {
      $0.cookies = ServerCookies(secret: .init(octets("e5e973e5a6b2a43f48e7dc849e37bfcf")))
      $0.secondsAtZero = 0x5cf7_8f71
    }
    server.client = address("203.0.113.203")
    let cookie = octets("fc93fc62807ddb86 01abcdef5cf78f71a314227b6679ebf5")
    _ = try server.ask("web.example.com", .a, options: [.init(EDNS.OptionCode.cookie, cookie)])
    #expect(server.responder.counters.goodCookies == 1)
  }

  @Test func `a cookie of ours is good for an hour, and after its secret has rolled`()
    throws
  {
    func isGood() throws -> Bool {
      let before = server.responder.counters.goodCookies
      _ = try server.ask("web.example.com", .a, options: [.init(EDNS.OptionCode.cookie, cookie)])
      return server.responder.counters.goodCookies > before
    }
    let first = try server.ask(
      "web.example.com", .a, options: [.init(EDNS.OptionCode.cookie, octets("0102030405060708"))])
    let cookie = try #require(first.edns?.option(EDNS.OptionCode.cookie))
    #expect(try isGood())
    server.now = Instant.zero.advanced(by: .seconds(3600))
    #expect(try isGood())
    server.responder.options.cookies?.roll(to: .init([UInt8](repeating: 1, count: 16)))
    #expect(try isGood())
    server.responder.options.cookies?.roll(to: .init([UInt8](repeating: 2, count: 16)))
    #expect(try !isGood())
    server.responder.options.cookies?.roll(to: .init(octets("e5e973e5a6b2a43f48e7dc849e37bfcf")))
    #expect(try isGood())
    server.client = address("192.0.2.54")
    #expect(try !isGood(), "it is the client's alone")
    server.client = address("192.0.2.53")
    server.now = Instant.zero.advanced(by: .seconds(3601))
    #expect(try !isGood())
  }

  @Test func `a cookie may come without a question, RFC 7873 section 5_4`() throws {
    var query = Message(id: 9)
    query.edns = EDNS(options: [.init(EDNS.OptionCode.cookie, octets("0102030405060708"))])
    let answer = try server.ask(query)
    #expect(answer.responseCode == .noError && answer.questions.isEmpty)
    #expect(answer.edns?.option(EDNS.OptionCode.cookie)?.count == 24)
  }

  @Test func `a subnet does not matter to a zone: its scope comes back as zero, RFC 7871`()
    throws
  {
    let subnet = ClientSubnet(prefix("198.51.100.0/24"))
    let answer = try server.ask("web.example.com", .a, options: [subnet.option])
    #expect(answer.edns?.clientSubnet == subnet)
  }

  @Test(arguments: [
    "0001 18 01 c63364", "0003 18 00 c63364", "0001 18 00 c6336401", "0001 17 00 c63365",
    "0001 21 00 c633640100", "0001",
  ])
  func `a malformed subnet is a format error, RFC 7871 section 7_1_2`(hex: String) throws {
    let answer = try server.ask(
      "web.example.com", .a, options: [.init(EDNS.OptionCode.clientSubnet, octets(hex))])
    #expect(answer.responseCode == .formatError)
  }

  @Test func `ANY gets a HINFO that names the RFC, RFC 8482 section 4_2`() throws {
    let answer = try server.ask("example.com", .any)
    #expect(answer.answers.lines == ["example.com. 3600 HINFO \"RFC8482\" \"\""])
    #expect(answer.isAuthoritative)
  }

  @Test func `CHAOS tells version and name, and nothing else`() throws {
    func ask(_ text: String) throws -> Message {
      var query = Message(id: 1)
      query.questions = [.init(name(text), .txt, .chaos)]
      return try server.ask(query)
    }
    #expect(try ask("version.bind").answers.first?.data == .txt(["atoll"]))
    #expect(try ask("ID.server").answers.first?.data == .txt(["ns7.example"]))
    #expect(try ask("example.com").responseCode == .refused)
  }

  @Test func `a signed query does not get an unsigned answer, RFC 8945 section 5_2_1`()
    throws
  {
    var query = Message(id: 1, query: name("web.example.com"), .a)
    query.additional = [
      ResourceRecord(name("key"), .tsig, ttl: 0, recordClass: .any, RecordData(bytes: [0]))
    ]
    query.edns = nil
    #expect(try server.ask(query).responseCode == .notAuthoritative)
  }

  @Test func `what others have refused says why, RFC 8914`() throws {
    var output = [UInt8](repeating: 0, count: 512)
    var span = output.mutableSpan
    let query = Message(id: 1, query: name("example.org"), .a).encoded()
    let outcome = server.responder.reply(
      .refused, extendedError: EDNS.ExtendedErrorCode.notAuthoritative, to: query.span,
      from: server.client, over: .udp, at: .zero, into: &span)
    guard case .reply(let count) = outcome else { throw NoAnswer(outcome: outcome) }
    let answer = try Message(decoding: Array(output[..<count]))
    #expect(answer.responseCode == .refused && answer.edns?.extendedError?.code == 20)
  }

  @Test func `counters tell what was asked and answered`() throws {
    _ = try server.ask("web.example.com", .a)
    _ = try server.ask("nothing.example.com", .a, options: [])
    let counters = server.responder.counters
    #expect(counters.queriesOverUDP == 2 && counters.queriesWithEDNS == 1)
    #expect(counters.answers(.noError) == 1 && counters.answers(.nameError) == 1)
    #expect(counters.queries(.a) == 2)
    var total = counters
    total += counters
    #expect(total.queries(.a) == 4)
  }
}
