import Delivery
import Glibc
import HTTP

/// From a request that is ready to the member that answers it: choice, retries, failures.
///
/// A request is sent again, to another member if there is one, when
/// 1. the connection could not be established: nothing of it was sent, so any method may be;
/// 2. the connection died before any byte of a response, all of the request is still buffered, and
///    its method is idempotent (RFC 9110 §9.2.2). A pooled connection that the member closed just
///    then is the usual case.
extension Worker {
  func dispatchRequest(
    _ index: UInt32, _ server: WorkerServer, _ pool: WorkerPool, _ request: Buffer,
    excluding failed: UInt32, after code: Int32 = 0
  ) {
    var request = request
    pool.counters.add(.requests)
    if failed == Connection.none {
      pool.retryTokens = min(pool.retryTokens &+ pool.settings.retryGain, WorkerPool.retryReserve)
    }
    if let slot = pick(pool, for: index, excluding: failed) {
      return sendOn(slot, index, server, pool, request, excluding: failed, after: code)
    }
    if pool.balancer.fullCount > 0 {
      if wait(index, pool, request) { return }
      buffers.release(&request)
      pool.counters.add(.failures)
      return respond(index, 503, .atLimit(pool))
    }
    giveUp(index, pool, request, code)
  }

  /// Takes the request to a member that was picked for it, and on to others while it cannot be
  /// reached.
  func sendOn(
    _ first: UInt32, _ index: UInt32, _ server: WorkerServer, _ pool: WorkerPool,
    _ request: Buffer, excluding failed: UInt32 = Connection.none, after code: Int32 = 0
  ) {
    var excluded = failed
    var lastError = code
    var picked: UInt32? = first
    while at(index).pointee.attempts < settings.maximumAttempts {
      guard let slot = picked ?? pick(pool, for: index, excluding: excluded) else { break }
      picked = nil
      at(index).pointee.timing.member = slot
      if at(index).pointee.attempts > 0, !mayRetry(pool) {
        dropReservation(slot)
        break
      }
      if pool.settings.usesHTTP2 {
        at(index).pointee.attempts &+= 1
        switch openUpstreamStream(slot, timeout: server.connectTimeout) {
        case .opened(let upstream):
          attach(upstream, index, request)
          return startStream(upstream)
        case .failed(let code):
          lastError = code
          if code != EMFILE { reportFailure(slot, code) }
          server.counters.add(.retries)
          excluded = slot
          continue
        }
      }
      // The member that just dropped a pooled connection has likely dropped them all.
      if slot != failed, let upstream = takeIdle(slot) {
        if !at(index).pointee.has(.idempotent), isStale(upstream) {
          closeUpstream(upstream)
          picked = slot
          continue
        }
        at(index).pointee.attempts &+= 1
        attach(upstream, index, request)
        at(upstream).pointee.phase = .waiting
        return sendRequest(upstream)
      }
      at(index).pointee.attempts &+= 1
      switch openUpstream(slot, .httpUpstream, timeout: server.connectTimeout) {
      case .opened(let upstream):
        return attach(upstream, index, request)
      case .failed(let code):
        lastError = code
        if code != EMFILE { reportFailure(slot, code) }
        server.counters.add(.retries)
        excluded = slot
      }
    }
    giveUp(index, pool, request, lastError)
  }

  private func giveUp(_ index: UInt32, _ pool: WorkerPool, _ request: Buffer, _ lastError: Int32) {
    var request = request
    buffers.release(&request)
    at(index).pointee.peer = Connection.none
    pool.counters.add(.failures)
    switch lastError {
    case 0 where at(index).pointee.attempts == 0: respond(index, 503, .noMember(pool))
    case 0: respond(index, 502, .memberClosed(pool))
    case ETIMEDOUT: respond(index, 504, .connectFailed(pool, lastError))
    default: respond(index, 502, .connectFailed(pool, lastError))
    }
  }

  private func attach(_ upstream: UInt32, _ client: UInt32, _ request: Buffer) {
    let connection = at(upstream)
    connection.pointee.peer = client
    connection.pointee.server = at(client).pointee.server
    connection.pointee.flags.subtract([.answered, .keepAlive, .dechunk, .writeShut, .messageDone])
    connection.pointee.set(.replayable)
    connection.pointee.output = request
    connection.pointee.timing.began = moment
    at(client).pointee.peer = upstream
    members[Int(connection.pointee.member)]?.counters.add(.requests)
  }

  /// Whether the member has closed a pooled connection: asked only where a retry is not allowed.
  private func isStale(_ upstream: UInt32) -> Bool {
    if at(upstream).pointee.tls != nil { return !staysIdle(upstream) }
    var byte: UInt8 = 0
    let flags = Int32(MSG_PEEK | MSG_DONTWAIT)
    return recv(at(upstream).pointee.descriptor, &byte, 1, flags) >= 0
      || errno != EAGAIN
  }

