import BGP
import NetTypes
import Testing

/// What peers are told, in bulk and one by one.
@Suite struct AdvertiseTests {
  private static let nodes = Simulation.addresses(4)

  private static func prefixes(_ count: Int) -> [IPPrefix] {
    (0..<count).map {
      IPPrefix(.v4(IPv4Address(rawValue: 0x1400_0000 + UInt32($0) << 8)), length: 24)
    }
  }

  /// The first node reflects between the others.
  private static func star(
    _ change: (inout RouterConfiguration) -> Void = { _ in }
  ) -> Simulation {
    var simulation = Simulation(seed: 1)
    var reflector = Simulation.configuration(nodes[0], peers: nodes)
    for index in reflector.neighbors.indices {
      reflector.neighbors[index].settings.routeReflectorClient = true
    }
    change(&reflector)
    simulation.add(nodes[0], reflector)
    for node in nodes[1...] {
      simulation.add(node, Simulation.configuration(node, peers: [nodes[0]]))
    }
    simulation.run(for: .seconds(2))
    return simulation
  }

  private static func learnt(_ simulation: Simulation, _ node: IPAddress) -> [IPAddress] {
    (simulation.speakers[node]?.routes ?? []).filter { $0.origin != .local }
      .compactMap(\.attributes.nextHop)
  }

  @Test func `a table beyond one message goes in several, in both families`() {
    let ends = [address("fd00::1"), address("fd00::2")]
    var simulation = Simulation(seed: 1)
    let routes6 = (0..<3000).map {
      IPPrefix(.v6(IPv6Address(high: 0x2001_0db8_0000_0000 + UInt64($0), low: 0)), length: 64)
    }
    for (index, node) in ends.enumerated() {
      var configuration = RouterConfiguration(
        localAS: ASNumber(64512), routerID: IPv4Address(10, 0, 0, UInt8(index + 1)))
      configuration.neighbors = [Neighbor(address: ends[1 - index], remoteAS: ASNumber(64512))]
      if index == 0 { configuration.networks = routes6 }
      simulation.add(node, configuration)
    }
    simulation.run(for: .seconds(2))
    #expect(simulation.speakers[ends[1]]?.routes.map(\.prefix) == routes6)

    var mesh = SpeakerTests.mesh(2) { node, configuration in
      configuration.networks = node == Self.nodes[0] ? Self.prefixes(30000) : []
    }
    mesh.run(for: .seconds(2))
    #expect(mesh.speakers[Self.nodes[1]]?.routes.map(\.prefix) == Self.prefixes(30000))
    #expect(mesh.speakers[Self.nodes[0]]?.sessions.first?.counters.updatesSent ?? 0 > 2)
  }

  @Test func `a peer that reads slowly is told how things stand, not all that has been`() {
    let (a, b) = (Self.nodes[0], Self.nodes[1])
    let all = Self.prefixes(150_000)
    var simulation = SpeakerTests.mesh(2) { node, configuration in
      configuration.networks = node == a ? all : []
    }
    simulation.drainDelay = .seconds(2)
    simulation.run(for: .seconds(1))
    let some = simulation.speakers[b]?.prefixesReceived ?? 0
    #expect(some > 0 && some < all.count)
    // While it does not read, half of the routes go and a few others come and go.
    var configuration = simulation.speakers[a]!.configuration
    configuration.networks = Array(all[75_000...])
    simulation.handle(a, .configure(configuration, RoutingPolicy()))
    for index in 0..<50 {
      simulation.handle(a, .originate(prefix("10.77.\(index).0/24")))
      simulation.handle(a, .withdraw(prefix("10.77.\(index).0/24")))
    }
    simulation.run(for: .seconds(20))
    #expect(simulation.speakers[b]?.routes.map(\.prefix) == configuration.networks)
    let sent = simulation.speakers[a]?.sessions.first?.counters.bytesSent ?? 0
    #expect(sent < 1_500_000)
    let downs = simulation.changes[a]?.filter { $0.from == .established } ?? []
    #expect(downs.isEmpty)
  }

  @Test func `a peer is not told of its own path, and is of another's that takes its place`() {
    var simulation = Self.star()
    let (hub, a, b) = (Self.nodes[0], Self.nodes[1], Self.nodes[2])
    let route = prefix("10.53.7.0/26")
    simulation.handle(a, .originate(route))
    simulation.handle(b, .originate(route))
    simulation.run(for: .seconds(1))
    #expect(Self.learnt(simulation, a) == [])
    #expect(Self.learnt(simulation, b) == [a])
    #expect(Self.learnt(simulation, Self.nodes[3]) == [a])
    simulation.handle(a, .withdraw(route))
    simulation.run(for: .seconds(1))
    #expect(Self.learnt(simulation, a) == [b])
    #expect(Self.learnt(simulation, b) == [])
    simulation.handle(a, .originate(route))
    simulation.run(for: .seconds(1))
    #expect(Self.learnt(simulation, a) == [])
    #expect(Self.learnt(simulation, b) == [a])
    #expect(simulation.speakers[hub]?.announced(to: a).isEmpty == true)
  }

