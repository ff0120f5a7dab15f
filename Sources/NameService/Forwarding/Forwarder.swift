import DNS
import Linux
import NetTypes

/// Asks upstream servers what this one does not know, and remembers what they said.
///
/// - Questions that are alike wait for one answer.
/// - Servers are asked in turn, beginning with the one that answered last; each has `timeout`, all
///   together `patience`.
/// - Where none answers, what was said before is said again (RFC 8767), or SERVFAIL with the reason
///   (RFC 8914).
@Loop final class Forwarder {
  struct Settings: Equatable, Sendable {
    var servers: [SocketAddress]
    var timeout = Duration.milliseconds(1500)
    var patience = Duration.seconds(5)
    /// Questions under way; more are answered with SERVFAIL.
    var limit = 4096
  }

  struct Counts: Equatable, Sendable {
    var hits = 0
    var misses = 0
    var stale = 0
    var failures = 0
    var refused = 0
  }

  typealias Completion = @Loop (Message) -> Void

  let settings: Settings
  private var cache: AnswerCache
  private var waiting: [AnswerCache.Key: [(query: Message, completion: Completion)]] = [:]
  /// Index of the server that answered last.
  private var preferred = 0
  private(set) var counts = Counts()

  init(_ settings: Settings, limits: AnswerCache.Limits = AnswerCache.Limits()) {
    self.settings = settings
    cache = AnswerCache(limits: limits)
  }

  var cachedAnswers: Int { cache.count }

  /// Answers `query`, now or later.
  func resolve(_ query: Message, completion: @escaping Completion) {
    guard let question = query.questions.first else { return }
    let key = AnswerCache.Key(
      question: question, dnssecOK: query.edns?.dnssecOK ?? false,
      checkingDisabled: query.checkingDisabled)
    if let known = cache.answer(key, at: Loop.now) {
      counts.hits += 1
      return completion(known.answering(query))
    }
    guard waiting[key] != nil || waiting.count < settings.limit else {
      counts.refused += 1
      return completion(
        .failure(
          of: query, EDNS.ExtendedErrorCode.other, "\(settings.limit) questions are under way"))
    }
    counts.misses += 1
    waiting[key, default: []].append((query, completion))
    guard waiting[key]?.count == 1 else { return }
    Task { @Loop in
      let response = await answer(key)
      for (query, completion) in waiting.removeValue(forKey: key) ?? [] {
        completion(response?.answering(query) ?? noAnswer(to: query))
      }
    }
  }

  private func noAnswer(to query: Message) -> Message {
    let servers = settings.servers.map(\.description).joined(separator: ", ")
    return .failure(
      of: query, EDNS.ExtendedErrorCode.noReachableAuthority, "no answer from \(servers)")
  }

  private func answer(_ key: AnswerCache.Key) async -> Message? {
    let response = await ask(key)
    if let response, response.responseCode != .serverFailure {
      cache.store(key, response, at: Loop.now)
      return response
    }
    if let known = cache.staleAnswer(key, at: Loop.now) {
      counts.stale += 1
      return known
    }
    counts.failures += 1
    if let response { cache.store(key, response, at: Loop.now) }
    return response
  }

  /// The first answer that is one; what else a server said, only if no server has better.
  private func ask(_ key: AnswerCache.Key) async -> Message? {
    let deadline = Loop.now.advanced(by: settings.patience)
    var other: Message?
    // Each twice: a datagram may be lost.
    for attempt in 0..<(2 * settings.servers.count) {
      let left = Loop.now.duration(to: deadline)
      guard left > .zero else { break }
      let index = (preferred + attempt) % settings.servers.count
      guard
        let response = try? await UpstreamQuery(key, settings.servers[index])
          .run(timeout: min(left, settings.timeout))
      else { continue }
      if response.responseCode == .noError || response.responseCode == .nameError {
        preferred = index
        return response
      }
      other = response
    }
    return other
  }
}

extension Message {
  /// This answer, to another asker's question.
  func answering(_ query: Message) -> Message {
    var answer = self
    answer.id = query.id
    answer.isResponse = true
    answer.isAuthoritative = false
    answer.recursionDesired = query.recursionDesired
    answer.recursionAvailable = true
    answer.checkingDisabled = query.checkingDisabled
    // In the asker's own letters.
    answer.questions = query.questions
    answer.edns = query.edns.map { EDNS(dnssecOK: $0.dnssecOK) }
    return answer
  }

  /// SERVFAIL, with the reason for whoever can read it.
  static func failure(of query: Message, _ code: UInt16, _ text: String) -> Message {
    var answer = Message(id: query.id).answering(query)
    answer.responseCode = .serverFailure
    answer.edns?.options.append(.extendedError(code, text))
    return answer
  }
}
