import Linux
import NetTypes

/// What `up` and `down` tell while they work; how it is shown is the caller's.
package enum Progress: Sendable {
  /// A step began: a live line may show it.
  case began(String)
  /// A step ended: what it did, and the time since the command began.
  case done(String, String, elapsed: Duration)
  /// Something the user should know that does not stop the work.
  case notice(String)
}

/// Reports steps with the time since it was made.
@Loop package final class ProgressLog {
  private let started = Loop.now
  private let show: @Loop (Progress) -> Void

  package init(show: @escaping @Loop (Progress) -> Void) { self.show = show }

  package var elapsed: Duration { started.duration(to: Loop.now) }

  func step<Value>(_ name: String, _ body: () async throws -> (Value, String)) async throws -> Value
  {
    show(.began(name))
    let (value, detail) = try await body()
    show(.done(name, detail, elapsed: elapsed))
    return value
  }

  func notice(_ text: String) { show(.notice(text)) }
}
