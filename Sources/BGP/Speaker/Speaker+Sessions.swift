import NetTypes

extension Speaker {
  mutating func addPeer(_ settings: ResolvedNeighbor, _ now: Instant) {
    let free = peerAddresses.indices.dropFirst().first { peerAddresses[$0] == nil }
    guard let raw = UInt16(exactly: free ?? peerAddresses.count) else { return }
    if let free {
      peerAddresses[free] = settings.address
    } else {
      peerAddresses.append(settings.address)
    }
    peers[settings.address] = Peer(
      index: PeerIndex(rawValue: raw), settings: settings, at: now)
    startPeer(settings.address, now)
  }

  mutating func startPeer(_ address: IPAddress, _ now: Instant) {
    guard let peer = peers[address], !peer.settings.shutdown, configuration.routerID != nil else {
      return
    }
    let slot = peer.slots.first?.id ?? addSlot(address)
    peers[address]?.prefixLimitHold = nil
    drive(address, slot, .start, now)
  }

  /// Ends the neighbour's sessions. Unless its routes are to stay, a peer that would keep ours
  /// after a NOTIFICATION is told by a Hard Reset not to. RFC 8538 §3.
  mutating func stopPeer(
    _ address: IPAddress, _ reason: NotificationMessage, keepsRoutes: Bool = false, _ now: Instant
  ) {
    for slot in peers[address]?.slots ?? [] {
      let covers = slot.session.state.negotiated?.restartCoversNotification ?? false
      let notification = covers && !keepsRoutes ? reason.asHardReset : reason
      drive(address, slot.id, .stop(notification), now)
    }
    if peers[address]?.successor != nil { endHandOver(address, .sent(reason), now) }
    if !keepsRoutes { dropStale(address) }
  }

  /// Sessions that are being set up end too: what they would bring up has no way to forward by.
  mutating func pathDown(_ address: IPAddress, _ reason: String, _ now: Instant) {
    for slot in peers[address]?.slots ?? [] where slot.connection != nil {
      drive(address, slot.id, .pathDown(reason), now)
    }
    dropStale(address)
  }

  /// Forgets a neighbour and its routes.
  mutating func removePeer(_ address: IPAddress, _ now: Instant) {
    stopPeer(address, .peerDeconfigured, now)
    forgetReceived(address)
    guard let peer = peers.removeValue(forKey: address) else { return }
    peerAddresses[Int(peer.index.rawValue)] = nil
  }

  private mutating func addSlot(_ address: IPAddress) -> Int {
    guard let peer = peers[address] else { return 0 }
    let session = Session(settings: sessionSettings(peer.settings), seed: random.next())
    let id = peer.nextSlot
    peers[address]?.slots.append(Peer.Slot(id: id, session: session))
    peers[address]?.nextSlot += 1
    return id
  }

  mutating func connected(
    _ id: ConnectionID, _ local: IPAddress, _ interface: InterfaceAddresses, _ now: Instant
  ) {
    guard let (address, slot) = connections[id] else { return actions.append(.close(id)) }
    withSlot(address, slot) { slot in
      slot.local = local
      slot.interface = interface
    }
    renewOpen(address, slot)
    drive(address, slot, .connected, now)
  }

