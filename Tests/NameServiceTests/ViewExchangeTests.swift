import Linux
import Logging
import NetTypes
import Testing
import Transport

@testable import NameService

@Suite struct ViewExchangeTests {
  private static func trust(_ name: String, _ authority: CertificateAuthority) throws -> VoterTrust
  {
    var template = CertificateTemplate.server(name, dnsNames: [name])
    template.usages = [.server, .client]
    return VoterTrust(
      authority: authority.certificatePEM, certificate: try authority.issue(template))
  }

  private static func address(_ port: UInt16) -> SocketAddress {
    SocketAddress(.v4(IPv4Address(127, 0, 0, 1)), port: port)
  }

  @Loop private static func free() throws -> UInt16 {
    let listener = try Listener(address(0))
    defer { listener.close() }
    return listener.address!.port
  }

  @Loop private static func eventually(_ condition: () -> Bool) async -> Bool {
    let limit = Loop.now.advanced(by: .seconds(20))
    while Loop.now < limit {
      if condition() { return true }
      try? await Loop.sleep(.milliseconds(5))
    }
    return false
  }

  @Loop @Test func `views go both ways, the newest of each voter, and again after a restart`()
    async throws
  {
    let authority = try CertificateAuthority.mint(commonName: "mesh")
    let voters = try ["east", "west"].map { name in
      VoterAddress(
        name: name, address: Self.address(try Self.free()), certificateName: "dns-\(name).mesh")
    }
    var heard: [String] = []
    func exchange(_ own: Int) throws -> ViewExchange {
      try ViewExchange(
        listen: voters[own].address, peers: [voters[1 - own]],
        trust: try Self.trust(voters[own].certificateName, authority), longest: 1000,
        log: Logger(label: "test")
      ) { view, peer in heard.append("\(voters[own].name) hears \(peer): \(view)") }
    }
    let east = try exchange(0)
    var west = try exchange(1)
    east.start()
    // While nobody listens: of what waits, only the newest of a voter is kept.
    for number in UInt8(1)...3 { east.send([number], of: "east", to: ["west"]) }
    east.send([9], of: "client", to: ["west"])
    try await Loop.sleep(.milliseconds(50))
    west.start()
    #expect(await Self.eventually { heard.count >= 2 })
    #expect(heard == ["west hears east: [9]", "west hears east: [3]"])
    west.send([7], of: "west", to: ["east"])
    #expect(await Self.eventually { heard.last == "east hears west: [7]" })

    west.stop()
    #expect(await Self.eventually { east.connected.isEmpty })
    west = try exchange(1)
    west.start()
    #expect(await Self.eventually { east.connected == ["west"] })
    east.send([4], of: "east", to: ["west"])
    #expect(await Self.eventually { heard.last == "west hears east: [4]" })
    east.stop()
    west.stop()
  }

  @Loop @Test func `who has no certificate of a voter is not heard`() async throws {
    let authority = try CertificateAuthority.mint(commonName: "mesh")
    let other = try CertificateAuthority.mint(commonName: "other")
    let east = VoterAddress(
      name: "east", address: Self.address(try Self.free()), certificateName: "dns-east.mesh")
    let west = VoterAddress(
      name: "west", address: Self.address(try Self.free()), certificateName: "dns-west.mesh")
    var heard = 0
    let listener = try ViewExchange(
      listen: east.address, peers: [west],
      trust: try Self.trust(east.certificateName, authority), longest: 1000,
      log: Logger(label: "test")
    ) { _, _ in heard += 1 }
    listener.start()
    // A name that is no voter's, of the mesh's own authority; then a voter's name of another one.
    for (name, issuer) in [("dns-north.mesh", authority), ("dns-west.mesh", other)] {
      let pair = try Self.trust(name, issuer).certificate
      let tls = try TLSContext.client(trusted: authority.certificatePEM, certificate: pair)
      let descriptor = try await connectSocket(to: .address(east.address), timeout: .seconds(5))
      let stream = try? await tls.connect(
        descriptor, serverName: east.certificateName, timeout: .seconds(5))
      try? await stream?.write([0, 0, 0, 1, 5])
      let answer = try? await stream?.read(atMost: 10)
      #expect(answer?.isEmpty ?? true)
      stream?.close()
    }
    #expect(heard == 0)
    listener.stop()
  }
}
