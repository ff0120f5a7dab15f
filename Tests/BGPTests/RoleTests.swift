import BGP
import NetTypes
import Testing

/// Route leaks: RFC 9234 §5, by rule.
@Suite struct RoleTests {
  static let own = ASNumber(64512)
  static let peerAS = ASNumber(65001)
  static let other = ASNumber(65002)

  struct Import: CustomTestStringConvertible, Sendable {
    /// Ours; the peer is the counterpart.
    var role: PeerRole
    var mark: ASNumber?
    /// Nil: a leak.
    var outcome: ASNumber?
    var testDescription: String { "\(role), OTC \(mark.map { "\($0)" } ?? "none")" }
  }

  @Test(arguments: [
    // 1: from a customer or a client, with OTC.
    Import(role: .provider, mark: other, outcome: nil),
    Import(role: .provider, mark: peerAS, outcome: nil),
    Import(role: .routeServer, mark: other, outcome: nil),
    // 2: from a peer.
    Import(role: .peer, mark: other, outcome: nil),
    Import(role: .peer, mark: peerAS, outcome: peerAS),
    // 3: without, from above and beside.
    Import(role: .customer, mark: nil, outcome: peerAS),
    Import(role: .peer, mark: nil, outcome: peerAS),
    Import(role: .routeServerClient, mark: nil, outcome: peerAS),
    Import(role: .customer, mark: other, outcome: other),
    Import(role: .routeServerClient, mark: other, outcome: other),
  ])
  func `ingress: leaks are not taken, others are marked`(_ test: Import) {
    var puppet = Puppet(peerAS: 65001) { $0.neighbors[0].settings.role = test.role }
    puppet.establish(as: 65001) { $0.role = test.role.counterpart }
    var attributes = PathAttributes(asPath: ASPath(sequence: [Self.peerAS]), nextHop: Puppet.peer)
    attributes.extend { $0.onlyToCustomer = test.mark }
    puppet.send(
      .update(UpdateMessage(attributes: attributes, announced: [prefix("10.1.0.0/16")])))
    #expect(puppet.speaker.routes.first?.attributes.onlyToCustomer == test.outcome)
    #expect(puppet.speaker.routes.isEmpty == (test.outcome == nil))
  }

  @Test(arguments: [PeerRole.provider, .routeServer])
  func `ingress: a customer's own routes pass unmarked`(_ role: PeerRole) {
    var puppet = Puppet(peerAS: 65001) { $0.neighbors[0].settings.role = role }
    puppet.establish(as: 65001)
    puppet.announce("10.1.0.0/16", path: [65001])
    #expect(puppet.speaker.routes.count == 1)
    #expect(puppet.speaker.routes.first?.attributes.onlyToCustomer == nil)
  }

  @Test(arguments: [
    (PeerRole.provider, own as ASNumber?), (.routeServer, own), (.peer, own), (.customer, nil),
    (.routeServerClient, nil),
  ])
  func `egress 1: what goes down or aside is marked with our AS`(
    _ role: PeerRole, _ mark: ASNumber?
  ) {
    var puppet = Puppet(peerAS: 65001) {
      $0.networks = [prefix("10.53.0.0/24")]
      $0.neighbors[0].settings.role = role
    }
    puppet.establish(as: 65001)
    let updates = puppet.received.compactMap {
      if case .update(let update) = $0 { update } else { nil }
    }
    #expect(updates.first?.announced == [prefix("10.53.0.0/24")])
    #expect(updates.first?.attributes?.onlyToCustomer == mark)
  }

  @Test(arguments: [(PeerRole.provider, true), (.peer, false), (.customer, false)])
  func `egress 2: what a provider gave goes to customers alone`(
    _ role: PeerRole, _ isTold: Bool
  ) {
    // a is our provider; b is what `role` is the counterpart of.
    var simulation = Simulation(seed: 1)
    let (a, own, b) = (
      SpeakerTests.nodes[0], SpeakerTests.nodes[1], SpeakerTests.nodes[2]
    )
    let numbers: [IPAddress: UInt32] = [a: 65001, own: 65002, b: 65003]
    for node in [a, own, b] {
      var configuration = Simulation.configuration(
        node, peers: node == own ? [a, b] : [own], number: numbers[node]!, of: numbers)
      if node == a { configuration.networks = [prefix("10.1.0.0/16")] }
      for index in configuration.neighbors.indices {
        let peer = configuration.neighbors[index].address
        configuration.neighbors[index].settings.role =
          switch node {
          case a: .provider
          case b: role.counterpart
          default: peer == a ? .customer : role
          }
      }
      simulation.add(node, configuration)
    }
    simulation.run(for: .seconds(2))
    #expect(simulation.hops(own, "10.1.0.0/16") == [a])
    #expect((simulation.hops(b, "10.1.0.0/16") != nil) == isTold)
  }

