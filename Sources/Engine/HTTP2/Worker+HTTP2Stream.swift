import CNGHTTP2
import Glibc
import HTTP

/// Streams of HTTP/2 as slots of the exchange: at its choke points (`receive`, `send`) a stream speaks
/// HTTP/1.1, and is translated here. So rules, limits and checks hold for it as they are, and a
/// message that HTTP/1.1 could misread (RFC 9113 §10.3) meets the same strict parser.
///
///     HEADERS → head text → input     DATA → data → receive() → chunks or octets, trailers
///     send(): head text → HEADERS     content → output (client), content (member) → DATA
///
/// A stream's window opens as the exchange takes its data: a slow member or client holds back the
/// other side through it. The connection's window is given back at once, so that one slow stream
/// does not hold up others.
extension Worker {
  // MARK: From the peer

  func beginHeaders(_ session: SessionPointer, _ frame: UnsafePointer<nghttp2_frame>) -> Int32 {
    headers.begin()
    guard session.pointee.isServer,
      frame.pointee.headers.cat == NGHTTP2_HCAT_REQUEST
    else { return 0 }
    let id = frame.pointee.hd.stream_id
    let connection = session.pointee.connection
    guard !session.pointee.isClosing, hasRoom,
      let slot = openSlot(.httpClient)
    else {
      nghttp2_submit_rst_stream(
        session.pointee.session, UInt8(NGHTTP2_FLAG_NONE.rawValue), id,
        UInt32(NGHTTP2_REFUSED_STREAM.rawValue))
      return 0
    }
    let stream = takeStream(session, slot, id)
    nghttp2_session_set_stream_user_data(session.pointee.session, id, stream)
    let client = at(slot)
    let parent = at(connection)
    client.pointee.server = parent.pointee.server
    client.pointee.address = parent.pointee.address
    client.pointee.port = parent.pointee.port
    for flag in [Connection.Flags.ipv6, .secure, .certified] where parent.pointee.has(flag) {
      client.pointee.set(flag)
    }
    clients += 1
    clearDeadline(connection)
    return 0
  }

  func header(
    _ session: SessionPointer, _ id: Int32, _ name: UnsafeRawBufferPointer,
    _ value: UnsafeRawBufferPointer
  ) -> Int32 {
    guard HTTP2Callbacks.stream(session, id) != nil else { return 0 }
    guard headers.add(name, value) else {
      return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE.rawValue
    }
    return 0
  }

  func received(_ session: SessionPointer, _ frame: UnsafePointer<nghttp2_frame>) -> Int32 {
    let id = frame.pointee.hd.stream_id
    switch UInt32(frame.pointee.hd.type) {
    case NGHTTP2_HEADERS.rawValue:
      guard let stream = HTTP2Callbacks.stream(session, id) else { return 0 }
      let ends = frame.pointee.hd.flags & UInt8(NGHTTP2_FLAG_END_STREAM.rawValue) != 0
      return receivedHeaders(session, stream, frame.pointee.headers.cat, ends: ends)
    case NGHTTP2_DATA.rawValue:
      if frame.pointee.hd.flags & UInt8(NGHTTP2_FLAG_END_STREAM.rawValue) != 0,
        let stream = HTTP2Callbacks.stream(session, id)
      {
        peerEnded(stream)
      }
    case NGHTTP2_GOAWAY.rawValue where !session.pointee.isServer: session.pointee.isGone = true
    default: break
    }
    return 0
  }

  private func receivedHeaders(
    _ session: SessionPointer, _ stream: StreamPointer, _ category: nghttp2_headers_category,
    ends: Bool
  ) -> Int32 {
    let slot = stream.pointee.slot
    if category == NGHTTP2_HCAT_HEADERS, headers.isTrailers || session.pointee.isServer {
      guard headers.isTrailers, buffers.append(headers.fields, to: &stream.pointee.trailers) else {
        return reject(session, stream)
      }
    } else {
      var writer = HeadWriter(headScratch)
      let content =
        session.pointee.isServer
        ? headers.writeRequest(&writer, ends: ends)
        : headers.writeResponse(&writer, isHead: stream.pointee.isHead, ends: ends)
      guard let content, !writer.overflowed else { return reject(session, stream) }
      stream.pointee.inbound = content
      if session.pointee.isServer {
        guard buffers.append(writer.written, to: &at(slot).pointee.input) else {
          return reject(session, stream)
        }
        at(slot).pointee.set(.inputFresh)
      } else {
        guard buffers.append(writer.written, to: &stream.pointee.head) else {
          return reject(session, stream)
        }
        at(slot).pointee.set(.readable)
      }
    }
    if ends { peerEnded(stream) }
    markReady(slot)
    return 0
  }

