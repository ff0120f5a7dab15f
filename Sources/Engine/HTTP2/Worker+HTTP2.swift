import CNGHTTP2
import COpenSSL
import Delivery
import Glibc
import HTTP

/// HTTP/2 connections: bytes to frames and back. Streams are `Worker+HTTP2Stream`'s.
///
/// - Each stream has a slot without a descriptor, which is a client of the exchange as any other: its
///   requests pass the same parser, rules and checks as those of HTTP/1.1.
/// - Frames are written once a batch of events, so that answers to many streams leave together.
/// - Nghttp2 is never entered from its own callbacks: what they find is worked off afterwards.
extension Worker {
  private static let sessionBudget = 1 << 20

  /// Makes HTTP/2 of a client's connection.
  /// - Parameter bytes: what was received of it, from the connection preface on (RFC 9113 §3.4).
  func becomeHTTP2(_ index: UInt32, _ server: WorkerServer, _ bytes: UnsafeRawBufferPointer) {
    guard let session = makeSession(index, isServer: true) else { return closeClient(index) }
    at(index).pointee.kind = .http2Client
    at(index).pointee.phase = .relay
    at(index).pointee.session = session
    var settings = [
      nghttp2_settings_entry(
        settings_id: Int32(NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS.rawValue),
        value: HTTP2Limits.concurrentStreams),
      nghttp2_settings_entry(
        settings_id: Int32(NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE.rawValue),
        value: UInt32(HTTP2Limits.window)),
      nghttp2_settings_entry(
        settings_id: Int32(NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE.rawValue),
        value: UInt32(self.settings.headLimit)),
    ]
    let nghttp2 = session.pointee.session
    nghttp2_submit_settings(nghttp2, UInt8(NGHTTP2_FLAG_NONE.rawValue), &settings, settings.count)
    nghttp2_session_set_local_window_size(
      nghttp2, UInt8(NGHTTP2_FLAG_NONE.rawValue), 0, HTTP2Limits.connectionWindow)
    setDeadline(index, server.idleTimeout)
    markDirty(session)
    if !bytes.isEmpty {
      guard feed(index, session, bytes) else { return }
      buffers.release(&at(index).pointee.input)
    }
    driveSession(index)
  }

  func makeSession(_ index: UInt32, isServer: Bool) -> SessionPointer? {
    let session = SessionPointer.allocate(capacity: 1)
    session.initialize(to: HTTP2Session(worker: self, connection: index, isServer: isServer))
    var made: OpaquePointer?
    let code =
      isServer
      ? nghttp2_session_server_new3(
        &made, http2Callbacks, session, http2Options, http2Memory.functions)
      : nghttp2_session_client_new3(
        &made, http2Callbacks, session, http2Options, http2Memory.functions)
    guard code == 0, let made else {
      session.deallocate()
      return nil
    }
    session.pointee.session = made
    return session
  }

  // MARK: Reading

  func sessionEvent(_ index: UInt32, failed: Bool) {
    if failed { return closeSession(index) }
    driveSession(index)
  }

  func driveSession(_ index: UInt32) {
    guard let session = at(index).pointee.session else { return }
    if !at(index).pointee.output.isEmpty {
      switch flush(index) {
      case .failed: return closeSession(index)
      case .stalled: break
      case .done:
        if session.pointee.streams > 0 { clearDeadline(index) }
        markDirty(session)
      }
    }
    var moved = 0
    while at(index).pointee.session == session, at(index).pointee.has(.readable) {
      guard moved < Worker.sessionBudget else { return enqueue(index) }
      switch receive(index, scratch) {
      case .bytes(let count):
        moved &+= count
        let bytes = UnsafeRawBufferPointer(rebasing: scratch[..<count])
        guard feed(index, session, bytes) else { return }
      case .wouldBlock: break
      case .end, .failed: return closeSession(index)
      }
    }
  }

  /// Lets nghttp2 have what was received, and works off what it found.
  /// - Returns: false if the session has ended.
  private func feed(
    _ index: UInt32, _ session: SessionPointer, _ bytes: UnsafeRawBufferPointer
  ) -> Bool {
    let used = nghttp2_session_mem_recv(
      session.pointee.session, bytes.baseAddress?.assumingMemoryBound(to: UInt8.self), bytes.count)
    markDirty(session)
    guard used >= 0 else {
      if let server = servers[Int(at(index).pointee.server)] { server.counters.add(.failures) }
      // Says why, where nghttp2 has not: a flood, or no HTTP/2 at all.
      nghttp2_session_terminate_session(
        session.pointee.session, UInt32(NGHTTP2_PROTOCOL_ERROR.rawValue))
      writeSession(session)
      closeSession(index)
      return false
    }
    runReadyStreams()
    return at(index).pointee.session == session
  }

