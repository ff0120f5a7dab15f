import Delivery
import Engine
import Linux
import Testing
import Transport

@Suite struct PassthroughTests {
  /// A member that ends TLS with a certificate of its name.
  private func member(_ name: String, _ authority: CertificateAuthority) throws -> TestServer {
    let server = try TLSPeer.Server(authority.issue(.server(name, dnsNames: [name])))
    return try TestServer { client in
      let peer = try TLSPeer(accepted: client, server)
      while case let part = try peer.receive(), !part.isEmpty { try peer.send(part) }
    }
  }

  @Test func `the server name chooses the pool, and TLS is the member's own`() async throws {
    let authority = try CertificateAuthority.mint(commonName: "test")
    let (first, second) = try (member("a.example", authority), member("b.example", authority))
    let port = freePort()
    var configuration = single(port, .tlsPassthrough, [first.port]) {
      $0.routes = [
        HTTPRoute(host: "b.example", pool: "other"), HTTPRoute(host: "*.w.example", pool: "other"),
      ]
    }
    configuration.pools.append(Pool(name: "other", members: [EngineTests.member(second.port)]))
    try await withEngine(configuration) { engine in
      let names = try await blocking {
        try ["a.example", "b.example", "x.w.example", nil].map { name in
          let peer = try TLSPeer(port, .init(serverName: name))
          let body = pattern(100_000)
          try peer.send(body)
          var all: [UInt8] = []
          while all.count < body.count { all += try peer.receive() }
          #expect(all == body)
          return peer.peerName
        }
      }
      #expect(names == ["CN=a.example", "CN=b.example", "CN=b.example", "CN=a.example"])
      try await blocking {
        let plain = try TestClient(port)
        try plain.send("GET / HTTP/1.1\r\n\r\n")
        let answer = (try? plain.receiveAll()) ?? []
        #expect(answer.isEmpty)
      }
      #expect(engine.snapshot().servers.first?.tls.failures == ["not-tls": 1])
    }
    first.kill()
    second.kill()
  }
}
