import NetTypes

/// When a role that died starts again: at once the first time, then 0.1 s doubling to 10 s; a run of
/// 10 s forgives what was before.
package struct RestartPolicy: Equatable, Sendable {
  package static let first = Duration.milliseconds(100)
  package static let limit = Duration.seconds(10)
  package static let stable = Duration.seconds(10)

  package private(set) var restarts = 0
  private var delay = Duration.zero

  package init() {}

  /// The pause before the next start, after a run of `lasted`.
  package mutating func pause(afterRunOf lasted: Duration) -> Duration {
    if lasted >= Self.stable { delay = .zero }
    defer { delay = delay == .zero ? Self.first : min(delay * 2, Self.limit) }
    restarts += 1
    return delay
  }
}
