import CZlib
import HTTP

/// One descriptor of a worker, in its slab. Refers to others by index only.
struct Connection {
  enum Kind: UInt8 {
    case free
    /// Closed; the slot is free again after the event batch.
    case closed
    case listener, datagramListener
    /// With a `stream` they are one of HTTP/2, without a descriptor.
    case httpClient, httpUpstream
    case http2Client, http2Upstream
    case tcpClient, tcpUpstream
    /// UDP: the socket towards the member, one a client.
    case flow
  }

  enum Phase: UInt8 {
    /// Client: between requests, or reading a head.
    case head
    /// Both: the TLS handshake is under way.
    case handshake
    /// Client: a proxy in front says first whose connection it is.
    case proxyHeader
    /// Client: a request is on its way.
    case exchange
    /// Client: closes when the output is flushed.
    case closing
    /// Client: write side shut, input discarded until the peer closes (RFC 9112 §9.6).
    case lingering
    /// Upstream: connect(2) under way.
    case connecting
    /// Upstream: pooled.
    case idle
    /// Upstream: a request was handed over, no complete final head has come.
    case waiting
    /// Upstream: the content of a response is under way.
    case body
    /// Both: bytes pass as they are.
    case relay
  }

  struct Flags: OptionSet {
    let rawValue: UInt64
    /// recv(2) may have something: the last one filled its buffer, or an edge came since.
    static let readable = Flags(rawValue: 1 << 0)
    /// The peer has shut its side: read until the end is seen.
    static let peerClosed = Flags(rawValue: 1 << 1)
    static let endOfInput = Flags(rawValue: 1 << 2)
    static let writeShut = Flags(rawValue: 1 << 3)
    /// Stands in the run queue.
    static let queued = Flags(rawValue: 1 << 4)
    /// `input` has bytes that no parser has seen.
    static let inputFresh = Flags(rawValue: 1 << 5)
    /// Client: the connection ends with this response.
    static let closeAfter = Flags(rawValue: 1 << 6)
    /// The message that this side sends is received in full.
    static let messageDone = Flags(rawValue: 1 << 7)
    /// Upstream: `output` from 0 holds all that was to be sent, so that it can be sent again.
    static let replayable = Flags(rawValue: 1 << 8)
    /// Upstream: was taken from the pool for this request.
    static let reused = Flags(rawValue: 1 << 9)
    /// Client: HTTP/1.0.
    static let http10 = Flags(rawValue: 1 << 10)
    /// Client: some byte of a final response was sent.
    static let responseStarted = Flags(rawValue: 1 << 11)
    /// Client: asked for an upgrade.
    static let upgrade = Flags(rawValue: 1 << 12)
    /// Upstream: the connection may serve another request after this response.
    static let keepAlive = Flags(rawValue: 1 << 13)
    /// Upstream: chunks are taken apart, as the client speaks HTTP/1.0.
    static let dechunk = Flags(rawValue: 1 << 14)
    /// Listener: at the connection limit, with connections waiting.
    static let paused = Flags(rawValue: 1 << 15)
    /// Client: `active` of its server counts it.
    static let counted = Flags(rawValue: 1 << 16)
    /// Upstream: its member's in-flight count holds it.
    static let inFlight = Flags(rawValue: 1 << 17)
    /// Client: the method is idempotent.
    static let idempotent = Flags(rawValue: 1 << 18)
    /// Client: the address is IPv6.
    static let ipv6 = Flags(rawValue: 1 << 19)
    /// Upstream: some byte of a response has come, so the request was taken.
    static let answered = Flags(rawValue: 1 << 20)
    /// Client: part of a head has come.
    static let headBegun = Flags(rawValue: 1 << 21)
    /// Client: `hash` is that of the key that its pool goes by.
    static let hashed = Flags(rawValue: 1 << 22)
    /// Upstream: counts against its member's limit.
    static let reserved = Flags(rawValue: 1 << 29)
    /// Client: counts against its virtual server's limit.
    static let admitted = Flags(rawValue: 1 << 30)
    /// Client: its request waits for a member.
    static let waiting = Flags(rawValue: 1 << 31)
    /// Client: the answer names the member in a cookie.
    static let setCookie = Flags(rawValue: 1 << 23)
    /// Client: came over TLS.
    static let secure = Flags(rawValue: 1 << 24)
    /// Client: `clientCertificates` has what its certificate says.
    static let certified = Flags(rawValue: 1 << 25)
    /// Stream: frames had something for it.
    static let ready = Flags(rawValue: 1 << 26)
    /// Stream: its content has gone out.
    static let drained = Flags(rawValue: 1 << 27)
    /// Stream to a member: content waits, take no more.
    static let backlogged = Flags(rawValue: 1 << 28)
    /// Stream to a member: it was reset.
    static let streamFailed = Flags(rawValue: 1 << 32)
    /// Client: takes gzip.
    static let acceptsGzip = Flags(rawValue: 1 << 40)
    /// Client: its head waits for its password to be checked.
    static let parked = Flags(rawValue: 1 << 41)
    /// Client: its head is read once more.
    static let resumed = Flags(rawValue: 1 << 42)
    /// Client: has not got its TLS ticket.
    static let ticketDue = Flags(rawValue: 1 << 33)
  }

