import Delivery
import Engine
import Linux
import NetTypes
import Testing

/// Every way known to hide a request in another one, each refused: answered with an error, nothing
/// handed to the member, and the connection closed, so that nothing behind it is read either.
@Suite struct SmugglingTests {
  private func refuses(
    _ requests: [String], _ statuses: Set<Int> = [400], location: SourceLocation = #_sourceLocation
  ) async throws {
    let backend = try RecordingBackend()
    defer { backend.stop() }
    let port = freePort()
    try await withEngine(single(port, .http, [backend.port])) { engine in
      for request in requests {
        let answers = try await blocking {
          let client = try TestClient(port)
          try client.send(request + smuggled + smuggled)
          return String(decoding: try client.receiveAll(), as: UTF8.self)
        }
        let what = Comment(rawValue: "\(request.debugDescription) -> \(answers)")
        let status = Int(answers.split(separator: " ").dropFirst().first ?? "") ?? 0
        #expect(statuses.contains(status), what, sourceLocation: location)
        #expect(answers.contains("Connection: close\r\n"), what, sourceLocation: location)
        #expect(answers.components("HTTP/1.1 ") == 1, what, sourceLocation: location)
        let seen = backend.take().map { "\($0)" }
        #expect(seen == [], what, sourceLocation: location)
      }
      let counts = engine.snapshot().servers[0].counts
      #expect(counts.requests == UInt64(requests.count), sourceLocation: location)
      #expect(counts.failures == UInt64(requests.count), sourceLocation: location)
    }
  }

  /// A POST with these lines behind its Host.
  private func post(_ lines: String, _ body: String = "0\r\n\r\n") -> String {
    "POST / HTTP/1.1\r\nHost: h\r\n\(lines)\r\n\(body)"
  }

  @Test func `CL.TE and TE.CL: Content-Length and Transfer-Encoding together`() async throws {
    try await refuses([
      post("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n"),
      post("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n"),
      post("content-length: 0\r\ntransfer-encoding: CHUNKED\r\n"),
    ])
  }

  @Test func `TE.TE: a Transfer-Encoding that one side may overlook`() async throws {
    try await refuses(
      [
        "xchunked", "chunked, identity", "identity", "gzip, chunked", "chunked, chunked",
        "chunked,",
        ",chunked", "chunked;q=1", "\"chunked\"", "chunk", "", "x", "identity, chunked",
      ].map { post("Transfer-Encoding: \($0)\r\n") }
        + [
          post("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n"),
          post("Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n"),
          post("Transfer-Encoding: chunked\r\ntransfer-encoding: chunked\r\n"),
        ], [501])
  }

  @Test func `a Transfer-Encoding hidden by control characters`() async throws {
    try await refuses(
      ["\u{b}chunked", "chunked\u{b}", "chunked\0", "\rchunked", "chunked\u{c}", "\u{7f}chunked"]
        .map {
          post("Transfer-Encoding: \($0)\r\n")
        } + [
          post("Transfer-Encoding\0: chunked\r\n"), post("Transfer-Encoding\u{b}: chunked\r\n"),
          post("X: y\rTransfer-Encoding: chunked\r\n"),
          post("X: y\nTransfer-Encoding: chunked\r\n"),
        ], [400, 501])
  }

  @Test func `Transfer-Encoding in HTTP 1.0`() async throws {
    try await refuses(
      ["POST / HTTP/1.0\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"], [501])
  }

  @Test func `CL.CL: Content-Length twice, or as a list`() async throws {
    try await refuses([
      post("Content-Length: 5\r\nContent-Length: 0\r\n"),
      post("Content-Length: 5\r\nContent-Length: 5\r\n"),
      post("Content-Length: 5\r\ncontent-length: 5\r\n"), post("Content-Length: 5, 5\r\n"),
      post("Content-Length: 5,0\r\n"),
    ])
  }

  @Test func `a Content-Length that is not a number of digits`() async throws {
    try await refuses(
      [
        "+5", "-5", "0x5", "5 5", "5.0", "5;", "", "1e1", "5\0", "5\u{b}", "\u{b}5", "'5'", "_5",
        "5_",
        "99999999999999999999", "18446744073709551621", "\u{ff15}",
      ].map { post("Content-Length: \($0)\r\n") })
  }

  @Test func `obs-fold: a field that goes on in the next line`() async throws {
    // 501 where a coding is missing before its line goes on.
    try await refuses(
      [
        post("Content-Length:\r\n 5\r\n"), post("Transfer-Encoding:\r\n chunked\r\n"),
        post("Transfer-Encoding:\r\n\tchunked\r\n"), post("X: y\r\n Content-Length: 5\r\n"),
        post("X: y\r\n \r\n"), "POST / HTTP/1.1\r\n Host: h\r\n\r\n", post("X: y\r\n  z\r\n"),
      ], [400, 501])
  }

  @Test func `bare LF and bare CR as the end of a line`() async throws {
    try await refuses([
      "GET / HTTP/1.1\nHost: h\r\n\r\n", "GET / HTTP/1.1\r\nHost: h\n\r\n",
      "GET / HTTP/1.1\r\nHost: h\r\n\n", "GET / HTTP/1.1\rHost: h\r\n\r\n",
      "GET / HTTP/1.1\r\nHost: h\rX: y\r\n\r\n", "GET / HTTP/1.1\r\nHost: h\r\r\n\r\n",
      "\nGET / HTTP/1.1\r\nHost: h\r\n\r\n", "\rGET / HTTP/1.1\r\nHost: h\r\n\r\n",
    ])
  }

