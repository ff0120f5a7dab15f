import NetTypes

/// Whether a member is used, from what the votes wish: damped, so that what flaps is left alone longer.
///
///                        bad                              bad
///     ┌─────────┐ ───────────────▶ ┌──────┐ ◀─────────────────────── ┌──────┐
///     │ unknown │                  │ down │                          │  up  │
///     └─────────┘ ───────────┐     └──────┘ ───────────────────────▶ └──────┘
///                    good    └──────────────────────────────────────▶  good for as long as the
///                                                          hold-down, and resumed if that is asked
///
/// Hold-down is `holdDown` after the first fall, doubles with each up to `longestHoldDown`, and is
/// forgotten after `holdMemory` without one. What has never been up waits for nothing.
struct MemberVerdict: Sendable {
  enum State: Equatable, Sendable {
    case unknown
    case up
    /// `goodSince`: since when the votes would have it up again.
    case down(goodSince: Instant?)
  }

  enum Wish: Equatable, Sendable { case good, bad, unknown }

  private(set) var state = State.unknown
  private(set) var since: Instant
  /// When it last came back from a fall; nil: it has not.
  private(set) var returned: Instant?
  private(set) var falls = 0
  private var lastFall: Instant?
  /// Resumes that had been heard of when it fell.
  private var resumesAtFall: UInt32 = 0

  init(at now: Instant) { since = now }

  /// - Returns: true if the state is another.
  mutating func step(
    _ wish: Wish, resumes: UInt32, needsResume: Bool, _ policy: HealthPolicy, at now: Instant
  ) -> Bool {
    switch (state, wish) {
    case (.unknown, .good), (.unknown, .bad):
      enter(wish == .good ? .up : .down(goodSince: nil), now)
      return true
    case (.up, .bad):
      if let lastFall, lastFall.advanced(by: policy.holdMemory) < now { falls = 0 }
      falls += 1
      lastFall = now
      resumesAtFall = resumes
      enter(.down(goodSince: nil), now)
      return true
    case (.down, .bad), (.down, .unknown):
      state = .down(goodSince: nil)
      return false
    case (.down(let goodSince), .good):
      let began = goodSince ?? now
      state = .down(goodSince: began)
      if began.advanced(by: hold(policy)) > now { return false }
      if isAwaitingResume(resumes, needsResume) { return false }
      if falls > 0 { returned = now }
      enter(.up, now)
      return true
    case (.unknown, .unknown), (.up, .good), (.up, .unknown): return false
    }
  }

  func isAwaitingResume(_ resumes: UInt32, _ needsResume: Bool) -> Bool {
    needsResume && falls > 0 && resumes <= resumesAtFall && state != .up
  }

  func hold(_ policy: HealthPolicy) -> Duration {
    guard falls > 0 else { return .zero }
    return min(policy.holdDown * (1 << min(falls - 1, 20)), policy.longestHoldDown)
  }

  /// When the hold-down ends; nil unless the votes would have it up.
  func holdEnd(_ policy: HealthPolicy) -> Instant? {
    guard case .down(let goodSince?) = state else { return nil }
    return goodSince.advanced(by: hold(policy))
  }

  private mutating func enter(_ state: State, _ now: Instant) {
    self.state = state
    since = now
  }
}

/// The share of a member that returns: from a tenth, by tenths.
enum Ramp {
  private static let steps = 9

  /// Thousandths, and when the next tenth is due.
  static func share(
    since returned: Instant?, over ramp: Duration, at now: Instant
  ) -> (share: Int, next: Instant?) {
    guard let returned, ramp > .zero else { return (1000, nil) }
    let elapsed = returned.duration(to: now)
    guard elapsed < ramp else { return (1000, nil) }
    let step = Int(elapsed.inNanoseconds * Int64(steps) / ramp.inNanoseconds)
    let next = Duration.nanoseconds(ramp.inNanoseconds * Int64(step + 1) / Int64(steps) + 1)
    return (100 + 100 * step, returned.advanced(by: next))
  }
}
