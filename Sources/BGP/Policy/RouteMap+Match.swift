import NetTypes

/// Where a route is from.
package enum RouteSource: String, Hashable, Sendable, CaseIterable {
  case bgp
  /// A `network` statement or the owner's program.
  case local
  case connected
  case kernel
  case `static`
}

extension RouteMap {
  /// One `match` of a clause.
  package enum Match: Hashable, Sendable {
    /// The prefix is one that a list of its family permits.
    case prefixList(AddressFamily, String)
    case accessList(AddressFamily, String)
    case prefixLength(AddressFamily, UInt8)
    /// The next hop, as a host's prefix, is one that the list permits.
    case nextHopPrefixList(AddressFamily, String)
    case nextHop(IPAddress)
    case asPath(String)
    case community(String, isExact: Bool)
    case largeCommunity(String, isExact: Bool)
    case extendedCommunity(String)
    case metric(UInt32)
    case localPreference(UInt32)
    case origin(PathAttributes.Origin)
    /// The neighbour it came from, or goes to.
    case peer(IPAddress)
    case source(RouteSource)
    case tag(UInt32)

    /// A clause holds one match of each.
    package enum Kind: Hashable, Sendable {
      case address(AddressFamily)
      case prefixLength(AddressFamily)
      case nextHop(AddressFamily)
      case asPath, community, largeCommunity, extendedCommunity
      case metric, localPreference, origin, peer, source, tag
    }

    package var kind: Kind {
      switch self {
      case .prefixList(let family, _), .accessList(let family, _): .address(family)
      case .prefixLength(let family, _): .prefixLength(family)
      case .nextHopPrefixList(let family, _): .nextHop(family)
      case .nextHop(let address): .nextHop(AddressFamily(of: address))
      case .asPath: .asPath
      case .community: .community
      case .largeCommunity: .largeCommunity
      case .extendedCommunity: .extendedCommunity
      case .metric: .metric
      case .localPreference: .localPreference
      case .origin: .origin
      case .peer: .peer
      case .source: .source
      case .tag: .tag
      }
    }
  }
}

extension RoutingPolicy {
  /// A name that the policy does not know matches nothing.
  func matches(
    _ match: RouteMap.Match, _ prefix: IPPrefix, _ attributes: PathAttributes,
    _ context: PolicyContext
  ) -> Bool {
    let hop = context.learntNextHop ?? attributes.nextHop
    switch match {
    case .prefixList(let family, let name):
      return AddressFamily(of: prefix) == family
        && prefixLists(family)[name]?.permits(prefix) ?? false
    case .accessList(let family, let name):
      return AddressFamily(of: prefix) == family
        && accessLists(family)[name]?.permits(prefix) ?? false
    case .prefixLength(let family, let length):
      return AddressFamily(of: prefix) == family && prefix.length == length
    case .nextHopPrefixList(let family, let name):
      guard let hop, AddressFamily(of: hop) == family else { return false }
      return prefixLists(family)[name]?.permits(IPPrefix(host: hop)) ?? false
    case .nextHop(let address): return hop == address
    case .asPath(let name): return asPathLists[name]?.permits(attributes.asPath) ?? false
    case .community(let name, let isExact):
      return communityLists[name]?.permits(attributes.communities, isExact: isExact) ?? false
    case .largeCommunity(let name, let isExact):
      let communities = attributes.extended?.largeCommunities ?? []
      return largeCommunityLists[name]?.permits(communities, isExact: isExact) ?? false
    case .extendedCommunity(let name):
      let communities = (attributes.extended?.extendedCommunities ?? []).map {
        ExtendedCommunity(rawValue: $0)
      }
      return extendedCommunityLists[name]?.permits(communities, isExact: false) ?? false
    case .metric(let value): return (attributes.multiExitDiscriminator ?? 0) == value
    case .localPreference(let value):
      return (attributes.localPreference ?? context.defaultLocalPreference) == value
    case .origin(let origin): return attributes.origin == origin
    case .peer(let address): return context.peer == address
    case .source(let source): return context.source == source
    case .tag(let value): return attributes.tag == value
    }
  }
}