  mutating func accepted(
    _ id: ConnectionID, _ address: IPAddress, _ local: IPAddress,
    _ interface: InterfaceAddresses, _ now: Instant
  ) {
    addDynamicPeer(address, now)
    guard let peer = peers[address], !peer.settings.shutdown, let primary = peer.slots.first else {
      // Without a word: who has sent an OPEN waits for another, and some take no NOTIFICATION first.
      return actions.append(.close(id))
    }
    if let slot = peer.established {
      // Without an OPEN of ours the peer cannot choose this one.
      if mayCross(slot, now) { return actions.append(.close(id)) }
      // RFC 4724 §5: the peer has restarted before we saw its old connection end.
      guard slot.session.state.negotiated?.peer.capabilities.gracefulRestart != nil,
        configuration.gracefulRestart.isEnabled
      else { return actions.append(.close(id)) }
      abandon(slot)
      drive(address, slot.id, .connectionFailed, now)
      if peers[address]?.slots.first?.session.state.name == .idle {
        drive(address, slot.id, .tick, now)
      }
    }
    guard let current = peers[address]?.slots.first(where: { $0.id == primary.id }) else {
      return actions.append(.close(id))
    }
    var target = current.id
    switch current.session.state.name {
    case .idle:
      return actions.append(.close(id))
    case .active: break
    default:
      // The connection collides with one of ours: a machine of its own. RFC 4271 §6.8.
      for slot in peers[address]?.slots ?? [] where slot.id != current.id {
        drive(address, slot.id, .collisionDump, now)
      }
      target = addSlot(address)
      withSlot(address, target) { $0.session.listen() }
    }
    connections[id] = (address, target)
    withSlot(address, target) { slot in
      slot.begin(id, isInitiator: false)
      slot.local = local
      slot.interface = interface
    }
    renewOpen(address, target)
    drive(address, target, .accepted, now)
  }

  /// What the next OPEN says may have changed since the machine was made, as its restart bits.
  private mutating func renewOpen(_ address: IPAddress, _ slot: Int) {
    guard let settings = peers[address].map({ sessionSettings($0.settings) }) else { return }
    withSlot(address, slot) { $0.session.settings = settings }
  }

  mutating func closed(_ id: ConnectionID, _ now: Instant) {
    guard let (address, slot) = connections.removeValue(forKey: id) else { return }
    withSlot(address, slot) { $0.connection = nil }
    drive(address, slot, .connectionFailed, now)
    resumeWaiting(address, now)
  }

  mutating func received(_ id: ConnectionID, _ bytes: [UInt8], _ now: Instant) {
    guard let (address, slot) = connections[id] else { return }
    withSlot(address, slot) { $0.framer.append(bytes) }
    peers[address]?.counters.bytesReceived += UInt64(bytes.count)
    handleReceived(id, address, slot, now)
    resumeWaiting(address, now)
  }

  private mutating func handleReceived(
    _ id: ConnectionID, _ address: IPAddress, _ slot: Int, _ now: Instant
  ) {
    // A message may end the connection, or the slot.
    while connections[id] != nil, let position = peers[address]?.slotPosition(slot),
      peers[address]?.slots[position].isWaiting == false
    {
      do {
        if try importUpdates(address, position, now) {
          noteChoice(address, position, now)
          enforceMaximumPrefixes(address, now)
          continue
        }
        guard let frame = try peers[address]?.slots[position].framer.next() else { return }
        let options =
          peers[address]?.slots[position].session.state.negotiated?.options ?? CodecOptions()
        let message = try Message(decoding: frame, options: options)
        if case .open(let open) = message, !resolveCollision(address, slot, open, now) {
          withSlot(address, slot) { if $0.isWaiting { $0.framer.putBack(frame) } }
          return
        }
        peers[address]?.counters.messagesReceived += 1
        peers[address]?.counters.received.count(message)
        if isEstablished(address, slot), message.showsChoice { noteChoice(address, position, now) }
        if !debugging.topics.isEmpty { traceReceived(message, address) }
        if case .update(let update) = message, isEstablished(address, slot) {
          withSlot(address, slot) { $0.session.heard(at: now) }
          peers[address]?.counters.updatesReceived += 1
          apply(update, from: address, now)
          continue
        }
        drive(address, slot, .message(message), now)
      } catch {
        drive(address, slot, .malformed(error), now)
      }
    }
  }

  private func isEstablished(_ address: IPAddress, _ slot: Int) -> Bool {
    peers[address]?.established?.id == slot
  }

  mutating func withSlot(_ address: IPAddress, _ slot: Int, _ body: (inout Peer.Slot) -> Void) {
    peers[address]?.withSlot(slot, body)
  }

  /// Closes a connection whose session does not know yet.
  private mutating func abandon(_ slot: Peer.Slot) {
    guard let id = slot.connection else { return }
    connections[id] = nil
    actions.append(.close(id))
  }
}
