import Delivery
import Engine
import Glibc
import Linux
import Synchronization
import Testing
import Transport

@Suite struct HTTP2Tests {
  private func h2c(_ port: UInt16, _ backend: UInt16) -> DeliveryConfiguration {
    single(port, .http, [backend]) { $0.http2 = true }
  }

  /// Serves `backend` at a port, and runs `body` on a thread of its own.
  private func serving(
    _ backend: TestServer, _ body: @escaping @Sendable (UInt16) throws -> Void
  ) async throws {
    let port = freePort()
    try await withEngine(h2c(port, backend.port)) { _ in try await blocking { try body(port) } }
    backend.kill()
  }

  @Test func `a client may begin with HTTP/2, and streams are answered in any order`() async throws
  {
    let backend = try httpBackend { request, client in
      if request.line.contains("/slow") { usleep(100_000) }
      try client.answer(request.line)
    }
    try await serving(backend) { port in
      let peer = try HTTP2Peer(port)
      try peer.headers(1, HTTP2Peer.request("GET", "/slow"))
      try peer.headers(3, HTTP2Peer.request("GET", "/fast?q"))
      #expect(try peer.reply(3).text == "GET /fast?q HTTP/1.1")
      #expect(try peer.reply(1).text == "GET /slow HTTP/1.1")
      // The same port still speaks HTTP/1.1.
      #expect(try TestClient(port).get("/one").text == "GET /one HTTP/1.1")
    }
  }

  @Test func `it is agreed on by ALPN over TLS`() async throws {
    let backend = try httpBackend { request, client in
      try client.answer(request["x-forwarded-proto"] ?? "none")
    }
    let port = freePort()
    let authority = try CertificateAuthority.mint(commonName: "test")
    let tls = ServerTLS(certificates: [try authority.issue(.server("h", dnsNames: ["h"])).source])
    try await withEngine(single(port, .https, [backend.port]) { $0.tls = tls }) { _ in
      try await blocking {
        let peer = try HTTP2Peer(tls: port)
        for stream in stride(from: UInt32(1), to: 200, by: 2) {
          #expect(try peer.get(stream).text == "https")
        }
      }
    }
    backend.kill()
  }

  @Test func `content passes both ways within the windows`() async throws {
    let backend = try httpBackend { request, client in
      let isChunked = request["transfer-encoding"] != nil
      try client.send(
        "HTTP/1.1 200 OK\r\nX-Chunked: \(isChunked)\r\nContent-Length: \(request.body.count)\r\n\r\n"
      )
      try client.send(request.body)
    }
    try await serving(backend) { port in
      let peer = try HTTP2Peer(port)
      var stream: UInt32 = 1
      for size in [1, 1000, 65_535, 65_536, 300_000, 2_000_000] {
        for isSized in [true, false] {
          let body = pattern(size)
          let length = isSized ? [("content-length", "\(size)")] : []
          try peer.headers(stream, HTTP2Peer.request("POST", "/", length), ends: false)
          try peer.content(stream, body)
          let reply = try peer.reply(stream)
          #expect(reply.status == 200 && reply.body == body, "\(size) bytes, \(isSized)")
          #expect(reply.fields["x-chunked"] == "\(!isSized)")
          stream += 2
        }
      }
    }
  }

  @Test func `a client that does not read holds the member back`() async throws {
    let sent = Counter()
    let backend = try httpBackend { _, client in
      try client.send("HTTP/1.1 200 OK\r\nContent-Length: 30000000\r\n\r\n")
      for _ in 0..<300 {
        try client.send(pattern(100_000))
        sent.add(100_000)
      }
    }
    try await serving(backend) { port in
      let peer = try HTTP2Peer(port, window: 1000)
      peer.readsFreely = false
      try peer.headers(1, HTTP2Peer.request())
      usleep(500_000)
      let held = sent.value
      #expect(held < 20_000_000, "\(held) bytes taken of a client that takes 1000")
      // Another stream is not held up by it.
      try peer.headers(3, HTTP2Peer.request("HEAD"))
      #expect(try peer.reply(3).status == 200)
    }
  }

