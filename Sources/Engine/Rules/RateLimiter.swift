import Delivery
import NetTypes
import Synchronization

/// Token buckets of one rule, shared by the workers and exact under them: the generic cell rate
/// algorithm (ITU-T I.371), one atomic word a key.
///
/// A word holds the theoretical arrival time in nanoseconds; a request conforms while that is at
/// most `burst` intervals ahead. Keys meet in a table of fixed size, by hash: of two that meet in
/// one place the younger takes over only if the older one's bucket is full again, else they share
/// it for that long (which limits, never lets more through).
final class RateLimiter: Sendable {
  private static let places = 1 << 16
  private static let probes = 4

  private let interval: Int64
  private let tolerance: Int64
  let limit: RateLimit
  private let count: Int
  /// Pairs of key and time.
  private let words: AtomicWords

  init(_ limit: RateLimit) {
    self.limit = limit
    interval = max(1, limit.period.inNanoseconds / Int64(max(1, limit.requests)))
    tolerance = interval &* Int64(max(0, limit.burst - 1))
    count = limit.key == .route ? 1 : RateLimiter.places
    words = AtomicWords(count: count * 2)
  }

  /// Takes a token of `key`'s bucket.
  /// - Parameters:
  ///   - key: a hash that is spread well.
  ///   - now: nanoseconds of a monotonic clock.
  /// - Returns: zero, or the nanoseconds after which there is one.
  func take(_ key: UInt64, at now: Int64) -> Int64 {
    let place = count == 1 ? 0 : find(key, now)
    let word = words[place * 2 + 1]
    var arrival = word.pointee.load(ordering: .relaxed)
    while true {
      let start = max(Int64(bitPattern: arrival), now)
      let wait = start &- now &- tolerance
      if wait > 0 { return wait }
      let (exchanged, original) = word.pointee.compareExchange(
        expected: arrival, desired: UInt64(bitPattern: start &+ interval), ordering: .relaxed)
      if exchanged { return 0 }
      arrival = original
    }
  }

  private func find(_ key: UInt64, _ now: Int64) -> Int {
    // Zero stands for nobody.
    let tag = key | 1
    let first = Int(truncatingIfNeeded: key >> 20)
    for probe in 0..<RateLimiter.probes {
      let place = (first &+ probe) & (count - 1)
      var owner = words[place * 2].pointee.load(ordering: .relaxed)
      while true {
        if owner == tag { return place }
        // An idle bucket is as good as none.
        let arrival = Int64(bitPattern: words[place * 2 + 1].pointee.load(ordering: .relaxed))
        guard arrival <= now else { break }
        let (exchanged, original) = words[place * 2].pointee.compareExchange(
          expected: owner, desired: tag, ordering: .relaxed)
        if exchanged { return place }
        owner = original
      }
    }
    return first & (count - 1)
  }
}