  /// Malformed, RFC 9113 §8.1.1: a stream error.
  private func reject(_ session: SessionPointer, _ stream: StreamPointer) -> Int32 {
    nghttp2_submit_rst_stream(
      session.pointee.session, UInt8(NGHTTP2_FLAG_NONE.rawValue), stream.pointee.id,
      UInt32(NGHTTP2_PROTOCOL_ERROR.rawValue))
    if let server = servers[Int(at(stream.pointee.slot).pointee.server)] {
      server.counters.add(.failures)
    }
    return 0
  }

  func receivedData(
    _ session: SessionPointer, _ id: Int32, _ bytes: UnsafeRawBufferPointer
  ) -> Int32 {
    nghttp2_session_consume_connection(session.pointee.session, bytes.count)
    guard let stream = HTTP2Callbacks.stream(session, id),
      buffers.append(bytes, to: &stream.pointee.data)
    else {
      nghttp2_session_consume_stream(session.pointee.session, id, bytes.count)
      return 0
    }
    at(stream.pointee.slot).pointee.set(.readable)
    markReady(stream.pointee.slot)
    return 0
  }

  private func peerEnded(_ stream: StreamPointer) {
    stream.pointee.ended = true
    at(stream.pointee.slot).pointee.set(.readable)
    markReady(stream.pointee.slot)
  }

  func streamClosed(_ session: SessionPointer, _ id: Int32, _ code: UInt32) {
    guard let stream = HTTP2Callbacks.stream(session, id) else { return }
    nghttp2_session_set_stream_user_data(session.pointee.session, id, nil)
    // Nghttp2 forgets it after this callback; the slot may have more to do.
    stream.pointee.id = 0
    let slot = stream.pointee.slot
    if at(slot).pointee.kind == .httpClient {
      closeClient(slot)
    } else {
      let isWhole = stream.pointee.ended && code == UInt32(NGHTTP2_NO_ERROR.rawValue)
      if !isWhole { at(slot).pointee.set(.streamFailed) }
      // Nothing was done for it: any method may be sent again (§8.7).
      if code == UInt32(NGHTTP2_REFUSED_STREAM.rawValue) { at(slot).pointee.output.start = 0 }
      at(slot).pointee.set(.readable)
      markReady(slot)
    }
  }

  /// `flush`, to a stream: the request goes out whole or as far as it is known.
  func flushStream(_ index: UInt32, _ stream: StreamPointer) -> SendOutcome {
    guard at(index).pointee.kind == .httpUpstream else { return .stalled }
    let bytes = at(index).pointee.output.bytes
    if sendStream(index, stream, bytes, UnsafeRawBufferPointer(start: nil, count: 0)) == .failed {
      return .failed
    }
    at(index).pointee.output.start = at(index).pointee.output.end
    return .done
  }

  // MARK: To the exchange

  /// `receive`, from a stream: the message as HTTP/1.1 has it.
  func receiveStream(
    _ index: UInt32, _ stream: StreamPointer, _ target: UnsafeMutableRawBufferPointer
  ) -> ReceiveOutcome {
    if at(index).pointee.has(.streamFailed) {
      at(index).pointee.clear(.readable)
      return .failed
    }
    var writer = HeadWriter(target)
    if !stream.pointee.head.isEmpty {
      let head = stream.pointee.head.bytes
      let count = min(head.count, target.count)
      writer.append(UnsafeRawBufferPointer(rebasing: head[..<count]))
      stream.pointee.head.start &+= UInt32(count)
      if stream.pointee.head.isEmpty { buffers.release(&stream.pointee.head) }
      return .bytes(count)
    }
    switch stream.pointee.inbound {
    case .length: takeData(stream, &writer, room: target.count)
    case .chunked: takeChunk(stream, &writer)
    case .done: break
    }
    let isEmpty = stream.pointee.data.isEmpty
    if isEmpty { buffers.release(&stream.pointee.data) }
    if isEmpty, !stream.pointee.ended || stream.pointee.inbound == .done {
      at(index).pointee.clear(.readable)
    }
    if writer.count > 0 { return .bytes(writer.count) }
    return stream.pointee.ended ? .end : .wouldBlock
  }