  @Test func `a blank before the colon, in a name, or before it`() async throws {
    try await refuses([
      post("Content-Length : 5\r\n"), post("Transfer-Encoding : chunked\r\n"),
      post("Content-Length\t: 5\r\n"), post("Content Length: 5\r\n"), post(": 5\r\n"),
      post("X\r\n"),
      "GET / HTTP/1.1\r\nHost : h\r\n\r\n", post("Transfer-Encoding\r\n : chunked\r\n"),
    ])
  }

  @Test func `Host twice, missing, or not a host`() async throws {
    try await refuses([
      "GET / HTTP/1.1\r\nHost: h\r\nHost: other\r\n\r\n",
      "GET / HTTP/1.1\r\nHost: h\r\nhost: h\r\n\r\n",
      "GET / HTTP/1.1\r\n\r\n", "GET / HTTP/1.1\r\nHost: h other\r\n\r\n",
      "GET / HTTP/1.1\r\nHost: h/x\r\n\r\n", "GET / HTTP/1.1\r\nHost: user@h\r\n\r\n",
      "GET / HTTP/1.1\r\nHost: h#x\r\n\r\n", "GET / HTTP/1.0\r\nHost: h\r\nHost: other\r\n\r\n",
      "GET http://h/ HTTP/1.1\r\nHost: h\r\nHost: h\r\n\r\n",
    ])
  }

  @Test func `a chunk size that two readers take for two numbers`() async throws {
    try await refuses(
      [
        "0x5", "+5", " 5", "-5", "5h", "", "g", "5.0", "5\0", "5_", "00000000000000005",
        "10000000000000005", "FFFFFFFFFFFFFFFF5", "\u{b}5", "5,5",
      ].map { post("Transfer-Encoding: chunked\r\n", "\($0)\r\nhello\r\n0\r\n\r\n") })
  }

  @Test func `a chunk line that ends in a bare LF or CR (TERM.EXT, EXT.TERM)`() async throws {
    try await refuses(
      [
        "5\n", "5\r", "5;\n", "5;a\n", "5;a=b\nc\r\n", "5;a\rb\r\n", "5;a\0\r\n", "5\r\r\n", "5;\r",
        "5;a=\"\n\"\r\n",
      ].map { post("Transfer-Encoding: chunked\r\n", "\($0)hello\r\n0\r\n\r\n") })
  }

  @Test func `a chunk whose data does not end where its size says (TERM.SPILL)`() async throws {
    try await refuses(
      ["", "\n", "\r", "XX", "\rX", "\n\n", "X\r\n", "\r\r\n", "  "].map {
        post("Transfer-Encoding: chunked\r\n", "5\r\nhello\($0)0\r\n\r\n")
      })
  }

  @Test func `a chunk extension without end`() async throws {
    let long = String(repeating: "x", count: 5000)
    try await refuses([post("Transfer-Encoding: chunked\r\n", "5;\(long)\r\nhello\r\n0\r\n\r\n")])
  }

  @Test func `a trailer that frames, routes or authenticates, or is none`() async throws {
    try await refuses(
      [
        "Content-Length: 5", "Transfer-Encoding: chunked", "Host: other", "Authorization: x",
        "X : y", "X", " folded", "X: y\r\n folded", ": y", "X: a\rb", "X: a\nY: b", "X: a\0",
      ].map { post("Transfer-Encoding: chunked\r\n", "0\r\n\($0)\r\n\r\n") })
  }

  @Test func `a request line with other blanks, a target or version that is none`() async throws {
    try await refuses(
      [
        "GET  / HTTP/1.1", "GET\t/ HTTP/1.1", "GET / HTTP/1.1 ", "GET /  HTTP/1.1",
        "GET / x HTTP/1.1",
        " GET / HTTP/1.1", "GET /\u{b} HTTP/1.1", "GET /\0 HTTP/1.1", "GET /a#f HTTP/1.1", "GET /",
        "GET x HTTP/1.1", "GET / http/1.1", "GET / HTTP/1.10", "G(T / HTTP/1.1", "GET / HTTP/1.1\0",
        "GET http:///x HTTP/1.1", "GET http://user@h/ HTTP/1.1", "GET /\u{e9} HTTP/1.1",
      ].map { "\($0)\r\nHost: h\r\n\r\n" })
  }

  @Test func `a version that is not HTTP 1`() async throws {
    try await refuses(
      ["GET / HTTP/2.0\r\nHost: h\r\n\r\n", "GET / HTTP/0.9\r\nHost: h\r\n\r\n"], [505])
  }

  @Test func `CONNECT, whose content would pass unread`() async throws {
    try await refuses(["CONNECT h:80 HTTP/1.1\r\nHost: h:80\r\n\r\n"], [405])
  }

  @Test func `a Connection that would take framing away leaves it`() async throws {
    let backend = try RecordingBackend()
    defer { backend.stop() }
    let port = freePort()
    try await withEngine(single(port, .http, [backend.port])) { _ in
      for field in ["Content-Length", "Host", "content-length, host"] {
        let status = try await blocking {
          let client = try TestClient(port)
          try client.send(
            "POST /first HTTP/1.1\r\nHost: h\r\nConnection: \(field)\r\nContent-Length: \(smuggled.utf8.count)\r\n\r\n\(smuggled)"
          )
          return try client.response().status
        }
        #expect(status == 200)
        let seen = backend.take()
        guard case .request(let request)? = seen.first, seen.count == 1 else {
          Issue.record("\(field): \(seen)")
          continue
        }
        #expect(request.target == "/first" && request.host == "h")
        #expect(request.body == Array(smuggled.utf8))
      }
    }
  }
}

extension String {
  fileprivate func components(_ separator: String) -> Int { split(separator: separator).count }
}
