import NetTypes

extension Speaker {
  /// Decides every touched destination and tells the peers. RFC 4271 §9.1.3, §9.2.
  mutating func flush() {
    let touched4 = dirty4.take()
    let touched6 = dirty6.take()
    noteNextHops()
    if !touched4.isEmpty || !touched6.isEmpty {
      var selection = Selection(process: decision, sources: sources)
      ipv4.select(touched4, &selection, attributes)
      ipv6.select(touched6, &selection, attributes)
      actions.append(.routes(selection.batch))
    }
    var announcers = makeAnnouncers()
    for destination in touched4 {
      for position in announcers.indices {
        announce(.ipv4, \.ipv4, Int(destination), &announcers[position])
      }
    }
    for destination in touched6 {
      for position in announcers.indices {
        announce(.ipv6, \.ipv6, Int(destination), &announcers[position])
      }
    }
    for position in announcers.indices where announcers[position].sendsAll {
      announceAll(&announcers[position])
    }
    for position in announcers.indices { finish(&announcers[position]) }
    for destination in touched4 { ipv4.collect(Int(destination)) }
    for destination in touched6 { ipv6.collect(Int(destination)) }
  }

  var isConverged: Bool {
    if case .done = convergence { true } else { false }
  }

  /// What is collected for one peer during a flush.
  private struct Announcer {
    var address: IPAddress
    var rules: ExportRules
    var options: CodecOptions
    var families: [AddressFamily]
    var sendsAll: Bool
    var withdrawn: [IPPrefix] = []
    var announced: [AttributeID: [IPPrefix]] = [:]
    /// The order in which sets of attributes came up.
    var order: [AttributeID] = []

    mutating func add(_ prefix: IPPrefix, _ id: AttributeID) {
      if announced[id] == nil { order.append(id) }
      announced[id, default: []].append(prefix)
    }
  }

  private mutating func makeAnnouncers() -> [Announcer] {
    peers.keys.sorted().compactMap { address in
      guard let peer = peers[address], let slot = peer.established, let local = slot.local,
        let negotiated = slot.session.state.negotiated
      else { return nil }
      let rules = ExportRules(
        localAS: configuration.localAS, clusterID: configuration.clusterID ?? routerID,
        reflectsBetweenClients: configuration.reflectsBetweenClients,
        peer: peer.settings, index: peer.index, localAddress: local,
        isInternal: negotiated.options.isInternal,
        usesExtendedNextHop: negotiated.options.extendedNextHop, policy: policy)
      return Announcer(
        address: address, rules: rules, options: negotiated.options,
        families: negotiated.families, sendsAll: peer.needsFullTable)
    }
  }

  /// The whole Loc-RIB, for a peer that is new.
  private mutating func announceAll(_ announcer: inout Announcer) {
    for destination in Array(ipv4.indices) { announce(.ipv4, \.ipv4, Int(destination), &announcer) }
    for destination in Array(ipv6.indices) { announce(.ipv6, \.ipv6, Int(destination), &announcer) }
  }

  private mutating func finish(_ announcer: inout Announcer) {
    let address = announcer.address
    guard let slot = peers[address]?.established else { return }
    for family in announcer.families { announceDefault(family, &announcer) }
    for message in UpdatePacker.withdrawals(announcer.withdrawn) {
      send(.update(message), address, slot, announcer.options)
    }
    for id in announcer.order {
      let messages = UpdatePacker.announcements(
        announcer.announced[id] ?? [], attributes[id], options: announcer.options)
      if messages.isEmpty { actions.append(.notice(address, "attributes too long to announce")) }
      for message in messages { send(.update(message), address, slot, announcer.options) }
    }
    guard announcer.sendsAll, isConverged else { return }
    peers[address]?.needsFullTable = false
    if peers[address]?.endOfRIBSent == false {
      for family in announcer.families {
        send(.update(.endOfRIB(family)), address, slot, announcer.options)
      }
      peers[address]?.endOfRIBSent = true
    }
    endRefreshes(address)
  }

  private mutating func announceDefault(_ family: AddressFamily, _ announcer: inout Announcer) {
    let address = announcer.address
    let prefix: IPPrefix = family == .ipv4 ? .defaultIPv4 : .defaultIPv6
    let wasSent = peers[address]?.defaultOriginated.contains(family) ?? false
    guard let route = announcer.rules.defaultRoute(family) else {
      if wasSent {
        peers[address]?.defaultOriginated.remove(family)
        announcer.withdrawn.append(prefix)
      }
      return
    }
    if wasSent { return }
    peers[address]?.defaultOriginated.insert(family)
    guard let slot = peers[address]?.established else { return }
    let message = UpdateMessage(attributes: route, announced: [prefix])
    send(.update(message), address, slot, announcer.options)
  }

  /// Compares what the peer was told with what it should be told.
  private mutating func announce<Key>(
    _ family: AddressFamily, _ table: WritableKeyPath<Speaker, RouteTable<Key>>,
    _ destination: Int, _ announcer: inout Announcer
  ) {
    guard announcer.families.contains(family),
      let prefix = self[keyPath: table].prefix(at: destination)
    else { return }
    let address = announcer.address
    let old = peers[address]?.ribOut[family]?[destination] ?? .none
    var new: PathAttributes?
    if let best = best(table, destination), isConverged || best.kind == .local {
      new = announcer.rules.export(prefix, best)
    }
    // The default route is this peer's own matter where it was asked for.
    if prefix.length == 0, announcer.rules.peer.defaultOriginate { new = nil }
    guard let new else {
      if old == .none { return }
      peers[address]?.ribOut[family]?.set(.none, at: destination)
      attributes.release(old)
      if prefix.length > 0 || !announcer.rules.peer.defaultOriginate {
        announcer.withdrawn.append(prefix)
      }
      return
    }
    let id = attributes.intern(new)
    if id == old {
      attributes.release(id)
      return
    }
    peers[address]?.ribOut[family, default: AdjRIBOut()].set(id, at: destination)
    attributes.release(old)
    announcer.add(prefix, id)
  }

  /// The best path of a destination, as export needs it.
  private func best<Key>(
    _ table: KeyPath<Speaker, RouteTable<Key>>, _ destination: Int
  ) -> ExportRules.Best? {
    let routes = self[keyPath: table]
    for path in routes.pathIndices(at: destination) where routes[path: path].flags.contains(.best) {
      let source = source(of: routes[path: path].peer)
      let peer = peerAddresses[Int(routes[path: path].peer.rawValue)].flatMap { peers[$0] }
      return ExportRules.Best(
        attributes: attributes[routes[path: path].attributes], peer: routes[path: path].peer,
        kind: source.kind, identifier: source.identifier,
        isFromClient: peer?.settings.routeReflectorClient ?? false)
    }
    return nil
  }

  /// Forgets what a peer was told, as its session has ended.
  mutating func forgetAnnounced(_ address: IPAddress) {
    for (_, ribOut) in peers[address]?.ribOut ?? [:] {
      for route in ribOut.announced { attributes.release(route.attributes) }
    }
    peers[address]?.ribOut = [:]
    peers[address]?.defaultOriginated = []
  }

  /// RFC 2918 §4: everything once more.
  mutating func refresh(_ address: IPAddress, _ family: AddressFamily) {
    forgetAnnounced(address)
    peers[address]?.needsFullTable = true
  }
}
