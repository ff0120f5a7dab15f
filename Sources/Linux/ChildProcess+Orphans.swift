import CLinux
import Glibc

extension ChildProcess {
  private static let sweepInterval = Duration.seconds(10)
  private static var isSubreaper = false
  private static var adoptions = 0

  /// Orphans below this process become its children, and are reaped when they have ended.
  package static func becomeSubreaper() throws(SystemError) {
    guard !isSubreaper else { return }
    try system("prctl", "PR_SET_CHILD_SUBREAPER") { atoll_become_subreaper() }
    isSubreaper = true
    sweepLater()
  }

  /// Runs `body`, which will `adopt` an orphan: until it returns, none is reaped unseen.
  package static func adopting<Value>(_ body: @Loop () async throws -> Value) async rethrows
    -> Value
  {
    adoptions += 1
    defer { adoptions -= 1 }
    return try await body()
  }

  private static func sweepLater() {
    Loop.after(sweepInterval) {
      reapOrphans()
      sweepLater()
    }
  }

  /// Reaps every child that has ended, except while one is being adopted.
  package static func reapOrphans() {
    var information = siginfo_t()
    while adoptions == 0,
      waitid(P_ALL, 0, &information, WEXITED | WNOHANG | WNOWAIT) == 0,
      information.si_signo == SIGCHLD
    {
      let pid = information._sifields._sigchld.si_pid
      if let known = running[pid] {
        known.reap()
        if known.isRunning { return }
      } else if waitid(P_PID, id_t(bitPattern: pid), &information, WEXITED | WNOHANG) != 0 {
        return
      }
      information = siginfo_t()
    }
  }
}
