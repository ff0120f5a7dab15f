import BGP
import Linux
import NetTypes
import RouterService
import Testing

extension InteropTests {
  @Loop @Test(arguments: Implementation.installed)
  func `the peer's operator reads why we shut down`(_ peer: Implementation) async throws {
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
      try #require(cell.session?.counters.established == 1)
      if cell.session?.capabilities?.extendedMessages != true {
        Matrix.log("\(peer.rawValue): takes no message of more than 4096 octets (RFC 8654)")
      }
    }
  }

  @Loop @Test(arguments: Implementation.installed)
  func `several paths of one prefix go over by identifiers`(_ peer: Implementation) async throws {
    var exchange = Exchange()
    exchange.addPath = true
    try await Cell.run(.addPath, peer, exchange) { cell in
      try await cell.exchangeRoutes()
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
