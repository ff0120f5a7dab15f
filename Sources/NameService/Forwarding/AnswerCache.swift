import DNS
import NetTypes

/// Answers of upstream servers, for as long as they say. RFC 1035 §7.4, RFC 2308, RFC 8767.
///
/// - An answer lives for the lowest TTL of its records; one that says *no*, as its SOA says
///   (RFC 2308 §5); a failure for seconds (RFC 9520 §3.2).
/// - What is over is kept for a day more, and given where no upstream answers (RFC 8767 §4).
/// - Full, the oldest go first.
struct AnswerCache: Sendable {
  struct Key: Hashable, Sendable {
    var question: Message.Question
    /// RFC 4035 §3.2.1, §3.2.2.
    var dnssecOK: Bool
    var checkingDisabled: Bool
  }

  struct Limits: Sendable {
    var entries = 100_000
    var longest = Duration.seconds(86_400)
    var longestNegative = Duration.seconds(10_800)
    var failure = Duration.seconds(5)
    var stale = Duration.seconds(86_400)
    /// TTL of an answer that is over. RFC 8767 §4.
    var staleTTL: UInt32 = 30
  }

  private struct Entry {
    var response: Message
    var stored: Instant
    var expires: Instant
    var number: UInt64
  }

  private let limits: Limits
  private var entries: [Key: Entry] = [:]
  /// As stored; the number tells what was stored again since.
  private var order: [(key: Key, number: UInt64)] = []
  private var first = 0
  private var next: UInt64 = 0

  init(limits: Limits = Limits()) { self.limits = limits }

  var count: Int { entries.count }

  /// An answer with what is left of its TTLs.
  func answer(_ key: Key, at now: Instant) -> Message? {
    guard let entry = entries[key], now < entry.expires else { return nil }
    let age = UInt32(clamping: entry.stored.duration(to: now).components.seconds)
    return entry.response.mapTTLs { $0 > age ? $0 - age : 0 }
  }

  /// An answer that is over, where nothing better is to be had.
  func staleAnswer(_ key: Key, at now: Instant) -> Message? {
    guard let entry = entries[key], now < entry.expires.advanced(by: limits.stale),
      entry.response.responseCode != .serverFailure
    else { return nil }
    return entry.response.mapTTLs { min($0, limits.staleTTL) }
  }

  mutating func store(_ key: Key, _ response: Message, at now: Instant) {
    guard let life = lifetime(of: response), life > .zero else { return }
    var response = response
    response.edns = nil
    next += 1
    entries[key] = Entry(
      response: response, stored: now, expires: now.advanced(by: life), number: next)
    order.append((key, next))
    evict()
  }

  /// Nil of what must not be kept.
  private func lifetime(of response: Message) -> Duration? {
    guard !response.isTruncated else { return nil }
    switch response.responseCode {
    case .noError where response.answers.contains { $0.type == response.questions.first?.type }:
      let ttl = response.answers.map(\.ttl).min() ?? 0
      return min(.seconds(Int64(ttl)), limits.longest)
    case .noError, .nameError:
      // Without an SOA, *no* holds for this asker only. RFC 2308 §5.
      guard let start = response.authority.first(where: { $0.type == .soa }),
        let soa = StartOfAuthority(start.data)
      else { return nil }
      return min(.seconds(Int64(min(start.ttl, soa.minimum))), limits.longestNegative)
    case .serverFailure: return limits.failure
    default: return nil
    }
  }

  private mutating func evict() {
    while entries.count > limits.entries, first < order.count {
      let (key, number) = order[first]
      first += 1
      if entries[key]?.number == number { entries[key] = nil }
    }
    guard first > order.count / 2 || order.count > 2 * limits.entries else { return }
    order = order[first...].filter { entries[$0.key]?.number == $0.number }
    first = 0
  }
}

extension Message {
  fileprivate func mapTTLs(_ change: (UInt32) -> UInt32) -> Message {
    func mapped(_ records: [ResourceRecord]) -> [ResourceRecord] {
      records.map { record in
        var record = record
        record.ttl = change(record.ttl)
        return record
      }
    }
    var message = self
    message.answers = mapped(answers)
    message.authority = mapped(authority)
    message.additional = mapped(additional)
    return message
  }
}
