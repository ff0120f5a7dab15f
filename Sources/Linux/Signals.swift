import CLinux
import Glibc

/// Signals as events of the loop.
///
/// They come by handlers and a pipe, not by signalfd(2): the thread that the process began with waits
/// in sigsuspend(2) with nothing blocked once Swift's runtime has it, and would take every signal the
/// other threads block by its default action.
package enum Signals {
  /// Makes `numbers` events for `wait` from now on, and ignores SIGPIPE. Call first in `main`, so that
  /// a signal that comes early is kept.
  package nonisolated static func prepare(_ numbers: [Int32] = [SIGTERM, SIGINT, SIGHUP]) {
    signal(SIGPIPE, SIG_IGN)
    _ = atoll_catch_signals(numbers, Int32(numbers.count))
  }

  /// Suspends until one of `numbers` arrives; others that `prepare` has caught are passed over.
  @Loop package static func wait(for numbers: [Int32]) async throws -> Int32 {
    let pipe = try system("pipe", "signals") { atoll_catch_signals(numbers, Int32(numbers.count)) }
    while true {
      var number: UInt8 = 0
      let count = read(pipe, &number, 1)
      if count == 1 {
        if numbers.contains(Int32(number)) { return Int32(number) }
      } else if count < 0, errno == EAGAIN {
        let waiter = Waiter()
        let registration = try Loop.watch(pipe) { _ in waiter.resume() }
        defer { registration.cancel() }
        try await waiter.wait()
      } else if count < 0, errno != EINTR {
        throw SystemError("read", "signals")
      }
    }
  }
}
