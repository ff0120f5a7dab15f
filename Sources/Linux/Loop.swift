import CLinux
import Glibc
import NetTypes
import Synchronization

/// The control loop: one thread and one epoll instance own every control service of a process.
///
/// Whatever is isolated to `@Loop` runs on that thread, so services share state without locks and
/// without handing it over. The thread starts with the first job. The data plane has loops of its
/// own (`Engine`) and meets this one only by messages.
@globalActor
package actor Loop {
  package static let shared = Loop()
  private static let executor = LoopExecutor()

  package nonisolated var unownedExecutor: UnownedSerialExecutor {
    Loop.executor.asUnownedSerialExecutor()
  }

  /// CLOCK_MONOTONIC.
  package nonisolated static var now: Instant {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Instant(nanoseconds: Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec))
  }

  /// Calls `handler` with the ready events of `descriptor`, edge-triggered, until the returned
  /// registration is cancelled. Cancel before closing the descriptor.
  @Loop package static func watch(
    _ descriptor: Int32, _ handler: @escaping @Loop (Readiness) -> Void
  ) throws(SystemError) -> Registration {
    try executor.watch(descriptor, handler)
  }

  /// Calls `body` once after `delay`, unless the timer is cancelled first.
  @Loop @discardableResult package static func after(
    _ delay: Duration, _ body: @escaping @Loop () -> Void
  ) -> Timer {
    executor.schedule(at: now.advanced(by: delay), body)
  }

  /// Suspends for `delay`; throws `CancellationError` as soon as the task is cancelled.
  @Loop package static func sleep(_ delay: Duration) async throws {
    let waiter = Waiter()
    let timer = after(delay) { waiter.resume() }
    defer { timer.cancel() }
    try await waiter.wait()
  }

  /// Runs `body` on this thread, which must be the loop's.
  nonisolated static func assumeIsolated(_ body: @Loop () -> Void) {
    precondition(executor.isCurrent, "not on the loop's thread")
    withoutActuallyEscaping(body) { body in
      // As MainActor.assumeIsolated: the isolation was just proven, so only the type changes.
      unsafeBitCast(body, to: (() -> Void).self)()
    }
  }
}

/// Ready events of a descriptor.
package struct Readiness: OptionSet, Sendable {
  package let rawValue: UInt32
  package init(rawValue: UInt32) { self.rawValue = rawValue }

  package static let readable = Readiness(rawValue: 0x001)
  package static let writable = Readiness(rawValue: 0x004)
  package static let error = Readiness(rawValue: 0x008)
  package static let hangUp = Readiness(rawValue: 0x010)
  package static let peerClosed = Readiness(rawValue: 0x2000)
}

/// One descriptor under the loop's watch.
@Loop package final class Registration {
  fileprivate let descriptor: Int32
  fileprivate let token: UInt64
  fileprivate var handler: (@Loop (Readiness) -> Void)?
  fileprivate let cancelled: @Loop (Registration) -> Void

  fileprivate init(
    descriptor: Int32, token: UInt64, handler: @escaping @Loop (Readiness) -> Void,
    cancelled: @escaping @Loop (Registration) -> Void
  ) {
    self.descriptor = descriptor
    self.token = token
    self.handler = handler
    self.cancelled = cancelled
  }

  package func cancel() {
    guard handler != nil else { return }
    handler = nil
    cancelled(self)
  }
}

/// One scheduled call.
@Loop package final class Timer {
  fileprivate let deadline: Instant
  fileprivate var body: (@Loop () -> Void)?

  fileprivate init(deadline: Instant, body: @escaping @Loop () -> Void) {
    self.deadline = deadline
    self.body = body
  }

  package func cancel() { body = nil }
}

/// The executor behind `Loop`.
///
/// `@unchecked Sendable`: the inbox is under its mutex, and everything else is touched by the
/// loop's own thread only.
private final class LoopExecutor: SerialExecutor, @unchecked Sendable {
  private struct Inbox {
    var jobs: [UnownedJob] = []
    var started = false
    var sleeping = false
  }
  private let inbox = Mutex(Inbox())
  private let wake = eventfd(0, Int32(EFD_CLOEXEC | EFD_NONBLOCK))
  private let epoll = epoll_create1(Int32(EPOLL_CLOEXEC))
  private let threadID = Atomic<UInt>(0)

  private var registrations: [UInt64: Registration] = [:]
  private var nextToken: UInt64 = 1
  private var timers = TimerHeap()

  var isCurrent: Bool { threadID.load(ordering: .relaxed) == UInt(pthread_self()) }

  func isSameExclusiveExecutionContext(other: LoopExecutor) -> Bool { self === other }

  func checkIsolated() { precondition(isCurrent, "not on the loop's thread") }

