import NetTypes

/// Who is told together with whom.
extension Speaker {
  /// Puts every established peer into its group, and has those that are new there, or asked for a
  /// refresh, told everything.
  mutating func regroup() {
    let checksAll = areGroupsStale
    areGroupsStale = false
    for address in peers.keys.sorted() {
      guard let peer = peers[address], checksAll || peer.needsFullTable,
        let slot = peer.established, let local = slot.local,
        let negotiated = slot.session.state.negotiated
      else { continue }
      let own = OwnNextHops(
        local: local, interface: slot.interface,
        extendedNextHop: negotiated.options.extendedNextHop)
      var key = UpdateGroup.Key(peer.settings, own, negotiated)
      // A policy that asks who is told sets each neighbour apart.
      if policy.dependsOnPeer(peer.settings.exportPolicy) { key.settings.address = address }
      peers[address]?.needsFullTable = false
      if let id = peer.group, groups[id]?.key == key {
        if peer.needsFullTable { markAllPending(address, id) }
        continue
      }
      let before = peer.group
      join(address, key)
      if let before {
        // What it was told there and is not here is taken back.
        markAllPending(address, before)
        leave(address, before)
      }
    }
  }

  private mutating func join(_ address: IPAddress, _ key: UpdateGroup.Key) {
    let id: Int
    if let known = groups.keys.sorted().first(where: { groups[$0]?.key == key }) {
      id = known
    } else {
      id = nextGroup
      nextGroup += 1
      groups[id] = UpdateGroup(key: key)
    }
    groups[id]?.members.append(address)
    peers[address]?.group = id
    if groups[id]?.members.count ?? 0 <= 2 { recompute(id) }
    markAllPending(address, id)
  }

  /// Fills the Adj-RIB-Out of a group that is new, or does without the paths of its one member, or
  /// does not any more: nobody is told anything else by that.
  private mutating func recompute(_ id: Int) {
    guard var group = groups.removeValue(forKey: id) else { return }
    let members = Set(group.members.compactMap { peers[$0]?.index })
    var exporter = exporter(group)
    if group.key.families.contains(.ipv4) {
      _ = group.update(
        ipv4.indices, ipv4, &exporter, decision, members, keepsTombstones: true, &attributes)
    }
    if group.key.families.contains(.ipv6) {
      _ = group.update(
        ipv6.indices, ipv6, &exporter, decision, members, keepsTombstones: true, &attributes)
    }
    exporter.finish(&attributes)
    groups[id] = group
  }

  /// Marks what `address` is told as a member of a group.
  private mutating func markAllPending(_ address: IPAddress, _ id: Int) {
    guard let index = peers[address]?.index, let group = groups[id] else { return }
    for family in group.key.families {
      markPending(group[family].destinations(of: index), address, family)
    }
  }

  mutating func markPending(
    _ destinations: [Int], _ address: IPAddress, _ family: AddressFamily
  ) {
    var pending = PendingSet()
    exchangePending(address, family, &pending)
    for destination in destinations { pending.insert(destination) }
    exchangePending(address, family, &pending)
  }

  mutating func exchangePending(
    _ address: IPAddress, _ family: AddressFamily, _ pending: inout PendingSet
  ) {
    guard let present = peers[address]?.outbox[family] else { return }
    peers[address]?.outbox[family] = pending
    pending = present
  }

  private mutating func leave(_ address: IPAddress, _ id: Int) {
    groups[id]?.members.removeAll { $0 == address }
    if groups[id]?.members.count == 1 { return recompute(id) }
    guard var group = groups[id], group.members.isEmpty else { return }
    groups[id] = nil
    group.ipv4.release(to: &attributes)
    group.ipv6.release(to: &attributes)
  }

  /// Forgets what a peer was told, as its session has ended.
  mutating func forgetAnnounced(_ address: IPAddress) {
    guard let peer = peers[address] else { return }
    if let id = peer.group { leave(address, id) }
    peers[address]?.group = nil
    peers[address]?.importTerms = 0
    peers[address]?.outbox = Outbox()
    peers[address]?.defaultOriginated = []
  }

  /// RFC 2918 §4: a family once more.
  mutating func refresh(_ address: IPAddress, _ family: AddressFamily) {
    guard let peer = peers[address], let id = peer.group, let group = groups[id] else { return }
    markPending(group[family].destinations(of: peer.index), address, family)
    peers[address]?.defaultOriginated.remove(family)
  }

  /// The connection has sent all that it was given.
  mutating func drained(_ id: ConnectionID) {
    guard let (address, _) = connections[id] else { return }
    peers[address]?.outbox.drained()
  }

  func exportRules(_ key: UpdateGroup.Key) -> ExportRules {
    ExportRules(
      localAS: configuration.localAS, clusterID: configuration.clusterID ?? routerID,
      reflectsBetweenClients: configuration.reflectsBetweenClients, peer: key.settings,
      own: key.own, isInternal: key.options.isInternal,
      policy: policy, defaultPreference: configuration.defaultLocalPreference,
      isShuttingDown: configuration.isShuttingDownGracefully)
  }

  func exporter(_ group: UpdateGroup) -> Exporter {
    var owners: [IPAddress: PeerIndex] = [:]
    for (address, peer) in peers { owners[address] = peer.index }
    return Exporter(
      rules: exportRules(group.key), sources: sources,
      isClient: peerAddresses.map { address in
        address.flatMap { peers[$0] }?.settings.routeReflectorClient ?? false
      }, owners: owners, passesOn: isConverged,
      sole: group.members.count == 1 ? peers[group.members[0]]?.index : nil)
  }
}
