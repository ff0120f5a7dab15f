import NetTypes
import Testing

@testable import BGP

@Suite struct SoftResetTests {
  @Test func `a soft reset has routes exchanged again, both ways, and ends no session`() {
    let (a, b) = (IPAddress("10.0.0.1")!, IPAddress("10.0.0.2")!)
    var simulation = Simulation(seed: 1)
    for (node, peer) in [(a, b), (b, a)] {
      var configuration = Simulation.configuration(node, peers: [peer])
      configuration.networks = [IPPrefix(node == a ? "10.53.1.0/26" : "10.53.2.0/26")!]
      simulation.add(node, configuration)
    }
    simulation.run(for: .seconds(2))
    func updates(_ node: IPAddress) -> UInt64 {
      simulation.speakers[node]?.sessions.first?.counters.updatesReceived ?? 0
    }
    let before = (updates(a), updates(b))
    simulation.handle(a, .refresh(b, asks: true, tells: false))
    simulation.run(for: .seconds(1))
    #expect(updates(a) > before.0)
    #expect(updates(b) == before.1)
    simulation.handle(a, .refresh(nil, asks: false, tells: true))
    simulation.run(for: .seconds(1))
    #expect(updates(b) > before.1)
    #expect(simulation.changes[a]?.contains { $0.from == .established } == false)
  }
}