  private func takeData(_ stream: StreamPointer, _ writer: inout HeadWriter, room: Int) {
    let bytes = stream.pointee.data.bytes
    let count = min(bytes.count, room)
    writer.append(UnsafeRawBufferPointer(rebasing: bytes[..<count]))
    taken(stream, count)
    if stream.pointee.data.isEmpty, stream.pointee.ended { stream.pointee.inbound = .done }
  }

  private func takeChunk(_ stream: StreamPointer, _ writer: inout HeadWriter) {
    let bytes = stream.pointee.data.bytes
    let count = min(bytes.count, writer.target.count &- 64)
    if count > 0 {
      writer.append(hexadecimal: count)
      writer.append("\r\n")
      writer.append(UnsafeRawBufferPointer(rebasing: bytes[..<count]))
      writer.append("\r\n")
      taken(stream, count)
    }
    guard stream.pointee.data.isEmpty, stream.pointee.ended else { return }
    let trailers = stream.pointee.trailers.bytes
    guard writer.count &+ trailers.count &+ 8 <= writer.target.count else { return }
    writer.append("0\r\n")
    writer.append(trailers)
    writer.append("\r\n")
    buffers.release(&stream.pointee.trailers)
    stream.pointee.inbound = .done
  }

  /// Opens the stream's window for what the exchange took.
  private func taken(_ stream: StreamPointer, _ count: Int) {
    stream.pointee.data.start &+= UInt32(count)
    guard stream.pointee.id != 0, !stream.pointee.session.pointee.isGone || stream.pointee.ended
    else { return }
    nghttp2_session_consume_stream(
      stream.pointee.session.pointee.session, stream.pointee.id, count)
    markDirty(stream.pointee.session)
  }

  // MARK: From the exchange

  /// `send`, to a stream: takes the message apart and hands it to nghttp2.
  func sendStream(
    _ index: UInt32, _ stream: StreamPointer, _ head: UnsafeRawBufferPointer,
    _ body: UnsafeRawBufferPointer
  ) -> SendOutcome {
    let isClient = at(index).pointee.kind == .httpClient
    guard stream.pointee.id != 0 || !isClient && stream.pointee.outbound == .head else {
      return .failed
    }
    var head = head
    while stream.pointee.outbound == .head, !head.isEmpty {
      guard let used = sendHead(index, stream, head) else { return .failed }
      head = UnsafeRawBufferPointer(rebasing: head[used...])
    }
    guard sendContent(index, stream, head), sendContent(index, stream, body) else {
      return .failed
    }
    markDirty(stream.pointee.session)
    if content(of: index, stream).pointee.isEmpty { return .done }
    if isClient { return .stalled }
    // What a request may have to be sent again from stays in `output`.
    at(index).pointee.set(.backlogged)
    return .done
  }

  /// Where content waits: the client's in its slot, as the exchange looks there for its own.
  private func content(
    of index: UInt32, _ stream: StreamPointer
  ) -> UnsafeMutablePointer<Buffer> {
    if at(index).pointee.kind == .httpClient {
      return UnsafeMutableRawPointer(at(index)).advanced(by: Worker.outputOffset)
        .assumingMemoryBound(to: Buffer.self)
    }
    return UnsafeMutableRawPointer(stream).advanced(by: Worker.contentOffset)
      .assumingMemoryBound(to: Buffer.self)
  }

  private static let outputOffset = MemoryLayout<Connection>.offset(of: \.output) ?? 0
  private static let contentOffset = MemoryLayout<HTTP2Stream>.offset(of: \.content) ?? 0

