import Glibc
import Linux
import NetTypes

/// A number that grows with every start of a voter, whatever its clock does.
enum Incarnation {
  private static var wallClock: timespec {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    return time
  }

  /// From 1970 to the control loop's zero, as server cookies count (RFC 9018 §4.3).
  static var secondsAtZero: Int64 {
    Int64(wallClock.tv_sec) - Loop.now.nanoseconds / 1_000_000_000
  }

  /// Microseconds since 1970, or one more than the number before, which `path` keeps.
  static func next(path: String?) throws -> UInt64 {
    let time = wallClock
    let now = UInt64(clamping: time.tv_sec) * 1_000_000 + UInt64(clamping: time.tv_nsec / 1000)
    guard let path else { return now }
    let before = (try? FileSystem.readText(path)).flatMap { UInt64($0.prefix { $0.isNumber }) } ?? 0
    let next = max(now, before &+ 1)
    try FileSystem.write("\(next)\n", to: path)
    return next
  }
}
