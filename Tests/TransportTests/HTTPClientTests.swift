import HTTP
import Linux
import NetTypes
import Testing

@testable import Transport

@Loop private func url(_ port: Int, _ path: String, secure: Bool = false) throws -> HTTPURL {
  try #require(HTTPURL("\(secure ? "https" : "http")://127.0.0.1:\(port)\(path)"))
}

struct HTTPClientTests {
  @Test func `responses stream, and the connection is used again`() async throws {
    try await withServer(handler: { request in
      .stream(contentType: "text/plain") { writer in
        for index in 0..<3 { try await writer.write(Array("\(index)\(request.target.path)".utf8)) }
      }
    }) { server, port in
      let client = HTTPClient()
      for _ in 0..<3 {
        let response = try await client.get(url(port, "/a"))
        #expect(response.status == 200)
        #expect(try await response.body.collect() == Array("0/a1/a2/a".utf8))
      }
      #expect(server.connectionCount == 1)
      client.closeIdle()
    }
  }

  @Test func `a client certificate goes along`() async throws {
    let certificates = try Certificates()
    let trusted = certificates.authority.certificatePEM
    try await withServer(
      tls: .server(certificates.server, clientCA: trusted),
      handler: { HTTPResponse(status: 200, text: $0.identity?.organizations.first ?? "-") }
    ) { _, port in
      let client = HTTPClient(
        tls: try .client(trusted: trusted, certificate: certificates.client))
      let response = try await client.get(url(port, "/", secure: true))
      #expect(try await response.body.collect() == Array("system:nodes".utf8))
      client.closeIdle()
    }
  }

  /// A server that answers each connection's first request and then closes it silently.
  @Loop private func once(_ listener: Listener, connections: Int) -> Task<Int, any Error> {
    Task { @Loop in
      for _ in 0..<connections {
        let stream = try SocketStream(Descriptor(try await listener.accept().descriptor))
        _ = try await stream.read(atMost: 10_000)
        try await stream.write(Array("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok".utf8))
        // The client may send its next request before it learns of the end.
        _ = try? await stream.read(atMost: 10_000)
        stream.close()
      }
      return connections
    }
  }

  @Test func `a stale pooled connection is replaced once for a GET, not for a POST`() async throws {
    let listener = try await Listener(SocketAddress(.v4(.loopback), port: 0))
    let address = try #require(listener.address)
    let serving = await once(listener, connections: 3)
    let client = await HTTPClient()
    let target = try #require(HTTPURL("http://\(address)/"))
    for _ in 0..<2 {
      let response = try await client.get(target)
      #expect(try await response.body.collect() == Array("ok".utf8))
    }
    await #expect(throws: TransportError.peerClosed) {
      try await client.send(
        HTTPRequestHead(method: "POST", target: "/"), body: [1], to: .init(target))
    }
    #expect(try await client.get(target).body.collect() == Array("ok".utf8))
    await client.closeIdle()
    #expect(try await serving.value == 3)
    await listener.close()
  }

  @Test func `an answer that does not come is a timeout`() async throws {
    try await withServer(handler: { _ in
      try? await Loop.sleep(.seconds(60))
      return HTTPResponse(status: 200)
    }) { _, port in
      let client = HTTPClient()
      await #expect(throws: TransportError.timedOut("waiting for the answer")) {
        try await client.get(url(port, "/slow"), timeout: .milliseconds(50))
      }
    }
  }

  @Test func `a refused connection names its address`() async throws {
    let listener = try await Listener(SocketAddress(.v4(.loopback), port: 0))
    let address = try #require(listener.address)
    await listener.close()
    let target = try #require(HTTPURL("http://\(address)/"))
    await #expect {
      try await HTTPClient().get(target)
    } throws: { "\($0)" == "connect \(address): Connection refused" }
  }

  @Test func `a body that breaks off is an error`() async throws {
    try await withServer(handler: { _ in
      .stream(contentType: "text/plain") { writer in
        try await writer.write([65])
        throw TransportError.closed
      }
    }) { _, port in
      let response = try await HTTPClient().get(url(port, "/"))
      await #expect(throws: (any Error).self) { try await response.body.collect() }
    }
  }

  @Test func `a Unix socket is an origin, and a dead one is taken over`() async throws {
    let path = await shell("mktemp -u").split(separator: "\n")[0]
    for _ in 0..<2 {
      let listener = try await Listener(unixPath: String(path))
      await #expect(throws: SystemError.self) { try await Listener(unixPath: String(path)) }
      let server = await HTTPServer(listener: listener) {
        HTTPResponse(status: 200, text: $0.target.path)
      }
      await server.start()
      let client = await HTTPClient()
      let response = try await client.send(
        HTTPRequestHead(method: "GET", target: "/status"), to: .init(unixPath: String(path)))
      #expect(try await response.body.collect() == Array("/status".utf8))
      await client.closeIdle()
      await server.stop()
    }
  }
}