  private func sendContent(
    _ index: UInt32, _ stream: StreamPointer, _ bytes: UnsafeRawBufferPointer
  ) -> Bool {
    guard !bytes.isEmpty, stream.pointee.outbound == .body else { return true }
    let target = content(of: index, stream)
    switch stream.pointee.framing {
    case .none: return true
    case .untilClose: guard buffers.append(bytes, to: &target.pointee) else { return false }
    case .length:
      let count = Int(min(stream.pointee.remaining, UInt64(bytes.count)))
      guard buffers.append(UnsafeRawBufferPointer(rebasing: bytes[..<count]), to: &target.pointee)
      else { return false }
      stream.pointee.remaining &-= UInt64(count)
      if stream.pointee.remaining == 0 { stream.pointee.outbound = .ended }
    case .chunked:
      guard sendChunks(stream, bytes, &target.pointee) else { return false }
    }
    resume(stream)
    return true
  }

  private func sendChunks(
    _ stream: StreamPointer, _ bytes: UnsafeRawBufferPointer, _ target: inout Buffer
  ) -> Bool {
    var position = 0
    while true {
      let before = position
      switch stream.pointee.chunks.next(bytes, at: &position) {
      case .data(let start, let end):
        let data = UnsafeRawBufferPointer(rebasing: bytes[start..<end])
        buffers.release(&stream.pointee.ownTrailers)
        guard buffers.append(data, to: &target) else { return false }
      case .needMore:
        return noteTrailers(stream, UnsafeRawBufferPointer(rebasing: bytes[before..<position]))
      case .end:
        guard noteTrailers(stream, UnsafeRawBufferPointer(rebasing: bytes[before..<position]))
        else { return false }
        stream.pointee.outbound = .ended
        return true
      case .invalid: return false
      }
    }
  }

  /// Keeps what follows the last data: the last chunk's line and the trailers behind it.
  private func noteTrailers(_ stream: StreamPointer, _ bytes: UnsafeRawBufferPointer) -> Bool {
    buffers.append(bytes, to: &stream.pointee.ownTrailers)
  }

  private func resume(_ stream: StreamPointer) {
    guard stream.pointee.isDeferred, stream.pointee.id != 0 else { return }
    stream.pointee.isDeferred = false
    nghttp2_session_resume_data(stream.pointee.session.pointee.session, stream.pointee.id)
    markDirty(stream.pointee.session)
  }

  /// Content for nghttp2, in its own callback.
  func giveContent(
    _ stream: StreamPointer, _ target: UnsafeMutableRawBufferPointer,
    _ flags: UnsafeMutablePointer<UInt32>
  ) -> Int {
    let slot = stream.pointee.slot
    let waiting = content(of: slot, stream)
    let bytes = waiting.pointee.bytes
    let count = min(bytes.count, target.count)
    if count > 0, let source = bytes.baseAddress, let base = target.baseAddress {
      memcpy(base, source, count)
      waiting.pointee.start &+= UInt32(count)
    }
    if waiting.pointee.isEmpty {
      buffers.release(&waiting.pointee)
      if count > 0 { markDrained(slot) }
      if stream.pointee.outbound == .ended {
        flags.pointee |= UInt32(NGHTTP2_DATA_FLAG_EOF.rawValue)
        if submitTrailers(stream) {
          flags.pointee |= UInt32(NGHTTP2_DATA_FLAG_NO_END_STREAM.rawValue)
        }
        return count
      }
      if count == 0 {
        stream.pointee.isDeferred = true
        return Int(NGHTTP2_ERR_DEFERRED.rawValue)
      }
    }
    return count
  }

  private func markDrained(_ slot: UInt32) {
    guard !at(slot).pointee.has(.drained) else { return }
    at(slot).pointee.set(.drained)
    drainedStreams.append(slot)
  }

  /// Content is out: the exchange may go on.
  func streamDrained(_ slot: UInt32) {
    if at(slot).pointee.kind == .httpClient {
      guard at(slot).pointee.phase == .exchange else { return }
      if at(slot).pointee.has(.messageDone) {
        clearDeadline(slot)
        restoreTotal(slot)
      }
      clientFlushed(slot)
    } else if at(slot).pointee.kind == .httpUpstream {
      at(slot).pointee.clear(.backlogged)
      let client = at(slot).pointee.peer
      if client != Connection.none { enqueue(client) }
    }
  }

