import BGP
import NetTypes
import Testing

@Suite struct SpeakerTests {
  static let nodes = Simulation.addresses(4)

  /// A full mesh of `count` speakers of one AS, each with a block 10.53.N.0/26.
  static func mesh(
    _ count: Int, seed: UInt64 = 1,
    _ change: (IPAddress, inout RouterConfiguration) -> Void = { _, _ in }
  ) -> Simulation {
    var simulation = Simulation(seed: seed)
    let all = Simulation.addresses(count)
    for (index, node) in all.enumerated() {
      var configuration = Simulation.configuration(node, peers: all)
      configuration.networks = [prefix("10.53.\(index + 1).0/26")]
      change(node, &configuration)
      simulation.add(node, configuration)
    }
    return simulation
  }

  @Test func `a mesh of four meets within a second and every node has every block`() {
    var simulation = Self.mesh(4)
    simulation.run(for: .seconds(1))
    for node in Self.nodes {
      #expect(
        simulation.speakers[node]?.sessions.map(\.state) == [
          .established, .established, .established,
        ])
      #expect(simulation.kernels[node]?.count == 3)
    }
    #expect(simulation.hops(Self.nodes[0], "10.53.2.0/26") == [Self.nodes[1]])
  }

  @Test(arguments: 1...40)
  func `connections that collide leave one session on both ends`(_ seed: Int) {
    var simulation = Self.mesh(2, seed: UInt64(seed))
    simulation.run(for: .seconds(2))
    #expect(simulation.state(Self.nodes[0], Self.nodes[1]) == .established)
    #expect(simulation.state(Self.nodes[1], Self.nodes[0]) == .established)
    simulation.run(for: .seconds(60))
    let downs = simulation.changes[Self.nodes[0]]?.filter { $0.from == .established } ?? []
    #expect(downs.isEmpty)
  }

  @Test func `an internal route is not passed on to an internal peer`() {
    var simulation = Simulation(seed: 1)
    let (a, b, c) = (Self.nodes[0], Self.nodes[1], Self.nodes[2])
    var left = Simulation.configuration(a, peers: [b])
    left.networks = [prefix("10.53.1.0/26")]
    simulation.add(a, left)
    simulation.add(b, Simulation.configuration(b, peers: [a, c]))
    simulation.add(c, Simulation.configuration(c, peers: [b]))
    simulation.run(for: .seconds(2))
    #expect(simulation.hops(b, "10.53.1.0/26") == [a])
    #expect(simulation.hops(c, "10.53.1.0/26") == nil)
  }

  @Test func `a reflector passes clients' routes on with the next hop as it was`() {
    var simulation = Simulation(seed: 1)
    let (a, b, c) = (Self.nodes[0], Self.nodes[1], Self.nodes[2])
    var left = Simulation.configuration(a, peers: [b])
    left.networks = [prefix("10.53.1.0/26")]
    var reflector = Simulation.configuration(b, peers: [a, c])
    for index in reflector.neighbors.indices {
      reflector.neighbors[index].settings.routeReflectorClient = true
      reflector.neighbors[index].settings.nextHopSelf = true
    }
    simulation.add(a, left)
    simulation.add(b, reflector)
    simulation.add(c, Simulation.configuration(c, peers: [b]))
    simulation.run(for: .seconds(2))
    #expect(simulation.hops(c, "10.53.1.0/26") == [a])
    let route = simulation.speakers[c]?.routes.first
    #expect(route?.attributes.originatorID == a.v4)
    #expect(route?.attributes.clusterList == [identifier("10.0.0.2")])
  }

  @Test func `an external peer sees our AS in front and us as next hop`() {
    var simulation = Simulation(seed: 1)
    let (a, b, c) = (Self.nodes[0], Self.nodes[1], Self.nodes[2])
    let numbers: [IPAddress: UInt32] = [a: 65001, b: 65002, c: 65003]
    for node in [a, b, c] {
      var configuration = Simulation.configuration(
        node, peers: node == b ? [a, c] : [b], number: numbers[node]!, of: numbers)
      if node == a { configuration.networks = [prefix("10.53.1.0/26")] }
      simulation.add(node, configuration)
    }
    simulation.run(for: .seconds(2))
    let route = simulation.speakers[c]?.routes.first
    #expect(route?.attributes.asPath.description == "65002 65001")
    #expect(route?.attributes.nextHop == b)
    #expect(route?.attributes.localPreference == nil)
    // a hears of its own route no more: its AS is in the path.
    #expect(simulation.speakers[a]?.routes.count == 1)
  }

  @Test func `equal paths are installed together`() {
    var simulation = Simulation(seed: 1)
    let all = Self.nodes
    for node in all {
      var configuration = Simulation.configuration(node, peers: node == all[0] ? all : [all[0]])
      if node != all[0] { configuration.networks = [prefix("10.10.2.11/32")] }
      simulation.add(node, configuration)
    }
    simulation.run(for: .seconds(2))
    #expect(simulation.hops(all[0], "10.10.2.11/32") == Array(all[1...]))
    simulation.handle(all[2], .withdraw(prefix("10.10.2.11/32")))
    var configuration = simulation.speakers[all[2]]!.configuration
    configuration.networks = []
    simulation.handle(all[2], .configure(configuration, RoutingPolicy()))
    simulation.run(for: .seconds(1))
    #expect(simulation.hops(all[0], "10.10.2.11/32") == [all[1], all[3]])
  }

  @Test func `default-originate gives one neighbour the default route, and takes it back`() {
    let edge = Self.nodes[0]
    var simulation = Self.mesh(3) { node, configuration in
      if node == edge { configuration.neighbors[0].settings.defaultOriginate = true }
    }
    simulation.run(for: .seconds(1))
    #expect(simulation.hops(Self.nodes[1], "0.0.0.0/0") == [edge])
    #expect(simulation.hops(Self.nodes[2], "0.0.0.0/0") == nil)
    var configuration = simulation.speakers[edge]!.configuration
    configuration.neighbors[0].settings.defaultOriginate = false
    simulation.handle(edge, .configure(configuration, RoutingPolicy()))
    simulation.run(for: .seconds(1))
    #expect(simulation.hops(Self.nodes[1], "0.0.0.0/0") == nil)
    #expect(simulation.changes[edge]?.contains { $0.from == .established } == false)
  }

  @Test func `filters change and reject what goes out and what comes in`() {
    var simulation = Self.mesh(2)
    simulation.run(for: .seconds(1))
    let (a, b) = (Self.nodes[0], Self.nodes[1])
    var configuration = simulation.speakers[a]!.configuration
    configuration.neighbors[0].settings.exportPolicy = PolicyChain(routeMap: "none")
    configuration.neighbors[0].settings.importPolicy = PolicyChain(routeMap: "prefer")
    var policy = RoutingPolicy()
    var pods = PrefixList()
    pods.add(permit: true, PrefixCondition(prefix("10.53.0.0/16"), atMost: 32))
    policy.prefixLists["pods"] = pods
    policy.routeMaps["prefer"] = RouteMap([
      RouteMap.Clause(
        10, matches: [.prefixList(.ipv4, "pods")], changes: [.localPreference(.value(300))])
    ])
    simulation.handle(a, .configure(configuration, policy))
    simulation.run(for: .seconds(1))
    // A name that the policy does not know lets nothing through.
    #expect(simulation.hops(b, "10.53.1.0/26") == nil)
    let learnt = simulation.speakers[a]?.routes.first { $0.prefix == prefix("10.53.2.0/26") }
    #expect(learnt?.attributes.localPreference == 300)
  }

  @Test(arguments: [(32767, true), (32769, false)] as [(UInt32, Bool)])
  func `a route of our own has FRR's weight`(_ weight: UInt32, _ ownIsBest: Bool) {
    var puppet = Puppet {
      $0.networks = [prefix("10.53.1.0/26")]
      $0.neighbors[0].settings.importPolicy = PolicyChain(routeMap: "heavy")
    }
    var policy = RoutingPolicy()
    policy.routeMaps["heavy"] = RouteMap([
      RouteMap.Clause(10, matches: [], changes: [.weight(weight)])
    ])
    puppet.handle(.configure(puppet.speaker.configuration, policy))
    puppet.establish()
    puppet.announce("10.53.1.0/26")
    let paths = puppet.speaker.routes
    #expect(paths.count == 2)
    #expect(paths.first { $0.origin == .local }?.attributes.weight == 32768)
    #expect(paths.first { $0.origin == .local }?.isBest == ownIsBest)
  }

  @Test func `more prefixes than allowed end the session`() {
    var simulation = Self.mesh(2) { node, configuration in
      if node == Self.nodes[0] {
        configuration.neighbors[0].settings.maximumPrefixes = MaximumPrefixes(2)
      } else {
        configuration.networks += [prefix("10.54.0.0/26"), prefix("10.54.1.0/26")]
      }
    }
    simulation.run(for: .seconds(1))
    #expect(simulation.state(Self.nodes[0], Self.nodes[1]) != .established)
    #expect(
      simulation.changes[Self.nodes[0]]?.contains {
        guard case .sent(let notification)? = $0.reason else { return false }
        return notification.wrapped == .maximumPrefixesReached(.ipv4, limit: 2)
      } == true)
    #expect(simulation.kernels[Self.nodes[0]]?.isEmpty ?? true)
  }

  @Test func `a peer that is not a neighbour is refused`() {
    var simulation = Simulation(seed: 1)
    simulation.add(Self.nodes[0], Simulation.configuration(Self.nodes[0], peers: []))
    simulation.add(Self.nodes[1], Simulation.configuration(Self.nodes[1], peers: [Self.nodes[0]]))
    simulation.run(for: .seconds(20))
    #expect(simulation.state(Self.nodes[1], Self.nodes[0]) != .established)
  }
}