  /// Sends what is buffered of the request, and keeps it for a retry.
  func sendRequest(_ upstream: UInt32) {
    guard let server = servers[Int(at(upstream).pointee.server)] else { return }
    switch flush(upstream, keep: true) {
    case .done:
      requestMoved(upstream, server)
      let client = at(upstream).pointee.peer
      if !at(client).pointee.has(.messageDone) { enqueue(client) }
    case .stalled: setDeadline(upstream, server.idleTimeout)
    case .failed: upstreamDied(upstream)
    }
  }

  /// All that came of the request so far is sent.
  func requestMoved(_ upstream: UInt32, _ server: WorkerServer) {
    let client = at(upstream).pointee.peer
    guard at(upstream).pointee.phase == .waiting else { return }
    let done = at(client).pointee.has(.messageDone)
    if done { beginMeasure(upstream) }
    setDeadline(upstream, done ? server.firstByteTimeout : server.idleTimeout)
  }

  // MARK: Events

  func upstreamEvent(_ index: UInt32, failed: Bool) {
    let upstream = at(index)
    switch upstream.pointee.phase {
    case .idle:
      // A pooled connection has nothing to say but that it ends.
      guard upstream.pointee.has(.readable) else { return }
      if upstream.pointee.tls == nil || !staysIdle(index) { closeUpstream(index) }
    case .connecting:
      let code = socketError(upstream.pointee.descriptor)
      if code != 0 { return connectFailed(index, code) }
      guard sendProxyHeader(index) else { return connectFailed(index, ECONNRESET) }
      noteConnected(index)
      if startUpstreamTLS(index) { return driveHandshake(index) }
      upstream.pointee.phase = .waiting
      sendRequest(index)
    case .handshake: failed ? handshakeFailed(index, .closed) : driveHandshake(index)
    default: driveUpstream(index)
    }
  }

  func driveUpstream(_ index: UInt32) {
    let upstream = at(index)
    guard upstream.pointee.phase == .waiting || upstream.pointee.phase == .body,
      let server = servers[Int(upstream.pointee.server)]
    else { return }
    let client = upstream.pointee.peer
    if !upstream.pointee.output.isEmpty {
      switch flush(index, keep: upstream.pointee.has(.replayable)) {
      case .done:
        requestMoved(index, server)
        if !at(client).pointee.has(.messageDone) { readContent(client) }
      case .stalled: break
      case .failed:
        upstream.pointee.set(.writeShut)
        upstream.pointee.set(.readable)
        at(client).pointee.set(.closeAfter)
      }
    }
    guard upstream.pointee.kind == .httpUpstream, upstream.pointee.peer == client else { return }
    readResponse(index)
  }

  // MARK: Failures

  func connectFailed(_ index: UInt32, _ code: Int32) {
    let slot = at(index).pointee.member
    reportFailure(slot, code)
    again(index, code)
  }

  /// The connection ended before any byte of the response.
  func upstreamDied(_ index: UInt32) {
    let upstream = at(index)
    let client = upstream.pointee.peer
    let nothingSent = upstream.pointee.output.start == 0 && !upstream.pointee.output.isEmpty
    let repeatable = at(client).pointee.has(.idempotent) || nothingSent
    if upstream.pointee.has(.replayable), repeatable,
      at(client).pointee.attempts < settings.maximumAttempts
    {
      return again(index, 0)
    }
    guard let member = members[Int(upstream.pointee.member)] else { return closeClient(client) }
    member.counters.add(.failures)
    failExchange(index, 502, .memberClosed(member.pool))
  }

  /// Takes the buffered request to another member.
  func again(_ index: UInt32, _ code: Int32) {
    let upstream = at(index)
    let client = upstream.pointee.peer
    let slot = upstream.pointee.member
    guard client != Connection.none, let server = servers[Int(at(client).pointee.server)],
      let pool = members[Int(slot)]?.pool
    else { return closeUpstream(index) }
    var request = upstream.pointee.output
    upstream.pointee.output = Buffer()
    request.start = 0
    closeUpstream(index)
    at(client).pointee.peer = Connection.none
    server.counters.add(.retries)
    dispatchRequest(client, server, pool, request, excluding: slot, after: code)
  }

  /// Gives up on the member: answers for it, or cuts a response that has begun.
  func failExchange(_ index: UInt32, _ status: Int, _ reason: OwnResponse) {
    let client = at(index).pointee.peer
    closeUpstream(index)
    guard client != Connection.none else { return }
    at(client).pointee.peer = Connection.none
    if at(client).pointee.has(.responseStarted) {
      if let server = servers[Int(at(client).pointee.server)] { server.counters.add(.failures) }
      noteReason(client, .memberCut)
      closeClient(client, reset: true)
    } else {
      respond(client, status, reason)
    }
  }

  func upstreamExpired(_ index: UInt32) {
    let upstream = at(index)
    guard let member = members[Int(upstream.pointee.member)] else { return }
    switch upstream.pointee.phase {
    case .idle: closeUpstream(index)
    case .connecting: connectFailed(index, ETIMEDOUT)
    case .handshake: handshakeFailed(index, .timedOut)
    default:
      member.counters.add(.failures)
      noteAnswer(upstream.pointee.member, isFailure: true)
      failExchange(index, 504, .memberSlow(member.pool))
    }
  }
}
