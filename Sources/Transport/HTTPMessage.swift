import HTTP
import Linux
import NetTypes

/// A received request, its body complete.
package struct HTTPRequest: Sendable {
  package var head: HTTPRequestHead
  package var body: [UInt8]
  /// The verified client certificate's subject; nil without TLS or certificate.
  package var identity: PeerIdentity?
  /// Nil over a Unix socket.
  package var peer: SocketAddress?

  package init(
    head: HTTPRequestHead, body: [UInt8] = [], identity: PeerIdentity? = nil,
    peer: SocketAddress? = nil
  ) {
    self.head = head
    self.body = body
    self.identity = identity
    self.peer = peer
  }

  package var method: String { head.method }
  package var target: RequestTarget { RequestTarget(head.target) }
}

/// What a server answers.
package struct HTTPResponse: Sendable {
  package enum Body: Sendable {
    case bytes([UInt8])
    /// Runs after the head is sent; its task is cancelled when the client goes away. Throwing ends
    /// the connection without the last chunk, so that the client notices.
    case stream(@Loop (HTTPBodyWriter) async throws -> Void)
  }

  package var head: HTTPResponseHead
  package var body: Body

  package init(head: HTTPResponseHead, body: Body = .bytes([])) {
    self.head = head
    self.body = body
  }

  package init(
    status: Int, contentType: String? = nil, headers: HTTPHeaders = HTTPHeaders(),
    body: [UInt8] = []
  ) {
    var headers = headers
    if let contentType { headers["Content-Type"] = contentType }
    self.init(head: HTTPResponseHead(status: status, headers: headers), body: .bytes(body))
  }

  package init(status: Int, contentType: String = "text/plain; charset=utf-8", text: String) {
    self.init(status: status, contentType: contentType, body: Array(text.utf8))
  }

  package static func stream(
    status: Int = 200, contentType: String,
    _ body: @escaping @Loop (HTTPBodyWriter) async throws -> Void
  ) -> HTTPResponse {
    HTTPResponse(
      head: HTTPResponseHead(status: status, headers: ["Content-Type": contentType]),
      body: .stream(body))
  }

  /// A body of the sequence's elements, each sent as it comes.
  package static func chunks<Chunks: AsyncSequence & Sendable>(
    _ chunks: Chunks, contentType: String
  ) -> HTTPResponse where Chunks.Element == [UInt8] {
    .stream(contentType: contentType) { writer in
      for try await chunk in chunks { try await writer.write(chunk) }
    }
  }
}

/// Sends a streaming response's body, piece by piece.
@Loop package final class HTTPBodyWriter {
  private let stream: TimedStream
  private let isChunked: Bool
  /// HEAD: the body runs, and is not sent.
  private let isSilent: Bool
  private let timeout: Duration

  init(_ stream: TimedStream, isChunked: Bool, isSilent: Bool, timeout: Duration) {
    self.stream = stream
    self.isChunked = isChunked
    self.isSilent = isSilent
    self.timeout = timeout
  }

  /// Returns when the piece is handed to the kernel; a slow client suspends the caller.
  /// - Throws: when the client has gone away or takes nothing for the server's write timeout.
  package func write(_ bytes: [UInt8]) async throws {
    guard !bytes.isEmpty, !isSilent else { return }
    var output = bytes
    if isChunked {
      output = []
      output.reserveCapacity(bytes.count + 16)
      ChunkedEncoder.append(bytes, to: &output)
    }
    try await stream.write(output, timeout)
  }

  func finish() async throws {
    guard isChunked, !isSilent else { return }
    var output: [UInt8] = []
    ChunkedEncoder.appendEnd(to: &output)
    try await stream.write(output, timeout)
  }

  package var isClientGone: Bool { stream.stream.isPeerClosed }
}
