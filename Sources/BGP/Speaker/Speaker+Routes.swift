import NetTypes

extension Speaker {
  /// Import: what one UPDATE changes in the peer's Adj-RIB-In. RFC 4271 §9, RFC 7606.
  mutating func apply(_ update: UpdateMessage, from address: IPAddress, _ now: Instant) {
    guard let peer = peers[address], let negotiated = peer.established?.session.state.negotiated
    else { return }
    for error in update.errors { actions.append(.notice(address, "\(error)")) }
    if let family = update.endOfRIB {
      endOfRIB(address, family)
      return
    }
    let families = negotiated.families
    for prefix in update.withdrawn where families.contains(AddressFamily(of: prefix)) {
      removePath(of: peer.index, prefix)
    }
    guard let attributes = update.attributes else { return }
    let isLoop = isLooped(attributes, peer)
    var shared: (attributes: PathAttributes, id: AttributeID)?
    for prefix in update.announced where families.contains(AddressFamily(of: prefix)) {
      let imported =
        isLoop ? nil : policy.apply(peer.settings.importPolicy, to: prefix, attributes)
      guard let imported else {
        removePath(of: peer.index, prefix)
        continue
      }
      // A filter may change attributes by prefix; mostly they are the same for all.
      if shared?.attributes != imported {
        if let shared { self.attributes.release(shared.id) }
        shared = (imported, self.attributes.intern(imported))
      }
      if let shared { setPath(of: peer.index, prefix, shared.id) }
    }
    if let shared { self.attributes.release(shared.id) }
    enforceMaximumPrefixes(address, now)
  }

  /// RFC 4271 §9.1.2 (AS loop), §5.1.3 (our own next hop); RFC 4456 §8.
  private func isLooped(_ attributes: PathAttributes, _ peer: Peer) -> Bool {
    attributes.asPath.contains(configuration.localAS)
      || attributes.originatorID == routerID
      || attributes.clusterList.contains(configuration.clusterID ?? routerID)
      || (attributes.nextHop != nil && attributes.nextHop == peer.established?.local)
  }

  private mutating func enforceMaximumPrefixes(_ address: IPAddress, _ now: Instant) {
    guard let peer = peers[address], let limit = peer.settings.maximumPrefixes?.count,
      peer.prefixCount > limit, let slot = peer.established
    else { return }
    actions.append(.notice(address, "\(peer.prefixCount) prefixes received, limit \(limit)"))
    drive(address, slot.id, .malformed(.maximumPrefixesReached), now)
  }

  /// Puts a path in, or replaces the peer's earlier one; clears its stale mark.
  private mutating func setPath(of peer: PeerIndex, _ prefix: IPPrefix, _ id: AttributeID) {
    let isNew: Bool
    if prefix.isIPv4 {
      isNew = ipv4.setPath(of: peer, prefix, id, &attributes, &dirty4)
    } else {
      isNew = ipv6.setPath(of: peer, prefix, id, &attributes, &dirty6)
    }
    if isNew { countPrefix(peer, 1) }
  }

  mutating func removePath(of peer: PeerIndex, _ prefix: IPPrefix) {
    let isGone: Bool
    if prefix.isIPv4 {
      isGone = ipv4.dropPath(of: peer, prefix, &attributes, &dirty4)
    } else {
      isGone = ipv6.dropPath(of: peer, prefix, &attributes, &dirty6)
    }
    if isGone { countPrefix(peer, -1) }
  }

  private mutating func countPrefix(_ peer: PeerIndex, _ change: Int) {
    guard let address = peerAddresses[Int(peer.rawValue)] else { return }
    peers[address]?.prefixCount += change
  }

  mutating func addLocalRoute(_ prefix: IPPrefix) {
    let id = attributes.intern(PathAttributes(origin: .igp))
    setPath(of: .local, prefix, id)
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
    peers[address]?.prefixCount -= dropped
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
    for address in change.removed { nextHops.remove(address) }
    actions.append(.nextHops(added: change.added, removed: change.removed))
  }

  /// Has the destinations decided anew that a path leads to through `nextHop`.
  mutating func touchPaths(through nextHop: IPAddress) {
    let sets = attributes.sets(through: nextHop)
    if sets.isEmpty { return }
    ipv4.touchPaths(sets, &dirty4)
    ipv6.touchPaths(sets, &dirty6)
  }

  /// Has every destination decided anew.
  mutating func touchAll() {
    for destination in ipv4.indices { dirty4.insert(destination) }
    for destination in ipv6.indices { dirty6.insert(destination) }
  }
}

extension RouteTable {
  /// True if the peer had no path here.
  mutating func setPath(
    of peer: PeerIndex, _ prefix: IPPrefix, _ id: AttributeID, _ attributes: inout AttributeTable,
    _ dirty: inout DirtySet
  ) -> Bool {
    let destination = findOrInsert(prefix)
    if let path = path(of: peer, at: destination) {
      self[path: path].flags.remove(.stale)
      if self[path: path].attributes == id { return false }
      attributes.retainPath(id)
      attributes.releasePath(self[path: path].attributes)
      self[path: path].attributes = id
      dirty.insert(destination)
      return false
    }
    attributes.retainPath(id)
    insertPath(peer, id, at: destination)
    dirty.insert(destination)
    return true
  }

  /// True if the peer had a path here.
  mutating func dropPath(
    of peer: PeerIndex, _ prefix: IPPrefix, _ attributes: inout AttributeTable,
    _ dirty: inout DirtySet
  ) -> Bool {
    guard let destination = find(prefix), let path = removePath(of: peer, at: destination) else {
      return false
    }
    attributes.releasePath(path.attributes)
    dirty.insert(destination)
    return true
  }

  /// Marks the destinations with a path of one of `sets`.
  func touchPaths(_ sets: Set<AttributeID>, _ dirty: inout DirtySet) {
    for destination in indices
    where pathIndices(at: destination).contains(where: { sets.contains(self[path: $0].attributes) })
    {
      dirty.insert(destination)
    }
  }

  /// The number of paths dropped.
  mutating func dropPaths(
    of peer: PeerIndex, _ staleOnly: Bool, _ attributes: inout AttributeTable,
    _ dirty: inout DirtySet
  ) -> Int {
    var dropped = 0
    for destination in 1..<max(1, endIndex) {
      guard let path = path(of: peer, at: destination),
        !staleOnly || self[path: path].flags.contains(.stale),
        let removed = removePath(of: peer, at: destination)
      else { continue }
      attributes.releasePath(removed.attributes)
      dirty.insert(destination)
      dropped += 1
    }
    return dropped
  }

  mutating func markStale(_ peer: PeerIndex) {
    for destination in 1..<max(1, endIndex) {
      if let path = path(of: peer, at: destination) { self[path: path].flags.insert(.stale) }
    }
  }
}
