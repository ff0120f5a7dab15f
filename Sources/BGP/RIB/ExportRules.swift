import NetTypes

/// What the peers of one group are to be told of the Loc-RIB. RFC 4271 §9.1.3 and §9.2, RFC 4456.
struct ExportRules: Sendable {
  var localAS: ASNumber
  var clusterID: IPv4Address
  /// RFC 4456 §6: off where clients have the routes of each other already.
  var reflectsBetweenClients: Bool
  var peer: ResolvedNeighbor
  /// The next hops of our own routes.
  var own: OwnNextHops
  var isInternal: Bool
  var policy: RoutingPolicy
  /// LOCAL_PREF of routes that have none.
  var defaultPreference: UInt32
  /// Everything is announced as a last resort. RFC 8326.
  var isShuttingDown: Bool

  /// The best path of one prefix.
  struct Best: Sendable {
    var attributes: PathAttributes
    var kind: PathSource.Kind
    var identifier: IPv4Address
    /// The path came from a route reflection client. RFC 4456 §6.
    var isFromClient: Bool
  }

  /// Nil: the peer is not told.
  func export(_ prefix: IPPrefix, _ best: Best) -> PathAttributes? {
    for community in best.attributes.communities {
      switch community {
      case .noAdvertise: return nil
      case .noExport, .noExportSubconfederation: if !isInternal { return nil }
      default: break
      }
    }
    var attributes = best.attributes
    let reflects = isInternal && best.kind == .internal
    if reflects {
      // RFC 4271 §9.2: no internal route to an internal peer, unless one of the two is a client.
      guard best.isFromClient || peer.routeReflectorClient else { return nil }
      if best.isFromClient, peer.routeReflectorClient, !reflectsBetweenClients { return nil }
      attributes.extend { extended in
        if extended.originatorID == nil { extended.originatorID = best.identifier }
        extended.clusterList.insert(clusterID, at: 0)
      }
    }
    let isOwn = best.kind == .local
    if isInternal {
      attributes.localPreference = attributes.localPreference ?? defaultPreference
      // RFC 4456 §10: a reflector leaves the next hop alone, unless it is told to be in between.
      if isOwn || (peer.nextHopSelf && (!reflects || peer.forcesNextHopSelf)) {
        setNextHop(&attributes, prefix)
      }
    } else {
      attributes.localPreference = nil
      // RFC 4271 §5.1.4: another AS's MED is not passed on.
      if !isOwn { attributes.multiExitDiscriminator = nil }
      attributes.extend { extended in
        extended.originatorID = nil
        extended.clusterList = []
      }
      setNextHop(&attributes, prefix)
    }
    let context = PolicyContext(
      isExport: true, peer: peer.address, local: own.local,
      learntNextHop: best.attributes.nextHop, source: isOwn ? .local : .bgp)
    guard var told = policy.apply(peer.exportPolicy, to: prefix, attributes, context) else {
      return nil
    }
    // After the policy, which so can name routes of our own by their empty path.
    if !isInternal {
      told.asPath = told.asPath.prepending(localAS)
      told.localPreference = nil
    }
    told.dropLocalMarks()
    guard let hop = told.nextHop,
      hop.isIPv4 == prefix.isIPv4 || (prefix.isIPv4 && own.extendedNextHop)
    else { return nil }
    return kept(told).map(demoted)
  }

  /// The default route that `default-originate` gives to this peer alone.
  func defaultRoute(_ family: AddressFamily) -> PathAttributes? {
    guard peer.defaultOriginate, let hop = own.hop(for: family) else { return nil }
    var attributes = PathAttributes(origin: .igp, nextHop: hop.address)
    attributes.linkLocalNextHop = hop.linkLocal
    if isInternal {
      attributes.localPreference = defaultPreference
    } else {
      attributes.asPath = ASPath(sequence: [localAS])
    }
    return kept(attributes).map(demoted)
  }

  /// Nil for what the peer's role forbids.
  private func kept(_ attributes: PathAttributes) -> PathAttributes? {
    OnlyToCustomer.announced(attributes, role: isInternal ? nil : peer.role, localAS: localAS)
  }

  /// As it goes out while we are about to leave. RFC 8326 §4.1.
  private func demoted(_ attributes: PathAttributes) -> PathAttributes {
    guard isShuttingDown else { return attributes }
    var attributes = attributes
    attributes.extend { extended in
      if !extended.communities.contains(.gracefulShutdown) {
        extended.communities.append(.gracefulShutdown)
      }
    }
    if isInternal { attributes.localPreference = 0 }
    return attributes
  }

  private func setNextHop(_ attributes: inout PathAttributes, _ prefix: IPPrefix) {
    let hop = own.hop(for: AddressFamily(of: prefix))
    attributes.nextHop = hop?.address
    attributes.linkLocalNextHop = hop?.linkLocal
  }
}
