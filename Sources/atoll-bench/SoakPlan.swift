import Delivery
import Glibc
import Linux
import NetTypes
import Transport

/// What a soak serves, second by second; the same in every run.
struct SoakPlan {
  let plainPort: UInt16
  let tlsPort: UInt16
  let leavingPort: UInt16
  let relayPort: UInt16
  /// Of backends.
  let web: [UInt16]
  let echo: [UInt16]
  private let certificate: CertificateSource

  var ports: [UInt16] { web + echo }

  init() throws {
    var ports = unusedPorts(10)
    guard ports.count == 10 else { throw SystemError("bind", "127.0.0.1", code: EADDRINUSE) }
    plainPort = ports.removeFirst()
    tlsPort = ports.removeFirst()
    leavingPort = ports.removeFirst()
    relayPort = ports.removeFirst()
    echo = Array(ports.prefix(2))
    web = Array(ports.dropFirst(2))
    let authority = try CertificateAuthority.mint(commonName: "soak")
    let pair = try authority.issue(.server("soak", addresses: [.v4(.loopback)]))
    certificate = CertificateSource(
      certificate: PEMSource(text: pair.certificatePEM), key: PEMSource(text: pair.keyPEM))
  }

  /// Members come and go and change their weights and states, pools their balancing, virtual servers
  /// their rules. Two members at least are left, of which one at a time may be dead.
  func configuration(_ second: Int) -> DeliveryConfiguration {
    var random = SeededRandom(seed: UInt64(second))
    let monitor = Monitor(kind: .tcp, interval: .milliseconds(300), rise: 1, fall: 1)
    func members(_ ports: [UInt16]) -> [Member] {
      ports.map {
        Member(address: .v4(.loopback), port: $0, weight: Int.random(in: 1...10, using: &random))
      }
    }
    var pools = ["web", "other"].map { name in
      var some = members(web.shuffled(using: &random))
      some.removeLast(Int.random(in: 0...2, using: &random))
      if some.count > 3 { some[0].state = [.draining, .disabled][second % 2] }
      return Pool(
        name: name,
        loadBalancing: Pool.LoadBalancing.allCases[second % Pool.LoadBalancing.allCases.count],
        members: some, monitor: monitor)
    }
    pools.append(Pool(name: "echo", members: members(echo), monitor: monitor))
    return DeliveryConfiguration(
      virtualServers: [
        server("plain", plainPort, .http, second), server("tls", tlsPort, .https, second),
        server("leaving", leavingPort, .http, second),
        VirtualServer(
          name: "relay", address: .v4(.loopback), port: relayPort, protocol: .tcp, pool: "echo"),
      ], pools: pools)
  }

  private func server(
    _ name: String, _ port: UInt16, _ kind: VirtualServer.TransportProtocol, _ second: Int
  ) -> VirtualServer {
    var server = VirtualServer(
      name: name, address: .v4(.loopback), port: port, protocol: kind,
      pool: second % 2 == 0 ? "web" : "other")
    if kind == .https { server.tls = ServerTLS(certificates: [certificate]) }
    let shares = [
      HTTPRule.Share(pool: "web", weight: second % 5), HTTPRule.Share(pool: "other", weight: 1),
    ]
    let decisions: [HTTPRule.Decision] = [.pool("web"), .pool("other"), .split(shares)]
    server.rules = (0..<(second % 4)).map { number in
      var match = HTTPMatch()
      match.path = number == 0 ? .prefix("/bytes") : .regex("/by(t|x)es/\\d+")
      return HTTPRule(
        name: "rule \(number)", match: match, decision: decisions[(second + number) % 3])
    }
    return server
  }
}

/// Ports of the loopback that nobody has now, below those that the kernel gives to outgoing
/// connections: a backend that is away for a second finds its own free.
private func unusedPorts(_ count: Int) -> [UInt16] {
  var ports: [UInt16] = []
  var candidate = 20_000 + UInt16(getpid() % 10_000)
  while ports.count < count, candidate < 32_000 {
    if (try? SoakSocket(listening: candidate)) != nil { ports.append(candidate) }
    candidate += 1
  }
  return ports
}
