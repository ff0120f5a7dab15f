import BGP
import Glibc
import Linux
import NetTypes
import RouterService
import Testing

/// Clients that misbehave on real sockets, while another neighbour's session goes on.
@Suite(.serialized, .enabled(if: isRoot, "needs root: network namespaces"))
struct SocketChaosTests {
  /// Two routers of ours over a cable; the first has a further neighbour, whom the test speaks for.
  @Loop private final class Bench {
    let cable: Cable
    let router: Router
    let good: Router

    init() throws {
      cable = try Cable()
      var exchange = Exchange()
      exchange.gracefulRestart = false
      var configuration = exchange.configuration()
      var bad = Neighbor(address: address(Cable.scripted[0]), remoteAS: ASNumber(65010))
      bad.settings.passive = true
      configuration.neighbors.append(bad)
      router = Cell.router(configuration, cable)
      var theirs = RouterConfiguration(
        localAS: ASNumber(64512), routerID: IPv4Address(Cable.theirAddress))
      theirs.networks = [theirRoute]
      theirs.neighbors = [
        Neighbor(address: address(Cable.ourAddress), remoteAS: ASNumber(64512))
      ]
      var options = Router.Options()
      options.namespace = cable.path(cable.theirs)
      options.installsRoutes = false
      good = Router(configuration: theirs, options: options)
    }

    func start() async throws {
      try router.start()
      try good.start()
      try await wait("the good session") { try cable.installedRoutes()[theirRoute] != nil }
    }

    func wait(_ what: String, _ condition: () throws -> Bool) async throws {
      for _ in 0..<1500 {
        if try condition() { return }
        try await Loop.sleep(.milliseconds(10))
      }
      throw NotSeen(what: what, log: "\(router.status.sessions.map(\.state))")
    }

    /// The good session is the first one yet, and its route was never gone.
    func expectUnharmed() throws {
      let session = router.status.sessions.first { $0.peer == address(Cable.theirAddress) }
      #expect(session?.state == .established)
      #expect(session?.counters.established == 1)
      #expect(try cable.installedRoutes()[theirRoute] != nil)
    }

    func stop() {
      router.stop(graceful: false)
      good.stop(graceful: false)
    }
  }

  @Loop @Test func `a client that never finishes its OPEN holds one connection, not many`()
    async throws
  {
    let bench = try Bench()
    try await bench.start()
    var clients: [ScriptedPeer] = []
    for _ in 0..<40 {
      let client = try await ScriptedPeer(bench.cable)
      try await client.sent([0xff])
      clients.append(client)
    }
    try await bench.wait("all but a few closed") {
      clients.count { !$0.isClosed } <= 2
    }
    // A real one of the same neighbour is let in all the same, once the slow ones have gone.
    for client in clients { client.close() }
    try await Loop.sleep(.milliseconds(200))
    let real = try await ScriptedPeer(bench.cable)
    try await real.establish(as: 65010)
    try await bench.wait("the neighbour's session") {
      bench.router.status.sessions.contains {
        $0.peer == address(Cable.scripted[0]) && $0.state == .established
      }
    }
    try bench.expectUnharmed()
    bench.stop()
  }

  @Loop @Test func `floods of garbage end each connection and nothing else`() async throws {
    let bench = try Bench()
    try await bench.start()
    for round in 0..<60 {
      let client = try await ScriptedPeer(bench.cable)
      let octets = (0..<(round * 97)).map { _ in UInt8.random(in: 0...254) }
      try await client.sent(octets)
      if octets.count >= 19 {
        // Refused while the neighbour sits out its failures, or told what was wrong.
        try await client.seen("the end") { $0.isClosed }
      }
      client.close()
    }
    try bench.expectUnharmed()
    bench.stop()
  }

  @Loop @Test func `a stranger is turned away without a word`() async throws {
    let bench = try Bench()
    try await bench.start()
    for _ in 0..<20 {
      let client = try await ScriptedPeer(bench.cable, from: Cable.scripted[1])
      try await client.seen("the end") { $0.isClosed }
      #expect(client.received.isEmpty)
    }
    try bench.expectUnharmed()
    bench.stop()
  }

  @Loop @Test func `a malformed route of one session costs that route and no session`() async throws
  {
    let bench = try Bench()
    try await bench.start()
    let client = try await ScriptedPeer(bench.cable)
    try await client.establish(as: 65010)
    let route = prefix("10.95.0.0/24")
    var attributes = PathAttributes(
      asPath: ASPath(sequence: [ASNumber(65010)]), nextHop: address(client.local))
    try await client.send(UpdateMessage(attributes: attributes, announced: [route]))
    try await bench.wait("the route") { try bench.cable.installedRoutes()[route] != nil }
    // NEXT_HOP is a multicast group: RFC 7606 treats the route as withdrawn.
    attributes.nextHop = address("224.0.0.1")
    try await client.send(UpdateMessage(attributes: attributes, announced: [route]))
    try await bench.wait("the withdrawal") { try bench.cable.installedRoutes()[route] == nil }
    #expect(!client.isClosed)
    try bench.expectUnharmed()
    bench.stop()
  }
}
