import NetTypes

/// What a router knows by name: lists, and the route maps that use them.
///
/// A neighbour that names what is not here lets nothing through; a route map that does matches
/// nothing. Both are FRR's way.
package struct RoutingPolicy: Equatable, Sendable {
  /// `ip prefix-list`.
  package var prefixLists: [String: PrefixList] = [:]
  /// `ipv6 prefix-list`: the names are apart from those of IPv4.
  package var prefixListsIPv6: [String: PrefixList] = [:]
  /// `access-list`.
  package var accessLists: [String: PrefixList] = [:]
  /// `ipv6 access-list`.
  package var accessListsIPv6: [String: PrefixList] = [:]
  package var asPathLists: [String: ASPathList] = [:]
  package var communityLists: [String: CommunityList] = [:]
  package var largeCommunityLists: [String: LargeCommunityList] = [:]
  package var extendedCommunityLists: [String: ExtendedCommunityList] = [:]
  package var routeMaps: [String: RouteMap] = [:]

  package init(routeMaps: [String: RouteMap] = [:]) { self.routeMaps = routeMaps }

  package func prefixLists(_ family: AddressFamily) -> [String: PrefixList] {
    family == .ipv4 ? prefixLists : prefixListsIPv6
  }

  package func accessLists(_ family: AddressFamily) -> [String: PrefixList] {
    family == .ipv4 ? accessLists : accessListsIPv6
  }
}

/// What a route map may ask beside the route itself.
package struct PolicyContext: Hashable, Sendable {
  /// The route goes out; else it comes in.
  package var isExport: Bool
  /// The neighbour that it comes from or goes to.
  package var peer: IPAddress?
  /// Our end of the session with it.
  package var local: IPAddress?
  /// Of a route that goes out: its next hop before export put another there.
  package var learntNextHop: IPAddress?
  package var source: RouteSource
  /// That of routes without LOCAL_PREF.
  package var defaultLocalPreference: UInt32

  package init(
    isExport: Bool = false, peer: IPAddress? = nil, local: IPAddress? = nil,
    learntNextHop: IPAddress? = nil, source: RouteSource = .bgp,
    defaultLocalPreference: UInt32 = DecisionProcess.defaultPreference
  ) {
    self.isExport = isExport
    self.peer = peer
    self.local = local
    self.learntNextHop = learntNextHop
    self.source = source
    self.defaultLocalPreference = defaultLocalPreference
  }
}

extension RoutingPolicy {
  /// The attributes to go on with; nil: rejected. A chain that names nothing costs nothing.
  package func apply(
    _ chain: PolicyChain, to prefix: IPPrefix, _ attributes: PathAttributes,
    _ context: PolicyContext = PolicyContext()
  ) -> PathAttributes? {
    if chain.isEmpty { return attributes }
    let family = AddressFamily(of: prefix)
    let names = chain[family]
    if let name = names.accessList, accessLists(family)[name]?.permits(prefix) != true {
      return nil
    }
    if let name = names.prefixList, prefixLists(family)[name]?.permits(prefix) != true {
      return nil
    }
    if let name = names.asPathList, asPathLists[name]?.permits(attributes.asPath) != true {
      return nil
    }
    guard let name = names.routeMap else { return attributes }
    return apply(routeMap: name, to: prefix, attributes, context)
  }

  /// Nil: denied, as is everything by a map that does not exist.
  package func apply(
    routeMap name: String, to prefix: IPPrefix, _ attributes: PathAttributes,
    _ context: PolicyContext = PolicyContext()
  ) -> PathAttributes? {
    guard let map = routeMaps[name] else { return nil }
    var attributes = attributes
    return run(map, prefix, &attributes, context, depth: 0) ? attributes : nil
  }

  /// Route maps that call route maps that call… FRR's limit.
  private static let callLimit = 10

  private func run(
    _ map: RouteMap, _ prefix: IPPrefix, _ attributes: inout PathAttributes,
    _ context: PolicyContext, depth: Int
  ) -> Bool {
    if depth > Self.callLimit { return false }
    var isPermitted = false
    var position = 0
    while position < map.clauses.count {
      let clause = map.clauses[position]
      position += 1
      guard clause.matches.allSatisfy({ matches($0, prefix, attributes, context) }) else {
        continue
      }
      clause.hits.add()
      if !clause.isPermitted { return false }
      isPermitted = true
      for change in clause.changes { apply(change, to: &attributes, prefix, context) }
      if let called = clause.call.flatMap({ routeMaps[$0] }),
        !run(called, prefix, &attributes, context, depth: depth + 1)
      {
        return false
      }
      switch clause.onMatch {
      case .end: return true
      case .next: break
      case .goTo(let sequence):
        while position < map.clauses.count, map.clauses[position].sequence < sequence {
          position += 1
        }
      }
    }
    return isPermitted
  }

  /// Whether the outcome depends on which neighbour the route goes to, so that neighbours with
  /// equal chains are still to be asked one by one.
  package func dependsOnPeer(_ chain: PolicyChain) -> Bool {
    AddressFamily.allCases.contains { family in
      guard let name = chain[family].routeMap else { return false }
      return dependsOnPeer(routeMap: name, depth: 0)
    }
  }

  private func dependsOnPeer(routeMap name: String, depth: Int) -> Bool {
    guard depth <= Self.callLimit, let map = routeMaps[name] else { return false }
    return map.clauses.contains { clause in
      clause.matches.contains { $0.kind == .peer }
        || clause.changes.contains {
          if case .nextHop(_, .peerAddress) = $0 { true } else { false }
        }
        || clause.call.map { dependsOnPeer(routeMap: $0, depth: depth + 1) } ?? false
    }
  }
}
