import Glibc
import HTTP
import Linux
import NetTypes
import Testing

@testable import Transport

/// Runs a shell command on a thread of its own, as the server under test needs the loop.
func shell(_ command: String) async -> String {
  await withCheckedContinuation { continuation in
    Thread.spawn(name: "shell") {
      guard let pipe = popen(command, "r") else { return continuation.resume(returning: "") }
      var output: [UInt8] = []
      var buffer = [UInt8](repeating: 0, count: 65536)
      while case let count = fread(&buffer, 1, buffer.count, pipe), count > 0 {
        output += buffer[..<count]
      }
      pclose(pipe)
      continuation.resume(returning: String(decoding: output, as: UTF8.self))
    }
  }
}

@Loop func withServer<Result: Sendable>(
  tls: TLSContext? = nil, limits: HTTPServer.Limits = .init(),
  handler: @escaping HTTPServer.Handler, _ body: @Loop (HTTPServer, Int) async throws -> Result
) async throws -> Result {
  let listener = try Listener(SocketAddress(.v4(.loopback), port: 0))
  let server = HTTPServer(listener: listener, tls: tls, limits: limits, handler: handler)
  server.start()
  let outcome: Result
  do {
    outcome = try await body(server, Int(listener.address?.port ?? 0))
  } catch {
    await server.stop()
    throw error
  }
  await server.stop()
  return outcome
}

@Loop private func echo(_ request: HTTPRequest) async -> HTTPResponse {
  switch request.target.path {
  case "/stream":
    return .stream(contentType: "text/plain") { writer in
      for index in 0..<5 { try await writer.write(Array("piece \(index)\n".utf8)) }
    }
  case "/large":
    return .stream(contentType: "application/octet-stream") { writer in
      for _ in 0..<64 { try await writer.write([UInt8](repeating: 120, count: 100_000)) }
    }
  case "/broken":
    return .stream(contentType: "text/plain") { writer in
      try await writer.write(Array("begun".utf8))
      throw TransportError.closed
    }
  default:
    return HTTPResponse(
      status: 200,
      text: "\(request.method) \(request.target.path) \(request.body.count)"
        + " \(request.identity?.commonName ?? "-")\n")
  }
}

/// What comes back for raw bytes, until the server closes.
@Loop private func raw(_ port: Int, _ text: String) async throws -> String {
  let stream = try await connectStream(
    to: .address(SocketAddress(.v4(.loopback), port: UInt16(port))), timeout: .seconds(5))
  defer { stream.close() }
  try await stream.write(Array(text.utf8))
  var answer: [UInt8] = []
  while case let bytes = try await stream.read(atMost: 65536), !bytes.isEmpty { answer += bytes }
  return String(decoding: answer, as: UTF8.self)
}

