import NetTypes
import Wire

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
    regroup()
    if !touched4.isEmpty || !touched6.isEmpty {
      for id in groups.keys.sorted() {
        guard var group = groups.removeValue(forKey: id) else { continue }
        advertise(&group, touched4, touched6)
        groups[id] = group
      }
    }
    for address in peers.keys.sorted() where peers[address]?.group != nil { catchUp(address) }
    collect(touched4, touched6)
  }

  var isConverged: Bool {
    switch convergence {
    case .announced, .done: true
    case .restarting, .waiting: false
    }
  }

  /// Tells a group of destinations that were decided anew.
  private mutating func advertise(
    _ group: inout UpdateGroup, _ touched4: [UInt32], _ touched6: [UInt32]
  ) {
    let members = Set(group.members.compactMap { peers[$0]?.index })
    let isAnyBehind = group.members.contains { peers[$0]?.outbox.isBehind ?? false }
    var exporter = exporter(group)
    defer { exporter.finish(&attributes) }
    if group.key.families.contains(.ipv4), !touched4.isEmpty {
      let news = group.update(
        touched4.lazy.map(Int.init), ipv4, &exporter, decision, members,
        keepsTombstones: isAnyBehind, &attributes)
      tell(group, news)
    }
    if group.key.families.contains(.ipv6), !touched6.isEmpty {
      let news = group.update(
        touched6.lazy.map(Int.init), ipv6, &exporter, decision, members,
        keepsTombstones: isAnyBehind, &attributes)
      tell(group, news)
    }
  }

  /// Sends the same octets to every member that keeps up, and marks what is new for the others.
  private mutating func tell<Key>(_ group: UpdateGroup, _ news: GroupNews<Key>) {
    if news.changed.isEmpty { return }
    let shared = news.shared.encoded(attributes, group.key.options)
    for address in group.members {
      guard let index = peers[address]?.index else { continue }
      if peers[address]?.outbox.isBehind ?? false {
        markPending(news.changed, address, Key.family)
        continue
      }
      if let alone = news.alone[index] {
        transmit(alone.encoded(attributes, group.key.options), address, index)
      }
      transmit(shared, address, index)
    }
  }

  private mutating func transmit(
    _ encoded: (batches: [EncodedRoutes], leavesOut: Bool), _ address: IPAddress,
    _ index: PeerIndex
  ) {
    if encoded.leavesOut { notice(address, "attributes too long to announce") }
    guard let id = peers[address]?.established?.connection else { return }
    for batch in encoded.batches where batch.isFor(index) {
      peers[address]?.counters.messagesSent += batch.messages
      peers[address]?.counters.updatesSent += batch.messages
      peers[address]?.counters.bytesSent += UInt64(batch.writer.count)
      actions.append(.send(id, batch.writer.bytes))
      if debugging.topics.contains(.updatesOut),
        let options = peers[address]?.established?.session.state.negotiated?.options
      {
        traceSent(batch.writer.bytes, address, options)
      }
      if peers[address]?.outbox.handOver(batch.writer.count) ?? false {
        actions.append(.awaitDrain(id))
      }
    }
  }

  /// Tells a member what it has missed, as far as its connection takes it, and ends its table.
  private mutating func catchUp(_ address: IPAddress) {
    guard let peer = peers[address], let id = peer.group, let group = groups[id] else { return }
    if peer.settings.defaultOriginate || !peer.defaultOriginated.isEmpty {
      for family in group.key.families { announceDefault(address, family, group) }
    }
    if !peer.outbox.isEmpty {
      tellPending(address, group, ipv4)
      tellPending(address, group, ipv6)
    }
    guard peers[address]?.outbox.isEmpty ?? false else { return }
    if !peer.outbox.isEmpty { dropTombstones(id) }
    guard isConverged, let slot = peers[address]?.established else { return }
    if peers[address]?.endOfRIBSent == false {
      for family in group.key.families {
        send(.update(.endOfRIB(family)), address, slot, group.key.options)
      }
      peers[address]?.endOfRIBSent = true
    }
    endRefreshes(address)
  }

  private mutating func tellPending<Key>(
    _ address: IPAddress, _ group: UpdateGroup, _ table: RouteTable<Key>
  ) {
    guard let index = peers[address]?.index else { return }
    let told = group[Key.family]
    let isIdentified = group.key.options.addPathSend.contains(Key.family)
    // Taken out for the while: a bit at a time, in its place among the peers, is slow.
    var pending = PendingSet()
    exchangePending(address, Key.family, &pending)
    defer { exchangePending(address, Key.family, &pending) }
    while pending.count > 0, peers[address]?.outbox.awaitsDrain == false {
      var buffer = RouteBuffer<Key>()
      // Some 64 KiB at a time.
      var room = 8192
      while room > 0, let next = pending.popFirst() {
        room -= 1
        guard table.contains(next) else { continue }
        let key = table.key(at: next)
        if isIdentified {
          for path in told.paths(at: next) {
            buffer.tell(key, path.identifier, path.entry, to: index)
          }
        } else {
          buffer.tell(key, 0, told[next], to: index)
        }
      }
      transmit(buffer.encoded(attributes, group.key.options), address, index)
    }
  }

  /// Once no member is behind, nobody has to hear any more of paths that were taken back.
  private mutating func dropTombstones(_ id: Int) {
    guard let group = groups[id], group.hasTombstones,
      !group.members.contains(where: { peers[$0]?.outbox.isBehind ?? false })
    else { return }
    groups[id]?.dropTombstones()
  }

  private mutating func announceDefault(
    _ address: IPAddress, _ family: AddressFamily, _ group: UpdateGroup
  ) {
    guard let slot = peers[address]?.established else { return }
    let prefix: IPPrefix = family == .ipv4 ? .defaultIPv4 : .defaultIPv6
    let wasSent = peers[address]?.defaultOriginated.contains(family) ?? false
    var message: UpdateMessage?
    if let route = exportRules(group.key).defaultRoute(family) {
      if wasSent { return }
      peers[address]?.defaultOriginated.insert(family)
      message = UpdateMessage(attributes: route, announced: [prefix])
    } else if wasSent {
      peers[address]?.defaultOriginated.remove(family)
      message = UpdateMessage(withdrawn: [prefix])
    }
    if let message { send(.update(message), address, slot, group.key.options) }
  }

  /// Frees destinations without paths, unless a member that is behind has yet to hear of it.
  private mutating func collect(_ touched4: [UInt32], _ touched6: [UInt32]) {
    if touched4.isEmpty, touched6.isEmpty, uncollected4.isEmpty, uncollected6.isEmpty { return }
    let behind = peers.values.map(\.outbox).filter { !$0.isEmpty }
    uncollected4 = ipv4.collect(touched4 + uncollected4) { index in
      behind.contains { $0.ipv4.contains(index) }
    }
    uncollected6 = ipv6.collect(touched6 + uncollected6) { index in
      behind.contains { $0.ipv6.contains(index) }
    }
  }
}

extension RouteBuffer {
  /// How things stand with one path, for one member.
  fileprivate mutating func tell(
    _ key: Key, _ identifier: UInt32, _ entry: AdjRIBOut.Entry, to member: PeerIndex
  ) {
    if entry.isTold(to: member) {
      announce(key, identifier, AdjRIBOut.Entry(attributes: entry.attributes))
    } else {
      withdraw(key, identifier)
    }
  }
}
