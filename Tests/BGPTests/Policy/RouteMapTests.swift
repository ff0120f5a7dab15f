import NetTypes
import Testing

@testable import BGP

@Suite struct RouteMapTests {
  private static let prefix = IPPrefix("10.53.1.0/26")!
  private let prefix = Self.prefix
  private let route = PathAttributes(
    asPath: ASPath(sequence: [ASNumber(65001), ASNumber(65002)]),
    nextHop: .v4(IPv4Address(192, 0, 2, 9)), multiExitDiscriminator: 10, localPreference: 100)

  private func policy(_ clauses: RouteMap.Clause...) -> RoutingPolicy {
    var policy = RoutingPolicy(routeMaps: ["m": RouteMap(clauses)])
    var list = PrefixList()
    list.add(permit: true, PrefixCondition(IPPrefix("10.53.0.0/16")!, atMost: 32))
    policy.prefixLists["pods"] = list
    policy.prefixLists["none"] = PrefixList()
    policy.prefixLists["none"]?.add(permit: false, .any(.ipv4))
    var paths = ASPathList()
    paths.add(permit: true, try! PathExpression("^65001_"))
    policy.asPathLists["from65001"] = paths
    var communities = CommunityList()
    communities.add(permit: true, .all([Community(text: "65001:1")!]))
    policy.communityLists["one"] = communities
    return policy
  }

  private func run(
    _ policy: RoutingPolicy, _ attributes: PathAttributes? = nil,
    _ context: PolicyContext = PolicyContext()
  ) -> PathAttributes? {
    policy.apply(PolicyChain(routeMap: "m"), to: prefix, attributes ?? route, context)
  }

  @Test func `a chain of nothing lets everything through, an unknown name nothing`() {
    #expect(RoutingPolicy().apply(PolicyChain(), to: prefix, route) == route)
    for chain in [
      PolicyChain(prefixList: "x"), PolicyChain(asPathList: "x"), PolicyChain(routeMap: "x"),
    ] {
      #expect(RoutingPolicy().apply(chain, to: prefix, route) == nil)
    }
  }

  @Test func `chains of two families are apart`() {
    var chain = PolicyChain()
    chain.ipv6.routeMap = "gone"
    #expect(policy().apply(chain, to: prefix, route) == route)
    #expect(policy().apply(chain, to: IPPrefix("2001:db8::/32")!, route) == nil)
  }

  @Test(
    arguments: [
      (.prefixList(.ipv4, "pods"), true), (.prefixList(.ipv4, "none"), false),
      (.prefixList(.ipv4, "unknown"), false), (.prefixList(.ipv6, "pods"), false),
      (.prefixLength(.ipv4, 26), true), (.prefixLength(.ipv4, 24), false),
      (.nextHop(.v4(IPv4Address(192, 0, 2, 9))), true), (.nextHopPrefixList(.ipv4, "pods"), false),
      (.asPath("from65001"), true), (.asPath("unknown"), false),
      (.community("one", isExact: false), false), (.metric(10), true), (.metric(11), false),
      (.localPreference(100), true), (.origin(.igp), true), (.origin(.egp), false), (.tag(0), true),
      (.source(.bgp), true), (.source(.static), false),
      (.peer(.v4(IPv4Address(192, 0, 2, 1))), true),
    ] as [(RouteMap.Match, Bool)])
  func `a match holds or not, and what matches no clause is denied`(
    match: RouteMap.Match, holds: Bool
  ) {
    let context = PolicyContext(peer: .v4(IPv4Address(192, 0, 2, 1)))
    let permitting = policy(RouteMap.Clause(10, matches: [match]))
    #expect((run(permitting, route, context) != nil) == holds)
    let denying = policy(RouteMap.Clause(10, isPermitted: false, matches: [match]), .init(20))
    #expect((run(denying, route, context) == nil) == holds)
  }

  @Test func `all matches of a clause have to hold`() {
    #expect(run(policy(.init(10, matches: [.metric(10), .origin(.igp)]))) != nil)
    #expect(run(policy(.init(10, matches: [.metric(10), .origin(.egp)]))) == nil)
  }

