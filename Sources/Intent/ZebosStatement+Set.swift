import BGP
import NetTypes

extension ZebosConfiguration.Statement {
  private static let changes =
    "local-preference, metric, weight, origin, as-path, community, comm-list, large-community, "
    + "large-comm-list, extcommunity, ip next-hop, ipv6 next-hop, originator-id, "
    + "atomic-aggregate, aggregator or tag"

  /// What follows `set`, down to the values.
  mutating func changeKind() throws(Mistake) -> RouteMap.Change.Kind {
    switch next() {
    case "local-preference": return .localPreference
    case "metric": return .metric
    case "weight": return .weight
    case "origin": return .origin
    case "as-path":
      if take("exclude") { return .excludeFromASPath }
      try need("prepend", or: "prepend or exclude")
      return .prependASPath
    case "community": return .communities
    case "comm-list": return .deleteCommunities
    case "large-community": return .largeCommunities
    case "large-comm-list": return .deleteLargeCommunities
    case "extcommunity":
      if take("none") { return .extendedCommunities(nil) }
      if take("rt") { return .extendedCommunities(.routeTarget) }
      try need("soo", or: "rt, soo or none")
      return .extendedCommunities(.siteOfOrigin)
    case "ip":
      try need("next-hop")
      return .nextHop(.ipv4)
    case "ipv6":
      try need("next-hop")
      return .nextHop(.ipv6)
    case "originator-id": return .originatorID
    case "atomic-aggregate": return .atomicAggregate
    case "aggregator": return .aggregator
    case "tag": return .tag
    default: throw mistake(Self.changes)
    }
  }

  mutating func change() throws(Mistake) -> RouteMap.Change {
    switch try changeKind() {
    case .localPreference: return .localPreference(try adjustment())
    case .metric: return .metric(try adjustment())
    case .weight: return .weight(try word32())
    case .origin: return .origin(try origin())
    case .prependASPath:
      if take("last-as") {
        return .prependLastAS(Int(try number(1...10, "1 to 10 times")))
      }
      return .prependASPath(try numbers())
    case .excludeFromASPath: return .excludeFromASPath(try numbers())
    case .communities:
      if take("none") { return .communities([], isAdditive: false) }
      let values = try list("communities, as 65000:1 or no-export", until: "additive") {
        Community(text: $0)
      }
      return .communities(values, isAdditive: take("additive"))
    case .largeCommunities:
      if take("none") { return .largeCommunities([], isAdditive: false) }
      let values = try list("large communities, as 65000:1:2", until: "additive") {
        LargeCommunity(text: $0)
      }
      return .largeCommunities(values, isAdditive: take("additive"))
    case .deleteCommunities:
      let name = try word("a community list's name")
      try need("delete")
      return .deleteCommunities(name)
    case .deleteLargeCommunities:
      let name = try word("a large community list's name")
      try need("delete")
      return .deleteLargeCommunities(name)
    case .extendedCommunities(let kind?):
      let values = try list("values, as 65000:1") { ExtendedCommunity(kind, text: $0) }
      return .extendedCommunities(kind, values)
    case .extendedCommunities(nil): return .noExtendedCommunities
    case .nextHop(let family): return .nextHop(family, try nextHop(family))
    case .originatorID: return .originatorID(try ipv4())
    case .atomicAggregate: return .atomicAggregate
    case .aggregator:
      try need("as")
      let number = try asNumber()
      return .aggregator(.init(asNumber: number, address: try ipv4()))
    case .tag: return .tag(try word32())
    }
  }

  private mutating func numbers() throws(Mistake) -> [ASNumber] {
    try list("AS numbers") { ASNumber(text: $0).flatMap { $0.rawValue == 0 ? nil : $0 } }
  }

  /// `100`, `+10` or `-10`.
  private mutating func adjustment() throws(Mistake) -> RouteMap.Change.Number {
    let text = try word("a number, or one with + or - in front")
    let digits = text.first == "+" || text.first == "-" ? text.dropFirst() : text[...]
    guard digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let value = UInt32(digits) else {
      throw mistake("a number, or one with + or - in front")
    }
    switch text.first {
    case "+": return .plus(value)
    case "-": return .minus(value)
    default: return .value(value)
    }
  }

  private mutating func nextHop(_ family: AddressFamily) throws(Mistake) -> RouteMap.Change.NextHop
  {
    if take("peer-address") { return .peerAddress }
    if take("unchanged") { return .unchanged }
    if family == .ipv6 { _ = take("global") }
    guard let text = next(), let address = IPAddress(text), AddressFamily(of: address) == family
    else { throw mistake("an address of the family, peer-address or unchanged") }
    return .address(address)
  }
}
