import Delivery
import Glibc
import HTTP

/// The client's side of HTTP: what an event makes of it, content towards the member, the end.
extension Worker {
  private static let bodyBudget = 1 << 20
  /// Milliseconds that a client gets to read a last response and close.
  private static let lingerTime: Int64 = 2000

  func clientEvent(_ index: UInt32, failed: Bool) {
    if failed {
      if at(index).pointee.phase == .handshake { return handshakeFailed(index, .closed) }
      return closeClient(index)
    }
    driveClient(index)
  }

  /// Does what can be done: sends what waits, reads content or the next heads.
  func driveClient(_ index: UInt32) {
    let client = at(index)
    if !client.pointee.output.isEmpty {
      switch flush(index) {
      case .failed: return closeClient(index)
      case .stalled:
        if client.pointee.phase == .exchange { readContent(index) }
        return
      case .done:
        if client.pointee.has(.messageDone) {
          clearDeadline(index)
          if client.pointee.phase == .exchange { restoreTotal(index) }
        }
        clientFlushed(index)
        guard client.pointee.kind == .httpClient else { return }
      }
    }
    switch client.pointee.phase {
    case .head: readHeads(index)
    case .exchange: readContent(index)
    case .handshake: driveHandshake(index)
    case .lingering: discardInput(index)
    default: break
    }
  }

  /// All that waited for the client is sent.
  func clientFlushed(_ index: UInt32) {
    switch at(index).pointee.phase {
    case .closing: linger(index)
    case .exchange:
      let upstream = at(index).pointee.peer
      if upstream != Connection.none { driveUpstream(upstream) }
    case .head:
      if let server = servers[Int(at(index).pointee.server)] {
        setDeadline(index, server.idleTimeout)
      }
    default: break
    }
  }

  // MARK: Content

  /// Reads content of the request, as long as the member takes it.
  func readContent(_ index: UInt32) {
    let client = at(index)
    var moved = 0
    while client.pointee.phase == .exchange, !client.pointee.has(.messageDone),
      client.pointee.has(.readable)
    {
      let upstream = client.pointee.peer
      guard upstream != Connection.none, at(upstream).pointee.phase != .connecting,
        at(upstream).pointee.output.isEmpty, !at(upstream).pointee.has(.backlogged)
      else { return }
      guard moved < Worker.bodyBudget else { return enqueue(index) }
      switch receive(index, scratch) {
      case .bytes(let count):
        let bytes = UnsafeRawBufferPointer(rebasing: scratch[..<count])
        let (content, error) = client.pointee.follow(bytes)
        if error != nil {
          // The member has part of a request that will never be whole.
          closeUpstream(upstream)
          client.pointee.peer = Connection.none
          if client.pointee.has(.responseStarted) { return closeClient(index, reset: true) }
          return respond(index, 400, .invalid(error ?? .invalidChunk))
        }
        moved &+= content
        guard UInt64(content) <= client.pointee.bodyLimit else {
          closeUpstream(upstream)
          client.pointee.peer = Connection.none
          client.pointee.clear(.messageDone)
          if client.pointee.has(.responseStarted) { return closeClient(index, reset: true) }
          return respond(index, 413, .contentTooLarge)
        }
        client.pointee.bodyLimit &-= UInt64(content)
        if content < count {
          guard
            buffers.append(
              UnsafeRawBufferPointer(rebasing: bytes[content...]), to: &client.pointee.input)
          else { return closeClient(index) }
          client.pointee.set(.inputFresh)
        }
        forwardContent(index, upstream, UnsafeRawBufferPointer(rebasing: bytes[..<content]))
      case .wouldBlock: return
      case .end, .failed: return closeClient(index)
      }
    }
  }

  private func forwardContent(
    _ index: UInt32, _ upstream: UInt32, _ bytes: UnsafeRawBufferPointer
  ) {
    guard let server = servers[Int(at(index).pointee.server)] else { return closeClient(index) }
    countIn(index, server, members[Int(at(upstream).pointee.member)], bytes.count)
    if at(index).pointee.has(.messageDone) {
      clearDeadline(index)
      restoreTotal(index)
    } else {
      setDeadline(index, server.idleTimeout)
      limitToTotal(index)
    }
    guard !at(upstream).pointee.has(.writeShut) else { return }
    // What was sent before is gone: this request cannot be sent again.
    at(upstream).pointee.clear(.replayable)
    buffers.release(&at(upstream).pointee.output)
    switch send(upstream, bytes) {
    case .done: requestMoved(upstream, server)
    case .stalled: setDeadline(upstream, server.idleTimeout)
    case .failed:
      // The member may have answered before it closed: its response is still to be read.
      at(upstream).pointee.set(.writeShut)
      at(upstream).pointee.set(.readable)
      at(index).pointee.set(.closeAfter)
      enqueue(upstream)
    }
  }

