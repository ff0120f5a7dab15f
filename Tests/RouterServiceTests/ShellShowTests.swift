import BGP
import Kubernetes
import Linux
import NetTypes
import Testing

@testable import RouterService

/// What the shell makes of a router's state.
@Suite struct ShellShowTests {
  private let configuration: RouterConfiguration
  private let status: RouterStatus

  init() {
    var configuration = RouterConfiguration(
      localAS: ASNumber(64512), routerID: IPv4Address(10, 0, 0, 1))
    configuration.networks = [
      "10.53.0.0/16", "10.53.1.0/26", "10.54.0.0/16", "2001:db8::/32",
    ].compactMap { IPPrefix($0) }
    configuration.neighbors = [
      Neighbor(address: .v4(IPv4Address(10, 0, 0, 2)), remoteAS: ASNumber(65001))
    ]
    var speaker = Speaker(configuration: configuration, seed: 1)
    _ = speaker.handle(.start, at: Instant(nanoseconds: 0))
    self.configuration = configuration
    status = RouterStatus(
      localAS: configuration.localAS, routerID: configuration.routerID,
      now: Instant(nanoseconds: 5_000_000_000), isRunning: true, sessions: speaker.sessions,
      routes: speaker.routes.map { RouterStatus.RouteEntry(path: $0, kernel: nil) })
  }

  /// What a line selects, as the walk over a table does.
  private func entries(_ line: String) throws -> [RouterStatus.RouteEntry] {
    let query = try ShellQuery(line.split(separator: " ").map(String.init))
    return status.routes.filter { entry in
      let prefix = entry.path.prefix
      let isInside =
        switch query.scope {
        case .everything: query.families.contains(AddressFamily(of: prefix))
        case .longer(let outer): outer.contains(prefix)
        case .prefix(let wanted): prefix == wanted
        case .address: false
        }
      return isInside && query.accepts(entry.path, RoutingPolicy())
    }
  }

  private func prefixes(_ line: String) throws -> [String] {
    try entries(line).map(\.path.prefix.description)
  }

  @Test(arguments: [
    ("show ip bgp", ["10.53.0.0/16", "10.53.1.0/26", "10.54.0.0/16"]),
    ("show bgp ipv6 unicast", ["2001:db8::/32"]),
    ("show ip bgp cidr-only", ["10.53.0.0/16", "10.53.1.0/26", "10.54.0.0/16"]),
    ("show ip bgp 10.53.0.0/16", ["10.53.0.0/16"]),
    ("show ip bgp 10.53.0.0/16 longer-prefixes", ["10.53.0.0/16", "10.53.1.0/26"]),
    ("show ip bgp regexp ^$", ["10.53.0.0/16", "10.53.1.0/26", "10.54.0.0/16"]),
    ("show ip bgp regexp _65001_", []), ("show ip bgp community no-export", []),
  ])
  func `a question selects paths`(line: String, expected: [String]) throws {
    #expect(try prefixes(line) == expected)
  }

  @Test func `a question that cannot be says what was expected`() {
    #expect(throws: ShellQuery.Mistake.self) { try prefixes("show ip bgp regexp (1") }
    #expect(throws: ShellQuery.Mistake.self) { try prefixes("show ip bgp community 1:2:3") }
  }

  @Test func `a table has FRR's columns and counts`() throws {
    let tables = ShellTables(status)
    let text = tables.heading + tables.rows(try entries("show ip bgp"))
    let lines = text.split(separator: "\n").map(String.init)
    #expect(lines.contains("   Network          Next Hop            Metric LocPrf Weight Path"))
    #expect(lines.contains { $0.hasPrefix("*> 10.53.1.0/26     0.0.0.0") && $0.hasSuffix(" i") })
  }

  @Test func `a prefix is told with why its path is best`() throws {
    let text = ShellTables(status).route(try entries("show ip bgp 10.53.0.0/16"))
    #expect(
      text.hasPrefix("BGP routing table entry for 10.53.0.0/16\nPaths: (1 available, best #1"))
    #expect(text.contains("sourced, local, best (First path received)"))
  }

  @Test func `JSON has FRR's names`() throws {
    let json = ShellJSON(status, configuration)
    let rows = json.rows(try entries("show ip bgp"), isFirst: true)
    // What is printed is JSON.
    let table = try JSON(parsing: json.head + rows + ShellJSON.foot)
    #expect(table["routerId"].string == "10.0.0.1")
    let line = table["routes"]["10.53.1.0/26"][0]
    #expect(line["valid"].bool == true && line["bestpath"].bool == true)
    #expect(line["network"].string == "10.53.1.0/26" && line["origin"].string == "IGP")
    #expect(line["nexthops"][0]["afi"].string == "ipv4")
    let both = ShellJSON.summary(status, configuration, AddressFamily.allCases)
    #expect(both["ipv6Unicast"].elements.isEmpty)
    let summary = both["ipv4Unicast"]
    #expect(summary["as"].int == 64512 && summary["peerCount"].int == 1)
    #expect(summary["peers"]["10.0.0.2"]["remoteAs"].int == 65001)
    let neighbor = ShellJSON.neighbors(status.sessions, status)["10.0.0.2"]
    #expect(neighbor["nbrExternalLink"].bool == true)
    #expect(neighbor["bgpState"].string != nil)
  }

  @Test func `route maps are shown with what they matched`() {
    var policy = RoutingPolicy(routeMaps: [
      "m": RouteMap([.init(10, matches: [.metric(5)], changes: [.weight(7)])])
    ])
    policy.prefixLists["pods"] = PrefixList()
    policy.prefixLists["pods"]?.add(permit: true, .any(.ipv4))
    let attributes = PathAttributes(multiExitDiscriminator: 5)
    _ = policy.apply(routeMap: "m", to: .defaultIPv4, attributes)
    let text = ShellTables.routeMaps(policy, nil)
    #expect(text.contains("permit, sequence 10 Matched 1\n"))
    #expect(text.contains("    metric 5\n") && text.contains("    weight 7\n"))
    #expect(ShellTables.routeMaps(policy, "x") == "% route-map x not found\n")
    #expect(
      ShellTables.prefixLists(policy.prefixLists, "ip", nil)
        == "ip prefix-list pods: 1 entries\n   seq 5 permit any\n")
  }
}
