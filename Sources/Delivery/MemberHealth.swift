import NetTypes

/// Health of one member: what the probes say, and what the traffic itself met.
///
///              fall failures                      a failed connection of the traffic
///     ┌──────┐ ───────────────▶ ┌──────┐   up ──────────────────────────────▶ ┌─────────┐
///     │  up  │                  │ down │                                      │ ejected │
///     └──────┘ ◀─────────────── └──────┘   up ◀────────────────────────────── └─────────┘
///              rise successes              a probe's success after the back-off; without
///                                          a monitor, the end of the back-off
///
/// A member starts up: its source, as a ready endpoint, already vouches for it, and the first
/// failed connection takes it out at once. The back-off doubles with every ejection from 100 ms to
/// 10 s and is forgotten after a minute without one, so a member that flaps is left alone longer.
package struct MemberHealth: Equatable, Sendable {
  package enum State: Equatable, Sendable {
    case up
    case down(reason: String)
    /// Out because traffic failed; not probed before `until`.
    case ejected(reason: String, until: Instant)
  }

  package enum Event: Equatable, Sendable {
    case probeSucceeded
    case probeFailed(reason: String)
    /// A connection of the traffic was refused, reset at once or timed out.
    case trafficFailed(reason: String)
    /// The wake-up that `probe(at:)` or `wake(at:)` asked for.
    case woke
  }

  package enum Action: Equatable, Sendable {
    case setAvailable(Bool)
    /// Probe at this time, instead of the time planned.
    case probe(at: Instant)
    /// Send `woke` at this time.
    case wake(at: Instant)
  }

  package private(set) var state = State.up
  package private(set) var since: Instant
  private let monitor: Monitor
  /// Results in a row that contradict the state.
  private var streak = 0
  private var ejections = 0
  private var lastEjection: Instant?

  static let firstBackOff = Duration.milliseconds(100)
  static let longestBackOff = Duration.seconds(10)
  static let memory = Duration.seconds(60)

  package init(monitor: Monitor, at now: Instant) {
    self.monitor = monitor
    since = now
  }

  package var isAvailable: Bool { state == .up }

  /// Why it is not up.
  package var reason: String? {
    switch state {
    case .up: nil
    case .down(let reason), .ejected(let reason, _): reason
    }
  }

  package mutating func handle(_ event: Event, at now: Instant) -> [Action] {
    switch (state, event) {
    case (.up, .probeSucceeded):
      streak = 0
      return []
    case (.up, .probeFailed(let reason)):
      streak += 1
      guard streak >= monitor.fall else { return [] }
      enter(.down(reason: reason), at: now)
      return [.setAvailable(false)]
    case (.up, .trafficFailed(let reason)):
      return eject(reason, at: now)
    case (.down, .probeSucceeded):
      streak += 1
      guard streak >= monitor.rise else { return [] }
      enter(.up, at: now)
      return [.setAvailable(true)]
    case (.down, .probeFailed(let reason)):
      streak = 0
      state = .down(reason: reason)
      return []
    case (.ejected(_, let until), .probeSucceeded):
      // A probe that was under way when the traffic failed proves nothing.
      guard now >= until else { return [] }
      enter(.up, at: now)
      return [.setAvailable(true)]
    case (.ejected, .probeFailed(let reason)):
      enter(.down(reason: reason), at: now)
      return []
    case (.ejected(_, let until), .woke):
      guard now >= until else { return [.wake(at: until)] }
      if monitor.kind != .none { return [.probe(at: now)] }
      enter(.up, at: now)
      return [.setAvailable(true)]
    case (.down, .trafficFailed), (.ejected, .trafficFailed):
      // Connections that were under way when it went out.
      return [.setAvailable(false)]
    case (.up, .woke), (.down, .woke):
      return []
    }
  }

  private mutating func eject(_ reason: String, at now: Instant) -> [Action] {
    if let lastEjection, lastEjection.advanced(by: MemberHealth.memory) < now { ejections = 0 }
    lastEjection = now
    let backOff = min(
      MemberHealth.firstBackOff * (1 << min(ejections, 10)), MemberHealth.longestBackOff)
    ejections += 1
    let until = now.advanced(by: backOff)
    enter(.ejected(reason: reason, until: until), at: now)
    return [.setAvailable(false), monitor.kind == .none ? .wake(at: until) : .probe(at: until)]
  }

  private mutating func enter(_ state: State, at now: Instant) {
    self.state = state
    since = now
    streak = 0
  }
}
