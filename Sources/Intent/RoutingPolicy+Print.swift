import BGP
import NetTypes

extension RoutingPolicy {
  /// Lists and route maps as statements, by name, with a `!` after each kind.
  var statements: [String] {
    var lines: [String] = []
    func add(_ more: [String]) { if !more.isEmpty { lines += more + ["!"] } }
    add(Self.each(accessLists) { Self.accessList("access-list \($0)", $1) })
    add(Self.each(accessListsIPv6) { Self.accessList("ipv6 access-list \($0)", $1) })
    add(Self.each(prefixLists) { Self.prefixList("ip prefix-list \($0)", $1) })
    add(Self.each(prefixListsIPv6) { Self.prefixList("ipv6 prefix-list \($0)", $1) })
    add(
      Self.each(asPathLists) { name, list in
        Self.rules("bgp as-path access-list \(name)", list, \.text)
      })
    add(
      Self.each(communityLists) { name, list in
        Self.communities("bgp community-list", name, list, \.description)
      })
    add(
      Self.each(largeCommunityLists) { name, list in
        Self.communities("bgp large-community-list", name, list, \.description)
      })
    add(
      Self.each(extendedCommunityLists) { name, list in
        Self.communities("bgp extcommunity-list", name, list) {
          "\($0.kind?.keyword ?? "rt") \($0.value)"
        }
      })
    for (name, map) in routeMaps.sorted(by: { $0.key < $1.key }) {
      for clause in map.clauses { add(clause.statements(name)) }
    }
    return lines
  }

  private static func each<List>(
    _ lists: [String: List], _ text: (String, List) -> [String]
  ) -> [String] {
    lists.sorted { $0.key < $1.key }.flatMap { text($0.key, $0.value) }
  }

  private static func rules<Condition>(
    _ head: String, _ list: PolicyList<Condition>, _ text: (Condition) -> String
  ) -> [String] {
    (list.description.map { ["\(head) description \($0)"] } ?? [])
      + list.rules.map { rule in
        "\(head) seq \(rule.sequence) \(rule.isPermitted ? "permit" : "deny") "
          + text(rule.condition)
      }
  }

  private static func prefixList(_ head: String, _ list: PrefixList) -> [String] {
    rules(head, list, \.text)
  }

  private static func accessList(_ head: String, _ list: PrefixList) -> [String] {
    rules(head, list) { condition in
      if condition == .any(AddressFamily(of: condition.prefix)) { return "any" }
      return "\(condition.prefix)" + (condition.atMost == nil ? " exact-match" : "")
    }
  }

  private static func communities<Value>(
    _ head: String, _ name: String, _ list: PolicyList<CommunityCondition<Value>>,
    _ text: (Value) -> String
  ) -> [String] {
    let isExpanded = list.rules.first?.condition.isExpanded ?? false
    // The number of a list says which of the two it is.
    let isNumbered = Int(name).map { (isExpanded ? 100...500 : 1...99).contains($0) } ?? false
    let kind = isNumbered ? "" : isExpanded ? "expanded " : "standard "
    return rules("\(head) \(kind)\(name)", list) { condition in
      switch condition {
      case .all(let values): values.map(text).joined(separator: " ")
      case .pattern(let expression): expression.text
      }
    }
  }
}

extension PrefixCondition {
  /// `10.0.0.0/8 ge 24 le 28`, or `any`.
  package var text: String {
    if self == .any(AddressFamily(of: prefix)) { return "any" }
    return "\(prefix)" + (atLeast.map { " ge \($0)" } ?? "") + (atMost.map { " le \($0)" } ?? "")
  }
}

extension RouteMap.Clause {
  /// The clause's head and its statements, one space in.
  fileprivate func statements(_ name: String) -> [String] {
    var lines: [String] = []
    if let description { lines.append("description \(description)") }
    lines += matches.map { "match \($0.text)" } + changes.map { "set \($0.text)" }
    if let call { lines.append("call \(call)") }
    switch onMatch {
    case .end: break
    case .next: lines.append("on-match next")
    case .goTo(let sequence): lines.append("on-match goto \(sequence)")
    }
    return ["route-map \(name) \(isPermitted ? "permit" : "deny") \(sequence)"]
      + lines.map { " \($0)" }
  }
}

