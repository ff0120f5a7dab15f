import BGP
import NetTypes

/// BGPFilters and communities as route maps, one for each way of using them.
///
///     export:  communities of prefixes ▶ next hop kept ▶ filters' rules, in order ▶ accepted
///     import:                                            filters' rules, in order ▶ accepted
///
/// The first rule that matches decides; the steps before it change a route and go on.
struct CalicoPolicy {
  /// What one neighbour asks for.
  struct Usage: Hashable {
    /// Names of BGPFilters, in order.
    var filters: [String] = []
    var keepsNextHop = false
  }

  private(set) var policy = RoutingPolicy()
  private let advertisements: [CalicoConfiguration.Advertisement]
  private let interface: String
  private var filters: [String: CalicoFilter] = [:]
  private static let families: [AddressFamily] = [.ipv4, .ipv6]
  private static let refuser = "calico-nothing"

  init(advertisements: [CalicoConfiguration.Advertisement], interface: String) {
    self.advertisements = advertisements
    self.interface = interface
  }

  mutating func add(_ filter: CalicoFilter) { filters[filter.name] = filter }

  mutating func importChain(_ usage: Usage, isInternal: Bool) -> PolicyChain? {
    if usage.filters.isEmpty { return nil }
    return chain("calico-import", usage, isInternal) { policy, map in
      for filter in usage.filters {
        policy.addRules(of: filter, isExport: false, isInternal, &map)
      }
    }
  }

  mutating func exportChain(_ usage: Usage, isInternal: Bool) -> PolicyChain? {
    if usage.filters.isEmpty, !usage.keepsNextHop, advertisements.isEmpty { return nil }
    let name = usage.keepsNextHop ? "calico-export-keep" : "calico-export"
    return chain(name, usage, isInternal) { policy, map in
      policy.addCommunities(&map)
      if usage.keepsNextHop {
        map.append(
          changes: Self.families.map { .nextHop($0, .unchanged) }, onMatch: .next)
      }
      for filter in usage.filters {
        policy.addRules(of: filter, isExport: true, isInternal, &map)
      }
    }
  }

  /// The chain by its name, made at its first use. A filter that is not there, or that could not be
  /// read, lets nothing through.
  private mutating func chain(
    _ prefix: String, _ usage: Usage, _ isInternal: Bool,
    _ fill: (inout CalicoPolicy, inout Clauses) -> Void
  ) -> PolicyChain {
    guard usage.filters.allSatisfy({ filters[$0] != nil }) else {
      return PolicyChain(routeMap: Self.refuser)
    }
    let kind = isInternal ? "internal" : "external"
    let name = ([prefix, kind] + usage.filters).joined(separator: "-")
    if policy.routeMaps[name] == nil {
      var clauses = Clauses()
      fill(&self, &clauses)
      clauses.append(changes: [], onMatch: .end)
      policy.routeMaps[name] = clauses.map
    }
    return PolicyChain(routeMap: name)
  }

  /// The clauses of a route map, numbered by tens.
  private struct Clauses {
    private(set) var map = RouteMap()
    private var sequence: UInt16 = 0

    mutating func append(
      isPermitted: Bool = true, matches: [RouteMap.Match] = [], changes: [RouteMap.Change],
      onMatch: RouteMap.Continuation
    ) {
      sequence += 10
      var clause = RouteMap.Clause(
        sequence, isPermitted: isPermitted, matches: matches, changes: changes)
      clause.onMatch = onMatch
      map.set(clause)
    }
  }

  private mutating func addCommunities(_ map: inout Clauses) {
    for (index, advertisement) in advertisements.enumerated() {
      let name = "calico-advertisement-\(index)"
      let family = AddressFamily(of: advertisement.prefix)
      let width = UInt8(advertisement.prefix.address.bitWidth)
      addList(name, family) {
        $0.add(permit: true, PrefixCondition(advertisement.prefix, atMost: width))
      }
      let changes = Self.adding(advertisement.communities)
      map.append(matches: [.prefixList(family, name)], changes: changes, onMatch: .next)
    }
  }

