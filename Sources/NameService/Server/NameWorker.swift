import DNS
import Glibc
import Linux
import NetTypes
import Synchronization

/// One thread that answers the datagrams of one address: a socket of its own (SO_REUSEPORT), a
/// responder of its own, batches of queries in and of answers out.
///
/// It waits in the kernel for a first query and takes those behind it along: two calls a batch. What
/// is served changes under a lock; the thread looks at its number once a batch.
///
/// `@unchecked Sendable`: after `start` everything but the mutexes and atomics belongs to the thread.
final class NameWorker: @unchecked Sendable {
  /// A query that the control loop answers, later.
  struct Handed: Sendable {
    var query: [UInt8]
    var source: IPAddress
    fileprivate var way: DatagramBatch.Way
    fileprivate var socket: Int32
    fileprivate var worker: NameWorker

    /// Sends the answer the way the query came.
    func answer(_ bytes: [UInt8]) { way.send(socket, bytes) }
    /// Makes room for another.
    func finish() { worker.handed.subtract(1, ordering: .relaxed) }
  }

  private static let batchSize = 64
  private static let queryBytes = 4096
  private static let answerBytes = 4096
  /// Queries of one thread that wait on the control loop; more are dropped.
  private static let handedLimit = 4096

  private let socket: Int32
  private let published: Mutex<PublishedNames>
  private let generation = Atomic<Int>(0)
  private let isStopped = Atomic<Bool>(false)
  fileprivate let handed = Atomic<Int>(0)
  private let totals = Mutex(ResponderCounters())
  /// Called on the worker's thread.
  private let handOver: @Sendable (Handed) -> Void

  init(
    _ address: SocketAddress, _ published: PublishedNames,
    handOver: @escaping @Sendable (Handed) -> Void
  ) throws(SystemError) {
    socket = try DatagramBatch.socket(bound: address, blocking: true).release()
    self.published = Mutex(published)
    self.handOver = handOver
  }

  deinit { close(socket) }

  var counters: ResponderCounters { totals.withLock { $0 } }

  func publish(_ value: PublishedNames) {
    published.withLock { $0 = value }
    generation.add(1, ordering: .releasing)
  }

  func start(_ index: Int) { Thread.spawn(name: "atoll-dns-\(index)") { self.run() } }

  func stop() {
    isStopped.store(true, ordering: .releasing)
    DatagramBatch.end(socket)
  }

  private func run() {
    guard
      var batch = try? DatagramBatch(
        capacity: Self.batchSize, queryBytes: Self.queryBytes, answerBytes: Self.answerBytes)
    else { return }
    var seen = generation.load(ordering: .acquiring)
    var isHeld = true
    var current = published.withLock { $0 }
    var responder = Responder(
      catalogue: current.catalogue, steering: current.steering, options: current.options,
      seed: .random(in: 0 ... .max))
    while !isStopped.load(ordering: .acquiring) {
      let count = batch.receive(socket)
      let newest = generation.load(ordering: .acquiring)
      if newest != seen {
        seen = newest
        let before = current
        current = published.withLock { $0 }
        responder.use(current, insteadOf: before)
        if !isHeld { responder.use(current.steering) }
        isHeld = true
      }
      let now = Loop.now
      if current.lease.holds(at: now) != isHeld {
        isHeld.toggle()
        responder.use(isHeld ? current.steering : current.refusal)
      }
      answer(count, at: now, &batch, &responder, current)
      totals.withLock { $0 = responder.counters }
    }
  }

  private func answer(
    _ count: Int, at now: Instant, _ batch: inout DatagramBatch, _ responder: inout Responder,
    _ current: borrowing PublishedNames
  ) {
    guard count > 0 else { return }
    for index in 0..<count {
      // Cut by the kernel: longer than any query that means well.
      guard let query = batch.query(index) else { continue }
      let source = batch.source(index)
      var room = batch.answer(index).mutableSpan
      var outcome = responder.respond(
        to: query.span, from: source, over: .udp, at: now, into: &room)
      switch outcome {
      case .outside where !current.recurses(for: source):
        outcome = responder.reply(
          .refused, to: query.span, from: source, over: .udp, at: now, into: &room)
      case .outside, .notify, .transfer:
        guard handed.load(ordering: .relaxed) < Self.handedLimit else { continue }
        handed.add(1, ordering: .relaxed)
        handOver(
          Handed(
            query: Array(query), source: source, way: batch.way(index), socket: socket,
            worker: self))
        continue
      case .reply, .drop: break
      }
      if case .reply(let length) = outcome { batch.reply(index, length) }
    }
    batch.send(socket)
  }
}
