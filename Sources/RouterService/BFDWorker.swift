import BFD
import CLinux
import Glibc
import Linux
import NetTypes
import Synchronization

/// The thread that BFD's packets come and go on, and its sockets.
///
/// Commands and its own events meet under one mutex, held for microseconds. What is received is
/// handled before what is due: a thread that wakes late finds the peer's packets waiting, and does
/// not take its own delay for the peer's silence.
final class BFDWorker: Sendable {
  struct Change: Sendable {
    var path: BFDPath
    var change: BFDChange
  }

  struct Receiver: Sendable {
    var descriptor: Int32
    var isIPv4: Bool
    var isMultihop: Bool
  }

  /// Descriptors here are closed by the thread, as its last act.
  private struct State: Sendable {
    var engine: BFDEngine
    var receivers: [Receiver] = []
    var senders: [BFDPath: Int32] = [:]
    var isStopping = false

    /// Does what the engine asks; what the operator should know comes back.
    mutating func perform(_ actions: [BFDEngine.Action]) -> [Change] {
      var changes: [Change] = []
      for action in actions {
        switch action {
        case .send(let path, let bytes):
          guard let descriptor = senders[path] else { continue }
          Datagrams.send(
            descriptor, bytes, to: SocketAddress(path.remote, port: path.port),
            scope: path.interface)
        case .changed(let path, let change): changes.append(Change(path: path, change: change))
        case .closed(let path):
          if let descriptor = senders.removeValue(forKey: path) { close(descriptor) }
        }
      }
      return changes
    }
  }

  private let state: Mutex<State>
  /// Written when there is something new to wait for, and by the thread when it has ended.
  private let wake = eventfd(0, Int32(EFD_CLOEXEC | EFD_NONBLOCK))
  private let ended = eventfd(0, Int32(EFD_CLOEXEC))
  private let report: @Sendable ([Change]) -> Void

  init(seed: UInt64, report: @escaping @Sendable ([Change]) -> Void) {
    state = Mutex(State(engine: BFDEngine(seed: seed)))
    self.report = report
  }

  deinit {
    close(wake)
    close(ended)
  }

  func start() { Thread.spawn(name: "atoll-bfd") { self.run() } }

  /// Ends the thread, telling every peer that this is the operator's wish; waits for it.
  func stop() {
    state.withLock { $0.isStopping = true }
    eventfd_write(wake, 1)
    var value: eventfd_t = 0
    eventfd_read(ended, &value)
  }

  func receives(isIPv4: Bool, isMultihop: Bool) -> Bool {
    state.withLock {
      $0.receivers.contains { $0.isIPv4 == isIPv4 && $0.isMultihop == isMultihop }
    }
  }

  func sends(_ path: BFDPath) -> Bool { state.withLock { $0.senders[path] != nil } }

  /// Takes a socket over.
  func add(_ receiver: Receiver) { state.withLock { $0.receivers.append(receiver) } }

  /// Takes a socket over.
  func add(sender descriptor: Int32, for path: BFDPath) {
    state.withLock { $0.senders[path] = descriptor }
  }

  func handle(_ event: BFDEngine.Event) {
    let changes = state.withLock { state in
      state.perform(state.engine.handle(event, at: Loop.now))
    }
    eventfd_write(wake, 1)
    if !changes.isEmpty { report(changes) }
  }

  var sessions: [BFDStatus] { state.withLock { $0.engine.sessions } }
  var discarded: UInt64 { state.withLock { $0.engine.discarded } }

  private func run() {
    _ = Thread.raisePriority()
    var buffer = [UInt8](repeating: 0, count: 256)
    while true {
      let (receivers, deadline, isStopping) = state.withLock {
        ($0.receivers, $0.engine.deadline, $0.isStopping)
      }
      if isStopping { return end() }
      wait(for: receivers, until: deadline)
      var events: [BFDEngine.Event] = []
      for receiver in receivers {
        while let (count, arrival) = Datagrams.receive(receiver.descriptor, into: &buffer) {
          events.append(.received(Array(buffer[..<count]), BFDArrival(arrival, receiver)))
        }
      }
      events.append(.tick)
      let changes = state.withLock { state in
        events.flatMap { state.perform(state.engine.handle($0, at: Loop.now)) }
      }
      if !changes.isEmpty { report(changes) }
    }
  }

  private func wait(for receivers: [Receiver], until deadline: Instant?) {
    var descriptors = ([wake] + receivers.map(\.descriptor)).map {
      pollfd(fd: $0, events: Int16(POLLIN), revents: 0)
    }
    let timeout = deadline.map { max(0, $0.nanoseconds - Loop.now.nanoseconds) } ?? -1
    atoll_poll(&descriptors, UInt(descriptors.count), timeout)
    var value: eventfd_t = 0
    eventfd_read(wake, &value)
  }

  private func end() {
    state.withLock { state in
      for path in state.senders.keys {
        _ = state.perform(state.engine.handle(.remove(path), at: Loop.now))
      }
      for descriptor in state.senders.values { close(descriptor) }
      for receiver in state.receivers { close(receiver.descriptor) }
      state.senders = [:]
      state.receivers = []
    }
    eventfd_write(ended, 1)
  }
}

extension BFDArrival {
  fileprivate init(_ arrival: Datagrams.Arrival, _ receiver: BFDWorker.Receiver) {
    self.init(
      source: arrival.source.address, destination: arrival.destination,
      interface: arrival.interface, timeToLive: arrival.timeToLive ?? 0,
      isMultihop: receiver.isMultihop)
  }
}
