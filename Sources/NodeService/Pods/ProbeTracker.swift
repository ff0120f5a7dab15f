import NetTypes

/// One probe of one running container: when it is due, and what its results amount to.
///
/// Kubernetes runs a probe once a period, so a container that needs 30 ms to listen waits for a whole
/// period to become ready. Until the first success, startup and readiness probes here run again after
/// 20 ms, 40 ms, … up to the period; such extra runs can only succeed: a failure counts against the
/// threshold once a period, as in Kubernetes.
package struct ProbeTracker: Hashable, Sendable {
  package let kind: ProbeSpecification.Kind
  package let specification: ProbeSpecification
  /// When to run it next; meaningless while it runs.
  package private(set) var due: Instant
  package private(set) var isRunning = false
  /// What the thresholds make of the results so far: startup and readiness begin as failed,
  /// liveness as passed.
  package private(set) var passes: Bool
  private var successes = 0
  private var failures = 0
  private var eagerDelay: Duration?
  /// A failure before this is an extra run.
  private var countsFrom: Instant

  private static let firstEagerDelay = Duration.milliseconds(20)
  /// Exec probes start a process, so they begin slower.
  private static let firstEagerExecDelay = Duration.milliseconds(250)

  package init(
    kind: ProbeSpecification.Kind, specification: ProbeSpecification, startedAt: Instant,
    passes: Bool? = nil
  ) {
    self.kind = kind
    self.specification = specification
    self.passes = passes ?? (kind == .liveness)
    due = startedAt.advanced(by: specification.initialDelay)
    countsFrom = due
    if !self.passes, kind != .liveness {
      if case .exec = specification.handler {
        eagerDelay = Self.firstEagerExecDelay
      } else {
        eagerDelay = Self.firstEagerDelay
      }
    }
  }

  package mutating func begin() { isRunning = true }

  /// What a result changed.
  package enum Change: Hashable, Sendable {
    case none
    /// Failed, below the threshold or already failed.
    case failed
    case nowPasses
    case nowFails
  }

  package mutating func end(_ result: ProbeResult, at now: Instant) -> Change {
    isRunning = false
    switch result {
    case .success:
      failures = 0
      successes += 1
      countsFrom = now
      guard !passes, successes >= specification.successThreshold else {
        due = now.advanced(by: passes ? specification.period : eagerDelay ?? specification.period)
        return .none
      }
      passes = true
      eagerDelay = nil
      due = now.advanced(by: specification.period)
      return .nowPasses
    case .failure:
      successes = 0
      let counts = now >= countsFrom
      if counts {
        failures += 1
        countsFrom = now.advanced(by: specification.period)
      }
      due = countsFrom
      if let delay = eagerDelay {
        due = min(due, now.advanced(by: delay))
        eagerDelay = min(delay * 2, specification.period)
      }
      guard counts else { return .none }
      guard failures >= specification.failureThreshold else { return .failed }
      // A startup probe begins as not passed; its exhausted threshold is news all the same.
      guard passes || kind == .startup else { return .failed }
      passes = false
      failures = 0
      return .nowFails
    }
  }
}
