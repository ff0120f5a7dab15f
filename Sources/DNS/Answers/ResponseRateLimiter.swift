import NetTypes

/// How many answers a network of clients gets over UDP.
package struct ResponseRateLimit: Hashable, Sendable {
  /// To one /24 or /56, over all its questions.
  package var responsesPerSecond: Int
  /// Seconds' worth that may come at once.
  package var window: Int
  /// Of those over the limit each such one is answered, truncated, so that a real client comes by TCP;
  /// the others get nothing. Zero: none is.
  package var slip: Int
  /// Networks that are kept, a power of two.
  package var tableSize: Int

  package init(
    responsesPerSecond: Int, window: Int = 5, slip: Int = 2, tableSize: Int = 1 << 16
  ) {
    self.responsesPerSecond = max(1, responsesPerSecond)
    self.window = max(1, window)
    self.slip = max(0, slip)
    var size = 16
    while size < tableSize, size < 1 << 24 { size *= 2 }
    self.tableSize = size
  }
}

/// Response rate limiting, one thread's. Each network has the time at which its next answer would be due
/// at the limit's pace (the generic cell rate algorithm); one that is more than a window ahead is over.
struct ResponseRateLimiter: Sendable {
  enum Verdict { case pass, drop, truncate }

  private struct Slot: Sendable {
    var network: UInt64 = 0
    /// Nanoseconds.
    var due: Int64 = .min
  }

  private let interval: Int64
  private let window: Int64
  private let slip: Int
  private let seed: UInt64
  private var slots: [Slot]
  private var over = 0

  /// - Parameter seed: Unknown to clients, who choose what collides otherwise.
  init(_ limit: ResponseRateLimit, seed: UInt64) {
    interval = 1_000_000_000 / Int64(limit.responsesPerSecond)
    window = Int64(limit.window) * 1_000_000_000
    slip = limit.slip
    self.seed = seed
    slots = [Slot](repeating: Slot(), count: limit.tableSize)
  }

  mutating func check(_ client: IPAddress, at now: Instant) -> Verdict {
    let network = client.networkKey
    let hash = (network ^ seed).multipliedFullWidth(by: 0x9e37_79b9_7f4a_7c15)
    let first = Int(truncatingIfNeeded: hash.high ^ hash.low) & (slots.count - 1)
    let second = first ^ 1
    // Of two that are both others', the one that is due earlier goes.
    let index =
      slots[first].network == network
      ? first
      : slots[second].network == network || slots[second].due < slots[first].due ? second : first
    if slots[index].network != network { slots[index] = Slot(network: network) }
    let due = max(slots[index].due, now.nanoseconds)
    if due - now.nanoseconds <= window - interval {
      slots[index].due = due + interval
      return .pass
    }
    if slip == 0 { return .drop }
    over += 1
    if over < slip { return .drop }
    over = 0
    return .truncate
  }
}

extension IPAddress {
  /// The /24 or /56 that holds it, as a number never zero.
  @inline(__always)
  var networkKey: UInt64 {
    switch self {
    case .v4(let address): UInt64(address.rawValue >> 8) | 1 << 62
    case .v6(let address): address.high >> 8 | 1 << 63
    }
  }
}
