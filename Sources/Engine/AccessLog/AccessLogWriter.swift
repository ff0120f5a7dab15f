import CLinux
import Delivery
import Glibc
import Linux
import Synchronization

/// The thread that writes access logs, so that no worker waits for a disk.
///
/// While lines come it looks every few milliseconds, and workers leave it alone; after a while
/// without one it sleeps, and the first line wakes it.
final class AccessLogWriter: Sendable {
  private static let pause: Int32 = 5
  /// Looks without a line before it sleeps.
  private static let patience = 40

  private let sinks = Mutex<[AccessLogSink]>([])
  private let wake: Int32
  private let isSleeping = Atomic<Bool>(false)
  private let hasStarted = Atomic<Bool>(false)
  private let mayEnd = Atomic<Bool>(false)
  private let hasEnded = Atomic<Bool>(false)

  init() { wake = eventfd(0, Int32(EFD_CLOEXEC | EFD_NONBLOCK)) }
  deinit { close(wake) }

  /// The sink of a destination: the one there is, so that lines of several servers do not mix.
  func sink(
    for destination: AccessLog.Destination, workers: Int
  ) throws(SystemError) -> AccessLogSink {
    let known = sinks.withLock { sinks in
      sinks.first { $0.destination == destination }.map { sink in
        sink.users.add(1, ordering: .relaxed)
        return sink
      }
    }
    if let known { return known }
    let sink = try AccessLogSink(destination, workers: workers)
    sink.users.add(1, ordering: .relaxed)
    sinks.withLock { $0.append(sink) }
    if !hasStarted.exchange(true, ordering: .relaxed) {
      Thread.spawn(name: "atoll-accesslog") { self.run() }
    }
    return sink
  }

  /// A worker has put a line.
  @inline(__always) func lineWaits() {
    // Orders the line before the look: one of the two sides sees the other.
    atomicMemoryFence(ordering: .sequentiallyConsistent)
    if isSleeping.load(ordering: .relaxed) { awake() }
  }

  private func awake() {
    if isSleeping.exchange(false, ordering: .relaxed) { eventfd_write(wake, 1) }
  }

  /// Opens files by their names anew, for who has moved them away.
  func reopen() {
    sinks.withLock { for sink in $0 { sink.reopen() } }
    eventfd_write(wake, 1)
  }

  /// Writes what there is, and ends: nothing more comes.
  func end() {
    mayEnd.store(true, ordering: .releasing)
    eventfd_write(wake, 1)
  }

  /// All is written.
  var isDone: Bool {
    !hasStarted.load(ordering: .relaxed) || hasEnded.load(ordering: .acquiring)
  }

  var counts: [EngineSnapshot.AccessLogCounts] {
    sinks.withLock { sinks in
      sinks.map { sink in
        let destination =
          if case .file(let path) = sink.destination { path } else { "stdout" }
        return EngineSnapshot.AccessLogCounts(
          destination: destination,
          lines: sink.rings.reduce(0) { $0 &+ $1.lines.load(ordering: .relaxed) },
          dropped: sink.rings.reduce(0) { $0 &+ $1.dropped.load(ordering: .relaxed) },
          errors: sink.errors.load(ordering: .relaxed))
      }
    }
  }

  private func run() {
    var idle = 0
    while true {
      let isLast = mayEnd.load(ordering: .acquiring)
      if drain() { idle = 0 } else { idle += 1 }
      if isLast { break }
      if idle < AccessLogWriter.patience {
        wait(AccessLogWriter.pause)
        continue
      }
      isSleeping.store(true, ordering: .relaxed)
      atomicMemoryFence(ordering: .sequentiallyConsistent)
      if !drain() { wait(1000) }
      isSleeping.store(false, ordering: .relaxed)
    }
    hasEnded.store(true, ordering: .releasing)
  }

  private func wait(_ milliseconds: Int32) {
    var descriptor = pollfd(fd: wake, events: Int16(POLLIN), revents: 0)
    poll(&descriptor, 1, milliseconds)
    if descriptor.revents != 0 {
      var value: eventfd_t = 0
      eventfd_read(wake, &value)
    }
  }

  private func drain() -> Bool {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC_COARSE, &time)
    let now = Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000
    // A copy, so that nobody who asks for counts waits for a disk.
    let current = sinks.withLock { $0 }
    var moved = false
    var isOver = false
    for sink in current {
      if sink.drain(at: now) { moved = true }
      if sink.users.load(ordering: .acquiring) == 0 { isOver = true }
    }
    if isOver {
      sinks.withLock { sinks in
        sinks.removeAll { $0.users.load(ordering: .acquiring) == 0 && $0.isEmpty }
      }
    }
    return moved
  }
}