struct HTTPServerTests {
  @Test func `curl gets, posts, streams and reuses its connection`() async throws {
    try await withServer(handler: echo) { _, port in
      let base = "http://127.0.0.1:\(port)"
      #expect(await shell("curl -s \(base)/a/b") == "GET /a/b 0 -\n")
      #expect(await shell("curl -s -d hello \(base)/p") == "POST /p 5 -\n")
      #expect(
        await shell("curl -s -H 'Transfer-Encoding: chunked' -d hello \(base)/c") == "POST /c 5 -\n"
      )
      #expect(await shell("curl -s \(base)/stream | wc -l") == "5\n")
      #expect(await shell("curl -s0 \(base)/stream | head -1") == "piece 0\n")
      #expect(await shell("curl -s \(base)/large | wc -c") == "6400000\n")
      #expect(await shell("curl -sI \(base)/stream | head -1") == "HTTP/1.1 200 OK\r\n")
      #expect(await shell("curl -s \(base)/broken; echo \" $?\"") == "begun 18\n")
      let connects = await shell(
        "curl -s -o /dev/null -o /dev/null -w '%{num_connects} ' \(base)/1 \(base)/2")
      #expect(connects == "1 0 ")
      let large = await shell(
        "head -c 3000000 /dev/zero | curl -s -H 'Expect: 100-continue' --data-binary @- \(base)/u")
      #expect(large == "POST /u 3000000 -\n")
    }
  }

  @Test func `curl over TLS is known by its certificate`() async throws {
    let certificates = try Certificates()
    let directory = await shell("mktemp -d").split(separator: "\n")[0]
    for (name, text) in [
      ("ca", certificates.authority.certificatePEM), ("crt", certificates.client.certificatePEM),
      ("key", certificates.client.keyPEM),
    ] {
      let file = try #require(fopen("\(directory)/\(name)", "w"))
      fputs(text, file)
      fclose(file)
    }
    let tls = try TLSContext.server(
      certificates.server, clientCA: certificates.authority.certificatePEM)
    try await withServer(tls: tls, handler: echo) { _, port in
      let base = "curl -s --cacert \(directory)/ca"
      let url = "https://localhost:\(port)/x"
      #expect(await shell("\(base) \(url)") == "GET /x 0 -\n")
      #expect(
        await shell("\(base) --cert \(directory)/crt --key \(directory)/key \(url)")
          == "GET /x 0 system:node:server-0\n")
      #expect(await shell("curl -s \(url); echo $?") == "60\n")
      let versions = await shell("\(base) --tls-max 1.1 \(url); echo $?")
      #expect(versions == "35\n")
    }
    _ = await shell("rm -r \(directory)")
  }

  @Test func `pipelined requests are answered in order`() async throws {
    try await withServer(handler: echo) { _, port in
      let answer = try await raw(
        port,
        "GET /1 HTTP/1.1\r\nHost: a\r\n\r\nPOST /2 HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc"
          + "GET /3 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
      let bodies = answer.split(whereSeparator: \.isNewline).filter { $0.hasSuffix(" -") }
      #expect(bodies == ["GET /1 0 -", "POST /2 3 -", "GET /3 0 -"])
    }
  }

  @Test(arguments: [
    ("GET / HTTP/1.1\r\n\r\n", 400),
    ("GET  / HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    ("GET / HTTP/1.1\r\nHost: a\r\nX: \(String(repeating: "y", count: 5000))\r\n\r\n", 431),
    ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1001\r\n\r\n", 413),
    (
      "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3e9\r\n"
        + String(repeating: "z", count: 1001) + "\r\n0\r\n\r\n", 413
    ),
    ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
  ])
  func `a bad request gets a status and ends the connection`(text: String, status: Int) async throws
  {
    var limits = HTTPServer.Limits()
    limits.headBytes = 4096
    limits.bodyBytes = 1000
    try await withServer(limits: limits, handler: echo) { _, port in
      let answer = try await raw(port, text)
      #expect(answer.hasPrefix("HTTP/1.1 \(status) "))
      #expect(answer.contains("Connection: close"))
    }
  }

  @Test func `a head that never ends is cut off`() async throws {
    var limits = HTTPServer.Limits()
    limits.header = .milliseconds(50)
    try await withServer(limits: limits, handler: echo) { _, port in
      let answer = try await raw(port, "GET / HTTP/1.1\r\nHost:")
      #expect(answer == "")
    }
  }

  @Test func `a client that goes away cancels its stream`() async throws {
    let cancelled = await Waiter()
    try await withServer(
      handler: { _ in
        .stream(contentType: "text/plain") { writer in
          try await writer.write([65])
          do { try await Loop.sleep(.seconds(60)) } catch { cancelled.resume() }
        }
      }
    ) { server, port in
      let address = StreamAddress.address(SocketAddress(.v4(.loopback), port: UInt16(port)))
      let stream = try await connectStream(to: address, timeout: .seconds(5))
      try await stream.write(Array("GET / HTTP/1.1\r\nHost: a\r\n\r\n".utf8))
      _ = try await stream.read(atMost: 1000)
      stream.close()
      try await cancelled.wait()
    }
  }

  @Test func `beyond the limit, connections wait for a free slot`() async throws {
    var limits = HTTPServer.Limits()
    limits.connections = 2
    try await withServer(limits: limits, handler: echo) { server, port in
      let address = StreamAddress.address(SocketAddress(.v4(.loopback), port: UInt16(port)))
      let held = [
        try await connectStream(to: address, timeout: .seconds(5)),
        try await connectStream(to: address, timeout: .seconds(5)),
      ]
      for stream in held {
        try await stream.write(Array("GET / HTTP/1.1\r\nHost: a\r\n\r\n".utf8))
        _ = try await stream.read(atMost: 1000)
      }
      let third = try await connectStream(to: address, timeout: .seconds(5))
      try await third.write(Array("GET /3 HTTP/1.1\r\nHost: a\r\n\r\n".utf8))
      #expect(server.connectionCount == 2)
      held[0].close()
      let answer = try await third.read(atMost: 1000)
      #expect(String(decoding: answer, as: UTF8.self).contains("GET /3"))
      held[1].close()
      third.close()
    }
  }
}
