import Glibc
import Kubernetes

extension Timestamp {
  /// The wall clock.
  package static var now: Timestamp {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    return Timestamp(
      unixSeconds: Int64(time.tv_sec), microseconds: Int32(clamping: time.tv_nsec / 1000))
  }
}