  /// Our side has sent all: a request that is still coming is of no more use (RFC 9113 §8.1).
  func sent(_ session: SessionPointer, _ frame: UnsafePointer<nghttp2_frame>) {
    guard session.pointee.isServer,
      frame.pointee.hd.flags & UInt8(NGHTTP2_FLAG_END_STREAM.rawValue) != 0
    else { return }
    let type = UInt32(frame.pointee.hd.type)
    guard type == NGHTTP2_DATA.rawValue || type == NGHTTP2_HEADERS.rawValue,
      nghttp2_session_get_stream_remote_close(
        session.pointee.session, frame.pointee.hd.stream_id) == 0
    else { return }
    nghttp2_submit_rst_stream(
      session.pointee.session, UInt8(NGHTTP2_FLAG_NONE.rawValue), frame.pointee.hd.stream_id,
      UInt32(NGHTTP2_NO_ERROR.rawValue))
  }

  // MARK: The end

  /// The exchange is over: ends our side, where the message has not ended it itself.
  func streamExchangeEnded(_ index: UInt32, _ stream: StreamPointer) {
    at(index).pointee.phase = .closing
    setStallDeadline(index)
    guard stream.pointee.outbound != .ended else { return }
    stream.pointee.outbound = .ended
    resume(stream)
    markDirty(stream.pointee.session)
  }

  /// Ends a client's stream, or a member's, with an error if it is not done.
  func closeStream(_ index: UInt32, _ stream: StreamPointer) {
    if stream.pointee.id != 0, stream.pointee.session.pointee.session != nil,
      at(stream.pointee.session.pointee.connection).pointee.session != nil
    {
      let nghttp2 = stream.pointee.session.pointee.session
      nghttp2_session_set_stream_user_data(nghttp2, stream.pointee.id, nil)
      let isServer = stream.pointee.session.pointee.isServer
      nghttp2_submit_rst_stream(
        nghttp2, UInt8(NGHTTP2_FLAG_NONE.rawValue), stream.pointee.id,
        UInt32(isServer ? NGHTTP2_INTERNAL_ERROR.rawValue : NGHTTP2_CANCEL.rawValue))
      markDirty(stream.pointee.session)
    }
    stream.pointee.id = 0
  }

  /// Has the peer wait for what does not come.
  func forget(_ stream: StreamPointer) {
    if stream.pointee.id != 0, let nghttp2 = stream.pointee.session.pointee.session {
      nghttp2_session_set_stream_user_data(nghttp2, stream.pointee.id, nil)
    }
    stream.pointee.id = 0
  }

  func takeStream(_ session: SessionPointer, _ slot: UInt32, _ id: Int32) -> StreamPointer {
    let stream = freeStreams.popLast() ?? StreamPointer.allocate(capacity: 1)
    stream.initialize(to: HTTP2Stream(session: session, slot: slot, id: id))
    session.pointee.streams += 1
    stream.pointee.previous = session.pointee.latest
    session.pointee.latest?.pointee.next = stream
    session.pointee.latest = stream
    at(slot).pointee.stream = stream
    return stream
  }

  /// Gives a stream's memory back; its slot is being closed.
  func endStream(_ index: UInt32, _ stream: StreamPointer) {
    closeStream(index, stream)
    buffers.release(&stream.pointee.head)
    buffers.release(&stream.pointee.data)
    buffers.release(&stream.pointee.trailers)
    buffers.release(&stream.pointee.content)
    buffers.release(&stream.pointee.ownTrailers)
    at(index).pointee.stream = nil
    let session = stream.pointee.session
    stream.pointee.previous?.pointee.next = stream.pointee.next
    if let next = stream.pointee.next {
      next.pointee.previous = stream.pointee.previous
    } else {
      session.pointee.latest = stream.pointee.previous
    }
    freeStreams.append(stream)
    guard session.pointee.session != nil else { return }
    session.pointee.streams -= 1
    let connection = session.pointee.connection
    guard session.pointee.isServer else { return upstreamStreamEnded(session) }
    clients -= 1
    if session.pointee.streams == 0, at(connection).pointee.session == session,
      let server = servers[Int(at(connection).pointee.server)]
    {
      setDeadline(connection, server.isDraining ? 1000 : server.idleTimeout)
    }
  }

  /// The connection under a stream is gone.
  func abandonStream(_ slot: UInt32) {
    guard let stream = at(slot).pointee.stream else { return }
    stream.pointee.id = 0
    if at(slot).pointee.kind == .httpClient {
      closeClient(slot)
    } else if at(slot).pointee.kind == .httpUpstream {
      upstreamStreamLost(slot)
    }
  }
}