  func enqueue(_ job: consuming ExecutorJob) {
    let job = UnownedJob(job)
    let (start, signal) = inbox.withLock { inbox in
      inbox.jobs.append(job)
      defer { inbox.started = true }
      return (!inbox.started, inbox.sleeping)
    }
    if start {
      Thread.spawn(name: "atoll-loop") { self.run() }
    } else if signal, !isCurrent {
      eventfd_write(wake, 1)
    }
  }

  private func run() {
    threadID.store(UInt(pthread_self()), ordering: .relaxed)
    _ = atoll_epoll_ctl(epoll, EPOLL_CTL_ADD, wake, EPOLLIN.rawValue, 0)
    var jobs: [UnownedJob] = []
    var events = [atoll_event](repeating: atoll_event(), count: 256)
    while true {
      inbox.withLock { swap(&$0.jobs, &jobs) }
      for job in jobs { job.runSynchronously(on: asUnownedSerialExecutor()) }
      jobs.removeAll(keepingCapacity: true)
      Loop.assumeIsolated { fireTimers() }
      let idle = inbox.withLock { inbox in
        inbox.sleeping = inbox.jobs.isEmpty
        return inbox.sleeping
      }
      let timeout = idle ? Loop.isolatedValue { self.timers.millisecondsToNext(from: Loop.now) } : 0
      let count = atoll_epoll_wait(epoll, &events, 256, timeout)
      inbox.withLock { $0.sleeping = false }
      guard count > 0 else { continue }
      Loop.assumeIsolated {
        for event in events[..<Int(count)] {
          if event.token == 0 {
            var value: eventfd_t = 0
            eventfd_read(wake, &value)
          } else {
            registrations[event.token]?.handler?(Readiness(rawValue: event.events))
          }
        }
      }
    }
  }

  @Loop func watch(
    _ descriptor: Int32, _ handler: @escaping @Loop (Readiness) -> Void
  ) throws(SystemError) -> Registration {
    let token = nextToken
    let interest = EPOLLIN.rawValue | EPOLLOUT.rawValue | EPOLLRDHUP.rawValue | EPOLLET.rawValue
    try system("epoll_ctl", "\(descriptor)") {
      atoll_epoll_ctl(epoll, EPOLL_CTL_ADD, descriptor, interest, token)
    }
    nextToken += 1
    let registration = Registration(descriptor: descriptor, token: token, handler: handler) {
      [unowned self] registration in
      registrations[registration.token] = nil
      _ = atoll_epoll_ctl(epoll, EPOLL_CTL_DEL, registration.descriptor, 0, 0)
    }
    registrations[token] = registration
    return registration
  }

  @Loop func schedule(at deadline: Instant, _ body: @escaping @Loop () -> Void) -> Timer {
    let timer = Timer(deadline: deadline, body: body)
    timers.insert(timer)
    return timer
  }

  @Loop private func fireTimers() {
    let now = Loop.now
    while let timer = timers.popDue(at: now) {
      guard let body = timer.body else { continue }
      timer.body = nil
      body()
    }
  }
}

extension Loop {
  fileprivate nonisolated static func isolatedValue<Value>(_ body: @Loop () -> Value) -> Value {
    var value: Value?
    withoutActuallyEscaping(body) { body in
      value = unsafeBitCast(body, to: (() -> Value).self)()
    }
    return value.unsafelyUnwrapped
  }
}

/// Timers by deadline: a binary heap. Cancelled timers leave when they reach the top.
private struct TimerHeap {
  private var timers: [Timer] = []

  @Loop mutating func insert(_ timer: Timer) {
    timers.append(timer)
    var child = timers.count - 1
    while child > 0 {
      let parent = (child - 1) / 2
      guard timers[child].deadline < timers[parent].deadline else { break }
      timers.swapAt(child, parent)
      child = parent
    }
  }

  @Loop mutating func popDue(at now: Instant) -> Timer? {
    guard let first = timers.first, first.body == nil || first.deadline <= now else { return nil }
    timers.swapAt(0, timers.count - 1)
    timers.removeLast()
    var parent = 0
    while true {
      var least = parent
      for child in [2 * parent + 1, 2 * parent + 2]
      where child < timers.count && timers[child].deadline < timers[least].deadline {
        least = child
      }
      if least == parent { return first }
      timers.swapAt(parent, least)
      parent = least
    }
  }

  /// Milliseconds to the next deadline, rounded up; -1 with no timer set.
  @Loop func millisecondsToNext(from now: Instant) -> Int32 {
    guard let first = timers.first else { return -1 }
    let nanoseconds = max(0, first.deadline.nanoseconds - now.nanoseconds)
    return Int32(clamping: (nanoseconds + 999_999) / 1_000_000)
  }
}
