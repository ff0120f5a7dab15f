import Delivery
import Glibc

/// TCP, and HTTP connections after an upgrade: bytes pass both ways as they are. Each side may
/// close its half on its own.
extension Worker {
  /// Bytes that one side may send in one turn.
  private static let relayBudget = 1 << 20

  func startRelay(_ client: UInt32, _ server: WorkerServer) {
    startRelay(client, server, to: server.pool, serverName: tlsServerName(client))
  }

  func startRelay(
    _ client: UInt32, _ server: WorkerServer, to pool: WorkerPool?, serverName: [UInt8]?
  ) {
    at(client).pointee.phase = .relay
    beginRequest(client)
    if let pool {
      if pool.hashes { noteHash(client, pool, serverName: serverName) }
      findPersistentSource(client, pool)
    }
    connectRelay(client, server, pool, excluding: Connection.none)
  }

  private func connectRelay(
    _ client: UInt32, _ server: WorkerServer, _ pool: WorkerPool?, excluding failed: UInt32
  ) {
    var excluded = failed
    while at(client).pointee.attempts < settings.maximumAttempts {
      guard let pool,
        let slot = pick(pool, for: client, excluding: excluded)
      else { break }
      at(client).pointee.attempts &+= 1
      switch openUpstream(slot, .tcpUpstream, timeout: server.connectTimeout) {
      case .opened(let upstream):
        at(upstream).pointee.server = at(client).pointee.server
        at(upstream).pointee.peer = client
        at(upstream).pointee.timing.began = moment
        at(client).pointee.timing.member = slot
        at(client).pointee.peer = upstream
        return
      case .failed(let code):
        if code != EMFILE { reportFailure(slot, code) }
        server.counters.add(.retries)
        excluded = slot
      }
    }
    server.counters.add(.failures)
    pool?.counters.add(.failures)
    noteReason(client, at(client).pointee.attempts == 0 ? .noMember : .connectFailed)
    resetOnClose(at(client).pointee.descriptor)
    closeRelay(client)
  }

  func relayEvent(_ index: UInt32, failed: Bool) {
    if at(index).pointee.kind == .tcpClient, at(index).pointee.phase == .head {
      return readHello(index)
    }
    if at(index).pointee.phase == .handshake {
      return failed ? handshakeFailed(index, .closed) : driveHandshake(index)
    }
    if at(index).pointee.phase == .connecting {
      let code = socketError(at(index).pointee.descriptor)
      if code != 0 { return relayConnectFailed(index, code) }
      guard sendProxyHeader(index) else { return relayConnectFailed(index, ECONNRESET) }
      noteConnected(index)
      if startUpstreamTLS(index) { return driveHandshake(index) }
      at(index).pointee.phase = .relay
      clearDeadline(index)
      guard sendEarly(index) else { return }
    } else if failed {
      return abortRelay(index)
    }
    driveRelay(index)
  }

  func relayConnectFailed(_ upstream: UInt32, _ code: Int32) {
    let client = at(upstream).pointee.peer
    let slot = at(upstream).pointee.member
    reportFailure(slot, code)
    let pool = members[Int(slot)]?.pool
    guard client != Connection.none, let server = servers[Int(at(client).pointee.server)] else {
      return closeUpstream(upstream)
    }
    closeUpstream(upstream)
    at(client).pointee.peer = Connection.none
    server.counters.add(.retries)
    connectRelay(client, server, pool, excluding: slot)
  }

  /// Moves what can be moved, both ways.
  func driveRelay(_ index: UInt32) {
    let peer = at(index).pointee.peer
    guard peer != Connection.none else { return }
    guard at(index).pointee.phase == .relay, at(peer).pointee.phase == .relay else { return }
    guard flushRelay(index), flushRelay(peer) else { return abortRelay(index) }
    guard transfer(from: index, to: peer), at(index).pointee.kind != .closed else { return }
    guard transfer(from: peer, to: index), at(index).pointee.kind != .closed else { return }
    if at(index).pointee.has(.writeShut), at(peer).pointee.has(.writeShut) {
      return closeRelay(index)
    }
    touchRelay(index)
  }