  /// Drives the slots that frames had something for.
  func runReadyStreams() {
    while let slot = readyStreams.popLast() {
      guard let stream = at(slot).pointee.stream else { continue }
      _ = stream
      at(slot).pointee.clear(.ready)
      switch at(slot).pointee.kind {
      case .httpClient: driveClient(slot)
      case .httpUpstream: driveUpstream(slot)
      default: break
      }
    }
  }

  func markReady(_ slot: UInt32) {
    guard !at(slot).pointee.has(.ready) else { return }
    at(slot).pointee.set(.ready)
    readyStreams.append(slot)
  }

  // MARK: Writing

  func markDirty(_ session: SessionPointer) {
    guard !session.pointee.isDirty else { return }
    session.pointee.isDirty = true
    dirtySessions.append(session.pointee.connection)
  }

  /// At the end of a batch: writes what sessions have, then lets streams go on whose content is out.
  func writeSessions() {
    while let index = dirtySessions.popLast() {
      guard let session = at(index).pointee.session else { continue }
      session.pointee.isDirty = false
      writeSession(session)
      runDrainedStreams()
    }
  }

  private func runDrainedStreams() {
    while let slot = drainedStreams.popLast() {
      guard at(slot).pointee.stream != nil else { continue }
      at(slot).pointee.clear(.drained)
      streamDrained(slot)
    }
  }

  private func writeSession(_ session: SessionPointer) {
    let index = session.pointee.connection
    guard let target = frames.baseAddress else { return }
    while at(index).pointee.output.isEmpty {
      var count = 0
      // Leaves room for one frame more, whatever its size.
      while count < frames.count - (17 << 10) {
        var data: UnsafePointer<UInt8>?
        let length = nghttp2_session_mem_send(session.pointee.session, &data)
        guard length >= 0 else { return closeSession(index) }
        guard length > 0, let data else { break }
        memcpy(target + count, data, length)
        count &+= length
      }
      if count == 0 { break }
      switch send(index, UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(frames)[..<count]))
      {
      case .done: continue
      case .stalled: setStallDeadline(index)
      case .failed: return closeSession(index)
      }
    }
    endIfDone(index, session)
  }

  /// Closes a session that has nothing more to do.
  private func endIfDone(_ index: UInt32, _ session: SessionPointer) {
    guard at(index).pointee.output.isEmpty else { return }
    let nghttp2 = session.pointee.session
    if nghttp2_session_want_read(nghttp2) == 0, nghttp2_session_want_write(nghttp2) == 0 {
      closeSession(index)
    } else if session.pointee.streams == 0, session.pointee.isClosing, session.pointee.isServer {
      setDeadline(index, min(1000, max(1, deadline(index) &- now)))
    }
  }

  // MARK: The end

  /// Closes the connection and every stream on it.
  func closeSession(_ index: UInt32) {
    guard let session = at(index).pointee.session else { return }
    let isServer = session.pointee.isServer
    // Streams end by nghttp2's own account of them; none of what they say now is sent.
    at(index).pointee.session = nil
    session.pointee.isGone = true
    forEachStream(session) { abandonStream($0.pointee.slot) }
    nghttp2_session_del(session.pointee.session)
    session.pointee.session = nil
    session.deallocate()
    if isServer {
      sayGoodbye(index)
      uncount(index)
      closeSlot(index)
    } else {
      forgetUpstreamSession(index)
    }
  }

  /// Visits the session's streams; the visited one may end.
  func forEachStream(_ session: SessionPointer, _ body: (StreamPointer) -> Void) {
    var current = session.pointee.latest
    while let stream = current {
      current = stream.pointee.previous
      body(stream)
    }
  }

  func sessionExpired(_ index: UInt32) {
    guard let session = at(index).pointee.session else { return }
    // Idle, or a peer that has not read for as long.
    if at(index).pointee.output.isEmpty, !session.pointee.isClosing {
      nghttp2_session_terminate_session(
        session.pointee.session, UInt32(NGHTTP2_NO_ERROR.rawValue))
      writeSession(session)
    }
    closeSession(index)
  }

  /// GOAWAY: what is under way is answered, new streams are not taken (RFC 9113 §6.8).
  func drainSession(_ index: UInt32, grace: Int64) {
    guard let session = at(index).pointee.session, !session.pointee.isClosing else { return }
    session.pointee.isClosing = true
    let nghttp2 = session.pointee.session
    nghttp2_submit_goaway(
      nghttp2, UInt8(NGHTTP2_FLAG_NONE.rawValue), nghttp2_session_get_last_proc_stream_id(nghttp2),
      UInt32(NGHTTP2_NO_ERROR.rawValue), nil, 0)
    markDirty(session)
    if session.pointee.streams == 0 { setDeadline(index, min(grace, 1000)) }
  }
}
