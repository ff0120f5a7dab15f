import BFD
import BGP
import Linux
import NetTypes
import RouterService
import Testing

extension InteropTests {
  @Loop @Test(arguments: Implementation.installed)
  func `a broken path ends the session at both ends, long before a hold time does`(
    _ peer: Implementation
  ) async throws {
    if peer.dialect.paths(in: "") == nil { return Matrix.note(.bfd, peer, "it has no BFD") }
    var exchange = Exchange()
    exchange.bfd = true
    try await Cell.run(.bfd, peer, exchange) { cell in
      try await cell.exchangeRoutes()
      let isUp = { @Loop in
        let path = cell.router.status.bfd.first
        return path?.state == .up && path?.detectionTime == .milliseconds(150)
      }
      try await cell.wait(for: "BFD up here") { isUp() }
      try await cell.wait(for: "BFD up there") { try await cell.peer.hasPath() == true }

      try await cell.cable.cut()
      let start = Loop.now
      try await cell.wait(for: "the session down") { !cell.isEstablished }
      try #require(start.duration(to: Loop.now) < .seconds(2))
      guard case .pathDown = cell.session?.lastError else { throw await cell.notSeen("BFD's word") }
      try await cell.wait(for: "BFD down there") { try await cell.peer.hasPath() == false }
      try await cell.wait(for: "no route there") {
        try await cell.peer.learnt("\(ourRoute)") == nil
      }

      try await cell.cable.mend()
      try await cell.exchangeRoutes()
      try await cell.wait(for: "BFD up again") { isUp() }
      try await cell.wait(for: "BFD up there again") { try await cell.peer.hasPath() == true }
    }
  }

  @Loop @Test(arguments: Implementation.installed)
  func `the peer's operator reads why we shut down`(_ peer: Implementation) async throws {
    if peer == .exabgp {
      return Matrix.note(.shutdown, peer, "4.2.21 fails to decode a Cease that carries a text")
    }
    try await Cell.run(.shutdown, peer) { cell in
      try await cell.exchangeRoutes()
      var configuration = cell.router.configuration
      configuration.neighbors[0].settings.shutdown = true
      configuration.neighbors[0].settings.shutdownMessage = "maintenance until nine"
      try cell.router.apply(configuration)
      try await cell.wait(for: "the text of RFC 9003") {
        let told = try await cell.peer.sessions() + cell.peer.log
        return told.contains("maintenance until nine")
      }
    }
  }

  @Loop @Test(arguments: Implementation.installed)
  func `a table of thousands goes over, in long messages where both ends take them`(
    _ peer: Implementation
  ) async throws {
    try await Cell.run(.extendedMessages, peer) { cell in
      try await cell.exchangeRoutes()
      let routes = (0..<3000).map { prefix("10.\(100 + $0 / 256).\($0 % 256).0/24") }
      for route in routes { cell.router.originate(route) }
      for route in [routes[0], routes[1500], routes[2999]] {
        try await cell.wait(for: "\(route) there") {
          try await cell.peer.learnt("\(route)") != nil
        }
      }
      // Told at once, they are 12,000 octets: one message of RFC 8654, or three of RFC 4271.
      let before = cell.session?.counters
      cell.router.refresh(nil, asks: false, tells: true)
      try await cell.wait(for: "the table sent again") {
        (cell.session?.counters.bytesSent ?? 0) > (before?.bytesSent ?? 0) + 12_000
      }
      let sent = (cell.session?.counters.updatesSent ?? 0) - (before?.updatesSent ?? 0)
      let areLong = cell.session?.capabilities?.extendedMessages ?? false
      try #require(areLong ? sent < 3 : sent >= 3, "\(sent) messages")
      try #require(cell.session?.counters.established == 1)
      if !areLong { Matrix.log("\(peer.rawValue): takes no message of more than 4096 octets") }
    }
  }

  @Loop @Test(arguments: Implementation.installed)
  func `several paths of one prefix go over by identifiers`(_ peer: Implementation) async throws {
    var exchange = Exchange()
    exchange.addPath = true
    try await Cell.run(.addPath, peer, exchange) { cell in
      try await cell.exchangeRoutes()
      try #require(cell.session?.capabilities?.addPath[.ipv4]?.contains(.receive) ?? false)
      let route = prefix("10.93.0.0/24")
      let numbers: [UInt32] = [65010, 65011]
      var sources: [ScriptedPeer] = []
      for (number, local) in zip(numbers, Cable.scripted) {
        let source = try await cell.scripted(as: number, from: local)
        let attributes = PathAttributes(
          asPath: ASPath(sequence: [ASNumber(number)]), nextHop: address(local))
        try await source.send(UpdateMessage(attributes: attributes, announced: [route]))
        sources.append(source)
      }
      try await cell.wait(for: "both paths there") {
        let told = try await cell.peer.learnt("\(route)") ?? ""
        return numbers.allSatisfy { told.contains("\($0)") }
      }
      let theirs = cell.peer.dialect.hasSecondPath ? 2 : 1
      try await cell.wait(for: "\(theirs) paths here") {
        cell.router.status.routes.count {
          $0.path.prefix == theirRoute && $0.path.origin == .peer(address(exchange.theirAddress))
        } == theirs
      }
      for source in sources { source.close() }
    }
  }
}
