import BGP
import Linux
import NetTypes
import RouterService
import Testing

/// Our router against each of the other implementations, one feature at a time; the programs are
/// the real ones, each in a network namespace of its own.
@Suite(.printsMatrix, .enabled(if: isRoot, "needs root: network namespaces"))
struct InteropTests {
  @Loop @Test(arguments: Implementation.installed)
  func `a session comes up and routes go both ways`(_ peer: Implementation) async throws {
    try await Cell.run(.session, peer) { cell in
      try await cell.exchangeRoutes()
    }
  }

  @Loop @Test(arguments: Implementation.installed)
  func `IPv6 routes go both ways over an IPv6 session`(_ peer: Implementation) async throws {
    var exchange = Exchange()
    exchange.overIPv6 = true
    exchange.families = [.ipv6]
    exchange.theirRoutes = [Exchange.ipv6Route]
    try await Cell.run(.ipv6, peer, exchange) { cell in
      try await cell.exchangeRoutes()
    }
  }

  @Loop @Test(arguments: Implementation.installed)
  func `AS numbers of four octets stand in both paths`(_ peer: Implementation) async throws {
    var exchange = Exchange()
    exchange.ourAS = 4_200_000_001
    exchange.theirAS = 4_200_000_002
    try await Cell.run(.fourOctetAS, peer, exchange) { cell in
      try await cell.exchangeRoutes()
      let heard = cell.path(theirRoute)?.attributes.asPath
      try #require(heard == ASPath(sequence: [ASNumber(4_200_000_002)]))
      let told = try await cell.peer.learnt("\(ourRoute)")
      try #require(told?.contains("4200000001") ?? false)
    }
  }

  @Loop @Test(arguments: Implementation.installed)
  func `a session is authenticated by TCP MD5`(_ peer: Implementation) async throws {
    var exchange = Exchange()
    exchange.password = "correct-horse"
    try await Cell.run(.md5, peer, exchange) { cell in
      try await cell.exchangeRoutes()
      // With another key its segments are dropped, so nothing comes up again.
      var configuration = cell.router.configuration
      configuration.neighbors[0].settings.password = "battery-staple"
      try cell.router.apply(configuration)
      try await Loop.sleep(.seconds(2))
      try #require(!cell.isEstablished)
    }
  }
}
