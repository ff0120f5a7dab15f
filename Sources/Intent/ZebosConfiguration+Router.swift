import BGP
import NetTypes

extension ZebosConfiguration {
  /// A statement of `router bgp`, or of one of its address families; those that name no family are
  /// of IPv4 outside of any. False if the statement is none of this section.
  mutating func applyRouter(
    _ statement: inout Statement, _ context: inout Context
  ) throws(Mistake) -> Bool {
    guard var router else { return false }
    var family = AddressFamily.ipv4
    if case .family(let current) = context { family = current }
    var attempt = statement
    let negated = attempt.take("no")
    switch attempt.next() {
    case "bgp":
      // Lists may have BGP's name in front, and are global.
      if ["as-path", "community-list", "large-community-list", "extcommunity-list"].contains(
        attempt.peek)
      {
        return false
      }
      try applyBGP(&attempt, &router, negated)
    case "neighbor": try Self.applyNeighbor(&attempt, &router, context, negated)
    case "network": try Self.applyNetwork(&attempt, &router, negated)
    case "redistribute": try Self.applyRedistribution(&attempt, &router, family, negated)
    case "address-family":
      context = .family(try Self.family(&attempt))
    case "maximum-paths":
      let isInternal = attempt.take("ibgp")
      let count =
        negated && attempt.isAtEnd ? 1 : Int(try attempt.number(1...256, "1 to 256"))
      if isInternal {
        router.maximumPathsInternal = negated ? nil : count
      } else {
        router.maximumPaths = negated ? 1 : count
      }
    case "timers":
      try attempt.need("bgp")
      let retry = router.timers.connectRetry
      router.timers = negated && attempt.isAtEnd ? SessionTimers() : try attempt.timers()
      if negated { router.timers = SessionTimers() }
      router.timers.connectRetry = retry
    default: return false
    }
    try attempt.end()
    statement = attempt
    self.router = router
    return true
  }

  private static func family(_ statement: inout Statement) throws(Mistake) -> AddressFamily {
    let family: AddressFamily = statement.take("ipv6") ? .ipv6 : .ipv4
    if family == .ipv4 { try statement.need("ipv4", or: "ipv4 or ipv6") }
    if !statement.isAtEnd { try statement.need("unicast") }
    return family
  }

  private mutating func applyBGP(
    _ statement: inout Statement, _ router: inout RouterConfiguration, _ negated: Bool
  ) throws(Mistake) {
    switch statement.next() {
    case "router-id":
      let id = negated && statement.isAtEnd ? nil : try statement.ipv4()
      router.routerID = negated ? nil : id
    case "graceful-restart": try applyRestart(&statement, &router, negated)
    case "graceful-shutdown": router.isShuttingDownGracefully = !negated
    case "cluster-id":
      let id = negated && statement.isAtEnd ? nil : try statement.ipv4()
      router.clusterID = negated ? nil : id
    case "always-compare-med": router.alwaysCompareMED = !negated
    case "client-to-client":
      try statement.need("reflection")
      router.reflectsBetweenClients = !negated
    case "bestpath":
      try statement.need("as-path")
      try statement.need("multipath-relax")
      router.relaxesASPath = !negated
    case "default":
      if statement.take("local-preference") {
        let value = negated && statement.isAtEnd ? 100 : try statement.word32()
        router.defaultLocalPreference = negated ? 100 : value
      } else {
        try statement.need("ipv4-unicast", or: "local-preference or ipv4-unicast")
        router.activatesIPv4ByDefault = !negated
        // What says no more than the default is not said.
        for index in router.neighbors.indices where router.neighbors[index].address.isIPv4 {
          let activations = router.neighbors[index].settings.activations
          if activations[.ipv4] == !negated {
            router.neighbors[index].settings.activations[.ipv4] = nil
          }
        }
      }
    case "listen": try Self.applyListen(&statement, &router, negated)
    case "log-neighbor-changes", "deterministic-med", "ebgp-requires-policy",
      "network", "suppress-fib-pending":
      // What is always so here, or switches off what is not.
      _ = statement.remainder()
    default:
      throw statement.mistake(
        "router-id, graceful-restart, graceful-shutdown, cluster-id, always-compare-med, "
          + "deterministic-med, bestpath, client-to-client, default, listen or "
          + "log-neighbor-changes")
    }
  }

