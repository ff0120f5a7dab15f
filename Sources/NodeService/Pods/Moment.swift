import Kubernetes
import NetTypes

/// Now, twice: on the monotonic clock for deadlines, on the wall clock for what status prints.
package struct Moment: Hashable, Sendable {
  package var instant: Instant
  package var time: Timestamp

  package init(instant: Instant, time: Timestamp) {
    self.instant = instant
    self.time = time
  }
}
