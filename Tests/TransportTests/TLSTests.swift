import Linux
import NetTypes
import Testing

@testable import Transport

private let loopback = IPAddress.v4(.loopback)

/// A unit's authority with a server's and a client's certificate.
struct Certificates {
  let authority: CertificateAuthority
  let server: KeyPair
  let client: KeyPair

  init() throws {
    authority = try .mint(commonName: "cpaas1-ca")
    server = try authority.issue(
      .server("kube-apiserver", dnsNames: ["localhost"], addresses: [loopback]))
    client = try authority.issue(
      .client("system:node:server-0", organizations: ["system:nodes", "atoll"]))
  }
}

/// One handshake over loopback; what each side saw.
@Loop private func handshake(
  server: TLSContext, client: TLSContext, name: String = "127.0.0.1"
) async throws -> (client: Result<TLSStream, any Error>, server: Result<TLSStream, any Error>) {
  let listener = try Listener(SocketAddress(loopback, port: 0))
  defer { listener.close() }
  let address = try #require(listener.address)
  let accepting = Task { @Loop in
    let (descriptor, _) = try await listener.accept()
    return try await server.accept(Descriptor(descriptor), timeout: .seconds(5))
  }
  let connecting = Task { @Loop in
    let descriptor = try await connectSocket(to: .address(address), timeout: .seconds(5))
    return try await client.connect(descriptor, serverName: name, timeout: .seconds(5))
  }
  return (await connecting.result, await accepting.result)
}

struct TLSTests {
  @Test func `a client certificate becomes user and groups`() async throws {
    let certificates = try Certificates()
    let (client, server) = try await handshake(
      server: .server(certificates.server, clientCA: certificates.authority.certificatePEM),
      client: .client(
        trusted: certificates.authority.certificatePEM, certificate: certificates.client))
    let identity = await (try server.get()).identity
    #expect(
      identity
        == PeerIdentity(
          commonName: "system:node:server-0", organizations: ["system:nodes", "atoll"]))
    let shown = await (try client.get()).identity
    #expect(shown?.commonName == "kube-apiserver")
  }

  @Test func `a client without a certificate has no identity`() async throws {
    let certificates = try Certificates()
    let (client, server) = try await handshake(
      server: .server(certificates.server, clientCA: certificates.authority.certificatePEM),
      client: .client(trusted: certificates.authority.certificatePEM))
    let identity = await (try server.get()).identity
    #expect(identity == nil)
    _ = try client.get()
  }

  @Test func `a client certificate of another authority is refused`() async throws {
    let certificates = try Certificates()
    let stranger = try Certificates()
    let (_, server) = try await handshake(
      server: .server(certificates.server, clientCA: certificates.authority.certificatePEM),
      client: .client(trusted: certificates.authority.certificatePEM, certificate: stranger.client))
    #expect(throws: TransportError.self) { try server.get() }
  }

  @Test func `an expired client certificate is refused, and the reason says so`() async throws {
    let certificates = try Certificates()
    var template = CertificateTemplate.client("late")
    template.validity = .seconds(-60)
    let (_, server) = try await handshake(
      server: .server(certificates.server, clientCA: certificates.authority.certificatePEM),
      client: .client(
        trusted: certificates.authority.certificatePEM,
        certificate: certificates.authority.issue(template)))
    #expect {
      try server.get()
    } throws: { "\($0)".contains("expired") }
  }

  @Test func `a server certificate does not pass as a client's`() async throws {
    let certificates = try Certificates()
    let (_, server) = try await handshake(
      server: .server(certificates.server, clientCA: certificates.authority.certificatePEM),
      client: .client(
        trusted: certificates.authority.certificatePEM, certificate: certificates.server))
    #expect(throws: TransportError.self) { try server.get() }
  }

  @Test(arguments: ["127.0.0.2", "example.com"])
  func `a server of another name or address is refused`(name: String) async throws {
    let certificates = try Certificates()
    let (client, _) = try await handshake(
      server: .server(certificates.server),
      client: .client(trusted: certificates.authority.certificatePEM), name: name)
    #expect {
      try client.get()
    } throws: { "\($0)".contains("mismatch") }
  }

  @Test func `a server is known by its DNS name as well`() async throws {
    let certificates = try Certificates()
    let (client, _) = try await handshake(
      server: .server(certificates.server),
      client: .client(trusted: certificates.authority.certificatePEM), name: "localhost")
    _ = try client.get()
  }

  @Test func `a server of an unknown authority is refused`() async throws {
    let certificates = try Certificates()
    let (client, _) = try await handshake(
      server: .server(certificates.server),
      client: .client(trusted: Certificates().authority.certificatePEM))
    #expect(throws: TransportError.self) { try client.get() }
  }

  @Test func `large writes cross in both directions at once`() async throws {
    let certificates = try Certificates()
    let (client, server) = try await handshake(
      server: .server(certificates.server),
      client: .client(trusted: certificates.authority.certificatePEM))
    let (left, right) = (try client.get(), try server.get())
    let data = (0..<3_000_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
    @Loop func exchange(_ stream: TLSStream) async throws -> [UInt8] {
      let writing = Task { @Loop in try await stream.write(data) }
      var received: [UInt8] = []
      while received.count < data.count {
        let bytes = try await stream.read(atMost: 16 << 10)
        if bytes.isEmpty { break }
        received += bytes
      }
      try await writing.value
      return received
    }
    async let first = exchange(left)
    async let second = exchange(right)
    #expect(try await first == data)
    #expect(try await second == data)
    await left.close()
    #expect(try await right.read(atMost: 10) == [])
  }
}

struct CertificateTests {
  @Test func `an authority comes back from its PEM and still issues`() throws {
    let minted = try CertificateAuthority.mint(commonName: "ca")
    let again = try CertificateAuthority(minted.keyPair)
    let pair = try again.issue(.client("admin", organizations: ["system:masters"]))
    #expect(pair.certificatePEM.hasPrefix("-----BEGIN CERTIFICATE-----"))
    #expect(pair.keyPEM.hasPrefix("-----BEGIN PRIVATE KEY-----"))
  }

  @Test func `a key that does not fit its certificate is refused`() throws {
    let (first, second) = (
      try CertificateAuthority.mint(commonName: "a"), try CertificateAuthority.mint(commonName: "b")
    )
    let mixed = KeyPair(
      certificatePEM: first.certificatePEM, keyPEM: second.keyPair.keyPEM)
    #expect(throws: TransportError.self) { try CertificateAuthority(mixed) }
    #expect(throws: TransportError.self) { try TLSContext.server(mixed) }
  }

  @Test(arguments: [
    "", "nonsense", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
  ])
  func `text that is no certificate is an error`(text: String) {
    #expect(throws: TransportError.self) { try TLSContext.client(trusted: text) }
  }

  @Test(arguments: ["a,IP:1.2.3.4", "", "a b"])
  func `a DNS name cannot smuggle in other names`(name: String) throws {
    let authority = try CertificateAuthority.mint(commonName: "ca")
    #expect(throws: TransportError.self) {
      try authority.issue(.server("x", dnsNames: [name]))
    }
  }
}
