import NetTypes
import Testing

@testable import BGP

/// `soft-reconfiguration inbound`: the Adj-RIB-In before policy.
@Suite struct ReceivedRoutesTests {
  private let kept = IPPrefix("10.1.0.0/24")!
  private let denied = IPPrefix("10.2.0.0/24")!

  private func policy(_ permitted: IPPrefix) -> RoutingPolicy {
    var policy = RoutingPolicy()
    policy.prefixLists["p"] = PrefixList()
    policy.prefixLists["p"]?.add(permit: true, PrefixCondition(permitted))
    return policy
  }

  private func puppet(keeps: Bool = true) -> Puppet {
    var puppet = Puppet(peerAS: 65001) {
      $0.neighbors[0].settings.importPolicy = PolicyChain(prefixList: "p")
      $0.neighbors[0].settings.keepsReceived = keeps
    }
    puppet.handle(.configure(puppet.speaker.configuration, policy(kept)))
    puppet.establish(as: 65001)
    puppet.announce("10.1.0.0/24", "10.2.0.0/24", path: [65001])
    puppet.received = []
    return puppet
  }

  private func refreshes(_ puppet: Puppet) -> Int {
    puppet.received.count { if case .routeRefresh = $0 { true } else { false } }
  }

  @Test func `what a peer announced is kept as it came, with what policy left out`() {
    let puppet = puppet()
    let received = puppet.speaker.received(from: Puppet.peer) ?? []
    #expect(received.map(\.prefix) == [kept, denied])
    #expect(received.map(\.isFiltered) == [false, true])
    #expect(self.puppet(keeps: false).speaker.received(from: Puppet.peer) == nil)
  }

  @Test func `a change of policy is applied to what is kept, without a refresh`() {
    var puppet = puppet()
    puppet.handle(.configure(puppet.speaker.configuration, policy(denied)))
    #expect(puppet.speaker.routes.map(\.prefix) == [denied])
    #expect(puppet.speaker.sessions.first?.prefixesReceived == 1)
    #expect(refreshes(puppet) == 0)
    puppet.handle(.refresh(Puppet.peer, asks: true, tells: false))
    #expect(refreshes(puppet) == 0)
  }

  @Test func `it is asked for when it begins, and forgotten when it ends`() {
    var puppet = puppet(keeps: false)
    let attributes = puppet.speaker.attributeCount
    var configuration = puppet.speaker.configuration
    configuration.neighbors[0].settings.keepsReceived = true
    puppet.handle(.configure(configuration, policy(kept)))
    #expect(refreshes(puppet) == 1)
    puppet.announce("10.1.0.0/24", "10.2.0.0/24", path: [65001])
    #expect(puppet.speaker.received(from: Puppet.peer)?.count == 2)
    #expect(!puppet.isClosed)
    configuration.neighbors[0].settings.keepsReceived = nil
    puppet.handle(.configure(configuration, policy(kept)))
    #expect(puppet.speaker.received(from: Puppet.peer) == nil)
    #expect(puppet.speaker.attributeCount == attributes)
  }

  @Test func `withdrawals and the end of the session take what is kept with them`() {
    var puppet = puppet()
    puppet.send(.update(UpdateMessage(withdrawn: [denied])))
    #expect(puppet.speaker.received(from: Puppet.peer)?.map(\.prefix) == [kept])
    puppet.hangUp()
    #expect(puppet.speaker.received(from: Puppet.peer) == [])
  }

  @Test func `a network passes its route map, and one that is denied is not ours`() {
    var puppet = puppet()
    var configuration = puppet.speaker.configuration
    let (own, other) = (IPPrefix("10.8.0.0/24")!, IPPrefix("10.9.0.0/24")!)
    configuration.networks = [own, other]
    configuration.networkRouteMaps = [own: "m", other: "none"]
    var policy = policy(denied)
    policy.routeMaps["m"] = RouteMap([.init(10, matches: [], changes: [.metric(.value(7))])])
    puppet.handle(.configure(configuration, policy))
    let routes = puppet.speaker.routes.filter { $0.origin == .local }
    #expect(routes.map(\.prefix) == [own])
    #expect(routes.first?.attributes.multiExitDiscriminator == 7)
    configuration.networkRouteMaps = [:]
    puppet.handle(.configure(configuration, policy))
    #expect(puppet.speaker.routes.filter { $0.origin == .local }.map(\.prefix) == [own, other])
  }
}
