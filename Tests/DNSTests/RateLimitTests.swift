import DNS
import NetTypes
import Testing

@Suite struct RateLimitTests {
  private func server(slip: Int = 2) -> Server {
    Server([AnswerTests.example]) {
      $0.rateLimit = ResponseRateLimit(responsesPerSecond: 10, window: 2, slip: slip)
      $0.cookies = ServerCookies(secret: .init([UInt8](repeating: 3, count: 16)))
    }
  }

  /// Answers, truncated ones, none.
  private func ask(
    _ server: Server, _ count: Int, options: [EDNS.Option] = [],
    over transport: Responder.Transport = .udp
  ) throws -> (full: Int, truncated: Int, none: Int) {
    var counts = (full: 0, truncated: 0, none: 0)
    let query = Message(
      id: 1, query: name("web.example.com"), .a, edns: EDNS(options: options)
    ).encoded()
    for _ in 0..<count {
      let (_, bytes) = server.outcome(query, over: transport)
      if bytes.isEmpty {
        counts.none += 1
      } else if try Message(decoding: bytes).isTruncated {
        counts.truncated += 1
      } else {
        counts.full += 1
      }
    }
    return counts
  }

  @Test
  func `a network gets its window's worth at once, then its rate, every second over it truncated`()
    throws
  {
    let server = server()
    #expect(try ask(server, 100) == (20, 40, 40))
    server.now = Instant.zero.advanced(by: .seconds(1))
    #expect(try ask(server, 20) == (10, 5, 5))
    server.client = address("192.0.2.254")
    #expect(try ask(server, 2) == (0, 1, 1), "the same /24")
    server.client = address("192.0.3.1")
    #expect(try ask(server, 20) == (20, 0, 0), "another")
    #expect(server.responder.counters.limited == 46 && server.responder.counters.slipped == 46)
  }

  @Test func `without slip nothing over the limit is answered`() throws {
    let server = server(slip: 0)
    #expect(try ask(server, 30) == (20, 0, 10))
  }

  @Test func `IPv6 clients share their 56 bits`() throws {
    let server = server()
    server.client = address("2001:db8:0:1100::1")
    #expect(try ask(server, 20).full == 20)
    server.client = address("2001:db8:0:11ff::1")
    #expect(try ask(server, 2).full == 0)
    server.client = address("2001:db8:0:1200::1")
    #expect(try ask(server, 2).full == 2)
  }

  @Test func `TCP and good cookies are not limited`() throws {
    let server = server()
    _ = try ask(server, 100)
    #expect(try ask(server, 50, over: .tcp).full == 50)
    server.client = address("198.51.100.1")
    let query = Message(
      id: 1, query: name("web.example.com"), .a,
      edns: EDNS(options: [.init(EDNS.OptionCode.cookie, [1, 2, 3, 4, 5, 6, 7, 8])]))
    let cookie = try #require(try server.ask(query).edns?.option(EDNS.OptionCode.cookie))
    #expect(try ask(server, 50, options: [.init(EDNS.OptionCode.cookie, cookie)]).full == 50)
  }
}