  @Test func `changes change what they name`() {
    let changed = run(
      policy(
        .init(
          10, matches: [],
          changes: [
            .localPreference(.plus(50)), .metric(.minus(20)), .weight(7), .origin(.incomplete),
            .prependASPath([ASNumber(1), ASNumber(2)]),
            .communities([.noExport], isAdditive: false),
            .nextHop(.ipv4, .address(.v4(IPv4Address(192, 0, 2, 77)))), .tag(3), .atomicAggregate,
            .originatorID(IPv4Address(1, 1, 1, 1)),
            .extendedCommunities(.routeTarget, [.init(.routeTarget, text: "1:2")!]),
          ])))
    #expect(changed?.localPreference == 150)
    #expect(changed?.multiExitDiscriminator == 0)
    #expect(changed?.weight == 7)
    #expect(changed?.origin == .incomplete)
    #expect(changed?.asPath.description == "1 2 65001 65002")
    #expect(changed?.communities == [.noExport])
    #expect(changed?.nextHop == .v4(IPv4Address(192, 0, 2, 77)))
    #expect(changed?.tag == 3)
    #expect(changed?.extended?.atomicAggregate == true)
    #expect(changed?.originatorID == IPv4Address(1, 1, 1, 1))
    #expect(changed?.extended?.extendedCommunities == [0x0002_0001_0000_0002])
  }

  @Test func `the path loses excluded numbers and repeats its first`() {
    let excluded = run(
      policy(.init(10, matches: [], changes: [.excludeFromASPath([ASNumber(65001)])])))
    #expect(excluded?.asPath.description == "65002")
    let repeated = run(policy(.init(10, matches: [], changes: [.prependLastAS(2)])))
    #expect(repeated?.asPath.description == "65001 65001 65001 65002")
  }

  @Test func `communities are replaced, added to, deleted by a list, or taken off`() {
    var route = route
    route.extend { $0.communities = [Community(text: "65001:1")!, .noExport] }
    func communities(_ change: RouteMap.Change) -> [String]? {
      run(policy(.init(10, matches: [], changes: [change])), route)?.communities.map(\.description)
    }
    let new = Community(text: "1:1")!
    #expect(communities(.communities([new], isAdditive: false)) == ["1:1"])
    #expect(communities(.communities([new], isAdditive: true)) == ["1:1", "65001:1", "no-export"])
    #expect(communities(.communities([], isAdditive: false)) == [])
    #expect(communities(.deleteCommunities("one")) == ["no-export"])
  }

  @Test func `the next hop is the neighbour on the way in, ourselves on the way out`() {
    let policy = policy(.init(10, matches: [], changes: [.nextHop(.ipv4, .peerAddress)]))
    let (peer, local) = (IPAddress("192.0.2.1"), IPAddress("192.0.2.2"))
    #expect(run(policy, route, PolicyContext(peer: peer, local: local))?.nextHop == peer)
    let out = PolicyContext(isExport: true, peer: peer, local: local)
    #expect(run(policy, route, out)?.nextHop == local)
    #expect(policy.dependsOnPeer(PolicyChain(routeMap: "m")))
  }

  @Test func `continue goes to the next clause or to one by number, and a later deny counts`() {
    func clause(
      _ number: UInt16, _ onMatch: RouteMap.Continuation, metric: UInt32, permit: Bool = true,
      if matches: [RouteMap.Match] = []
    ) -> RouteMap.Clause {
      var clause = RouteMap.Clause(
        number, isPermitted: permit, matches: matches, changes: [.metric(.plus(metric))])
      clause.onMatch = onMatch
      return clause
    }
    let next = policy(clause(10, .next, metric: 1), clause(20, .end, metric: 2))
    #expect(run(next)?.multiExitDiscriminator == 13)
    let jump = policy(
      clause(10, .goTo(25), metric: 1), clause(20, .end, metric: 2), clause(30, .end, metric: 4))
    #expect(run(jump)?.multiExitDiscriminator == 15)
    // No later clause matches: what was permitted stays so.
    let last = policy(clause(10, .next, metric: 1), clause(20, .end, metric: 2, if: [.metric(5)]))
    #expect(run(last)?.multiExitDiscriminator == 11)
    let denied = policy(
      clause(10, .next, metric: 1), clause(20, .end, metric: 2, permit: false))
    #expect(run(denied) == nil)
  }

  @Test func `a called map changes the route and may deny it; circles end in a denial`() {
    var clause = RouteMap.Clause(10)
    clause.call = "other"
    var policy = policy(clause)
    #expect(run(policy) != nil)
    policy.routeMaps["other"] = RouteMap([.init(5, matches: [], changes: [.metric(.value(99))])])
    #expect(run(policy)?.multiExitDiscriminator == 99)
    policy.routeMaps["other"] = RouteMap([.init(5, isPermitted: false)])
    #expect(run(policy) == nil)
    policy.routeMaps["other"] = RouteMap([clause])
    #expect(run(policy) == nil)
  }

  @Test func `a clause counts what matched it, through copies and edits`() {
    let original = policy(.init(10, matches: [.metric(10)]), .init(20))
    var edited = original
    edited.routeMaps["m"]?.set(.init(30))
    _ = run(original)
    _ = run(edited)
    #expect(edited.routeMaps["m"]?[10]?.hits.count == 2)
    #expect(edited.routeMaps["m"]?[20]?.hits.count == 0)
  }
}