  // MARK: The end

  /// Begins the next exchange, or ends the connection.
  func exchangeEnded(_ index: UInt32) {
    let client = at(index)
    finishRequest(index)
    client.pointee.peer = Connection.none
    client.pointee.attempts = 0
    buffers.release(&client.pointee.edits)
    client.pointee.exchangeEnds = 0
    if let stream = client.pointee.stream { return streamExchangeEnded(index, stream) }
    guard client.pointee.has(.messageDone), !client.pointee.has(.closeAfter) else {
      client.pointee.phase = .closing
      if client.pointee.output.isEmpty { linger(index) } else { setStallDeadline(index) }
      return
    }
    client.pointee.phase = .head
    guard let server = servers[Int(client.pointee.server)] else { return closeClient(index) }
    setDeadline(index, server.idleTimeout)
    if client.pointee.output.isEmpty, client.pointee.has(.readable) || !client.pointee.input.isEmpty
    {
      enqueue(index)
    }
  }

  func setStallDeadline(_ index: UInt32) {
    if let server = servers[Int(at(index).pointee.server)] {
      setDeadline(index, server.idleTimeout)
    }
  }

  /// Closes so that the last response arrives: a close(2) with unread input would reset it away.
  private func linger(_ index: UInt32) {
    let client = at(index)
    if client.pointee.has(.messageDone), client.pointee.input.isEmpty,
      !client.pointee.has(.readable)
    {
      return closeClient(index)
    }
    client.pointee.phase = .lingering
    shutdownWrite(index)
    buffers.release(&client.pointee.input)
    setDeadline(index, Worker.lingerTime)
    discardInput(index)
  }

  private func discardInput(_ index: UInt32) {
    for _ in 0..<16 {
      guard at(index).pointee.has(.readable) else { return }
      switch receive(index, scratch) {
      case .bytes: continue
      case .wouldBlock: return
      case .end, .failed: return closeClient(index)
      }
    }
    enqueue(index)
  }

  /// Closes the client and whatever works for it.
  func closeClient(_ index: UInt32, reset: Bool = false) {
    let client = at(index)
    guard client.pointee.kind == .httpClient else { return }
    abandonRequest(index)
    let upstream = client.pointee.peer
    if upstream != Connection.none, at(upstream).pointee.peer == index { closeUpstream(upstream) }
    if client.pointee.stream != nil { return closeSlot(index) }
    if reset { resetOnClose(client.pointee.descriptor) }
    if !reset, client.pointee.tls != nil, client.pointee.phase == .head { sayGoodbye(index) }
    uncount(index)
    closeSlot(index)
  }

  func clientExpired(_ index: UInt32) {
    switch at(index).pointee.phase {
    case .handshake: handshakeFailed(index, .timedOut)
    case .head where at(index).pointee.has(.headBegun):
      at(index).pointee.clear(.messageDone)
      at(index).pointee.method = .other
      beginRequest(index)
      respond(index, 408, .slowHead)
    case .exchange where at(index).pointee.has(.waiting) && !isOverTotal(index):
      at(index).pointee.clear(.waiting)
      let pool = waitingPools.first { $0.queue.contains(at(index).pointee.ticket) }
      guard let pool else { return closeClient(index) }
      pool.counters.add(.failures)
      respond(index, 503, .waitedTooLong(pool))
    case .exchange where isOverTotal(index):
      let upstream = at(index).pointee.peer
      if upstream != Connection.none { closeUpstream(upstream) }
      at(index).pointee.peer = Connection.none
      at(index).pointee.clear(.waiting)
      if at(index).pointee.has(.responseStarted) {
        if let server = servers[Int(at(index).pointee.server)] { server.counters.add(.failures) }
        return closeClient(index, reset: true)
      }
      respond(index, 504, .overTime)
    case .exchange where !at(index).pointee.has(.responseStarted):
      let upstream = at(index).pointee.peer
      if upstream != Connection.none { closeUpstream(upstream) }
      at(index).pointee.peer = Connection.none
      respond(index, 408, .slowContent)
    case .head, .lingering: closeClient(index)
    default: closeClient(index, reset: true)
    }
  }
}
