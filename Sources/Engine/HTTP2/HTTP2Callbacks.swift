import CNGHTTP2
import Glibc

/// What nghttp2 calls back; each hands over to the worker that the session belongs to.

typealias SessionPointer = UnsafeMutablePointer<HTTP2Session>
typealias StreamPointer = UnsafeMutablePointer<HTTP2Stream>

enum HTTP2Callbacks {
  static func make() -> OpaquePointer? {
    var callbacks: OpaquePointer?
    guard nghttp2_session_callbacks_new(&callbacks) == 0, let callbacks else { return nil }
    nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks) { _, frame, data in
      guard let frame, let session = HTTP2Callbacks.session(data) else { return 0 }
      return HTTP2Callbacks.worker(session).beginHeaders(session, frame)
    }
    nghttp2_session_callbacks_set_on_header_callback(callbacks) {
      _, frame, name, nameCount, value, valueCount, _, data in
      guard let frame, let session = HTTP2Callbacks.session(data) else { return 0 }
      return HTTP2Callbacks.worker(session).header(
        session, frame.pointee.hd.stream_id,
        UnsafeRawBufferPointer(start: name, count: nameCount),
        UnsafeRawBufferPointer(start: value, count: valueCount))
    }
    // A field that is malformed makes the message malformed, RFC 9113 §8.2.1.
    nghttp2_session_callbacks_set_on_invalid_header_callback(callbacks) {
      _, _, _, _, _, _, _, _ in NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE.rawValue
    }
    nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks) { _, frame, data in
      guard let frame, let session = HTTP2Callbacks.session(data) else { return 0 }
      return HTTP2Callbacks.worker(session).received(session, frame)
    }
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks) {
      _, _, id, bytes, count, data in
      guard let session = HTTP2Callbacks.session(data) else { return 0 }
      return HTTP2Callbacks.worker(session).receivedData(
        session, id, UnsafeRawBufferPointer(start: bytes, count: count))
    }
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks) { _, id, code, data in
      guard let session = HTTP2Callbacks.session(data) else { return 0 }
      HTTP2Callbacks.worker(session).streamClosed(session, id, code)
      return 0
    }
    nghttp2_session_callbacks_set_on_frame_send_callback(callbacks) { _, frame, data in
      guard let frame, let session = HTTP2Callbacks.session(data) else { return 0 }
      HTTP2Callbacks.worker(session).sent(session, frame)
      return 0
    }
    return callbacks
  }

  static func session(_ data: UnsafeMutableRawPointer?) -> SessionPointer? {
    data?.assumingMemoryBound(to: HTTP2Session.self)
  }

  static func worker(_ session: SessionPointer) -> Worker {
    session.pointee.worker.takeUnretainedValue()
  }

  static func stream(_ session: SessionPointer, _ id: Int32) -> StreamPointer? {
    guard let nghttp2 = session.pointee.session else { return nil }
    return nghttp2_session_get_stream_user_data(nghttp2, id)?
      .assumingMemoryBound(to: HTTP2Stream.self)
  }
}

/// Gives nghttp2 what waits of a stream's content.
func readStreamContent(
  _: OpaquePointer?, _ id: Int32, _ target: UnsafeMutablePointer<UInt8>?, _ room: Int,
  _ flags: UnsafeMutablePointer<UInt32>?, _: UnsafeMutablePointer<nghttp2_data_source>?,
  _ data: UnsafeMutableRawPointer?
) -> Int {
  guard let session = HTTP2Callbacks.session(data), let target, let flags else {
    return Int(NGHTTP2_ERR_CALLBACK_FAILURE.rawValue)
  }
  // One that is forgotten has no more to give, and no end.
  guard let stream = HTTP2Callbacks.stream(session, id) else {
    return Int(NGHTTP2_ERR_DEFERRED.rawValue)
  }
  return HTTP2Callbacks.worker(session).giveContent(
    stream, UnsafeMutableRawBufferPointer(start: target, count: room), flags)
}
