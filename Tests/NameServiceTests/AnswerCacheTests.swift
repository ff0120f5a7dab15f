import DNS
import NetTypes
import Testing

@testable import NameService

struct AnswerCacheTests {
  private let start = Instant.zero
  private func after(_ seconds: Int64) -> Instant { start.advanced(by: .seconds(seconds)) }
  private let name = DomainName("www.example.")!

  private func key(_ name: String = "www.example.") -> AnswerCache.Key {
    AnswerCache.Key(
      question: Message.Question(DomainName(name)!, .a), dnssecOK: false, checkingDisabled: false)
  }

  private func answer(ttl: UInt32, of name: String = "www.example.") -> Message {
    var message = Message(id: 1, query: DomainName(name)!, .a)
    message.isResponse = true
    message.answers = [
      ResourceRecord(DomainName(name)!, .a, ttl: ttl, .a(IPv4Address(192, 0, 2, 1))),
      ResourceRecord(DomainName(name)!, .a, ttl: ttl + 60, .a(IPv4Address(192, 0, 2, 2))),
    ]
    return message
  }

  private func negative(_ code: ResponseCode, ttl: UInt32, minimum: UInt32) -> Message {
    var message = Message(id: 1, query: name, .a)
    message.isResponse = true
    message.responseCode = code
    let soa = StartOfAuthority(
      primary: name, mailbox: name, serial: SerialNumber(1), refresh: 1, retry: 1, expire: 1,
      minimum: minimum)
    message.authority = [ResourceRecord(DomainName("example.")!, .soa, ttl: ttl, .soa(soa))]
    return message
  }

  @Test func `an answer lives for its lowest TTL, and tells what is left of each`() {
    var cache = AnswerCache()
    cache.store(key(), answer(ttl: 30), at: start)
    #expect(cache.answer(key(), at: after(10))?.answers.map(\.ttl) == [20, 80])
    #expect(cache.answer(key(), at: after(29)) != nil)
    #expect(cache.answer(key(), at: after(30)) == nil)
  }

  /// RFC 2308 §5.
  @Test(arguments: [ResponseCode.nameError, .noError])
  func `a no lives for its SOA's TTL or minimum, whichever is less`(_ code: ResponseCode) {
    var cache = AnswerCache()
    cache.store(key(), negative(code, ttl: 60, minimum: 20), at: start)
    #expect(cache.answer(key(), at: after(19))?.responseCode == code)
    #expect(cache.answer(key(), at: after(20)) == nil)
    cache.store(key(), negative(code, ttl: 10, minimum: 20), at: start)
    #expect(cache.answer(key(), at: after(10)) == nil)
  }

  @Test func `a no without an SOA, an answer that is cut, one without TTL are not kept`() {
    var cache = AnswerCache()
    var alone = negative(.nameError, ttl: 60, minimum: 60)
    alone.authority = []
    var cut = answer(ttl: 30)
    cut.isTruncated = true
    for message in [alone, cut, answer(ttl: 0)] { cache.store(key(), message, at: start) }
    #expect(cache.count == 0)
  }

  /// RFC 8767 §4.
  @Test func `what is over is given for a day where nothing better is to be had`() {
    var cache = AnswerCache()
    cache.store(key(), answer(ttl: 30), at: start)
    #expect(cache.staleAnswer(key(), at: after(1000))?.answers.map(\.ttl) == [30, 30])
    #expect(cache.staleAnswer(key(), at: after(86_430)) == nil)
  }

  /// RFC 9520 §3.2.
  @Test func `a failure is kept for seconds, and is not given when it is over`() {
    var cache = AnswerCache()
    var failed = answer(ttl: 30)
    failed.answers = []
    failed.responseCode = .serverFailure
    cache.store(key(), failed, at: start)
    #expect(cache.answer(key(), at: after(4))?.responseCode == .serverFailure)
    #expect(cache.answer(key(), at: after(5)) == nil)
    #expect(cache.staleAnswer(key(), at: after(6)) == nil)
  }

  @Test func `a full cache forgets what was stored first`() {
    var limits = AnswerCache.Limits()
    limits.entries = 10
    var cache = AnswerCache(limits: limits)
    for number in 0..<50 {
      cache.store(key("h\(number)."), answer(ttl: 30, of: "h\(number)."), at: start)
      cache.store(key("stays."), answer(ttl: 30, of: "stays."), at: start)
    }
    #expect(cache.count == 10)
    #expect(cache.answer(key("stays."), at: start) != nil)
    #expect(cache.answer(key("h49."), at: start) != nil)
    #expect(cache.answer(key("h30."), at: start) == nil)
  }
}