  @Test func `a peer whose export settings change moves to another group and hears of the change`()
  {
    var simulation = Self.star()
    let (hub, a, b) = (Self.nodes[0], Self.nodes[1], Self.nodes[2])
    for index in 0..<5 { simulation.handle(a, .originate(prefix("10.53.\(index).0/26"))) }
    simulation.run(for: .seconds(1))
    #expect(simulation.speakers[b]?.routes.count == 5)
    var configuration = simulation.speakers[hub]!.configuration
    configuration.neighbors[1].settings.exportPolicy = PolicyChain(routeMap: "some")
    var some = PrefixList()
    some.add(permit: true, PrefixCondition(prefix("10.53.0.0/24"), atMost: 32))
    var policy = RoutingPolicy()
    policy.prefixLists["some"] = some
    policy.routeMaps["some"] = RouteMap([
      RouteMap.Clause(10, matches: [.prefixList(.ipv4, "some")])
    ])
    simulation.handle(hub, .configure(configuration, policy))
    simulation.run(for: .seconds(1))
    #expect(simulation.speakers[b]?.routes.map(\.prefix) == [prefix("10.53.0.0/26")])
    #expect(simulation.speakers[Self.nodes[3]]?.routes.count == 5)
  }

  @Test(arguments: [
    (AddPath.Sending.all, 2), (.best(1), 1), (.best(2), 2), (.bestPerAS, 1), (.bestOnly, 1),
  ])
  func `RFC 7911: several paths of a prefix go to one peer`(
    _ sending: AddPath.Sending, _ count: Int
  ) {
    let (a, b, listener) = (Self.nodes[1], Self.nodes[2], Self.nodes[3])
    var simulation = Self.star { configuration in
      configuration.neighbors[2].settings.addPath = AddPath()
      configuration.neighbors[2].settings.addPath?.sending = sending
    }
    let route = prefix("10.53.7.0/26")
    simulation.handle(a, .originate(route))
    simulation.handle(b, .originate(route))
    simulation.run(for: .seconds(1))
    #expect(Set(Self.learnt(simulation, listener)) == Set([a, b].prefix(count)))
    #expect(simulation.speakers[listener]?.prefixesReceived == count)
    #expect(simulation.hops(listener, "10.53.7.0/26") == Array([a, b].prefix(count)))
    simulation.handle(a, .withdraw(route))
    simulation.run(for: .seconds(1))
    #expect(Self.learnt(simulation, listener) == [b])
    simulation.handle(b, .withdraw(route))
    simulation.run(for: .seconds(1))
    #expect(Self.learnt(simulation, listener) == [])
  }

  @Test func `RFC 8326: who is about to leave is the last resort, and not for ever`() {
    var simulation = SpeakerTests.mesh(2)
    simulation.run(for: .seconds(1))
    let (a, b) = (Self.nodes[0], Self.nodes[1])
    let route = { simulation.speakers[b]?.routes.first { $0.prefix == prefix("10.53.1.0/26") } }
    var configuration = simulation.speakers[a]!.configuration
    configuration.isShuttingDownGracefully = true
    simulation.handle(a, .configure(configuration, RoutingPolicy()))
    simulation.run(for: .seconds(1))
    #expect(route()?.attributes.communities == [.gracefulShutdown])
    #expect(route()?.attributes.localPreference == 0)
    configuration.isShuttingDownGracefully = false
    simulation.handle(a, .configure(configuration, RoutingPolicy()))
    simulation.run(for: .seconds(1))
    #expect(route()?.attributes.communities == [])
    #expect(route()?.attributes.localPreference == 100)
  }

  @Test func `RFC 8326: a route with the community from another AS gets the lowest preference`() {
    var simulation = Simulation(seed: 1)
    let (a, b) = (Self.nodes[0], Self.nodes[1])
    let numbers: [IPAddress: UInt32] = [a: 65001, b: 65002]
    var left = Simulation.configuration(a, peers: [b], number: 65001, of: numbers)
    left.networks = [prefix("10.53.1.0/26")]
    left.isShuttingDownGracefully = true
    simulation.add(a, left)
    simulation.add(b, Simulation.configuration(b, peers: [a], number: 65002, of: numbers))
    simulation.run(for: .seconds(2))
    #expect(simulation.speakers[b]?.routes.first?.attributes.localPreference == 0)
  }

  @Test(arguments: [(0, 0), (1, 1)])
  func `our own AS in a path is a loop, unless it is allowed`(_ allowed: Int, _ routes: Int) {
    // Two sites of one AS, joined by another's.
    var simulation = Simulation(seed: 1)
    let (a, b, c) = (Self.nodes[0], Self.nodes[1], Self.nodes[2])
    let numbers: [IPAddress: UInt32] = [a: 65001, b: 65002, c: 65001]
    for node in [a, b, c] {
      var configuration = Simulation.configuration(
        node, peers: node == b ? [a, c] : [b], number: numbers[node]!, of: numbers)
      if node == a { configuration.networks = [prefix("10.53.1.0/26")] }
      if node == c { configuration.neighbors[0].settings.allowOwnAS = allowed }
      simulation.add(node, configuration)
    }
    simulation.run(for: .seconds(2))
    #expect(simulation.speakers[c]?.routes.count == routes)
  }
}
