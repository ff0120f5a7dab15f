import BGP
import NetTypes
import Testing

/// RFC 4724 on a simulated clock.
@Suite struct GracefulRestartTests {
  let a = Simulation.addresses(2)[0]
  let b = Simulation.addresses(2)[1]
  let block = "10.53.2.0/26"

  private func pair(
    _ change: (IPAddress, inout RouterConfiguration) -> Void = { _, _ in }
  ) -> Simulation {
    var simulation = SpeakerTests.mesh(2, change)
    simulation.run(for: .seconds(5))
    return simulation
  }

  private func restarted(_ simulation: Simulation) -> RouterConfiguration {
    simulation.speakers[b]!.configuration
  }

  @Test func `§4.2: routes of a peer that crashed stay for its restart time`() {
    var simulation = pair()
    simulation.crash(b)
    simulation.run(for: .seconds(119))
    #expect(simulation.hops(a, block) == [b])
    #expect(simulation.speakers[a]?.routes.contains { $0.isStale } == true)
    simulation.run(for: .seconds(2))
    #expect(simulation.hops(a, block) == nil)
  }

  @Test func `§4.2: routes that come again are fresh, the others go at End-of-RIB`() {
    var simulation = pair { node, configuration in
      configuration.networks.append(prefix(node == b ? "10.54.2.0/26" : "10.54.1.0/26"))
    }
    var configuration = restarted(simulation)
    configuration.networks.removeLast()
    simulation.crash(b)
    simulation.run(for: .seconds(10))
    #expect(simulation.hops(a, "10.54.2.0/26") == [b])
    simulation.add(b, configuration)
    simulation.run(for: .seconds(10))
    #expect(simulation.state(a, b) == .established)
    #expect(simulation.hops(a, block) == [b])
    #expect(simulation.hops(a, "10.54.2.0/26") == nil)
    #expect(simulation.speakers[a]?.routes.contains { $0.isStale } == false)
  }

  @Test func `§4.1: the restarted speaker keeps its kernel's routes until it has converged`() {
    var simulation = pair()
    let configuration = restarted(simulation)
    let before = simulation.kernels[b]
    simulation.crash(b)
    simulation.run(for: .seconds(1))
    simulation.add(b, configuration)
    #expect(simulation.kernels[b] == before)
    #expect(!simulation.hasConverged.contains(b))
    simulation.run(for: .seconds(5))
    #expect(simulation.hasConverged.contains(b))
    #expect(simulation.kernels[b] == before)
  }

  @Test func `§4.1: routes that come with End-of-RIB are installed before the others go`() {
    var configuration = RouterConfiguration(localAS: ASNumber(64512), routerID: Puppet.own.v4)
    configuration.neighbors = [Neighbor(address: Puppet.peer, remoteAS: ASNumber(64512))]
    configuration.neighbors[0].settings.passive = true
    var speaker = Speaker(configuration: configuration, restarting: true, seed: 1)
    _ = speaker.handle(.start, at: .zero)
    let id = speaker.makeConnectionID()
    _ = speaker.handle(.accepted(id, peer: Puppet.peer, local: Puppet.own), at: .zero)
    let attributes = PathAttributes(nextHop: Puppet.peer, localPreference: 100)
    let update = UpdateMessage(attributes: attributes, announced: [prefix(block)])
    let open = Puppet.open { $0.gracefulRestart = restartCapability() }
    let messages = [open, .keepalive, .update(update), .update(UpdateMessage())]
    // One read brings it all.
    let bytes = messages.flatMap { $0.encoded(options: CodecOptions(isInternal: true)) }
    let order = speaker.handle(.received(id, bytes), at: .zero).compactMap { action in
      switch action {
      case .routes: "routes"
      case .converged: "converged"
      default: nil as String?
      }
    }
    #expect(order == ["routes", "converged"])
  }

  @Test func `§4.1: without its peers it converges when the deferral timer runs out`() {
    var simulation = pair()
    let configuration = restarted(simulation)
    simulation.crash(a)
    simulation.crash(b)
    simulation.add(b, configuration)
    simulation.run(for: .seconds(29))
    #expect(simulation.hops(b, "10.53.1.0/26") == [a])
    simulation.run(for: .seconds(2))
    #expect(simulation.hops(b, "10.53.1.0/26") == nil)
  }

  @Test
  func `§4.1: two that restart at once wait not for each other, and lose no route of the kernel`() {
    var simulation = pair()
    let configurations = simulation.speakers.mapValues(\.configuration)
    simulation.crash(a)
    simulation.crash(b)
    for (node, configuration) in configurations { simulation.add(node, configuration) }
    for _ in 0..<2000 {
      simulation.run(for: .milliseconds(1))
      #expect(simulation.hops(b, "10.53.1.0/26") == [a])
      #expect(simulation.hops(a, block) == [b])
    }
    #expect(simulation.hasConverged == [a, b])
  }

  @Test func `a first start waits for nobody`() {
    var simulation = Simulation(seed: 1)
    simulation.add(a, Simulation.configuration(a, peers: [b]))
    #expect(simulation.hasConverged.contains(a))
  }

  @Test func `RFC 8538 §3: a shutdown is a Hard Reset and takes the routes at once`() {
    var simulation = pair()
    simulation.handle(b, .shutdown)
    simulation.run(for: .seconds(1))
    #expect(simulation.hops(a, block) == nil)
    let down = simulation.changes[a]?.first { $0.from == .established }
    guard case .received(let notification)? = down?.reason else {
      Issue.record("no NOTIFICATION")
      return
    }
    #expect(notification.wrapped == .administrativeShutdown)
  }

