import CNGHTTP2
import HTTP

/// HTTP/2 on one connection, RFC 9113: nghttp2's session, and what limits the peer.
struct HTTP2Session {
  /// Nghttp2's; nil once it is freed.
  var session: OpaquePointer?
  let worker: Unmanaged<Worker>
  /// The connection's slot.
  var connection: UInt32
  let isServer: Bool
  /// Streams that have a slot: how many, and the latest, which knows the one before it.
  var streams = 0
  var latest: StreamPointer?
  /// Frames wait to be written at the end of the batch.
  var isDirty = false
  /// GOAWAY is out: no new streams, and the connection ends with the last.
  var isClosing = false
  /// Upstream: the peer takes no more streams.
  var isGone = false

  init(worker: Worker, connection: UInt32, isServer: Bool) {
    self.worker = Unmanaged.passUnretained(worker)
    self.connection = connection
    self.isServer = isServer
  }
}

/// One stream: what stands between its slot, which speaks HTTP/1.1 to the exchange, and nghttp2.
struct HTTP2Stream {
  typealias Inbound = HTTP2Headers.Content
  /// What of the exchange's message has been handed to nghttp2.
  enum Outbound: UInt8 { case head, body, ended }

  let session: UnsafeMutablePointer<HTTP2Session>
  let slot: UInt32
  /// The session's streams that were begun after this one, and before.
  var next: StreamPointer?
  var previous: StreamPointer?
  var id: Int32
  /// Upstream: heads of responses that the exchange has not taken yet.
  var head = Buffer()
  /// DATA that the exchange has not taken yet, and trailers as field lines.
  var data = Buffer()
  var trailers = Buffer()
  /// What of the message that the peer sends has been told to the exchange.
  var inbound = Inbound.done
  /// The peer's side has ended.
  var ended = false
  var outbound = Outbound.head
  var framing = Connection.Framing.none
  var remaining: UInt64 = 0
  var chunks = ChunkedDecoder()
  /// Upstream: content on its way to the member. (The client's waits in its slot's `output`.)
  var content = Buffer()
  /// Trailers that end our side, as field lines.
  var ownTrailers = Buffer()
  /// Nghttp2 has no bytes of ours, and waits to be told of more.
  var isDeferred = false
  /// The response is one to HEAD.
  var isHead = false
}

/// Limits on what a peer may make us hold or do.
enum HTTP2Limits {
  static let concurrentStreams: UInt32 = 128
  /// Octets of DATA that a stream may have in flight to us; they fit a block.
  static let window: Int32 = 65_535
  static let connectionWindow: Int32 = 1 << 20
  /// Streams that a peer may reset: in a burst, and each second (CVE-2023-44487).
  static let resetBurst: UInt64 = 1000
  static let resetRate: UInt64 = 33
  /// CONTINUATION frames behind one HEADERS (CVE-2024-28182).
  static let continuations = 8
  /// Answers to PING and SETTINGS that wait for a peer which does not read.
  static let acknowledgements = 100
  static let settingsEntries = 32
}

extension HTTP2Limits {
  static func options() -> OpaquePointer? {
    var option: OpaquePointer?
    guard nghttp2_option_new(&option) == 0, let option else { return nil }
    nghttp2_option_set_no_auto_window_update(option, 1)
    nghttp2_option_set_max_outbound_ack(option, acknowledgements)
    nghttp2_option_set_max_settings(option, settingsEntries)
    nghttp2_option_set_stream_reset_rate_limit(option, resetBurst, resetRate)
    nghttp2_option_set_max_continuations(option, continuations)
    // Priorities of RFC 7540 are gone; closed streams would be kept for their tree.
    nghttp2_option_set_no_closed_streams(option, 1)
    nghttp2_option_set_peer_max_concurrent_streams(option, 100)
    return option
  }
}