  @Test func `a mark of another length than four octets is treated as withdrawal`() throws {
    let options = CodecOptions(isInternal: false)
    for value in ["c02303 00fc00", "c02305 00fc000000", "c02300"] {
      let bytes = update(
        attributes: "400101 00 400206 0201 0000fde9 400304 0a000002 \(value)", routes: "08 0a")
      guard case .update(let update) = try Message(decoding: bytes[...], options: options) else {
        Issue.record("no UPDATE")
        return
      }
      #expect(update.withdrawn == [prefix("10.0.0.0/8")])
      #expect(update.announced.isEmpty)
    }
  }
}

/// What a speaker names itself by: our end of the session, or another address of its interface.
@Suite struct OwnNextHopTests {
  static let ipv4 = prefix("10.53.0.0/24")
  static let ipv6 = prefix("2001:db8:53::/48")

  /// Next hops announced, by family.
  private func hops(
    over local: String, interface: InterfaceAddresses, extended: Bool = false
  ) -> [AddressFamily: PathAttributes] {
    let own = address(local)
    let peer = own.isIPv4 ? Puppet.peer : address("2001:db8::2")
    var puppet = Puppet {
      $0.networks = [Self.ipv4, Self.ipv6]
      $0.neighbors[0].address = peer
      $0.neighbors[0].settings.activations = [.ipv4: true, .ipv6: true]
    }
    puppet.options.extendedNextHop = extended
    let id = puppet.speaker.makeConnectionID()
    puppet.connection = id
    puppet.handle(.accepted(id, peer: peer, local: own, interface: interface))
    puppet.send(
      Puppet.open {
        $0.families = [.ipv4, .ipv6]
        $0.extendedNextHop = extended
      })
    puppet.send(.keepalive)
    var result: [AddressFamily: PathAttributes] = [:]
    for message in puppet.received {
      guard case .update(let update) = message, let attributes = update.attributes else { continue }
      for prefix in update.announced { result[AddressFamily(of: prefix)] = attributes }
    }
    return result
  }

  static let interface = InterfaceAddresses(
    ipv4: identifier("10.0.0.1"), ipv6: IPv6Address("2001:db8::1"),
    linkLocal: IPv6Address("fe80::1"))

  @Test func `over IPv4 an IPv6 route has the interface's global address, or ours mapped`() {
    var hops = hops(over: "10.0.0.1", interface: Self.interface)
    #expect(hops[.ipv4]?.nextHop == address("10.0.0.1"))
    #expect(hops[.ipv6]?.nextHop == address("2001:db8::1"))
    hops = self.hops(over: "10.0.0.1", interface: InterfaceAddresses())
    #expect(hops[.ipv6]?.nextHop == address("::ffff:10.0.0.1"))
  }

  @Test func `over IPv6 an IPv4 route has our end by RFC 8950, else the interface's address`() {
    var hops = hops(over: "2001:db8::1", interface: Self.interface, extended: true)
    #expect(hops[.ipv4]?.nextHop == address("2001:db8::1"))
    #expect(hops[.ipv6]?.nextHop == address("2001:db8::1"))
    hops = self.hops(over: "2001:db8::1", interface: Self.interface)
    #expect(hops[.ipv4]?.nextHop == address("10.0.0.1"))
    hops = self.hops(over: "2001:db8::1", interface: InterfaceAddresses())
    #expect(hops[.ipv4] == nil)
    #expect(hops[.ipv6] != nil)
  }

  @Test func `RFC 2545 §3: a link-local end stands beside a global address`() {
    var hops = hops(over: "fe80::1", interface: Self.interface, extended: true)
    #expect(hops[.ipv6]?.nextHop == address("2001:db8::1"))
    #expect(hops[.ipv6]?.linkLocalNextHop == IPv6Address("fe80::1"))
    hops = self.hops(over: "fe80::1", interface: InterfaceAddresses(), extended: true)
    #expect(hops[.ipv4]?.nextHop == address("fe80::1"))
    #expect(hops[.ipv4]?.linkLocalNextHop == IPv6Address("fe80::1"))
  }
}
