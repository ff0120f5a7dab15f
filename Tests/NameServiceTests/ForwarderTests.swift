import DNS
import Linux
import NetTypes
import Testing

@testable import NameService

@Suite struct ForwarderTests {
  @Loop private func ask(
    _ forwarder: Forwarder, _ name: String = "www.example.", id: UInt16 = 77
  ) async -> Message {
    let query = Message(id: id, query: DomainName(name)!, .a, recursionDesired: true)
    return await withCheckedContinuation { continuation in
      forwarder.resolve(query) { continuation.resume(returning: $0) }
    }
  }

  @Loop private func forwarder(_ upstreams: [Upstream], _ timeout: Int = 200) -> Forwarder {
    var settings = Forwarder.Settings(servers: upstreams.map(\.address))
    settings.timeout = .milliseconds(timeout)
    return Forwarder(settings)
  }

  @Loop @Test func `an answer is asked for once, and given in each asker's own letters`()
    async throws
  {
    let upstream = try Upstream(Upstream.address())
    let forwarder = forwarder([upstream])
    let first = await ask(forwarder, "www.example.", id: 1)
    let second = await ask(forwarder, "WWW.Example.", id: 2)
    #expect(upstream.datagrams == 1)
    #expect(first.answers.count == 1 && second.answers.count == 1)
    #expect((first.id, second.id) == (1, 2))
    #expect(second.recursionAvailable && !second.isAuthoritative)
    #expect(second.questions[0].description == "WWW.Example. IN A")
    #expect(forwarder.counts.hits == 1)
    upstream.stop()
  }

  @Loop @Test func `questions that are alike wait for one answer`() async throws {
    let upstream = try Upstream(Upstream.address())
    let forwarder = forwarder([upstream])
    await withTaskGroup(of: Int.self) { group in
      for id in UInt16(0)..<50 {
        group.addTask { await self.ask(forwarder, id: id).answers.count }
      }
      for await count in group { #expect(count == 1) }
    }
    #expect(upstream.datagrams == 1)
    upstream.stop()
  }

  @Loop @Test func `what does not fit a datagram comes over TCP`() async throws {
    let upstream = try Upstream(
      .answer { query in
        var answer = query
        answer.isResponse = true
        answer.isTruncated = true
        answer.answers = [
          ResourceRecord(query.questions[0].name, .a, ttl: 9, .a(IPv4Address(192, 0, 2, 8)))
        ]
        return answer
      })
    let answer = await ask(forwarder([upstream]))
    #expect(answer.answers.map(\.data.ipv4Address) == [IPv4Address(192, 0, 2, 8)])
    #expect((upstream.datagrams, upstream.streams) == (1, 1))
    upstream.stop()
  }

  @Loop @Test
  func `the next server answers where one is silent or fails, and is asked first from then on`()
    async throws
  {
    let silent = try Upstream(.silent)
    let failing = try Upstream(Upstream.code(.serverFailure))
    let good = try Upstream(Upstream.address())
    let forwarder = forwarder([silent, failing, good])
    #expect(await ask(forwarder).answers.count == 1)
    #expect((silent.datagrams, failing.datagrams, good.datagrams) == (1, 1, 1))
    #expect(await ask(forwarder, "other.example.").answers.count == 1)
    #expect((silent.datagrams, failing.datagrams, good.datagrams) == (1, 1, 2))
    for upstream in [silent, failing, good] { upstream.stop() }
  }

  /// RFC 8767.
  @Loop @Test func `what was said before is said again where nobody answers`() async throws {
    let upstream = try Upstream(Upstream.address(ttl: 1))
    let forwarder = forwarder([upstream], 20)
    #expect(await ask(forwarder).answers.map(\.ttl) == [1])
    upstream.behaviour = .silent
    try await Loop.sleep(.milliseconds(1100))
    #expect(await ask(forwarder).answers.map(\.ttl) == [1])
    #expect(forwarder.counts.stale == 1)
    upstream.stop()
  }

  /// RFC 8914.
  @Loop @Test func `a failure says who did not answer`() async throws {
    let upstream = try Upstream(.silent)
    let answer = await ask(forwarder([upstream], 20))
    #expect(answer.responseCode == .serverFailure)
    #expect(answer.edns?.extendedError?.code == 22)
    #expect(answer.edns?.extendedError?.text == "no answer from \(upstream.address)")
    upstream.stop()
  }

  @Loop @Test func `an answer to another question is none`() async throws {
    let upstream = try Upstream(
      .answer { query in
        var answer = query
        answer.isResponse = true
        answer.questions[0].name = DomainName("forged.example.")!
        return answer
      })
    #expect(await ask(forwarder([upstream], 20)).responseCode == .serverFailure)
    upstream.stop()
  }
}
