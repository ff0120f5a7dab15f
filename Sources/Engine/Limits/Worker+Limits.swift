import Delivery
import Glibc
import Synchronization

/// Circuit limits: how much of a member, of a virtual server and of retries there is.
///
/// A member's limit holds over all workers: a use is reserved before its connection is taken or
/// opened, and given back when the use ends. Requests beyond it wait in the pool's queue, if there is
/// one; whoever gives a use back serves the queue of its own worker at the end of the event batch,
/// and a worker whose queue is not empty looks every few milliseconds for what others gave back.
extension Worker {
  /// Milliseconds between looks.
  static let queueInterval: Int64 = 5

  // MARK: Members

  /// Reserves a use of a member. False: it has as many as it may.
  func reserve(_ member: WorkerMember) -> Bool {
    guard member.connectionLimit > 0 else {
      hasReservation = false
      return true
    }
    var count = member.shared.uses.load(ordering: .relaxed)
    while count < member.connectionLimit {
      let (exchanged, original) = member.shared.uses.compareExchange(
        expected: count, desired: count + 1, ordering: .relaxed)
      if exchanged {
        hasReservation = true
        return true
      }
      count = original
    }
    return false
  }

  /// Ties what `reserve` got to the connection that uses it.
  func keepReservation(_ upstream: UInt32) {
    if hasReservation { at(upstream).pointee.set(.reserved) }
    hasReservation = false
  }

  /// The connection did not come to be.
  func dropReservation(_ slot: UInt32) {
    guard hasReservation, let member = members[Int(slot)] else { return }
    hasReservation = false
    giveBack(member)
  }

  func endReservation(_ upstream: UInt32) {
    guard at(upstream).pointee.has(.reserved) else { return }
    at(upstream).pointee.clear(.reserved)
    if let member = members[Int(at(upstream).pointee.member)] { giveBack(member) }
  }

  private func giveBack(_ member: WorkerMember) {
    member.shared.uses.subtract(1, ordering: .relaxed)
    if member.position >= 0 { member.pool.balancer.setFull(false, at: member.position) }
  }

  // MARK: Virtual servers

  /// Counts a new client in. False: the virtual server has as many as it may.
  func admit(_ client: UInt32, _ server: WorkerServer) -> Bool {
    let limit = server.configuration.connectionLimit
    guard limit > 0 else { return true }
    var count = server.shared.admitted.load(ordering: .relaxed)
    while count < limit {
      let (exchanged, original) = server.shared.admitted.compareExchange(
        expected: count, desired: count + 1, ordering: .relaxed)
      if exchanged {
        at(client).pointee.set(.admitted)
        return true
      }
      count = original
    }
    return false
  }

  func dismiss(_ client: UInt32, _ server: WorkerServer) {
    guard at(client).pointee.has(.admitted) else { return }
    at(client).pointee.clear(.admitted)
    server.shared.admitted.subtract(1, ordering: .relaxed)
  }

  // MARK: Retries

  /// Takes a retry from the pool's budget. False: too large a part of its requests are retries, and
  /// more of them would only make it worse.
  func mayRetry(_ pool: WorkerPool) -> Bool {
    guard pool.retryTokens >= 1000 else {
      pool.counters.add(.refusedRetries)
      return false
    }
    pool.retryTokens -= 1000
    return true
  }

  // MARK: The queue

  /// Has a request wait until a member has a use to give. False: the queue is full, or there is none.
  func wait(_ index: UInt32, _ pool: WorkerPool, _ request: Buffer) -> Bool {
    guard pool.queue.count < pool.settings.queueLength else { return false }
    pool.queue.append(
      WaitingRequest(client: index, ticket: nextTicket, request: request))
    at(index).pointee.ticket = nextTicket
    nextTicket &+= 1
    at(index).pointee.set(.waiting)
    setDeadline(index, pool.settings.queueTimeout)
    if pool.queue.count == 1 { waitingPools.append(pool) }
    return true
  }

  /// Sends what waits, as far as there are uses.
  func serveQueues() {
    var index = 0
    while index < waitingPools.count {
      let pool = waitingPools[index]
      serveQueue(pool)
      if pool.queue.isEmpty { waitingPools.remove(at: index) } else { index += 1 }
    }
  }

  private func serveQueue(_ pool: WorkerPool) {
    // What is put back while it is served waits for the next look.
    for _ in 0..<pool.queue.count {
      guard var waiting = pool.queue.popFirst() else { return }
      let client = at(waiting.client)
      guard client.pointee.ticket == waiting.ticket, client.pointee.kind == .httpClient,
        client.pointee.has(.waiting), let server = servers[Int(client.pointee.server)]
      else {
        buffers.release(&waiting.request)
        continue
      }
      // Who has shut its side while it waits is taken for gone: nobody else could tell.
      if client.pointee.has(.peerClosed) {
        buffers.release(&waiting.request)
        closeClient(waiting.client)
        continue
      }
      guard let slot = pick(pool, for: waiting.client) else {
        pool.queue.putBack(waiting)
        return
      }
      client.pointee.clear(.waiting)
      clearDeadline(waiting.client)
      restoreTotal(waiting.client)
      sendOn(slot, waiting.client, server, pool, waiting.request)
    }
  }

  // MARK: The time for a whole exchange

  func beginTotal(_ client: UInt32, _ server: WorkerServer) {
    guard server.totalTimeout > 0 else { return }
    at(client).pointee.exchangeEnds = now &+ server.totalTimeout
    setDeadline(client, server.totalTimeout)
  }

  /// After a deadline of the exchange's parts was lifted.
  func restoreTotal(_ client: UInt32) {
    let end = at(client).pointee.exchangeEnds
    if end > 0 { setDeadline(client, max(1, end &- now)) }
  }

  /// A part's deadline is not to lie beyond the whole's.
  func limitToTotal(_ client: UInt32) {
    let end = at(client).pointee.exchangeEnds
    if end > 0, deadline(client) > end { setDeadline(client, max(1, end &- now)) }
  }

  func isOverTotal(_ client: UInt32) -> Bool {
    let end = at(client).pointee.exchangeEnds
    return end > 0 && now >= end
  }
}

/// A request that waits for a member.
struct WaitingRequest {
  let client: UInt32
  /// Of this wait alone: who gave up may wait again for another.
  let ticket: UInt64
  var request: Buffer
}

/// First in, first out, in an array that is used again and again.
struct RequestQueue {
  private var entries: [WaitingRequest] = []
  private var head = 0

  var count: Int { entries.count - head }
  var isEmpty: Bool { count == 0 }

  mutating func append(_ entry: WaitingRequest) {
    if head > 64, head * 2 > entries.count {
      entries.removeFirst(head)
      head = 0
    }
    entries.append(entry)
  }

  mutating func popFirst() -> WaitingRequest? {
    guard head < entries.count else { return nil }
    defer {
      head += 1
      if head == entries.count {
        entries.removeAll(keepingCapacity: true)
        head = 0
      }
    }
    return entries[head]
  }

  func contains(_ ticket: UInt64) -> Bool { entries[head...].contains { $0.ticket == ticket } }

  /// Puts what was just taken back to the front.
  mutating func putBack(_ entry: WaitingRequest) {
    if head > 0 {
      head -= 1
      entries[head] = entry
    } else {
      entries.insert(entry, at: 0)
    }
  }
}