  private mutating func addRules(
    of name: String, isExport: Bool, _ isInternal: Bool, _ map: inout Clauses
  ) {
    guard let filter = filters[name] else { return }
    for family in Self.families {
      let rules = (isExport ? filter.exports : filter.imports)[family] ?? []
      for (index, rule) in rules.enumerated() {
        if let type = rule.peerType, (type == .inner) != isInternal { continue }
        let direction = isExport ? "export" : "import"
        let list = "calico-\(name)-\(direction)-\(index)"
        addRule(rule, family, list, isExport: isExport, &map)
      }
    }
  }

  private mutating func addRule(
    _ rule: CalicoFilter.Rule, _ family: AddressFamily, _ list: String, isExport: Bool,
    _ map: inout Clauses
  ) {
    // Blocks of our own are on no interface; what others sent is on the one that leads to them.
    if !rule.isOn(interface) { return }
    addList(list, family) { Self.fill(&$0, rule.prefix, family) }
    var matches: [RouteMap.Match] = [.prefixList(family, list)]
    if isExport, rule.isFromRemotePeers || rule.interface != nil { matches.append(.source(.bgp)) }
    var changes = Self.adding(rule.addedCommunities)
    if !rule.prependedPath.isEmpty { changes.append(.prependASPath(rule.prependedPath)) }
    for extra in alternatives(rule.communities, list) {
      map.append(
        isPermitted: rule.isAccepted, matches: matches + extra,
        changes: rule.isAccepted ? changes : [], onMatch: .end)
    }
  }

  /// One match for each kind of community that will do; a single empty one where none is asked for.
  private mutating func alternatives(
    _ communities: [CalicoCommunity], _ list: String
  ) -> [[RouteMap.Match]] {
    if communities.isEmpty { return [[]] }
    var found: [[RouteMap.Match]] = []
    let standard = communities.compactMap(\.standard)
    if !standard.isEmpty {
      var values = CommunityList()
      for community in standard { values.add(permit: true, .all([community])) }
      policy.communityLists[list] = values
      found.append([.community(list, isExact: false)])
    }
    let large = communities.compactMap(\.large)
    if !large.isEmpty {
      var values = LargeCommunityList()
      for community in large { values.add(permit: true, .all([community])) }
      policy.largeCommunityLists[list] = values
      found.append([.largeCommunity(list, isExact: false)])
    }
    return found
  }

  private static func adding(_ communities: [CalicoCommunity]) -> [RouteMap.Change] {
    let standard = communities.compactMap(\.standard)
    let large = communities.compactMap(\.large)
    var changes: [RouteMap.Change] = []
    if !standard.isEmpty { changes.append(.communities(standard, isAdditive: true)) }
    if !large.isEmpty { changes.append(.largeCommunities(large, isAdditive: true)) }
    return changes
  }

  private mutating func addList(
    _ name: String, _ family: AddressFamily, _ fill: (inout PrefixList) -> Void
  ) {
    var list = PrefixList()
    fill(&list)
    if family == .ipv4 {
      policy.prefixLists[name] = list
    } else {
      policy.prefixListsIPv6[name] = list
    }
  }

  /// Permits what a rule's prefix matches; everything of the family if it has none.
  private static func fill(
    _ list: inout PrefixList, _ match: CalicoFilter.PrefixMatch?, _ family: AddressFamily
  ) {
    guard let match else { return list.add(permit: true, .any(family)) }
    let isNegated = match.comparison == .notEqual || match.comparison == .outside
    let isEqual = match.comparison == .equal || match.comparison == .notEqual
    let lengths = match.lengths.clamped(to: match.prefix.length...match.prefix.bitWidth)
    let condition =
      isEqual
      ? PrefixCondition(match.prefix)
      : PrefixCondition(match.prefix, atLeast: lengths.lowerBound, atMost: lengths.upperBound)
    list.add(permit: !isNegated, condition)
    if isNegated { list.add(permit: true, .any(family)) }
  }
}

extension IPPrefix {
  fileprivate var bitWidth: UInt8 { UInt8(address.bitWidth) }
}
