/// An instant on a monotonic clock, handed to every core as an argument: cores read no clock.

package struct Instant: Hashable, Comparable, Sendable, InstantProtocol {
  /// Nanoseconds since an arbitrary start.
  package var nanoseconds: Int64

  @inlinable
  package init(nanoseconds: Int64) { self.nanoseconds = nanoseconds }

  package static let zero = Instant(nanoseconds: 0)

  package func advanced(by duration: Duration) -> Instant {
    Instant(nanoseconds: nanoseconds + duration.inNanoseconds)
  }

  package func duration(to other: Instant) -> Duration {
    .nanoseconds(other.nanoseconds - nanoseconds)
  }

  @inlinable
  package static func < (a: Self, b: Self) -> Bool { a.nanoseconds < b.nanoseconds }
}

extension Duration {
  /// Whole nanoseconds; saturates beyond 292 years.
  package var inNanoseconds: Int64 {
    let (seconds, attoseconds) = components
    let (whole, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
    return overflow ? (seconds < 0 ? .min : .max) : whole + attoseconds / 1_000_000_000
  }
}
