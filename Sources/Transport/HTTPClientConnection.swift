import HTTP
import Linux

/// One connection of an `HTTPClient`, for one exchange at a time.
@Loop final class HTTPClientConnection {
  /// The connection was dead before a byte of the answer came.
  struct Stale: Error {
    let reason: any Error
  }

  private let stream: any ByteStream
  private let timed: TimedStream
  private let answering: Deadline
  private let timeouts: HTTPClient.Timeouts
  private let finished: @Loop (HTTPClientConnection) -> Void
  private var decoder = HTTPDecoder(role: .client)
  private var idleTimer: Timer?
  private(set) var isOpen = true

  init(
    _ stream: any ByteStream, timeouts: HTTPClient.Timeouts,
    finished: @escaping @Loop (HTTPClientConnection) -> Void
  ) {
    self.stream = stream
    timed = TimedStream(stream)
    answering = Deadline(stream, "waiting for the answer")
    self.timeouts = timeouts
    self.finished = finished
  }

  var isUsable: Bool {
    isOpen && !stream.isPeerClosed && decoder.isIdle && decoder.isPersistent
  }

  func close() {
    isOpen = false
    idleTimer?.cancel()
    stream.close()
  }

  func startIdling(for duration: Duration, _ expire: @escaping @Loop () -> Void) {
    idleTimer?.cancel()
    idleTimer = Loop.after(duration, expire)
    stream.onPeerClosed = expire
  }

  func exchange(
    _ head: HTTPRequestHead, _ body: [UInt8], timeout: Duration
  ) async throws -> HTTPClientResponse {
    idleTimer?.cancel()
    stream.onPeerClosed = nil
    decoder.expectResponse(to: head.method)
    answering.set(timeout)
    defer { answering.lift() }
    var received = false
    do {
      // A server may answer and close before it has read all; its answer is worth reading then.
      do {
        try await timed.write(head.serialized() + body, timeouts.write)
      } catch TransportError.peerClosed where !body.isEmpty {}
      while true {
        switch try decoder.next() {
        case .response(let response)? where response.status < 200 && response.status != 101:
          continue
        case .response(let response)?:
          return HTTPClientResponse(head: response, body: HTTPResponseBody(self))
        case .request?, .body?, .end?:
          throw TransportError.protocolError("answer does not start with a status line")
        case nil:
          let bytes = try await stream.read(atMost: 64 << 10)
          if bytes.isEmpty { throw TransportError.peerClosed }
          received = true
          decoder.append(bytes)
        }
      }
    } catch {
      close()
      if received || error is CancellationError || isTimeout(error) { throw error }
      throw Stale(reason: error)
    }
  }

  private func isTimeout(_ error: any Error) -> Bool {
    if case .timedOut? = error as? TransportError { true } else { false }
  }

  /// The next piece of the body; nil at its end, when the connection returns to the pool.
  func nextBody(timeout: Duration?) async throws -> [UInt8]? {
    do {
      while true {
        switch try decoder.next() {
        case .body(let bytes)?: return bytes
        case .end?:
          finished(self)
          return nil
        case .request?, .response?: throw TransportError.protocolError("head inside a body")
        case nil:
          let bytes =
            if let timeout {
              try await timed.receive(atMost: 64 << 10, timeout)
            } else {
              try await stream.read(atMost: 64 << 10)
            }
          if bytes.isEmpty { decoder.finish() } else { decoder.append(bytes) }
        }
      }
    } catch {
      close()
      throw error
    }
  }

  var bodyTimeout: Duration? { timeouts.body }
}

/// A response whose body is read as it is wanted.
package struct HTTPClientResponse: Sendable {
  package let head: HTTPResponseHead
  package let body: HTTPResponseBody

  package var status: Int { head.status }
}

/// The body of one response: an asynchronous sequence of pieces as they arrive, read once.
/// Dropping it before its end closes the connection.
@Loop package final class HTTPResponseBody {
  private var connection: HTTPClientConnection?

  init(_ connection: HTTPClientConnection) { self.connection = connection }

  isolated deinit { connection?.close() }

  /// - Throws: `peerClosed` or `HTTPError.truncated` if the body breaks off.
  package func next() async throws -> [UInt8]? {
    guard let connection else { return nil }
    do {
      let bytes = try await connection.nextBody(timeout: connection.bodyTimeout)
      if bytes == nil { self.connection = nil }
      return bytes
    } catch {
      self.connection = nil
      throw error
    }
  }

  /// The whole body.
  /// - Throws: `bodyTooLarge` beyond `limit`; `timedOut` if a piece takes longer than `timeout`.
  package func collect(
    limit: Int = 64 << 20, timeout: Duration = .seconds(30)
  ) async throws -> [UInt8] {
    var body: [UInt8] = []
    while let connection {
      do {
        guard let bytes = try await connection.nextBody(timeout: timeout) else {
          self.connection = nil
          break
        }
        body += bytes
      } catch {
        self.connection = nil
        throw error
      }
      guard body.count <= limit else {
        cancel()
        throw TransportError.bodyTooLarge(limit: limit)
      }
    }
    return body
  }

  /// Reads no further.
  package func cancel() {
    connection?.close()
    connection = nil
  }
}

extension HTTPResponseBody: AsyncSequence {
  package nonisolated func makeAsyncIterator() -> Iterator { Iterator(body: self) }

  package struct Iterator: AsyncIteratorProtocol {
    let body: HTTPResponseBody

    package mutating func next() async throws -> [UInt8]? { try await body.next() }
  }
}
