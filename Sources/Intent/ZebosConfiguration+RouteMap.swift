import BGP
import NetTypes

extension ZebosConfiguration {
  /// `route-map NAME permit|deny SEQ`, which the clause's statements follow.
  mutating func applyRouteMap(
    _ statement: inout Statement, _ context: inout Context, _ negated: Bool
  ) throws(Mistake) {
    let name = try statement.word("a route map's name")
    if negated {
      guard policy.routeMaps[name] != nil else {
        throw statement.mistake("a route map that exists")
      }
      context = .global
      if statement.isAtEnd {
        policy.routeMaps[name] = nil
        return
      }
    }
    let permits = statement.take("permit")
    if !permits { try statement.need("deny", or: "permit or deny, and a sequence number") }
    let sequence = UInt16(try statement.number(1...65535, "a sequence number, 1 to 65535"))
    if negated {
      let isThere = policy.routeMaps[name]?.remove(sequence) ?? false
      if !isThere { throw statement.mistake("a clause that exists") }
      if policy.routeMaps[name]?.clauses.isEmpty == true { policy.routeMaps[name] = nil }
      return
    }
    var map = policy.routeMaps[name] ?? RouteMap()
    var clause = map[sequence] ?? RouteMap.Clause(sequence)
    clause.isPermitted = permits
    map.set(clause)
    policy.routeMaps[name] = map
    context = .routeMap(name, sequence)
  }

  /// A statement of one clause. False if it is none.
  mutating func applyClause(
    _ statement: inout Statement, _ name: String, _ sequence: UInt16
  ) throws(Mistake) -> Bool {
    guard var clause = policy.routeMaps[name]?[sequence] else { return false }
    var attempt = statement
    let negated = attempt.take("no")
    switch attempt.next() {
    case "match":
      if negated {
        let kind = try attempt.matchKind()
        _ = attempt.remainder()
        if !clause.remove(kind) { throw attempt.mistake("a match that exists") }
      } else {
        clause.set(try attempt.match())
      }
    case "set":
      if negated {
        let kind = try attempt.changeKind()
        _ = attempt.remainder()
        if !clause.remove(kind) { throw attempt.mistake("a set that exists") }
      } else {
        clause.set(try attempt.change())
      }
    case "call":
      let called = negated ? attempt.remainder() : try attempt.word("a route map's name")
      clause.call = negated ? nil : called
    case "description":
      let text = attempt.remainder()
      clause.description = negated || text.isEmpty ? nil : text
    case "on-match":
      if attempt.take("goto") {
        clause.onMatch = try attempt.goTo(after: sequence, negated)
      } else {
        try attempt.need("next", or: "next or goto")
        clause.onMatch = negated ? .end : .next
      }
    case "continue":
      clause.onMatch =
        attempt.isAtEnd ? (negated ? .end : .next) : try attempt.goTo(after: sequence, negated)
    default: return false
    }
    try attempt.end()
    statement = attempt
    policy.routeMaps[name]?.set(clause)
    return true
  }
}

extension ZebosConfiguration.Statement {
  fileprivate mutating func goTo(
    after sequence: UInt16, _ negated: Bool
  ) throws(Mistake) -> RouteMap.Continuation {
    if negated {
      _ = remainder()
      return .end
    }
    let low = Int64(sequence) + 1
    return .goTo(
      UInt16(clamping: try number(low...65535, "a later clause, \(low) to 65535")))
  }

  private static let matches =
    "ip, ipv6, as-path, community, large-community, extcommunity, metric, local-preference, "
    + "origin, peer, source-protocol or tag"

  /// What follows `match`, down to the values.
  fileprivate mutating func matchKind() throws(Mistake) -> RouteMap.Match.Kind {
    switch next() {
    case "ip": return try matchKind(.ipv4)
    case "ipv6": return try matchKind(.ipv6)
    case "as-path": return .asPath
    case "community": return .community
    case "large-community": return .largeCommunity
    case "extcommunity": return .extendedCommunity
    case "metric": return .metric
    case "local-preference": return .localPreference
    case "origin": return .origin
    case "peer": return .peer
    case "source-protocol": return .source
    case "tag": return .tag
    default: throw mistake(Self.matches)
    }
  }

  private mutating func matchKind(
    _ family: AddressFamily
  ) throws(Mistake) -> RouteMap.Match.Kind {
    if take("next-hop") { return .nextHop(family) }
    try need("address", or: "address or next-hop")
    return peek == "prefix-len" ? .prefixLength(family) : .address(family)
  }

  fileprivate mutating func match() throws(Mistake) -> RouteMap.Match {
    switch try matchKind() {
    case .address(let family):
      let isPrefixList = take("prefix-list")
      let name = try word("prefix-list and its name, or an access list's name")
      return isPrefixList ? .prefixList(family, name) : .accessList(family, name)
    case .prefixLength(let family):
      try need("prefix-len")
      let width = Int64(family.bitWidth)
      return .prefixLength(family, UInt8(clamping: try number(0...width, "0 to \(width)")))
    case .nextHop(let family):
      if take("prefix-list") { return .nextHopPrefixList(family, try word("a list's name")) }
      _ = take("address")
      guard let text = next(), let address = IPAddress(text), AddressFamily(of: address) == family
      else { throw mistake("prefix-list, or an address of the family") }
      return .nextHop(address)
    case .asPath: return .asPath(try word("an AS path list's name"))
    case .community:
      let name = try word("a community list's name")
      return .community(name, isExact: take("exact-match"))
    case .largeCommunity:
      let name = try word("a large community list's name")
      return .largeCommunity(name, isExact: take("exact-match"))
    case .extendedCommunity: return .extendedCommunity(try word("a list's name"))
    case .metric: return .metric(try word32())
    case .localPreference: return .localPreference(try word32())
    case .origin: return .origin(try origin())
    case .peer:
      guard let text = next(), let address = IPAddress(text) else { throw mistake("an address") }
      return .peer(address)
    case .source:
      guard let text = next(), let source = RouteSource(rawValue: text) else {
        throw mistake(RouteSource.allCases.map(\.rawValue).joined(separator: ", "))
      }
      return .source(source)
    case .tag: return .tag(try word32())
    }
  }

  mutating func origin() throws(Mistake) -> PathAttributes.Origin {
    switch next() {
    case "igp": return .igp
    case "egp": return .egp
    case "incomplete": return .incomplete
    default: throw mistake("igp, egp or incomplete")
    }
  }

  mutating func word32() throws(Mistake) -> UInt32 {
    UInt32(clamping: try number(0...4_294_967_295, "0 to 4294967295"))
  }
}
