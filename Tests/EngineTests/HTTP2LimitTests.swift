import Delivery
import Engine
import Glibc
import Linux
import Testing

@Suite struct HTTP2LimitTests {
  private func serving(
    _ backend: TestServer, _ body: @escaping @Sendable (UInt16) throws -> Void
  ) async throws {
    let port = freePort()
    let configuration = single(port, .http, [backend.port]) { $0.http2 = true }
    try await withEngine(configuration) { engine in
      try await blocking { try body(port) }
      // Whatever the peer did, the next one is served, and nothing is left of it.
      let text = try await blocking { try HTTP2Peer(port).get(1).text }
      #expect(text == "ok")
      try await eventually("no connection is left") {
        engine.snapshot().servers.first?.counts.activeConnections == 0
      }
    }
    backend.kill()
  }

  private func slowBackend() throws -> TestServer {
    try httpBackend { request, client in
      if request.line.contains("/slow") { usleep(300_000) }
      try client.answer("ok")
    }
  }

  @Test func `streams above the limit are refused, those within it answered`() async throws {
    try await serving(slowBackend()) { port in
      let peer = try HTTP2Peer(port)
      for index in 0..<160 {
        try peer.headers(UInt32(index * 2 + 1), HTTP2Peer.request("GET", "/slow"))
      }
      let replies = try (0..<160).map { try peer.reply(UInt32($0 * 2 + 1)) }
      #expect(replies.count { $0.status == 200 } == 128)
      #expect(replies.count { $0.reset == 7 } == 32)
    }
  }

  @Test func `a client that has agreed to the limit and passes it is disconnected`() async throws {
    try await serving(slowBackend()) { port in
      let peer = try HTTP2Peer(port)
      // The settings; reading them acknowledges them.
      try peer.step()
      for index in 0..<160 {
        try peer.headers(UInt32(index * 2 + 1), HTTP2Peer.request("GET", "/slow"))
      }
      #expect(try peer.end() == 1)
    }
  }

  @Test func `rapid reset ends the connection`() async throws {
    try await serving(slowBackend()) { port in
      let peer = try HTTP2Peer(port)
      var stream: UInt32 = 1
      for _ in 0..<3000 {
        do {
          try peer.headers(stream, HTTP2Peer.request("GET", "/slow"))
          try peer.frame(HTTP2Peer.Kind.reset, 0, stream, [0, 0, 0, 8])
        } catch { break }
        stream += 2
      }
      #expect(try peer.end() != nil || stream < 6001)
    }
  }

  @Test func `a head of endless CONTINUATION ends the connection`() async throws {
    try await serving(slowBackend()) { port in
      let peer = try HTTP2Peer(port)
      try peer.frame(HTTP2Peer.Kind.headers, 0, 1, HTTP2Peer.block(HTTP2Peer.request()))
      var sent = 0
      for _ in 0..<100_000 {
        do {
          try peer.frame(
            HTTP2Peer.Kind.continuation, 0, 1,
            HTTP2Peer.block([("x", String(repeating: "y", count: 1000))]))
        } catch { break }
        sent += 1
      }
      _ = try peer.end()
      #expect(sent < 100_000)
    }
  }

  @Test func `a head above the limit is refused`() async throws {
    try await serving(slowBackend()) { port in
      let peer = try HTTP2Peer(port)
      let field = ("x", String(repeating: "y", count: 9000))
      try peer.frame(
        HTTP2Peer.Kind.headers, 1, 1, HTTP2Peer.block(HTTP2Peer.request("GET", "/", [field])))
      for index in 0..<5 {
        try peer.frame(
          HTTP2Peer.Kind.continuation, index == 4 ? 4 : 0, 1, HTTP2Peer.block([field]))
      }
      #expect(try peer.reply(1).reset != nil)
    }
  }

  @Test(arguments: [HTTP2Peer.Kind.ping, HTTP2Peer.Kind.settings])
  func `answers that nobody reads do not pile up`(_ kind: UInt8) async throws {
    try await serving(slowBackend()) { port in
      let peer = try HTTP2Peer(port)
      var ended = false
      let payload = kind == HTTP2Peer.Kind.ping ? [UInt8](repeating: 0, count: 8) : []
      let one: [UInt8] = [0, 0, UInt8(payload.count), kind, 0, 0, 0, 0, 0] + payload
      let many = Array(repeating: one, count: 1000).flatMap { $0 }
      for _ in 0..<3000 where !ended {
        do { try peer.send(many) } catch { ended = true }
      }
      #expect(ended)
    }
  }

  @Test func `what is no frame at all ends the connection`() async throws {
    try await serving(slowBackend()) { port in
      let peer = try HTTP2Peer(port)
      try peer.send([UInt8](repeating: 0xff, count: 100))
      _ = try peer.end()
      // A preface that is cut short, and one that goes wrong.
      let half = try TestClient(port)
      try half.send("PRI * HTTP/2.0\r\n\r\nSM\r\n\rX\n\n\n\n\n\n\n\n\n")
      _ = try? half.receiveAll()
    }
  }

  @Test func `a server that goes answers what is under way and says goodbye`() async throws {
    let backend = try slowBackend()
    let port = freePort()
    let configuration = single(port, .http, [backend.port]) { $0.http2 = true }
    try await withEngine(configuration) { engine in
      let started = Counter()
      async let outcome = blocking {
        let peer = try HTTP2Peer(port)
        try peer.headers(1, HTTP2Peer.request("GET", "/slow"))
        started.add(1)
        return (try peer.reply(1).text, try peer.end())
      }
      while started.value == 0 { try await Loop.sleep(.milliseconds(10)) }
      try await Loop.sleep(.milliseconds(100))
      engine.apply(DeliveryConfiguration())
      let (text, goaway) = try await outcome
      #expect(text == "ok" && goaway == 0)
    }
    backend.kill()
  }
}
