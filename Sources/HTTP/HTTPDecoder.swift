/// Turns received bytes into owned messages, for the control side's server and client.
///
///     head → body … → end → head …
///
/// After an error the connection is of no further use.
package struct HTTPDecoder: ~Copyable {
  package enum Event: Equatable, Sendable {
    case request(HTTPRequestHead)
    /// Interim responses (1xx but 101) come as heads without an `end`.
    case response(HTTPResponseHead)
    case body([UInt8])
    case end
  }

  package enum Role: Sendable {
    /// Receives requests.
    case server
    /// Receives responses.
    case client
  }

  private enum State {
    case head
    case length(UInt64)
    case chunked(ChunkedDecoder)
    case untilClose
    case atEnd
    /// The connection speaks another protocol now; take `takeRest()`.
    case tunnel
    case failed(HTTPError)
  }

  private let role: Role
  private var parser: HeadParser
  private var state = State.head
  private var buffer: [UInt8] = []
  private var consumed = 0
  private var closed = false
  private var methods: [KnownMethod] = []

  package init(role: Role, headLimit: Int = 64 << 10) {
    self.role = role
    parser = HeadParser(byteLimit: headLimit)
  }

  /// Whether the last head leaves the connection usable for another message.
  package private(set) var isPersistent = true
  /// The last request asked for `100 Continue` before its body.
  package private(set) var expectsContinue = false
  /// A 101 was received, or nothing more can be decoded for another reason of protocol.
  package var isTunnel: Bool { if case .tunnel = state { true } else { false } }
  /// Between messages, with nothing buffered.
  package var isIdle: Bool {
    if case .head = state { buffer.count == consumed } else { false }
  }

  package mutating func append(_ bytes: some Collection<UInt8>) {
    if consumed > 0 {
      buffer.removeFirst(consumed)
      consumed = 0
    }
    buffer += bytes
  }

  /// The peer has closed: ends a body that lasts until then.
  package mutating func finish() { closed = true }

  /// Client: says which method the next response answers, for its framing. Call once a request.
  package mutating func expectResponse(to method: String) {
    var method = method
    methods.append(method.withUTF8 { KnownMethod.of(UnsafeRawBufferPointer($0)) })
  }

  /// Server: hands over what the peer sent behind an upgrade, and stops decoding.
  package mutating func takeRest() -> [UInt8] {
    state = .tunnel
    let rest = Array(buffer[consumed...])
    buffer = []
    consumed = 0
    return rest
  }

  /// The next event; nil when more bytes are needed, or at a clean end of the connection.
  package mutating func next() throws(HTTPError) -> Event? {
    switch state {
    case .head: return try nextHead()
    case .atEnd:
      state = .head
      return .end
    case .length(let remaining):
      let data = take(Int(min(remaining, UInt64(buffer.count - consumed))))
      guard !data.isEmpty else { return try starved() }
      let left = remaining - UInt64(data.count)
      state = left == 0 ? .atEnd : .length(left)
      return .body(data)
    case .chunked(let decoder): return try nextChunk(decoder)
    case .untilClose:
      let data = take(buffer.count - consumed)
      if !data.isEmpty { return .body(data) }
      guard closed else { return nil }
      state = .head
      return .end
    case .tunnel: return nil
    case .failed(let error): throw error
    }
  }

  private mutating func nextHead() throws(HTTPError) -> Event? {
    let slice = consumed
    let outcome = buffer.withUnsafeBytes { bytes in
      let bytes = UnsafeRawBufferPointer(rebasing: bytes[slice...])
      return role == .server ? parser.parseRequest(bytes) : parser.parseResponse(bytes)
    }
    switch outcome {
    case .incomplete:
      if closed, buffer.count > consumed { return try fail(.truncated) }
      return nil
    case .invalid(let error): return try fail(error)
    case .complete:
      let event = makeHead()
      consumed += parser.length
      return event
    }
  }

  private mutating func makeHead() -> Event {
    let bytes = Array(buffer[consumed..<(consumed + parser.length)])
    return bytes.withUnsafeBytes { bytes in
      var headers = HTTPHeaders()
      for index in 0..<parser.fieldCount {
        let field = parser.field(index)
        headers.add(field.name.string(of: bytes), field.value.string(of: bytes))
      }
      isPersistent = parser.isPersistent
      guard role == .client else {
        expectsContinue = parser.flags.contains(.expectContinue) && parser.minorVersion >= 1
        begin(parser.requestFraming)
        return .request(
          HTTPRequestHead(
            method: parser.methodName.string(of: bytes), target: parser.target.string(of: bytes),
            headers: headers, minorVersion: parser.minorVersion))
      }
      let interim = parser.status < 200 && parser.status != 101
      if parser.status == 101 {
        state = .tunnel
      } else if !interim {
        let framing = parser.responseFraming(to: methods.first ?? .get)
        if !methods.isEmpty { methods.removeFirst() }
        if framing == .untilClose { isPersistent = false }
        begin(framing)
      }
      return .response(
        HTTPResponseHead(
          status: parser.status, reason: parser.reason.string(of: bytes), headers: headers,
          minorVersion: parser.minorVersion))
    }
  }

  private mutating func begin(_ framing: BodyFraming) {
    switch framing {
    case .none: state = .atEnd
    case .length(let count): state = .length(count)
    case .chunked: state = .chunked(ChunkedDecoder())
    case .untilClose: state = .untilClose
    }
  }

  private mutating func nextChunk(_ decoder: ChunkedDecoder) throws(HTTPError) -> Event? {
    var decoder = decoder
    var position = 0
    let start = consumed
    let event = buffer.withUnsafeBytes { bytes in
      decoder.next(UnsafeRawBufferPointer(rebasing: bytes[start...]), at: &position)
    }
    consumed += position
    state = .chunked(decoder)
    switch event {
    case .data(let from, let to): return .body(Array(buffer[(start + from)..<(start + to)]))
    case .needMore: return try starved()
    case .end:
      state = .head
      return .end
    case .invalid(let error): return try fail(error)
    }
  }

  private mutating func starved() throws(HTTPError) -> Event? {
    if closed { return try fail(.truncated) }
    return nil
  }

  private mutating func take(_ count: Int) -> [UInt8] {
    defer { consumed += count }
    return Array(buffer[consumed..<(consumed + count)])
  }

  private mutating func fail(_ error: HTTPError) throws(HTTPError) -> Event? {
    state = .failed(error)
    throw error
  }
}
