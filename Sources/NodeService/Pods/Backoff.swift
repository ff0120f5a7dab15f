import NetTypes

/// Delays that double from 10 s to 5 min, and start over after 10 quiet minutes: kubelet's for
/// crashing containers and for failing pulls.
package struct Backoff: Hashable, Sendable {
  package static let initial = Duration.seconds(10)
  package static let limit = Duration.seconds(300)

  private var delay: Duration?
  private var lastStep: Instant?

  package init() {}

  /// The delay that an attempt must keep from the failure before it; nil for the first.
  package func current(at now: Instant) -> Duration? {
    guard let delay, let lastStep, lastStep.duration(to: now) <= Self.limit * 2 else { return nil }
    return delay
  }

  /// Counts one attempt.
  package mutating func step(at now: Instant) {
    delay = current(at: now).map { min($0 * 2, Self.limit) } ?? Self.initial
    lastStep = now
  }
}
