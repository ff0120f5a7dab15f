import CNGHTTP2
import COpenSSL
import Delivery
import Glibc
import HTTP

/// HTTP/2 to members: a few connections that requests share as streams.
extension Worker {
  /// Streams on one connection to a member before another is opened.
  private static let streamsPerConnection = 100

  /// A stream to a member that stands for the upstream of one exchange.
  func openUpstreamStream(_ slot: UInt32, timeout: Int64) -> OpenOutcome {
    guard let member = members[Int(slot)] else { return .failed(ENOENT) }
    // What is reserved is for the stream, not for its connection.
    var isReserved = hasReservation
    hasReservation = false
    defer {
      hasReservation = isReserved
      dropReservation(slot)
    }
    let connection: UInt32
    if let known = member.sessions.first(where: { takesStreams($0) }) {
      connection = known
    } else {
      switch openUpstreamSession(slot, member, timeout) {
      case .opened(let made): connection = made
      case .failed(let code): return .failed(code)
      }
    }
    guard let session = at(connection).pointee.session, let index = openSlot(.httpUpstream) else {
      return .failed(EMFILE)
    }
    _ = takeStream(session, index, 0)
    at(index).pointee.member = slot
    at(index).pointee.phase = .connecting
    setDeadline(index, timeout)
    clearDeadline(connection)
    hasReservation = isReserved
    isReserved = false
    beginUse(index)
    return .opened(index)
  }

  private func takesStreams(_ connection: UInt32) -> Bool {
    guard let session = at(connection).pointee.session, !session.pointee.isGone else {
      return false
    }
    let limit = nghttp2_session_get_remote_settings(
      session.pointee.session, NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS)
    return session.pointee.streams < min(Worker.streamsPerConnection, Int(limit))
  }

  private func openUpstreamSession(
    _ slot: UInt32, _ member: WorkerMember, _ timeout: Int64
  ) -> OpenOutcome {
    let outcome = openUpstream(slot, .http2Upstream, timeout: timeout)
    guard case .opened(let connection) = outcome else { return outcome }
    // Its streams are what the member has in use.
    endUse(connection)
    guard let session = makeSession(connection, isServer: false) else {
      closeUpstream(connection)
      return .failed(ENOMEM)
    }
    at(connection).pointee.session = session
    member.sessions.append(connection)
    var settings = [
      nghttp2_settings_entry(
        settings_id: Int32(NGHTTP2_SETTINGS_ENABLE_PUSH.rawValue), value: 0),
      nghttp2_settings_entry(
        settings_id: Int32(NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE.rawValue),
        value: UInt32(HTTP2Limits.window)),
    ]
    let none = UInt8(NGHTTP2_FLAG_NONE.rawValue)
    nghttp2_submit_settings(session.pointee.session, none, &settings, settings.count)
    nghttp2_session_set_local_window_size(
      session.pointee.session, none, 0, HTTP2Limits.connectionWindow)
    return .opened(connection)
  }

  func upstreamSessionEvent(_ index: UInt32, failed: Bool) {
    switch at(index).pointee.phase {
    case .connecting:
      let code = socketError(at(index).pointee.descriptor)
      if code != 0 { return upstreamSessionFailed(index, code) }
      if startUpstreamTLS(index) { return driveHandshake(index) }
      upstreamSessionConnected(index)
    case .handshake: failed ? handshakeFailed(index, .closed) : driveHandshake(index)
    default: sessionEvent(index, failed: failed)
    }
  }

  /// The way is open: what waits for it goes out with the preface.
  func upstreamSessionConnected(_ index: UInt32) {
    guard let session = at(index).pointee.session else { return }
    at(index).pointee.phase = .relay
    clearDeadline(index)
    markDirty(session)
    forEachStream(session) { stream in
      if at(stream.pointee.slot).pointee.phase == .connecting { startStream(stream.pointee.slot) }
    }
    driveSession(index)
  }

  /// Sends the request of a stream, if the connection under it is ready.
  func startStream(_ slot: UInt32) {
    guard let stream = at(slot).pointee.stream,
      at(stream.pointee.session.pointee.connection).pointee.phase == .relay
    else { return }
    at(slot).pointee.phase = .waiting
    sendRequest(slot)
  }

  func upstreamSessionExpired(_ index: UInt32) {
    switch at(index).pointee.phase {
    case .connecting: upstreamSessionFailed(index, ETIMEDOUT)
    case .handshake: handshakeFailed(index, .timedOut)
    default: sessionExpired(index)
    }
  }

  /// The connection could not be made: its requests go elsewhere.
  func upstreamSessionFailed(_ index: UInt32, _ code: Int32) {
    guard let session = at(index).pointee.session else { return }
    reportFailure(at(index).pointee.member, code)
    session.pointee.isGone = true
    forEachStream(session) { again($0.pointee.slot, code) }
    closeSession(index)
  }

  /// The connection under a request is gone.
  func upstreamStreamLost(_ slot: UInt32) {
    switch at(slot).pointee.phase {
    case .connecting: again(slot, ECONNRESET)
    case .waiting where !at(slot).pointee.has(.answered): upstreamDied(slot)
    default: responseLost(slot)
    }
  }

  /// Forgets a connection whose session is freed.
  func forgetUpstreamSession(_ index: UInt32) {
    let slot = at(index).pointee.member
    members[Int(slot)]?.sessions.removeAll { $0 == index }
    closeSlot(index)
    dropIfUnused(slot)
  }

  /// A request is done: the connection waits for the next, or ends.
  func upstreamStreamEnded(_ session: SessionPointer) {
    guard session.pointee.streams == 0 else { return }
    let connection = session.pointee.connection
    setDeadline(connection, session.pointee.isGone ? 1 : self.settings.idleUpstream)
  }

  /// Connections of a member that gets no more requests: unused ones close, others with their last.
  func closeSessions(_ member: WorkerMember) {
    for connection in member.sessions {
      guard let session = at(connection).pointee.session else { continue }
      session.pointee.isGone = true
      if session.pointee.streams == 0 { setDeadline(connection, 1) }
    }
  }
}
