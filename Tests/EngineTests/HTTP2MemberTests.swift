import Delivery
import Engine
import Glibc
import Linux
import Testing

/// HTTP/2 to members: one virtual server in front of another, so that both sides are ours.
@Suite struct HTTP2MemberTests {
  private func chain(_ outer: UInt16, _ inner: UInt16, _ backend: UInt16) -> DeliveryConfiguration {
    var configuration = single(outer, .http, [inner]) { $0.http2 = true }
    configuration.pools[0].protocol = .http2
    var server = VirtualServer(
      name: "inner", address: home, port: inner, protocol: .http, pool: "end")
    server.http2 = true
    configuration.virtualServers.append(server)
    configuration.pools.append(Pool(name: "end", members: [member(backend)]))
    return configuration
  }

  @Test func `requests share a connection, and content and trailers pass`() async throws {
    let backend = try httpBackend { request, client in
      try client.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
      let size = String(request.body.count, radix: 16)
      if !request.body.isEmpty {
        try client.send("\(size)\r\n")
        try client.send(request.body)
        try client.send("\r\n")
      }
      try client.send("0\r\nGrpc-Status: 0\r\n\r\n")
    }
    let (outer, inner) = (freePort(), freePort())
    try await withEngine(chain(outer, inner, backend.port), { $0.workers = 1 }) { engine in
      try await blocking {
        let peer = try HTTP2Peer(outer)
        var stream: UInt32 = 1
        for size in [0, 1, 70_000, 1_000_000] {
          try peer.headers(stream, HTTP2Peer.request("POST"), ends: false)
          try peer.content(stream, pattern(size))
          let reply = try peer.reply(stream)
          #expect(reply.status == 200 && reply.body == pattern(size), "\(size) bytes")
          #expect(reply.trailers == ["grpc-status": "0"])
          stream += 2
        }
        // HTTP/1.1 in front goes the same way.
        let plain = try TestClient(outer)
        try plain.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello")
        let head = try plain.receive(until: "\r\n\r\n")
        #expect(head.lowercased().contains("transfer-encoding: chunked"))
        #expect(try plain.receive(until: "\r\n\r\n") == "5\r\nhello\r\n0\r\ngrpc-status: 0\r\n\r\n")
      }
      let inner = try #require(engine.snapshot().servers.last)
      #expect(inner.counts.connections == 1 && inner.counts.requests == 5)
    }
    backend.kill()
  }

  @Test func `a member that is away is answered for, and found again`() async throws {
    let (outer, inner) = (freePort(), freePort())
    var configuration = single(outer, .http, [inner])
    configuration.pools[0].protocol = .http2
    try await withEngine(configuration) { engine in
      let status = try await blocking { try TestClient(outer).get().status }
      #expect(status == 502)
      let backend = try namedBackend("b")
      #expect(engine.apply(chain(outer, inner, backend.port)).isEmpty)
      try await eventually("the member answers") {
        (try? TestClient(outer).get().status) == 200
      }
      backend.kill()
    }
  }

  @Test func `a member that dies under a request is an error of that request alone`() async throws {
    let backend = try TestServer { client in
      // A preface and settings of a server that then goes away.
      _ = try client.receive()
      try client.send([0, 0, 0, 4, 0, 0, 0, 0, 0])
      usleep(50_000)
    }
    let port = freePort()
    var configuration = single(port, .http, [backend.port])
    configuration.pools[0].protocol = .http2
    try await withEngine(configuration) { _ in
      let response = try await blocking { try TestClient(port).get() }
      #expect(response.status == 502)
    }
    backend.kill()
  }
}
