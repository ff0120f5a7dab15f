import DNS
import Linux
import NetTypes
import Testing
import Transport

@testable import NameService

@Suite struct NameServerTests {
  private static let loopback = IPAddress("127.0.0.1")!

  private static func zone(serial: UInt32 = 1) -> Zone {
    let origin = DomainName("example.")!
    let soa = StartOfAuthority(
      primary: DomainName("ns.example.")!, mailbox: DomainName("host.example.")!,
      serial: SerialNumber(serial), refresh: 1, retry: 1, expire: 1, minimum: 60)
    var zone = Zone(
      origin: origin,
      records: [
        ResourceRecord(origin, .soa, ttl: 300, .soa(soa)),
        ResourceRecord(origin, .ns, ttl: 300, .ns(DomainName("ns.example.")!)),
        ResourceRecord(
          DomainName("ns.example.")!, .a, ttl: 300, .a(IPv4Address(192, 0, 2, 1))),
      ])
    for number in UInt8(0)..<100 {
      zone.records.append(
        ResourceRecord(
          DomainName("many.example.")!, .a, ttl: 300, .a(IPv4Address(192, 0, 2, number))))
    }
    return zone
  }

  @Loop private static func serve(
    _ change: (inout NameServer.Settings) -> Void = { _ in },
    _ body: @Loop (NameServer, SocketAddress) async throws -> Void
  ) async throws {
    var settings = NameServer.Settings(listen: [SocketAddress(loopback, port: 0)])
    settings.workers = 2
    change(&settings)
    let server = NameServer(settings)
    try server.start()
    server.publish(Catalogue(zones: [zone()]))
    try await body(server, server.addresses[0])
    server.stop()
  }

  /// As a client asks that sets RD.
  @Loop private static func ask(
    _ address: SocketAddress, _ name: String, _ type: RecordType = .a, edns: EDNS? = EDNS()
  ) async throws -> Message {
    let key = AnswerCache.Key(
      question: Message.Question(DomainName(name)!, type), dnssecOK: false,
      checkingDisabled: false)
    return try await UpstreamQuery(key, address).run(timeout: .seconds(10))
  }

  @Loop @Test
  func `names of a zone are answered over datagrams, and over streams where they do not fit`()
    async throws
  {
    try await Self.serve { server, address in
      let small = try await Self.ask(address, "NS.example.")
      #expect(small.isAuthoritative)
      #expect(small.answers.map(\.data.ipv4Address) == [IPv4Address(192, 0, 2, 1)])
      let missing = try await Self.ask(address, "none.example.")
      #expect(missing.responseCode == .nameError)
      #expect(missing.authority.map(\.type) == [.soa])
      // 100 addresses are more than 1,232 octets have room for.
      let many = try await Self.ask(address, "many.example.")
      #expect(many.answers.count == 100)
      #expect(server.counters.truncated == 1)
      #expect(server.counters.queriesOverTCP == 1)
    }
  }

  @Loop @Test func `who may not have questions forwarded is refused`() async throws {
    try await Self.serve { server, address in
      let answer = try await Self.ask(address, "www.other.")
      #expect(answer.responseCode == .refused)
    }
  }

  @Loop @Test func `a question for a name that is not ours is forwarded for whom it is allowed`()
    async throws
  {
    let upstream = try Upstream(Upstream.address())
    try await Self.serve { settings in
      settings.recursionFor = [IPPrefix("127.0.0.0/8")!]
      settings.options.offersRecursion = true
    } _: { server, address in
      server.forwarder = Forwarder(Forwarder.Settings(servers: [upstream.address]))
      let answer = try await Self.ask(address, "www.other.")
      #expect(answer.answers.count == 1)
      #expect(answer.recursionAvailable && !answer.isAuthoritative)
      let own = try await Self.ask(address, "ns.example.")
      #expect(own.isAuthoritative)
    }
    upstream.stop()
  }

  @Loop @Test func `zones and steered sets change while queries come, and every one is answered`()
    async throws
  {
    try await Self.serve { server, address in
      let name = DomainName("www.example.")!
      var answered: Set<IPv4Address?> = []
      for round in 0..<40 {
        server.publish(Catalogue(zones: [Self.zone(serial: UInt32(round))]))
        let member = IPv4Address(198, 51, 100, UInt8(round % 2))
        server.publish([Self.steered(name, member)])
        let answer = try await Self.ask(address, "www.example.")
        #expect(answer.answers.count == 1)
        answered.insert(answer.answers.first?.data.ipv4Address)
        #expect(answer.answers.first?.data.ipv4Address == member)
      }
      #expect(answered.count == 2)
    }
  }

  private static func steered(_ name: DomainName, _ member: IPv4Address) -> SteeredSet {
    SteeredSet(
      owner: name, type: .a, ttl: 5, records: [.a(member)],
      tables: [SteeredSet.Table(rows: [[0]])])
  }

  /// As a thread finds it that runs again before the control loop of a process that was stopped.
  @Loop @Test func `answers whose lease is over are refused, until there is another`() async throws
  {
    try await Self.serve { server, address in
      let name = DomainName("www.example.")!
      server.publish([Self.steered(name, IPv4Address(198, 51, 100, 1))])
      server.extendSteering(until: Loop.now.advanced(by: .milliseconds(-1)))
      let late = try await Self.ask(address, "www.example.")
      #expect(late.responseCode == .serverFailure)
      #expect(late.edns?.extendedError?.code == 14)
      server.extendSteering(until: Loop.now.advanced(by: .seconds(60)))
      let held = try await Self.ask(address, "www.example.")
      #expect(held.answers.count == 1)
    }
  }

  @Loop @Test func `an address that is taken is told, and nothing listens`() async throws {
    let taken = try Listener(SocketAddress(Self.loopback, port: 0))
    let free = try Listener(SocketAddress(Self.loopback, port: 0))
    let first = free.address!
    free.close()
    let server = NameServer(NameServer.Settings(listen: [first, taken.address!]))
    var failure: (any Error)?
    do { try server.start() } catch { failure = error }
    #expect(failure is SystemError)
    #expect(Sockets.canListen(on: first))
    taken.close()
  }
}