  @Test func `trailers pass both ways`() async throws {
    let backend = try TestServer { client in
      let head = try client.receive(until: "\r\n\r\n")
      let rest = try client.receive(until: "x-sum: 7\r\n\r\n")
      #expect(
        head.contains("transfer-encoding: chunked") && rest.hasSuffix("0\r\nx-sum: 7\r\n\r\n"))
      try client.send(
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: Grpc-Status\r\n\r\n")
      try client.send("5\r\nhello\r\n")
      usleep(20_000)
      try client.send("6;x=y\r\n world\r\n0\r\nGrpc-Status: 0\r\nX-B:  b \r\n\r\n")
    }
    try await serving(backend) { port in
      let peer = try HTTP2Peer(port)
      try peer.headers(1, HTTP2Peer.request("POST"), ends: false)
      try peer.content(1, Array("abc".utf8), ends: false)
      try peer.headers(1, [("x-sum", "7")])
      let reply = try peer.reply(1)
      #expect(reply.text == "hello world" && reply.trailers == ["grpc-status": "0", "x-b": "b"])
      #expect(reply.fields["trailer"] == nil && reply.fields["transfer-encoding"] == nil)
    }
  }

  @Test func `heads without content, interim answers and cookies in crumbs`() async throws {
    let backend = try httpBackend { request, client in
      if request.line.contains("/early") {
        try client.send("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n")
      }
      if request.line.contains("/empty") {
        try client.send(
          "HTTP/1.1 204 No Content\r\nConnection: keep-alive, x-own\r\nX-Own: 1\r\n\r\n")
      } else if request.line.hasPrefix("HEAD") {
        try client.send("HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n")
      } else {
        try client.answer("\(request["cookie"] ?? "") \(request["content-length"] ?? "none")")
      }
    }
    try await serving(backend) { port in
      let peer = try HTTP2Peer(port)
      try peer.headers(1, HTTP2Peer.request("GET", "/", [("cookie", "a=1"), ("cookie", "b=2")]))
      #expect(try peer.reply(1).text == "a=1; b=2 none")
      try peer.headers(3, HTTP2Peer.request("HEAD"))
      let head = try peer.reply(3)
      #expect(head.fields["content-length"] == "99" && head.body.isEmpty)
      let empty = try peer.get(5, "/empty")
      #expect(
        empty.status == 204 && empty.fields["connection"] == nil && empty.fields["x-own"] == nil)
      let early = try peer.get(7, "/early")
      #expect(early.interim.map { $0["link"] } == ["</a>"] && early.status == 200)
      try peer.headers(9, HTTP2Peer.request("POST"))
      #expect(try peer.reply(9).text == " 0")
    }
  }

  @Test(arguments: [
    [(":method", "GET"), (":scheme", "http"), (":authority", "h")],
    [(":method", "GET"), (":scheme", "http"), (":path", "/")],
    [(":method", "GET"), (":authority", "h"), (":path", "/")],
    [(":scheme", "http"), (":authority", "h"), (":path", "/")],
    HTTP2Peer.request("GET", ""), HTTP2Peer.request("GET", "a"), HTTP2Peer.request("GET", "*"),
    HTTP2Peer.request("GET", "/a b"), HTTP2Peer.request("GET", "/\r\nX: y"),
    HTTP2Peer.request("GE T", "/"), HTTP2Peer.request("GET / HTTP/1.1\r\nX:", "/"),
    HTTP2Peer.request("GET", "/", [("host", "other")]),
    HTTP2Peer.request("GET", "/", [(":authority", "h")]),
    HTTP2Peer.request("GET", "/", [("x", "y"), (":path", "/z")]),
    HTTP2Peer.request("GET", "/", [(":unknown", "y")]),
    HTTP2Peer.request("GET", "/", [("X-Upper", "y")]),
    HTTP2Peer.request("GET", "/", [("x", "a\r\nb: c")]),
    HTTP2Peer.request("GET", "/", [("x", "a\nb")]),
    HTTP2Peer.request("GET", "/", [("x", "a\0b")]), HTTP2Peer.request("GET", "/", [("x:y", "z")]),
    HTTP2Peer.request("GET", "/", [("x y", "z")]), HTTP2Peer.request("GET", "/", [("", "z")]),
    HTTP2Peer.request("GET", "/", [("x\r\ny", "z")]),
    HTTP2Peer.request("GET", "/", [("connection", "close")]),
    HTTP2Peer.request("GET", "/", [("transfer-encoding", "chunked")]),
    HTTP2Peer.request("GET", "/", [("upgrade", "h2c")]),
    HTTP2Peer.request("GET", "/", [("keep-alive", "1")]),
    HTTP2Peer.request("GET", "/", [("proxy-connection", "close")]),
    HTTP2Peer.request("GET", "/", [("te", "gzip")]),
    HTTP2Peer.request("POST", "/", [("content-length", "5")]),
    HTTP2Peer.request("POST", "/", [("content-length", "0"), ("content-length", "0")]),
    HTTP2Peer.request("POST", "/", [("content-length", "+0")]),
    [(":method", "GET"), (":scheme", "http"), (":authority", "a b"), (":path", "/")],
    [(":method", "GET"), (":scheme", "http"), (":authority", "h\r\nx: y"), (":path", "/")],
  ])
  func `what HTTP/1.1 could misread is refused, and no member sees it`(
    _ fields: [(String, String)]
  ) async throws {
    let seen = Counter()
    let backend = try httpBackend { _, client in
      seen.add(1)
      try client.answer("seen")
    }
    try await serving(backend) { port in
      let peer = try HTTP2Peer(port)
      try peer.headers(1, fields)
      let reply = try peer.reply(1)
      #expect(reply.reset == 1 || reply.status == 400, "\(reply)")
      #expect(seen.value == 0)
      // A stream's error is its own.
      if reply.reset != nil, peer.goaway == nil { #expect(try peer.get(3).text == "seen") }
    }
  }

  @Test(arguments: [3, 7])
  func `content that is not as long as it says is a stream error`(_ count: Int) async throws {
    let whole = Counter()
    let backend = try httpBackend { request, client in
      whole.add(1)
      try client.answer("\(request.body.count)")
    }
    try await serving(backend) { port in
      let peer = try HTTP2Peer(port)
      try peer.headers(1, HTTP2Peer.request("POST", "/", [("content-length", "5")]), ends: false)
      try peer.content(1, pattern(count))
      #expect(try peer.reply(1).reset == 1)
      #expect(whole.value == 0)
    }
  }

  @Test func `an answer before the content ends the stream without an error`() async throws {
    let backend = try TestServer { client in
      _ = try client.receive(until: "\r\n\r\n")
      try client.send("HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno")
      _ = try client.receiveAll()
    }
    try await serving(backend) { port in
      let peer = try HTTP2Peer(port)
      try peer.headers(1, HTTP2Peer.request("POST"), ends: false)
      let reply = try peer.reply(1)
      #expect(reply.status == 413 && reply.text == "no")
      try peer.step()
    }
  }

  @Test func `a stream that is cancelled takes its member's connection with it`() async throws {
    let closed = Counter()
    let backend = try TestServer { client in
      _ = try client.receive(until: "\r\n\r\n")
      if try client.receive().isEmpty { closed.add(1) }
    }
    try await serving(backend) { port in
      let peer = try HTTP2Peer(port)
      try peer.headers(1, HTTP2Peer.request())
      usleep(50_000)
      try peer.frame(HTTP2Peer.Kind.reset, 0, 1, [0, 0, 0, 8])
      for _ in 0..<100 where closed.value == 0 { usleep(20_000) }
      #expect(closed.value == 1)
    }
  }
}

/// A count that threads share.
final class Counter: Sendable {
  private let count = Atomic<Int>(0)
  func add(_ amount: Int) { count.add(amount, ordering: .relaxed) }
  var value: Int { count.load(ordering: .relaxed) }
}
