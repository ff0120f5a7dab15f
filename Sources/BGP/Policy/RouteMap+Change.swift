import NetTypes

extension RouteMap {
  /// One `set` of a clause.
  package enum Change: Hashable, Sendable {
    /// A new value, or the old one with something added or taken off, within its bounds.
    package enum Number: Hashable, Sendable {
      case value(UInt32)
      case plus(UInt32)
      case minus(UInt32)

      func applied(to old: UInt32) -> UInt32 {
        switch self {
        case .value(let value): value
        case .plus(let value): old.addingReportingOverflow(value).overflow ? .max : old &+ value
        case .minus(let value): old < value ? 0 : old - value
        }
      }
    }

    package enum NextHop: Hashable, Sendable {
      case address(IPAddress)
      /// The neighbour's on import, our end of the session on export.
      case peerAddress
      /// As it was learnt, where export would put ourselves.
      case unchanged
    }

    case localPreference(Number)
    case metric(Number)
    case weight(UInt32)
    case origin(PathAttributes.Origin)
    case prependASPath([ASNumber])
    /// The first AS of the path, so many times more.
    case prependLastAS(Int)
    case excludeFromASPath([ASNumber])
    /// Nothing is `none`.
    case communities([Community], isAdditive: Bool)
    /// Those that the list permits.
    case deleteCommunities(String)
    case largeCommunities([LargeCommunity], isAdditive: Bool)
    case deleteLargeCommunities(String)
    /// Added to what is there.
    case extendedCommunities(ExtendedCommunity.Kind, [ExtendedCommunity])
    case noExtendedCommunities
    /// Of routes of one family.
    case nextHop(AddressFamily, NextHop)
    case originatorID(IPv4Address)
    case atomicAggregate
    case aggregator(PathAttributes.Aggregator)
    case tag(UInt32)

    /// A clause holds one change of each.
    package enum Kind: Hashable, Sendable {
      case localPreference, metric, weight, origin, prependASPath, excludeFromASPath
      case communities, deleteCommunities, largeCommunities, deleteLargeCommunities
      case extendedCommunities(ExtendedCommunity.Kind?)
      case nextHop(AddressFamily)
      case originatorID, atomicAggregate, aggregator, tag
    }

    package var kind: Kind {
      switch self {
      case .localPreference: .localPreference
      case .metric: .metric
      case .weight: .weight
      case .origin: .origin
      case .prependASPath, .prependLastAS: .prependASPath
      case .excludeFromASPath: .excludeFromASPath
      case .communities: .communities
      case .deleteCommunities: .deleteCommunities
      case .largeCommunities: .largeCommunities
      case .deleteLargeCommunities: .deleteLargeCommunities
      case .extendedCommunities(let kind, _): .extendedCommunities(kind)
      case .noExtendedCommunities: .extendedCommunities(nil)
      case .nextHop(let family, _): .nextHop(family)
      case .originatorID: .originatorID
      case .atomicAggregate: .atomicAggregate
      case .aggregator: .aggregator
      case .tag: .tag
      }
    }
  }
}

extension RoutingPolicy {
  func apply(
    _ change: RouteMap.Change, to attributes: inout PathAttributes, _ prefix: IPPrefix,
    _ context: PolicyContext
  ) {
    switch change {
    case .localPreference(let number):
      let old = attributes.localPreference ?? context.defaultLocalPreference
      attributes.localPreference = number.applied(to: old)
    case .metric(let number):
      attributes.multiExitDiscriminator = number.applied(
        to: attributes.multiExitDiscriminator ?? 0)
    case .weight(let value): attributes.extend { $0.weight = value }
    case .origin(let origin): attributes.origin = origin
    case .prependASPath(let numbers):
      attributes.asPath = attributes.asPath.prepending(numbers)
    case .prependLastAS(let count):
      guard let last = attributes.asPath.neighborAS else { return }
      attributes.asPath = attributes.asPath.prepending(Array(repeating: last, count: count))
    case .excludeFromASPath(let numbers):
      attributes.asPath = attributes.asPath.excluding(numbers)
    case .communities(let values, let isAdditive):
      attributes.extend { $0.communities = joined($0.communities, values, isAdditive) }
    case .deleteCommunities(let name):
      guard let list = communityLists[name] else { return }
      attributes.extend { $0.communities = list.deleting(from: $0.communities) }
    case .largeCommunities(let values, let isAdditive):
      attributes.extend { $0.largeCommunities = joined($0.largeCommunities, values, isAdditive) }
    case .deleteLargeCommunities(let name):
      guard let list = largeCommunityLists[name] else { return }
      attributes.extend { $0.largeCommunities = list.deleting(from: $0.largeCommunities) }
    case .extendedCommunities(_, let values):
      attributes.extend {
        $0.extendedCommunities = joined($0.extendedCommunities, values.map(\.rawValue), true)
      }
    case .noExtendedCommunities: attributes.extend { $0.extendedCommunities = [] }
    case .nextHop(let family, let hop):
      if AddressFamily(of: prefix) == family { setNextHop(&attributes, hop, context) }
    case .originatorID(let address): attributes.extend { $0.originatorID = address }
    case .atomicAggregate: attributes.extend { $0.atomicAggregate = true }
    case .aggregator(let aggregator): attributes.extend { $0.aggregator = aggregator }
    case .tag(let value): attributes.extend { $0.tag = value }
    }
  }

  private func setNextHop(
    _ attributes: inout PathAttributes, _ hop: RouteMap.Change.NextHop, _ context: PolicyContext
  ) {
    switch hop {
    case .address(let address): attributes.nextHop = address
    case .peerAddress:
      guard let address = context.isExport ? context.local : context.peer else { return }
      attributes.nextHop = address
    case .unchanged:
      // A route of our own has none to keep.
      guard context.isExport, let learnt = context.learntNextHop else { return }
      attributes.nextHop = learnt
    }
    attributes.linkLocalNextHop = nil
  }

  /// Sorted and each once, as they stand in the attribute. RFC 1997 asks for no order; FRR's is
  /// this one.
  private func joined<Value: Comparable & Hashable>(
    _ old: [Value], _ new: [Value], _ isAdditive: Bool
  ) -> [Value] {
    Set(isAdditive ? old + new : new).sorted()
  }
}
