import BGP
import NetTypes
import Testing

@Suite struct DynamicNeighborTests {
  private func puppet(_ change: (inout RouterConfiguration) -> Void = { _ in }) -> Puppet {
    Puppet {
      $0.neighbors = []
      var group = PeerGroup(name: "clients")
      group.settings.remoteAS = ASNumber(64512)
      $0.peerGroups = [group]
      $0.listenRanges = [ListenRange(prefix: prefix("10.0.0.0/24"), peerGroup: "clients")]
      change(&$0)
    }
  }

  @Test func `a connection from inside a range makes a neighbour of its group`() {
    var puppet = puppet()
    #expect(puppet.speaker.sessions.isEmpty)
    puppet.establish()
    #expect(puppet.state == .established)
    let status = puppet.speaker.sessions[0]
    #expect(status.isDynamic && status.peerGroup == "clients" && status.peer == Puppet.peer)
    puppet.announce("10.1.0.0/16")
    #expect(puppet.kernel.count == 1)
  }

  @Test func `one from outside is turned away`() {
    var puppet = puppet()
    puppet.connect(from: address("10.0.1.2"))
    #expect(puppet.isClosed)
    #expect(puppet.received.isEmpty)
    #expect(puppet.speaker.sessions.isEmpty)
  }

  @Test func `the neighbour goes once it has had no session for a while`() {
    var puppet = puppet()
    puppet.establish()
    puppet.hangUp()
    puppet.wait(.seconds(29))
    #expect(puppet.speaker.sessions.count == 1)
    puppet.wait(.seconds(2))
    #expect(puppet.speaker.sessions.isEmpty)
    puppet.establish()
    puppet.wait(.seconds(60))
    #expect(puppet.state == .established)
  }

  @Test func `it stays while its routes are kept for its restart`() {
    var puppet = puppet()
    puppet.establish { $0.gracefulRestart = restartCapability() }
    puppet.announce("10.1.0.0/16")
    puppet.hangUp()
    puppet.wait(.seconds(119))
    #expect(puppet.kernel.count == 1)
    puppet.wait(.seconds(2))
    #expect(puppet.kernel.isEmpty)
    #expect(puppet.speaker.sessions.isEmpty)
  }

  @Test func `no more come than the limit allows`() {
    var puppet = puppet { $0.listenLimit = 1 }
    puppet.establish()
    puppet.connect(from: address("10.0.0.3"))
    #expect(puppet.isClosed)
    #expect(puppet.notices == ["connection refused: 1 dynamic neighbors, limit 1"])
    #expect(puppet.speaker.sessions.map(\.peer) == [Puppet.peer])
    for number in UInt8(4)..<100 { puppet.connect(from: .v4(IPv4Address(10, 0, 0, number))) }
    #expect(puppet.notices.count == 10)
  }

  @Test func `the longest range names the group`() {
    let configuration = puppet {
      var group = PeerGroup(name: "other")
      group.settings.remoteASKind = .external
      $0.peerGroups.append(group)
      $0.listenRanges.append(ListenRange(prefix: prefix("10.0.0.0/28"), peerGroup: "other"))
    }.speaker.configuration
    #expect(configuration.dynamicNeighbor(address("10.0.0.2"))?.peerGroup == "other")
    #expect(configuration.dynamicNeighbor(address("10.0.0.20"))?.peerGroup == "clients")
    #expect(configuration.dynamicNeighbor(address("10.0.1.20")) == nil)
  }

  @Test func `without its range, or under another name, it goes at once`() {
    var puppet = puppet()
    puppet.establish()
    var configuration = puppet.speaker.configuration
    configuration.listenRanges = []
    puppet.handle(.configure(configuration, RoutingPolicy()))
    #expect(puppet.speaker.sessions.isEmpty)
    #expect(puppet.notification == .peerDeconfigured)
  }

  @Test(arguments: [
    (RemoteASKind.external, UInt32(64513), true), (.external, 64512, false),
    (.internal, 64512, true), (.internal, 64513, false),
  ])
  func `external welcomes any AS but ours, internal ours alone`(
    _ kind: RemoteASKind, _ number: UInt32, _ isWelcome: Bool
  ) {
    var puppet = puppet {
      $0.peerGroups[0].settings.remoteAS = nil
      $0.peerGroups[0].settings.remoteASKind = kind
    }
    puppet.establish(as: number)
    #expect((puppet.state == .established) == isWelcome)
    if isWelcome {
      #expect(puppet.speaker.sessions[0].remoteAS == ASNumber(number))
    } else {
      #expect(puppet.notification == .badPeerAS)
    }
  }
}
