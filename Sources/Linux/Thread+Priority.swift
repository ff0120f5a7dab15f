import Glibc

extension Thread {
  package enum Priority: String, Sendable {
    /// Before every thread of ordinary scheduling (SCHED_RR).
    case realTime = "real time"
    /// The largest share among ordinary threads (nice -20).
    case favoured
    /// As any other.
    case ordinary
  }

  /// Puts the calling thread before others, as far as the system lets it: for threads that do
  /// little, and must do it on time. sched(7)
  package nonisolated static func raisePriority() -> Priority {
    var parameter = sched_param()
    parameter.sched_priority = sched_get_priority_min(SCHED_RR)
    // 0 is the calling thread, for both calls.
    if sched_setscheduler(0, SCHED_RR, &parameter) == 0 { return .realTime }
    return setpriority(__priority_which_t(PRIO_PROCESS.rawValue), 0, -20) == 0
      ? .favoured : .ordinary
  }
}