  @Test func `RFC 8538 §4: routes stay when the hold timer runs out, for the restart time`() {
    var simulation = pair()
    simulation.sever(a, b)
    simulation.run(for: .seconds(100))
    #expect(simulation.state(a, b) != .established)
    #expect(simulation.hops(a, block) == [b])
    simulation.run(for: .seconds(40))
    #expect(simulation.hops(a, block) == nil)
    simulation.sever(a, b, false)
    simulation.run(for: .seconds(30))
    #expect(simulation.hops(a, block) == [b])
  }

  @Test func `RFC 8538 §4: a change of configuration ends the session and no route`() {
    var simulation = pair()
    var configuration = restarted(simulation)
    configuration.neighbors[0].settings.timers = SessionTimers(hold: .seconds(30))
    simulation.handle(b, .configure(configuration, RoutingPolicy()))
    for _ in 0..<200 {
      simulation.run(for: .milliseconds(10))
      #expect(simulation.hops(a, block) == [b])
      #expect(simulation.hops(b, "10.53.1.0/26") == [a])
    }
    #expect(simulation.state(a, b) == .established)
    #expect(simulation.speakers[a]?.sessions[0].counters.established == 2)
    #expect(simulation.speakers[a]?.routes.contains { $0.isStale } == false)
  }

  @Test(arguments: [true, false])
  func `RFC 8538 §3: both have to have said so by the N bit`(_ says: Bool) {
    for ending in 0..<2 {
      var puppet = Puppet()
      puppet.establish { $0.gracefulRestart = restartCapability(coversNotification: says) }
      puppet.announce("10.1.0.0/16")
      if ending == 0 {
        puppet.send(.notification(.otherConfigurationChange))
      } else {
        puppet.wait(.seconds(10), keepsAlive: false)
      }
      #expect(puppet.state != .established)
      #expect(puppet.kernel.isEmpty == !says)
    }
  }

  @Test func `RFC 8538 §3: a Hard Reset from the peer takes its routes`() {
    var puppet = Puppet()
    puppet.establish { $0.gracefulRestart = restartCapability() }
    puppet.announce("10.1.0.0/16")
    puppet.send(.notification(NotificationMessage.administrativeReset.asHardReset))
    #expect(puppet.kernel.isEmpty)
  }

  @Test func `§3: the F bit is set by who found its table, or has kept it since`() {
    var puppet = Puppet()
    puppet.establish()
    #expect(puppet.open?.capabilities.gracefulRestart?.families == [.ipv4: false])
    #expect(puppet.open?.capabilities.gracefulRestart?.isRestarting == false)
    puppet.hangUp()
    puppet.wait(.seconds(1))
    puppet.establish()
    #expect(puppet.open?.capabilities.gracefulRestart?.families == [.ipv4: true])

    puppet = Puppet(preserved: true)
    puppet.establish()
    #expect(puppet.open?.capabilities.gracefulRestart?.families == [.ipv4: true])
  }

  @Test func `§4.2: a peer that lost its table loses its stale routes`() {
    var puppet = Puppet()
    puppet.establish { $0.gracefulRestart = restartCapability() }
    puppet.announce("10.1.0.0/16")
    puppet.hangUp()
    puppet.wait(.seconds(1))
    #expect(puppet.kernel.count == 1)
    puppet.establish { $0.gracefulRestart = restartCapability(preserved: false) }
    #expect(puppet.state == .established)
    #expect(puppet.kernel.isEmpty)
  }

  @Test func `RFC 5882 §4.3: a path that is down takes the routes, restart or not`() {
    var puppet = Puppet()
    puppet.establish { $0.gracefulRestart = restartCapability() }
    puppet.announce("10.1.0.0/16")
    puppet.handle(.pathDown(Puppet.peer, reason: "BFD: control detection time expired"))
    #expect(puppet.kernel.isEmpty)
    #expect(puppet.notification == .bfdDown)
    #expect(puppet.state == .idle)
    #expect(
      puppet.changes.last?.reason?.description
        == "path down, BFD: control detection time expired")
    // It also ends what a restart had kept.
    puppet.wait(.seconds(2))
    puppet.establish { $0.gracefulRestart = restartCapability() }
    puppet.announce("10.1.0.0/16")
    puppet.hangUp()
    #expect(puppet.kernel.count == 1)
    puppet.handle(.pathDown(Puppet.peer, reason: "BFD"))
    #expect(puppet.kernel.isEmpty)
  }

  @Test func `a peer without the capability loses its routes with its connection`() {
    var simulation = pair { node, configuration in
      if node == b { configuration.gracefulRestart.isEnabled = false }
    }
    simulation.crash(b)
    simulation.run(for: .seconds(1))
    #expect(simulation.hops(a, block) == nil)
  }

  @Test func `§5: a peer that is back before its old connection ended is taken as restarted`() {
    var simulation = pair()
    let configuration = restarted(simulation)
    // The crash goes unseen: nothing of the old connection arrives any more.
    simulation.sever(a, b)
    simulation.crash(b)
    simulation.sever(a, b, false)
    simulation.add(b, configuration)
    simulation.run(for: .seconds(4))
    #expect(simulation.state(a, b) == .established)
    #expect(simulation.hops(a, block) == [b])
  }
}
