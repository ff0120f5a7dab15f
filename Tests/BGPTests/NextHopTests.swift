import BGP
import NetTypes
import Testing

@Suite struct NextHopTests {
  private static let nodes = Simulation.addresses(3)

  @Test func `the owner is told which next hops paths use, and when none does any more`() {
    var simulation = SpeakerTests.mesh(3)
    simulation.run(for: .seconds(1))
    let (a, b, c) = (Self.nodes[0], Self.nodes[1], Self.nodes[2])
    #expect(simulation.nextHops[a] == [b, c])
    var configuration = simulation.speakers[b]!.configuration
    configuration.networks = []
    simulation.handle(b, .configure(configuration, RoutingPolicy()))
    simulation.run(for: .seconds(1))
    #expect(simulation.nextHops[a] == [c])
  }

  @Test func `a next hop that is lost takes its routes with it, and brings them back`() {
    var simulation = SpeakerTests.mesh(3)
    simulation.run(for: .seconds(1))
    let (a, b, c) = (Self.nodes[0], Self.nodes[1], Self.nodes[2])
    simulation.handle(a, .nextHop(b, cost: nil))
    #expect(simulation.hops(a, "10.53.2.0/26") == nil)
    #expect(simulation.hops(a, "10.53.3.0/26") == [c])
    let lost = simulation.speakers[a]?.routes.first { $0.prefix == prefix("10.53.2.0/26") }
    #expect(lost?.removedBy == .unreachable)
    simulation.handle(a, .nextHop(b, cost: 10))
    #expect(simulation.hops(a, "10.53.2.0/26") == [b])
  }
}
