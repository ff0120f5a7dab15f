import NetTypes

extension Speaker {
  /// Import: what one UPDATE changes in the peer's Adj-RIB-In. RFC 4271 §9, RFC 7606.
  mutating func apply(_ update: UpdateMessage, from address: IPAddress, _ now: Instant) {
    guard let peer = peers[address], let negotiated = peer.established?.session.state.negotiated
    else { return }
    for error in update.errors { notice(address, "\(update.routesInBrief): \(error)") }
    if let family = update.endOfRIB {
      if debugging.topics.contains(.updatesIn) { traceReceived(update, address, reason: nil) }
      endOfRIB(address, family)
      return
    }
    let families = negotiated.families
    for (position, prefix) in update.withdrawn.enumerated()
    where families.contains(AddressFamily(of: prefix)) {
      removePath(of: peer.index, prefix, update.withdrawnIdentifiers?[position] ?? 0)
    }
    if peer.settings.keepsReceived { keepReceived(update, from: address) }
    let isWatched = debugging.topics.contains(.updatesIn)
    guard let attributes = update.attributes else {
      if isWatched { traceReceived(update, address, reason: nil) }
      return
    }
    let accepted = accepted(attributes, peer, local: peer.established?.local)
    if isWatched {
      let reason = accepted == nil ? refusal(attributes, peer) : nil
      traceReceived(update, address, reason: reason)
    }
    let context = importContext(peer)
    var shared: (attributes: PathAttributes, id: AttributeID)?
    for (position, prefix) in update.announced.enumerated()
    where families.contains(AddressFamily(of: prefix)) {
      let identifier = update.announcedIdentifiers?[position] ?? 0
      let imported = accepted.flatMap {
        policy.apply(peer.settings.importPolicy, to: prefix, $0, context)
      }
      if isWatched, accepted != nil {
        if imported == nil {
          traceDenied(prefix, address, "filter")
        } else {
          traceTaken(prefix, address)
        }
      }
      guard let imported else {
        removePath(of: peer.index, prefix, identifier)
        continue
      }
      // A filter may change attributes by prefix; mostly they are the same for all.
      if shared?.attributes != imported {
        if let shared { self.attributes.release(shared.id) }
        shared = (imported, self.attributes.intern(imported))
      }
      if let shared { setPath(of: peer.index, prefix, identifier, shared.id) }
    }
    if let shared { self.attributes.release(shared.id) }
    enforceMaximumPrefixes(address, now)
  }

  /// The attributes that a route from `peer` goes on with; nil: it is not taken. RFC 4271 §9.1.2
  /// (AS loop), §5.1.3 (our own next hop); RFC 4456 §8; RFC 8326 §4.2.
  /// - Parameter local: our end of the peer's session.
  func accepted(
    _ attributes: PathAttributes, _ peer: Peer, local: IPAddress?
  ) -> PathAttributes? {
    let own = configuration.localAS
    if attributes.asPath.contains(own), attributes.asPath.count(of: own) > peer.settings.allowOwnAS
    {
      return nil
    }
    if attributes.originatorID == routerID { return nil }
    if attributes.clusterList.contains(configuration.clusterID ?? routerID) { return nil }
    if let hop = attributes.nextHop, hop == local { return nil }
    guard let attributes = OnlyToCustomer.admitted(attributes, from: peer) else { return nil }
    guard attributes.localPreference != 0, attributes.communities.contains(.gracefulShutdown) else {
      return attributes
    }
    var shutDown = attributes
    shutDown.localPreference = 0
    return shutDown
  }

  /// Why `accepted` takes nothing of these, in FRR's words.
  private func refusal(_ attributes: PathAttributes, _ peer: Peer) -> String {
    if attributes.asPath.contains(configuration.localAS),
      attributes.asPath.count(of: configuration.localAS) > peer.settings.allowOwnAS
    {
      return "as-path contains our own AS"
    }
    if attributes.originatorID == routerID { return "originator is us" }
    if attributes.clusterList.contains(configuration.clusterID ?? routerID) {
      return "reflected from the same cluster"
    }
    if let hop = attributes.nextHop, hop == peer.established?.local {
      return "nexthop is our own address"
    }
    return "OTC attribute, a route leak"
  }

