import NetTypes
import Testing

@testable import BGP

/// RFC 4456, and what a host in front of its nodes needs beyond it: nodes are clients of the host,
/// and only the host reaches them.
@Suite struct ReflectionTests {
  static let edge = address("10.0.0.1")
  static let host = address("10.0.0.2")
  static let first = address("10.0.0.3")
  static let second = address("10.0.0.4")

  /// The edge and two nodes around a host; each node has one prefix, the edge the default route.
  private func simulation(
    _ change: (inout RouterConfiguration) -> Void
  ) -> Simulation {
    var simulation = Simulation(seed: 1)
    let (edge, host, first, second) = (Self.edge, Self.host, Self.first, Self.second)
    var reflector = Simulation.configuration(host, peers: [edge, first, second])
    for index in reflector.neighbors.indices {
      reflector.neighbors[index].settings.nextHopSelf = true
      reflector.neighbors[index].settings.routeReflectorClient =
        reflector.neighbors[index].address != edge
    }
    change(&reflector)
    simulation.add(host, reflector)
    for (node, network) in [
      (edge, "0.0.0.0/0"), (first, "10.53.1.0/26"), (second, "10.53.2.0/26"),
    ] {
      var configuration = Simulation.configuration(node, peers: [host])
      configuration.networks = [prefix(network)]
      simulation.add(node, configuration)
    }
    simulation.run(for: .seconds(2))
    return simulation
  }

  private func force(_ configuration: inout RouterConfiguration) {
    for index in configuration.neighbors.indices {
      configuration.neighbors[index].settings.forcesNextHopSelf = true
    }
  }

  @Test func `next-hop-self force puts the reflector between clients and all others`() {
    let simulation = simulation(force)
    #expect(simulation.hops(Self.edge, "10.53.1.0/26") == [Self.host])
    #expect(simulation.hops(Self.first, "0.0.0.0/0") == [Self.host])
    #expect(simulation.hops(Self.host, "10.53.1.0/26") == [Self.first])
  }

  @Test func `next-hop-self alone leaves reflected routes as they were`() {
    let simulation = simulation { _ in }
    #expect(simulation.hops(Self.edge, "10.53.1.0/26") == [Self.first])
  }

  @Test func `clients that peer among themselves get nothing of each other`() {
    let simulation = simulation {
      force(&$0)
      $0.reflectsBetweenClients = false
    }
    #expect(simulation.hops(Self.second, "10.53.1.0/26") == nil)
    #expect(simulation.hops(Self.second, "0.0.0.0/0") == [Self.host])
    #expect(simulation.hops(Self.edge, "10.53.1.0/26") == [Self.host])
    #expect(simulation.hops(Self.edge, "10.53.2.0/26") == [Self.host])
  }
}
