import Linux
import NetTypes

/// Until when a unit or a mesh may take to get ready, and where to look when it has not.
@Loop struct ReadinessDeadline {
  static let interval = Duration.milliseconds(10)

  let instant: Instant
  /// What follows the reason, as `the unit is left as it is: atoll status`.
  let advice: String

  /// Asks `missing` until it has nothing to say.
  /// - Throws: `UnitError` with what was missing last.
  func wait(for what: String, _ missing: () async throws -> String?) async throws {
    var last = "no answer yet"
    while true {
      do {
        guard let reason = try await missing() else { return }
        last = reason
      } catch {
        last = "\(error)"
      }
      guard Loop.now < instant else { throw UnitError("\(what): \(last); \(advice)") }
      try await Loop.sleep(Self.interval)
    }
  }
}