  static let none = UInt32.max

  var descriptor: Int32 = -1
  var generation: UInt32 = 0
  var kind = Kind.free
  var phase = Phase.head
  var framing = Framing.none
  var method = KnownMethod.other
  var attempts: UInt8 = 0
  var flags: Flags = []
  /// The other side of an exchange or relay; of a flow, its listener.
  var peer = Connection.none
  /// Index of the virtual server.
  var server = Connection.none
  /// Upstream: index of the member.
  var member = Connection.none
  /// In a member's list of pooled connections; in the free list.
  var next = Connection.none
  var previous = Connection.none
  /// Bytes of content still to come of the message that this side sends.
  var remaining: UInt64 = 0
  var chunks = ChunkedDecoder()
  /// Received, not used yet.
  var input = Buffer()
  /// To be sent.
  var output = Buffer()
  /// Upstream: what compresses its response.
  var deflater: UnsafeMutablePointer<z_stream>?
  var deflateLevel: Int32 = 0
  /// Client: what rules make of the response's fields; see `FieldEditView`.
  var edits = Buffer()
  /// Client: which wait of the queue is its own.
  var ticket: UInt64 = 0
  /// Client: when the exchange has to be over, in milliseconds; 0: never.
  var exchangeEnds: Int64 = 0
  /// Client: bytes of content that the request may still have.
  var bodyLimit = UInt64.max
  /// The client's address: 4 or 16 octets in network order, and port.
  var address: (UInt64, UInt64) = (0, 0)
  var port: UInt16 = 0
  /// Client: the member that it belongs to.
  var sticky = Connection.none
  /// Client: what the table of its pool knows it by; 0: nothing.
  var stickyKey: UInt64 = 0
  /// Client: see `hashed`.
  var hash: UInt64 = 0
  /// Upstream: when the request had gone out, microseconds; 0 before, and once it is answered.
  var began: Int64 = 0
  var timing = Timing()
  /// Client: what its line of the access log needs of the request's head.
  var log = Buffer()
  /// OpenSSL's side of the connection.
  var tls: OpaquePointer?
  /// HTTP/2 on this connection, or the stream that this is.
  var session: SessionPointer?
  var stream: StreamPointer?

  enum Framing: UInt8 { case none, length, chunked, untilClose }

  @inline(__always) func has(_ flag: Flags) -> Bool { flags.rawValue & flag.rawValue != 0 }
  @inline(__always) mutating func set(_ flag: Flags) {
    flags = Flags(rawValue: flags.rawValue | flag.rawValue)
  }
  @inline(__always) mutating func clear(_ flag: Flags) {
    flags = Flags(rawValue: flags.rawValue & ~flag.rawValue)
  }

  /// Notes how the content of the message that this side sends is framed.
  mutating func begin(_ body: BodyFraming) {
    remaining = 0
    switch body {
    case .none: framing = .none
    case .length(let count):
      framing = .length
      remaining = count
    case .chunked:
      framing = .chunked
      chunks = ChunkedDecoder()
    case .untilClose: framing = .untilClose
    }
    if framing == .none { set(.messageDone) } else { clear(.messageDone) }
  }

  /// Follows content: how many of `bytes` belong to the message, and whether they are sound.
  mutating func follow(_ bytes: UnsafeRawBufferPointer) -> (count: Int, error: HTTPError?) {
    switch framing {
    case .none: return (0, nil)
    case .untilClose: return (bytes.count, nil)
    case .length:
      let count = Int(min(remaining, UInt64(bytes.count)))
      remaining &-= UInt64(count)
      if remaining == 0 { set(.messageDone) }
      return (count, nil)
    case .chunked:
      let (consumed, event) = chunks.scan(bytes)
      switch event {
      case .end: set(.messageDone)
      case .invalid(let error): return (0, error)
      case .data, .needMore: break
      }
      return (consumed, nil)
    }
  }
}
