import NetTypes

/// What a bad line does to frames: when each leaves, and which do not. One for each direction; frames
/// keep their order, as on one wire.
package struct LineImpairment: Equatable, Sendable {
  package var delay = Duration.zero
  /// Up to so much more.
  package var jitter = Duration.zero
  /// Lost, in a thousand.
  package var permille = 0
  package let seed: UInt64
  private var random: SeededRandom
  private var last = Instant(nanoseconds: 0)

  package init(seed: UInt64) {
    self.seed = seed
    random = SeededRandom(seed: seed)
  }

  /// When a frame that came at `now` leaves; nil: never.
  package mutating func admit(at now: Instant) -> Instant? {
    if permille > 0, Int.random(in: 0..<1000, using: &random) < permille { return nil }
    var due = now.advanced(by: delay)
    if jitter > .zero {
      let most = jitter.inNanoseconds
      due = due.advanced(by: .nanoseconds(Int64.random(in: 0...most, using: &random)))
    }
    last = max(last, due)
    return last
  }

  var delayText: String {
    let text = "\(delay.inNanoseconds / 1_000_000)ms"
    return jitter == .zero ? text : "\(text) \(jitter.inNanoseconds / 1_000_000)ms"
  }

  package static func == (a: Self, b: Self) -> Bool {
    (a.delay, a.jitter, a.permille, a.seed) == (b.delay, b.jitter, b.permille, b.seed)
  }
}