extension AddressFamily {
  /// As route maps write it: `ip` or `ipv6`.
  fileprivate var keyword: String { self == .ipv4 ? "ip" : "ipv6" }
}

extension PathAttributes.Origin {
  /// As route maps write it.
  package var keyword: String {
    switch self {
    case .igp: "igp"
    case .egp: "egp"
    case .incomplete: "incomplete"
    }
  }
}

extension RouteMap.Match {
  /// What stands after `match`.
  package var text: String {
    switch self {
    case .prefixList(let family, let name): "\(family.keyword) address prefix-list \(name)"
    case .accessList(let family, let name): "\(family.keyword) address \(name)"
    case .prefixLength(let family, let length): "\(family.keyword) address prefix-len \(length)"
    case .nextHopPrefixList(let family, let name):
      "\(family.keyword) next-hop prefix-list \(name)"
    case .nextHop(let address):
      address.isIPv4 ? "ip next-hop address \(address)" : "ipv6 next-hop \(address)"
    case .asPath(let name): "as-path \(name)"
    case .community(let name, let isExact): "community \(name)\(isExact ? " exact-match" : "")"
    case .largeCommunity(let name, let isExact):
      "large-community \(name)\(isExact ? " exact-match" : "")"
    case .extendedCommunity(let name): "extcommunity \(name)"
    case .metric(let value): "metric \(value)"
    case .localPreference(let value): "local-preference \(value)"
    case .origin(let origin): "origin \(origin.keyword)"
    case .peer(let address): "peer \(address)"
    case .source(let source): "source-protocol \(source.rawValue)"
    case .tag(let value): "tag \(value)"
    }
  }
}

extension RouteMap.Change.Number {
  fileprivate var text: String {
    switch self {
    case .value(let value): "\(value)"
    case .plus(let value): "+\(value)"
    case .minus(let value): "-\(value)"
    }
  }
}

extension RouteMap.Change {
  /// What stands after `set`.
  package var text: String {
    switch self {
    case .localPreference(let number): "local-preference \(number.text)"
    case .metric(let number): "metric \(number.text)"
    case .weight(let value): "weight \(value)"
    case .origin(let origin): "origin \(origin.keyword)"
    case .prependASPath(let numbers): "as-path prepend \(Self.joined(numbers))"
    case .prependLastAS(let count): "as-path prepend last-as \(count)"
    case .excludeFromASPath(let numbers): "as-path exclude \(Self.joined(numbers))"
    case .communities(let values, let isAdditive):
      "community \(values.isEmpty ? "none" : Self.joined(values))\(isAdditive ? " additive" : "")"
    case .deleteCommunities(let name): "comm-list \(name) delete"
    case .largeCommunities(let values, let isAdditive):
      "large-community \(values.isEmpty ? "none" : Self.joined(values))"
        + (isAdditive ? " additive" : "")
    case .deleteLargeCommunities(let name): "large-comm-list \(name) delete"
    case .extendedCommunities(let kind, let values):
      "extcommunity \(kind.keyword) \(values.map(\.value).joined(separator: " "))"
    case .noExtendedCommunities: "extcommunity none"
    case .nextHop(let family, let hop):
      switch hop {
      case .address(let address):
        family == .ipv4 ? "ip next-hop \(address)" : "ipv6 next-hop global \(address)"
      case .peerAddress: "\(family.keyword) next-hop peer-address"
      case .unchanged: "\(family.keyword) next-hop unchanged"
      }
    case .originatorID(let address): "originator-id \(address)"
    case .atomicAggregate: "atomic-aggregate"
    case .aggregator(let aggregator): "aggregator as \(aggregator.asNumber) \(aggregator.address)"
    case .tag(let value): "tag \(value)"
    }
  }

  private static func joined(_ values: [some CustomStringConvertible]) -> String {
    values.map(\.description).joined(separator: " ")
  }
}
