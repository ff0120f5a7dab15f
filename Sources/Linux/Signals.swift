import CLinux
import Glibc

/// Signals as events of the loop.
package enum Signals {
  /// Blocks `numbers` in the calling thread and those it starts later, so that only `wait` sees
  /// them, and ignores SIGPIPE. Call first in `main`, before the loop's thread starts.
  package nonisolated static func prepare(_ numbers: [Int32] = [SIGTERM, SIGINT]) {
    signal(SIGPIPE, SIG_IGN)
    var set = signalSet(numbers)
    pthread_sigmask(SIG_BLOCK, &set, nil)
  }

  /// Suspends until one of `numbers`, which `prepare` has blocked, arrives.
  @Loop package static func wait(for numbers: [Int32]) async throws -> Int32 {
    var set = signalSet(numbers)
    let descriptor = Descriptor(
      try system("signalfd") { signalfd(-1, &set, Int32(SFD_CLOEXEC) | Int32(SFD_NONBLOCK)) })
    let waiter = Waiter()
    let registration = try Loop.watch(descriptor.rawValue) { _ in waiter.resume() }
    defer { registration.cancel() }
    try await waiter.wait()
    var information = signalfd_siginfo()
    let size = MemoryLayout<signalfd_siginfo>.size
    try system("read", "signalfd") { read(descriptor.rawValue, &information, size) }
    return Int32(bitPattern: information.ssi_signo)
  }

  private static func signalSet(_ numbers: [Int32]) -> sigset_t {
    var set = sigset_t()
    sigemptyset(&set)
    for number in numbers { sigaddset(&set, number) }
    return set
  }
}