  private mutating func applyRestart(
    _ statement: inout Statement, _ router: inout RouterConfiguration, _ negated: Bool
  ) throws(Mistake) {
    let defaults = GracefulRestart()
    func seconds(_ other: Duration) throws(Mistake) -> Duration {
      if negated, statement.isAtEnd { return other }
      let value = try statement.number(0...4095, "0 to 4095 seconds")
      return negated ? other : .seconds(value)
    }
    if statement.take("stalepath-time") {
      router.gracefulRestart.stalePathTime = try seconds(defaults.stalePathTime)
      return
    }
    if statement.take("preserve-fw-state") { return }
    saysGracefulRestart = !negated
    if negated { router.gracefulRestart.restartTime = defaults.restartTime }
    router.gracefulRestart.isEnabled = !negated
    if statement.take("restart-time") {
      router.gracefulRestart.restartTime = try seconds(router.gracefulRestart.restartTime)
    }
  }

  private static func applyListen(
    _ statement: inout Statement, _ router: inout RouterConfiguration, _ negated: Bool
  ) throws(Mistake) {
    if statement.take("limit") {
      let limit = negated && statement.isAtEnd ? 100 : try statement.number(1...65535, "1 to 65535")
      router.listenLimit = negated ? 100 : Int(limit)
      return
    }
    try statement.need("range", or: "range or limit")
    guard let word = statement.next(), let prefix = IPPrefix(word) else {
      throw statement.mistake("a prefix without host bits, as 10.53.0.0/16")
    }
    let index = router.listenRanges.firstIndex { $0.prefix == prefix }
    if negated {
      _ = statement.remainder()
      guard let index else { throw statement.mistake("a range that exists") }
      router.listenRanges.remove(at: index)
      return
    }
    try statement.need("peer-group")
    let group = try statement.word("a peer group's name")
    guard router.peerGroup(group) != nil else {
      throw statement.mistake("a peer group made by \"neighbor \(group) peer-group\"")
    }
    let range = ListenRange(prefix: prefix, peerGroup: group)
    if let index { router.listenRanges[index] = range } else { router.listenRanges.append(range) }
  }

  private static func applyNetwork(
    _ statement: inout Statement, _ router: inout RouterConfiguration, _ negated: Bool
  ) throws(Mistake) {
    let word = try statement.word("a prefix")
    guard let prefix = IPPrefix(word) else {
      throw statement.mistake("a prefix without host bits, as 10.53.0.0/26")
    }
    if negated, !router.networks.contains(prefix) {
      throw statement.mistake("a network that is announced")
    }
    var routeMap: String?
    if statement.take("route-map") { routeMap = try statement.word("a route map's name") }
    router.networks.removeAll { $0 == prefix }
    router.networkRouteMaps[prefix] = negated ? nil : routeMap
    if negated { return }
    // Those of IPv4 first, as they are printed.
    let place = prefix.isIPv4 ? router.networks.firstIndex { !$0.isIPv4 } : nil
    router.networks.insert(prefix, at: place ?? router.networks.count)
  }

  private static func applyRedistribution(
    _ statement: inout Statement, _ router: inout RouterConfiguration, _ family: AddressFamily,
    _ negated: Bool
  ) throws(Mistake) {
    guard let word = statement.next(), let source = Redistribution.Source(rawValue: word) else {
      throw statement.mistake("connected, kernel or static")
    }
    let index = router.redistributions.firstIndex { $0.source == source && $0.family == family }
    if negated {
      _ = statement.remainder()
      guard let index else { throw statement.mistake("a redistribution that exists") }
      router.redistributions.remove(at: index)
      return
    }
    var redistribution = Redistribution(source, family: family)
    if statement.take("metric") { redistribution.metric = try statement.word32() }
    if statement.take("route-map") {
      redistribution.routeMap = try statement.word("a route map's name")
    }
    if let index {
      router.redistributions[index] = redistribution
    } else {
      let place = family == .ipv4 ? router.redistributions.firstIndex { $0.family == .ipv6 } : nil
      router.redistributions.insert(redistribution, at: place ?? router.redistributions.count)
    }
  }
}
