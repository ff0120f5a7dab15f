import COpenSSL
import Delivery
import Glibc
import Linux
import Synchronization
import Testing
import Transport

@testable import Engine

@Suite struct TLSTests {
  private let authority = try! CertificateAuthority.mint(commonName: "test authority")

  private func issue(_ name: String, _ names: [String] = []) throws -> KeyPair {
    try authority.issue(.server(name, dnsNames: names.isEmpty ? [name] : names, addresses: [home]))
  }

  private func https(
    _ port: UInt16, _ backend: UInt16, _ certificates: [KeyPair],
    _ change: (inout ServerTLS) -> Void = { _ in }
  ) -> DeliveryConfiguration {
    var tls = ServerTLS(certificates: certificates.map(\.source))
    change(&tls)
    return single(port, .https, [backend]) { $0.tls = tls }
  }

  @Test func `the server name chooses the certificate, exact names before wildcards`() async throws
  {
    let backend = try namedBackend("b")
    let port = freePort()
    let pairs = try [
      issue("first.example"), issue("wild", ["*.w.example"]), issue("exact", ["x.w.example"]),
    ]
    try await withEngine(https(port, backend.port, pairs)) { _ in
      let names = try await blocking {
        try ["first.example", "a.w.example", "X.w.example", "a.b.w.example", "none", nil].map {
          let peer = try TLSPeer(port, .init(serverName: $0))
          #expect(try peer.get().text == "b")
          return peer.peerName
        }
      }
      #expect(
        names == [
          "CN=first.example", "CN=wild", "CN=exact", "CN=first.example", "CN=first.example",
          "CN=first.example",
        ])
    }
    backend.kill()
  }

  @Test(arguments: [(TLS1_2_VERSION, "TLSv1.2"), (TLS1_3_VERSION, "TLSv1.3")])
  func `content of any size passes both ways`(_ version: Int32, _ name: String) async throws {
    let backend = try httpBackend { request, client in
      try client.send("HTTP/1.1 200 OK\r\nContent-Length: \(request.body.count)\r\n\r\n")
      try client.send(request.body)
    }
    let port = freePort()
    try await withEngine(https(port, backend.port, [issue("h")])) { _ in
      try await blocking {
        let peer = try TLSPeer(port, .init(maximumVersion: version))
        #expect(peer.version == name)
        for size in [0, 1, 1000, 16_384, 100_000, 3_000_000] {
          let body = pattern(size)
          try peer.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: \(size)\r\n\r\n")
          try peer.send(body)
          let response = try peer.response()
          #expect(response.status == 200 && response.body == body, "\(size) bytes")
        }
      }
    }
    backend.kill()
  }

  @Test func `members learn that the client came by https`() async throws {
    let backend = try httpBackend { request, client in
      try client.answer(request["x-forwarded-proto"] ?? "none")
    }
    let port = freePort()
    try await withEngine(https(port, backend.port, [issue("h")])) { _ in
      let text = try await blocking {
        try TLSPeer(port).get(fields: "X-Forwarded-Proto: http\r\n").text
      }
      #expect(text == "https")
    }
    backend.kill()
  }

  @Test(arguments: [TLS1_2_VERSION, TLS1_3_VERSION])
  func `a ticket resumes on every worker and over a change of certificates`(
    _ version: Int32
  ) async throws {
    let backend = try namedBackend("b")
    let port = freePort()
    let configuration = try https(port, backend.port, [issue("h")])
    let changed = try https(port, backend.port, [issue("h"), issue("other")])
    try await withEngine(configuration) { engine in
      let session = Session(
        try await blocking {
          let peer = try TLSPeer(port, .init(maximumVersion: version))
          _ = try peer.get()
          return Session(peer.session)
        }.pointer)
      for round in 0..<8 {
        let resumed = try await blocking {
          let peer = try TLSPeer(port, .init(maximumVersion: version, session: session.pointer))
          return try peer.get().text == "b" && peer.isResumed
        }
        #expect(resumed, "round \(round)")
        if round == 3 { #expect(engine.apply(changed).isEmpty) }
      }
      let tls = try #require(engine.snapshot().servers.first).tls
      #expect(tls.handshakes == 9 && tls.resumed == 8 && tls.failures.isEmpty)
    }
    backend.kill()
  }

  @Test func `a ticket key opens for one lifetime more than it seals`() throws {
    let keys = TicketKeys(lifetime: 100)
    func name(_ key: TicketKeys.Key) -> [UInt8] { Array(key.octets[..<16]) }
    let first = try #require(keys.current(at: 1000))
    #expect(keys.current(at: 1099).map(name) == name(first))
    let second = try #require(keys.current(at: 1100))
    #expect(name(second) != name(first))
    guard case .previous = keys.find(name(first), at: 1199) else {
      Issue.record("the former key does not open")
      return
    }
    #expect(keys.find(name(first), at: 1200) == nil)
    guard case .previous = keys.find(name(second), at: 1200) else {
      Issue.record("the key before does not open")
      return
    }
  }

  @Test func `new certificates serve new connections, old connections go on`() async throws {
    let backend = try namedBackend("b")
    let port = freePort()
    try await withEngine(https(port, backend.port, [issue("old")])) { engine in
      let old = Peer(try await blocking { Peer(try TLSPeer(port)) }.peer)
      #expect(engine.apply(try https(port, backend.port, [issue("new")])).isEmpty)
      let name = try await blocking { try TLSPeer(port).peerName }
      #expect(name == "CN=new")
      #expect(try await blocking { try old.peer.get().text } == "b")
    }
    backend.kill()
  }

  @Test func `a key that does not fit is refused, and the last good certificate serves`()
    async throws
  {
    let backend = try namedBackend("b")
    let port = freePort()
    let (good, other) = try (issue("good"), issue("other"))
    try await withEngine(https(port, backend.port, [good])) { engine in
      let mixed = KeyPair(certificatePEM: good.certificatePEM, keyPEM: other.keyPEM)
      let problems = engine.apply(https(port, backend.port, [mixed]))
      let problem = try #require(problems.first)
      #expect(problem.object == "virtual server vs" && problem.field == "tls.certificates[0].key")
      #expect(problem.found.contains("does not fit"))
      #expect(try await blocking { try TLSPeer(port).peerName } == "CN=good")
    }
    backend.kill()
  }

  @Test func `a required client certificate is demanded, verified and told to members`()
    async throws
  {
    let backend = try httpBackend { request, client in
      try client.answer(request["x-forwarded-client-cert"] ?? "none")
    }
    let port = freePort()
    let client = try authority.issue(.client("alice", organizations: ["staff"]))
    let stranger = try CertificateAuthority.mint(commonName: "x").issue(.client("eve"))
    let ca = PEMSource(text: authority.certificatePEM)
    let configuration = try https(port, backend.port, [issue("h")]) {
      var authentication = ServerTLS.ClientAuthentication(mode: .required, authorities: ca)
      authentication.forwards = true
      $0.clientAuthentication = authentication
    }
    try await withEngine(configuration) { engine in
      let text = try await blocking {
        try TLSPeer(port, .init(certificate: client))
          .get(fields: "X-Forwarded-Client-Cert: Subject=\"CN=root\"\r\n").text
      }
      #expect(text.hasPrefix("Hash=") && text.hasSuffix(";Subject=\"CN=alice,O=staff\""), "\(text)")
      for wrong in [nil, stranger] {
        await #expect(throws: TestFailure.self) {
          _ = try await blocking { try TLSPeer(port, .init(certificate: wrong)).get() }
        }
      }
      try await eventually("failures are counted by reason") {
        engine.snapshot().servers.first?.tls.failures == ["no-certificate": 1, "certificate": 1]
      }
    }
    backend.kill()
  }

  @Test func `failed handshakes are counted by their reason`() async throws {
    let backend = try namedBackend("b")
    let port = freePort()
    let configuration = try https(port, backend.port, [issue("h")]) {
      $0.minimumVersion = .v13
      $0.handshakeTimeout = .milliseconds(50)
    }
    try await withEngine(configuration) { engine in
      try await blocking {
        #expect(throws: TestFailure.self) {
          try TLSPeer(port, .init(maximumVersion: TLS1_2_VERSION))
        }
        #expect(throws: TestFailure.self) { try TLSPeer(port, .init(alpn: "ftp")) }
        let plain = try TestClient(port)
        try plain.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
        _ = try? plain.receiveAll()
        _ = try? TestClient(port).receiveAll()
        try TestClient(port).send([0x16, 0x03, 0x01])
      }
      try await eventually("each reason is counted") {
        let failures = engine.snapshot().servers.first?.tls.failures ?? [:]
        return failures == ["version": 1, "alpn": 1, "not-tls": 1, "timeout": 1, "closed": 1]
      }
    }
    backend.kill()
  }

  @Test func `TLS is ended for plain TCP, whose halves close on their own`() async throws {
    let backend = try TestServer { client in
      let all = try client.receiveAll()
      try client.send(all.reversed())
    }
    let port = freePort()
    let tls = ServerTLS(certificates: [try issue("h").source])
    try await withEngine(single(port, .tcp, [backend.port]) { $0.tls = tls }) { _ in
      try await blocking {
        let body = pattern(500_000)
        let peer = try TLSPeer(port)
        try peer.send(body)
        SSL_shutdown(peer.ssl)
        var all: [UInt8] = []
        while case let part = try peer.receive(), !part.isEmpty { all += part }
        #expect(all == body.reversed())
      }
    }
    backend.kill()
  }

  @Test func `members are verified by authority and name, and sessions are resumed`() async throws {
    let server = try TLSPeer.Server(issue("member.example"))
    let seen = Seen()
    let backend = try TestServer { client in
      let peer = try TLSPeer(accepted: client, server)
      seen.note(peer.isResumed, peer.sentServerName)
      _ = try peer.receive(until: "\r\n\r\n")
      try peer.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi")
    }
    let port = freePort()
    var configuration = single(port, .http, [backend.port])
    var tls = PoolTLS()
    tls.authorities = PEMSource(text: authority.certificatePEM)
    tls.serverName = "member.example"
    configuration.pools[0].tls = tls
    try await withEngine(configuration, { $0.workers = 1 }) { engine in
      let texts = try await blocking { try (0..<3).map { _ in try TestClient(port).get().text } }
      #expect(texts == ["hi", "hi", "hi"])
      #expect(seen.resumed == [false, true, true])
      #expect(seen.names == Array(repeating: "member.example", count: 3))
      configuration.pools[0].tls?.serverName = "another.example"
      #expect(engine.apply(configuration).isEmpty)
      let refused = try await blocking { try TestClient(port).get() }
      #expect(
        refused.status == 502 && refused.text.contains("hostname mismatch"), "\(refused.text)")
      #expect(engine.snapshot().pools.first?.tls.failures == ["certificate": 1])
      configuration.pools[0].tls?.verifies = false
      #expect(engine.apply(configuration).isEmpty)
    }
    backend.kill()
  }
}

/// OpenSSL's objects, handed between threads one after the other.
private struct Session: @unchecked Sendable {
  var pointer: OpaquePointer?
  init(_ pointer: OpaquePointer?) { self.pointer = pointer }
}

private struct Peer: @unchecked Sendable {
  var peer: TLSPeer
  init(_ peer: TLSPeer) { self.peer = peer }
}

/// What a member has seen of its connections.
private final class Seen: Sendable {
  private let state = Mutex<(resumed: [Bool], names: [String?])>(([], []))
  func note(_ resumed: Bool, _ name: String?) {
    state.withLock {
      $0.resumed.append(resumed)
      $0.names.append(name)
    }
  }
  var resumed: [Bool] { state.withLock { $0.resumed } }
  var names: [String?] { state.withLock { $0.names } }
}