  /// Hands the member what was read of the client before there was a member.
  /// - Returns: false if the relay has ended.
  func sendEarly(_ upstream: UInt32) -> Bool {
    let client = at(upstream).pointee.peer
    guard client != Connection.none, !at(client).pointee.input.isEmpty else { return true }
    let bytes = at(client).pointee.input.bytes
    if send(upstream, bytes) == .failed {
      abortRelay(upstream)
      return false
    }
    count(client, upstream, UInt64(bytes.count))
    buffers.release(&at(client).pointee.input)
    return true
  }

  private func flushRelay(_ index: UInt32) -> Bool {
    guard !at(index).pointee.output.isEmpty else { return true }
    switch flush(index) {
    case .done: finishHalf(index)
    case .stalled: break
    case .failed: return false
    }
    return true
  }

  /// - Returns: false if the relay has ended.
  private func transfer(from source: UInt32, to target: UInt32) -> Bool {
    var moved = 0
    while at(source).pointee.has(.readable), at(target).pointee.output.isEmpty {
      guard moved < Worker.relayBudget else {
        enqueue(source)
        break
      }
      switch receive(source, scratch) {
      case .bytes(let count):
        moved &+= count
        let bytes = UnsafeRawBufferPointer(rebasing: scratch[..<count])
        guard !at(target).pointee.has(.writeShut) else { continue }
        if send(target, bytes) == .failed {
          abortRelay(source)
          return false
        }
      case .wouldBlock: break
      case .end: finishHalf(target)
      case .failed:
        abortRelay(source)
        return false
      }
    }
    if moved > 0 { count(source, target, UInt64(moved)) }
    return true
  }

  /// Passes the end of the peer's input on, once all before it is sent.
  private func finishHalf(_ index: UInt32) {
    let connection = at(index)
    let peer = connection.pointee.peer
    guard peer != Connection.none, at(peer).pointee.has(.endOfInput),
      connection.pointee.output.isEmpty, !connection.pointee.has(.writeShut)
    else { return }
    connection.pointee.set(.writeShut)
    shutdownWrite(index)
  }

  private func count(_ source: UInt32, _ target: UInt32, _ bytes: UInt64) {
    let connection = at(source)
    let fromClient =
      connection.pointee.kind == .tcpClient
    guard let server = servers[Int(connection.pointee.server)] else { return }
    let upstream = fromClient ? target : source
    let member = members[Int(at(upstream).pointee.member)]
    if fromClient {
      countIn(source, server, member, Int(bytes))
    } else {
      noteRelayFirstByte(upstream, target)
      countOut(target, server, member, Int(bytes))
    }
  }

  private func touchRelay(_ index: UInt32) {
    let client = at(index).pointee.kind == .tcpClient ? index : at(index).pointee.peer
    guard client != Connection.none, let server = servers[Int(at(client).pointee.server)] else {
      return
    }
    setDeadline(client, server.relayTimeout)
  }

  func relayExpired(_ index: UInt32) {
    if at(index).pointee.phase == .handshake { return handshakeFailed(index, .timedOut) }
    if at(index).pointee.phase == .head, let server = servers[Int(at(index).pointee.server)] {
      return refuseHello(index, server, .timedOut)
    }
    if at(index).pointee.phase == .connecting { return relayConnectFailed(index, ETIMEDOUT) }
    abortRelay(index)
  }

  func abortRelay(_ index: UInt32) {
    resetOnClose(at(index).pointee.descriptor)
    let peer = at(index).pointee.peer
    if peer != Connection.none { resetOnClose(at(peer).pointee.descriptor) }
    closeRelay(index)
  }

  func closeRelay(_ index: UInt32) {
    let peer = at(index).pointee.peer
    finishRelay(index, peer)
    closeSide(index)
    if peer != Connection.none { closeSide(peer) }
  }

  private func closeSide(_ index: UInt32) {
    if at(index).pointee.kind == .tcpClient {
      uncount(index)
      closeSlot(index)
    } else {
      closeUpstream(index)
    }
  }
}