  func importContext(_ peer: Peer) -> PolicyContext {
    PolicyContext(
      peer: peer.settings.address, local: peer.established?.local,
      defaultLocalPreference: configuration.defaultLocalPreference)
  }

  /// Puts a path in, or replaces the peer's earlier one; clears its stale mark.
  mutating func setPath(
    of peer: PeerIndex, _ prefix: IPPrefix, _ identifier: UInt32, _ id: AttributeID
  ) {
    let isNew =
      prefix.isIPv4
      ? ipv4.setPath(of: peer, IPv4PrefixKey(prefix), identifier, id, &attributes, &dirty4)
      : ipv6.setPath(of: peer, IPv6PrefixKey(prefix), identifier, id, &attributes, &dirty6)
    if isNew { countPrefix(peer, prefix, 1) }
  }

  mutating func removePath(of peer: PeerIndex, _ prefix: IPPrefix, _ identifier: UInt32 = 0) {
    let isGone =
      prefix.isIPv4
      ? ipv4.dropPath(of: peer, IPv4PrefixKey(prefix), identifier, &attributes, &dirty4)
      : ipv6.dropPath(of: peer, IPv6PrefixKey(prefix), identifier, &attributes, &dirty6)
    if isGone { countPrefix(peer, prefix, -1) }
  }

  private mutating func countPrefix(_ peer: PeerIndex, _ prefix: IPPrefix, _ change: Int) {
    guard let address = peerAddresses[Int(peer.rawValue)] else { return }
    peers[address]?.prefixCounts[AddressFamily(of: prefix)] += change
  }

  /// A prefix of a `network` statement, as its route map has it; one that is denied is not ours.
  mutating func addNetwork(_ prefix: IPPrefix) {
    guard let name = configuration.networkRouteMaps[prefix] else { return addLocalRoute(prefix) }
    let context = PolicyContext(
      source: .local, defaultLocalPreference: configuration.defaultLocalPreference)
    guard let own = policy.apply(routeMap: name, to: prefix, PathAttributes(), context) else {
      return removePath(of: .local, prefix)
    }
    addLocalRoute(prefix, own)
  }

  /// That of routes of our own which were given none, as with FRR: an import filter has to give more
  /// for a peer's to be better.
  static let localWeight: UInt32 = 32768

  mutating func addLocalRoute(_ prefix: IPPrefix, _ own: PathAttributes = PathAttributes()) {
    var own = own
    if own.weight == 0 { own.extend { $0.weight = Self.localWeight } }
    let id = attributes.intern(own)
    setPath(of: .local, prefix, 0, id)
    attributes.release(id)
  }

  /// Drops the peer's paths of one family, all or the stale ones.
  mutating func dropPaths(_ address: IPAddress, _ family: AddressFamily, staleOnly: Bool) {
    guard let peer = peers[address] else { return }
    let dropped =
      switch family {
      case .ipv4: ipv4.dropPaths(of: peer.index, staleOnly, &attributes, &dirty4)
      case .ipv6: ipv6.dropPaths(of: peer.index, staleOnly, &attributes, &dirty6)
      }
    peers[address]?.prefixCounts[family] -= dropped
  }

  mutating func markStale(_ address: IPAddress, _ family: AddressFamily) {
    guard let peer = peers[address] else { return }
    switch family {
    case .ipv4: ipv4.markStale(peer.index)
    case .ipv6: ipv6.markStale(peer.index)
    }
  }

  /// Tells the owner which next hops have come into use, or gone out of it.
  mutating func noteNextHops() {
    guard let change = attributes.nextHops.take() else { return }
    actions.append(.nextHops(added: change.added, removed: change.removed))
  }

  /// Has the destinations decided anew that a path leads to through `hop`.
  mutating func touchPaths(through hop: NextHopIndex) {
    ipv4.touchPaths(through: hop, attributes, &dirty4)
    ipv6.touchPaths(through: hop, attributes, &dirty6)
  }

  /// Has every destination decided anew.
  mutating func touchAll() {
    for destination in ipv4.indices { dirty4.insert(destination) }
    for destination in ipv6.indices { dirty6.insert(destination) }
  }
}
