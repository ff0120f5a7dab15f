import HTTP
import Linux
import NetTypes

/// One client of an `HTTPServer`.
@Loop final class HTTPServerConnection {
  private let stream: any ByteStream
  private let timed: TimedStream
  private let peer: SocketAddress?
  private unowned let server: HTTPServer
  private var decoder: HTTPDecoder
  private var isIdle = true
  private var work: Task<Void, any Error>?

  private static let readSize = 64 << 10

  init(_ stream: any ByteStream, peer: SocketAddress?, server: HTTPServer) {
    self.stream = stream
    timed = TimedStream(stream)
    self.peer = peer
    self.server = server
    decoder = HTTPDecoder(role: .server, headLimit: server.limits.headBytes)
  }

  func closeIfIdle() { if isIdle { stream.close() } }

  func abort() {
    work?.cancel()
    stream.close()
  }

  func run() async {
    do {
      while try await serveOne() {}
      await linger()
    } catch let error as HTTPError {
      await refuse(error)
    } catch {
      // Timeouts, resets and the like: nobody is left to tell.
    }
    stream.close()
  }

  /// Answers the next request.
  /// - Returns: Whether the connection may carry another.
  private func serveOne() async throws -> Bool {
    guard let head = try await nextHead() else { return false }
    isIdle = false
    defer { isIdle = true }
    let persists = decoder.isPersistent
    let body = try await readBody(head)
    let request = HTTPRequest(head: head, body: body, identity: stream.identity, peer: peer)
    let keepsAlive = try await answer(request, persists: persists)
    return keepsAlive && !server.isStopping
  }

  /// Nil at the end of the client's requests.
  private func nextHead() async throws -> HTTPRequestHead? {
    var deadline: Timer?
    defer { deadline?.cancel() }
    while true {
      if let event = try decoder.next(), case .request(let head) = event { return head }
      if !decoder.isIdle, deadline == nil {
        // One timer from the first byte on: a byte now and then does not extend it.
        let stream = stream
        deadline = Loop.after(server.limits.header) {
          stream.fail(TransportError.timedOut("request head"))
        }
      }
      let bytes = try await timed.read(atMost: Self.readSize, idle: server.limits.idle)
      if bytes.isEmpty { return nil }
      decoder.append(bytes)
    }
  }

  private func readBody(_ head: HTTPRequestHead) async throws -> [UInt8] {
    let limit = server.limits.bodyBytes
    if let announced = head.headers["Content-Length"].flatMap(Int.init), announced > limit {
      throw HTTPError.bodyTooLarge(limit: limit)
    }
    var body: [UInt8] = []
    var mustInvite = decoder.expectsContinue
    while true {
      switch try decoder.next() {
      case .body(let bytes)?:
        guard body.count + bytes.count <= limit else { throw HTTPError.bodyTooLarge(limit: limit) }
        if body.isEmpty { body = bytes } else { body += bytes }
      case .end?: return body
      case .request?, .response?: throw HTTPError.truncated
      case nil:
        if mustInvite {
          mustInvite = false
          try await stream.write(HTTPResponseHead(status: 100).serialized())
        }
        let bytes = try await timed.receive(atMost: Self.readSize, server.limits.body)
        if bytes.isEmpty { decoder.finish() } else { decoder.append(bytes) }
      }
    }
  }

  private func answer(_ request: HTTPRequest, persists: Bool) async throws -> Bool {
    let stream = stream
    let server = server
    var keepsAlive = persists
    let task = Task { @Loop () throws -> Void in
      let response = await server.handler(request)
      keepsAlive = try await self.send(response, to: request, persists: persists)
    }
    work = task
    // A client that goes away takes the handler, a watch perhaps, with it.
    stream.onPeerClosed = { task.cancel() }
    defer {
      stream.onPeerClosed = nil
      work = nil
    }
    try await task.value
    return keepsAlive
  }

  private func send(
    _ response: HTTPResponse, to request: HTTPRequest, persists: Bool
  ) async throws -> Bool {
    var head = response.head
    let isSilent = request.method == "HEAD"
    let hasNoBody = head.status < 200 || head.status == 204 || head.status == 304
    var keepsAlive = persists && !server.isStopping && head.isPersistent
    if head.headers["Date"] == nil { head.headers["Date"] = HTTPDate.now }
    switch response.body {
    case .bytes(let bytes):
      if !hasNoBody { head.headers["Content-Length"] = "\(bytes.count)" }
      describe(keepsAlive, request, &head)
      var output = head.serialized()
      if !isSilent, !hasNoBody { output += bytes }
      try await timed.write(output, server.limits.write)
    case .stream(let body):
      let isChunked = request.head.minorVersion >= 1
      if isChunked { head.headers["Transfer-Encoding"] = "chunked" } else { keepsAlive = false }
      describe(keepsAlive, request, &head)
      try await timed.write(head.serialized(), server.limits.write)
      let writer = HTTPBodyWriter(
        timed, isChunked: isChunked, isSilent: isSilent, timeout: server.limits.write)
      try await body(writer)
      try await writer.finish()
    }
    return keepsAlive
  }

  private func describe(
    _ keepsAlive: Bool, _ request: HTTPRequest, _ head: inout HTTPResponseHead
  ) {
    if !keepsAlive {
      head.headers["Connection"] = "close"
    } else if request.head.minorVersion == 0 {
      head.headers["Connection"] = "keep-alive"
    }
  }

  private func refuse(_ error: HTTPError) async {
    var response = HTTPResponse(status: error.status, text: "\(error)\n")
    response.head.headers["Connection"] = "close"
    response.head.headers["Content-Length"] = "\("\(error)\n".utf8.count)"
    guard case .bytes(let bytes) = response.body else { return }
    do {
      try await timed.write(response.head.serialized() + bytes, server.limits.write)
    } catch {
      return
    }
    await linger()
  }

  /// Closing on unread bytes would reset the connection and take the answer with it, so reads a
  /// little on.
  private func linger() async {
    await stream.finishWriting()
    let stream = stream
    let timer = Loop.after(.seconds(1)) { stream.close() }
    defer { timer.cancel() }
    var left = 1 << 20
    while left > 0, let bytes = try? await stream.read(atMost: Self.readSize), !bytes.isEmpty {
      left -= bytes.count
    }
  }
}
