import BGP
import Linux
import NetTypes
import RouterService
import Testing

extension InteropTests {
  @Loop @Test(arguments: Implementation.installed)
  func `communities of every kind pass both ways`(_ peer: Implementation) async throws {
    var exchange = Exchange()
    exchange.isTagged = true
    try await Cell.run(.communities, peer, exchange) { cell in
      try await cell.exchangeRoutes()
      let heard = cell.path(theirRoute)?.attributes.extended
      try #require(heard?.communities == [Community(rawValue: 64512 << 16 | 100)])
      try #require(heard?.largeCommunities == [LargeCommunity(global: 64512, local1: 1, local2: 2)])
      // A route target of a two-octet AS. RFC 4360 §4.
      try #require(heard?.extendedCommunities == [0x0002_fc00_0000_012c])

      // What an external peer tells us goes on as it is.
      let source = try await cell.scripted(as: 65010)
      var attributes = PathAttributes(
        asPath: ASPath(sequence: [ASNumber(65010)]), nextHop: address(source.local))
      attributes.extended = heard
      try await source.send(
        UpdateMessage(attributes: attributes, announced: [prefix("10.93.0.0/24")]))
      var text: String?
      try await cell.wait(for: "10.93.0.0/24 there") {
        text = try await cell.peer.learnt("10.93.0.0/24")
        return text != nil
      }
      for words in cell.peer.dialect.written(Exchange.tags) {
        try #require(text?.contains(words) ?? false, "\(words) in \(text ?? "")")
      }
    }
  }

  @Loop @Test(arguments: Implementation.installed)
  func `routes come and go both ways as they are announced and withdrawn`(
    _ peer: Implementation
  ) async throws {
    try await Cell.run(.churn, peer) { cell in
      try await cell.exchangeRoutes()
      let pool = (0..<40).map { prefix("10.94.\($0).0/24") }
      for round in 0..<30 {
        for (index, route) in pool.enumerated() where (index + round) % 3 == 0 {
          cell.router.originate(route)
        }
        for (index, route) in pool.enumerated() where (index + round) % 4 == 0 {
          cell.router.withdraw(route)
        }
        try await Loop.sleep(.milliseconds(10))
      }
      let told = Set(cell.router.announced(to: address(cell.exchange.theirAddress)).map(\.prefix))
      for route in [pool[0], pool[1], pool[2], pool[3]] {
        try await cell.wait(for: "\(route) as announced") {
          (try await cell.peer.learnt("\(route)") != nil) == told.contains(route)
        }
      }
      let another = "10.92.7.0/24"
      try await cell.peer.announce(another)
      try await cell.wait(for: "\(another) here") { cell.path(prefix(another)) != nil }
      try await cell.peer.withdraw(another)
      try await cell.wait(for: "\(another) gone") {
        let installed = try cell.cable.installedRoutes()
        return cell.path(prefix(another)) == nil && installed[prefix(another)] == nil
      }
      try #require(cell.session?.counters.established == 1)
    }
  }

  @Loop @Test(arguments: Implementation.installed)
  func `either end sends its routes again when it is asked to`(
    _ peer: Implementation
  ) async throws {
    var exchange = Exchange()
    // FRR leaves a second request waiting until it has sent End-of-RIB, which it sends only then.
    exchange.gracefulRestart = peer == .frr
    try await Cell.run(.refresh, peer, exchange) { cell in
      try await cell.exchangeRoutes()
      let before = cell.session?.counters.updatesSent ?? 0
      if try await cell.peer.refresh() {
        try await cell.wait(for: "our routes again") {
          (cell.session?.counters.updatesSent ?? 0) > before
        }
      } else {
        Matrix.log("\(peer.rawValue): never asks for a refresh, only answers one")
      }
      if peer == .openbgpd {
        return Matrix.log("OpenBGPD 7.7: asks for a refresh, answers none (\"AID not negotiated\")")
      }
      // A filter that refuses everything, then none: the route is back only if the peer is asked.
      var configuration = cell.router.configuration
      configuration.neighbors[0].settings.importPolicy = PolicyChain(routeMap: "nothing")
      try cell.router.apply(configuration)
      try await cell.wait(for: "\(theirRoute) filtered") { cell.path(theirRoute) == nil }
      configuration.neighbors[0].settings.importPolicy = nil
      try cell.router.apply(configuration)
      try await cell.wait(for: "\(theirRoute) again") { cell.path(theirRoute) != nil }
      let sessions = cell.session?.counters.established
      if peer == .exabgp {
        return Matrix.log(
          "ExaBGP: drops its connection at a ROUTE-REFRESH; \(sessions ?? 0) sessions")
      }
      try #require(sessions == 1)
    }
  }

  @Loop @Test(arguments: Implementation.installed)
  func `neither end's crash loses a packet through the learnt route`(
    _ peer: Implementation
  ) async throws {
    if peer == .openbgpd {
      return Matrix.note(
        .gracefulRestart, peer, "its restart time is zero: it has only End-of-RIB of RFC 4724")
    }
    var exchange = Exchange()
    exchange.gracefulRestart = true
    exchange.peerConnects = peer == .gobgp
    try await Cell.run(.gracefulRestart, peer, exchange) { cell in
      try await cell.exchangeRoutes()
      let stream = try PingStream(to: address(Cable.destination), from: cell.cable)

      stream.mark("the peer is killed")
      try await cell.peer.kill()
      try await cell.wait(for: "the loss of the peer") { !cell.isEstablished }
      try #require(cell.path(theirRoute)?.isStale ?? false)
      try await cell.peer.start()
      try await cell.wait(for: "the peer's return") {
        cell.isEstablished && cell.path(theirRoute)?.isStale == false
      }
      try await Loop.sleep(.milliseconds(200))

      // A process takes over from our router here, and dies by SIGKILL; the peer keeps what it was
      // told until we are back.
      stream.mark("our router stops, our process starts")
      cell.stopRouter()
      let process = try OurProcess(exchange, cell.cable)
      try await cell.wait(for: "our process established: \(process.log)") {
        process.hasEstablished
      }
      stream.mark("our process is established")
      try await Loop.sleep(.seconds(1))
      stream.mark("our process is killed")
      try await process.kill()
      try await Loop.sleep(.milliseconds(500))
      if cell.peer.dialect.keepsTable {
        try #require(try await cell.peer.learnt("\(ourRoute)") != nil)
      }
      stream.mark("our router starts")
      try cell.startRouter()
      try await cell.wait(for: "our return") {
        cell.isEstablished && cell.path(theirRoute) != nil
      }
      try await cell.exchangeRoutes()
      try await Loop.sleep(.milliseconds(200))

      let (sent, lost) = try await stream.finish()
      Matrix.log(
        "\(peer.rawValue): \(sent) packets through a crash of either end, \(lost.count) lost")
      if !lost.isEmpty {
        throw await cell.notSeen("packets \(lost) of \(sent) again: \(stream.marks)")
      }
    }
  }
}
