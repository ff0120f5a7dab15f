import BGP
import NetTypes
import Testing

/// RFC 2918, RFC 7313.
@Suite struct RefreshTests {
  private func puppet(enhanced: Bool = true, endOfRIB: Bool = true) -> Puppet {
    var puppet = Puppet { $0.networks = [prefix("10.53.1.0/26")] }
    puppet.establish {
      $0.enhancedRouteRefresh = enhanced
      $0.gracefulRestart = restartCapability()
    }
    puppet.announce("10.1.0.0/16", "10.2.0.0/16")
    if endOfRIB { puppet.send(.update(.endOfRIB(.ipv4))) }
    puppet.received = []
    return puppet
  }

  private func refresh(
    _ subtype: RouteRefreshMessage.Subtype, _ family: AddressFamily = .ipv4
  ) -> Message {
    .routeRefresh(RouteRefreshMessage(family, subtype))
  }

  @Test func `§4: what is asked for comes between BoRR and EoRR`() {
    var puppet = puppet()
    puppet.send(refresh(.request))
    #expect(puppet.received.count == 3)
    #expect(puppet.received.first == refresh(.begin))
    #expect(puppet.received.last == refresh(.end))
    guard case .update(let update)? = puppet.received.dropFirst().first else {
      Issue.record("no UPDATE")
      return
    }
    #expect(update.announced == [prefix("10.53.1.0/26")])
  }

  @Test func `a peer without the capability gets the routes alone`() {
    var puppet = puppet(enhanced: false)
    puppet.send(refresh(.request))
    #expect(puppet.received.count == 1)
    // RFC 2918 §3: to such a peer the octet is reserved.
    puppet.send(refresh(.begin))
    #expect(puppet.received.count == 2)
    #expect(puppet.speaker.routes.allSatisfy { !$0.isStale })
  }

  @Test func `§4: what did not come again is gone at EoRR`() {
    var puppet = puppet()
    puppet.send(refresh(.begin))
    #expect(puppet.speaker.routes.filter(\.isStale).count == 2)
    puppet.announce("10.1.0.0/16")
    #expect(puppet.kernel.count(where: { $0.value.origin != .local }) == 2)
    puppet.send(refresh(.end))
    let learnt = puppet.kernel.filter { $0.value.origin != .local }
    #expect(Array(learnt.keys) == [prefix("10.1.0.0/16")])
    #expect(puppet.state == .established)
  }

  @Test func `§4: BoRR before End-of-RIB, EoRR without BoRR and unknown subtypes mean nothing`() {
    var puppet = puppet(endOfRIB: false)
    puppet.send(refresh(.begin))
    puppet.send(refresh(.end))
    puppet.send(refresh(.init(rawValue: 9)))
    puppet.send(.update(.endOfRIB(.ipv4)))
    puppet.send(refresh(.end))
    #expect(puppet.kernel.count(where: { $0.value.origin != .local }) == 2)
    #expect(puppet.received.isEmpty)
    #expect(puppet.state == .established)
  }

  @Test func `§4: without EoRR stale routes go after the stale path time`() {
    var puppet = puppet()
    puppet.send(refresh(.begin))
    puppet.wait(.seconds(359))
    #expect(puppet.speaker.routes.contains { $0.isStale })
    puppet.wait(.seconds(2))
    #expect(!puppet.speaker.routes.contains { $0.isStale })
    #expect(puppet.kernel.allSatisfy { $0.value.origin == .local })
    #expect(puppet.state == .established)
  }

  @Test func `a peer that crashes while it refreshes keeps all of its routes`() {
    var puppet = puppet()
    puppet.send(refresh(.begin))
    puppet.announce("10.1.0.0/16")
    puppet.hangUp()
    #expect(puppet.kernel.count(where: { $0.value.origin != .local }) == 2)
  }

  @Test func `a family that is not spoken is ignored`() {
    var puppet = puppet()
    puppet.send(refresh(.request, .ipv6))
    #expect(puppet.received.isEmpty)
    #expect(puppet.state == .established)
  }
}
