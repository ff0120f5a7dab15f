import NetTypes

// Two connections with one peer at once. RFC 4271 §6.8.
//
//   The peer's OPEN comes on one. On the other
//     no KEEPALIVE of ours is sent     the identifiers decide, at once
//     one is sent                      the other stays, and this one is closed; or, where the
//                                      identifiers are for this one, the OPEN waits for the peer
//
// Our KEEPALIVE makes the other Established at the peer, which then closes whatever is newer; until
// it arrives there the identifiers count. So the peer alone knows which it keeps, and who does not
// wait for it may close the one connection while the peer closes the other. Meanwhile the other is
// a session like any: what the peer sends only once Established settles it. If instead the peer
// closes it, the session goes on by the connection that waited, as if it had been by that one from
// the start: nobody is told, and no route is lost.
// Deviations: connections in OpenSent are judged too, and an OPEN waits up to five seconds.

extension Speaker {
  /// How long a peer has to show which of two connections it keeps.
  static let collisionWait = Duration.seconds(5)

  /// Judges the connection that the peer's `open` came on. False if it is closed, or has to wait.
  mutating func resolveCollision(
    _ address: IPAddress, _ slot: Int, _ open: OpenMessage, _ now: Instant
  ) -> Bool {
    guard let peer = peers[address], let own = peer.slots.first(where: { $0.id == slot }) else {
      return false
    }
    let wins = isPreferred(own, open)
    for other in peer.slots where other.id != slot {
      switch other.session.state.name {
      case .idle, .connect, .active: continue
      case .openSent:
        drive(address, wins ? other.id : slot, .collisionDump, now)
        if !wins { return false }
      case .openConfirm, .established:
        if wins, !other.hasSpoken {
          withSlot(address, slot) { $0.isWaiting = true }
          awaitChoice(address, now)
        } else {
          drive(address, slot, .collisionDump, now)
        }
        return false
      }
    }
    return true
  }

  /// Whether the identifiers are for this connection; RFC 6286 §2.3: if equal, the AS numbers.
  private func isPreferred(_ slot: Peer.Slot, _ open: OpenMessage) -> Bool {
    let ours = (routerID, configuration.localAS)
    return slot.isInitiator == (ours > (open.identifier, open.asNumber))
  }

  private mutating func awaitChoice(_ address: IPAddress, _ now: Instant) {
    if peers[address]?.choiceDeadline == nil {
      peers[address]?.choiceDeadline = now.advanced(by: Self.collisionWait)
    }
  }

  /// One connection is established: the others go, but those that the peer may still prefer.
  mutating func established(
    _ address: IPAddress, _ slot: Int, _ negotiated: Negotiated, _ now: Instant
  ) {
    peers[address]?.choiceDeadline = nil
    for other in peers[address]?.slots ?? [] where other.id != slot {
      if other.session.state.name == .openSent, isPreferred(other, negotiated.peer) {
        awaitChoice(address, now)
      } else {
        drive(address, other.id, .collisionDump, now)
      }
    }
    if peers[address]?.successor == nil { peers[address]?.counters.established += 1 }
    peers[address]?.successor = nil
  }

  /// The peer has sent what it sends only once its end is Established: it keeps this connection.
  mutating func noteChoice(_ address: IPAddress, _ position: Int, _ now: Instant) {
    guard peers[address]?.slots[position].hasSpoken == false else { return }
    peers[address]?.slots[position].hasSpoken = true
    if let slot = peers[address]?.slots[position].id { closeOthers(address, slot, now) }
  }

  private mutating func closeOthers(_ address: IPAddress, _ slot: Int, _ now: Instant) {
    for other in peers[address]?.slots ?? [] where other.id != slot {
      drive(address, other.id, .collisionDump, now)
    }
  }

  /// The peer has not said a word: the first connection stays, and what was handed over is down.
  mutating func expireChoice(_ address: IPAddress, _ now: Instant) {
    guard let peer = peers[address], let deadline = peer.choiceDeadline, deadline <= now else {
      return
    }
    peers[address]?.choiceDeadline = nil
    if peer.successor != nil { return endHandOver(address, .connectionLost, now) }
    guard
      let first = peer.established
        ?? peer.slots.first(where: { $0.session.state.negotiated != nil })
    else { return }
    closeOthers(address, first.id, now)
  }

  /// The OPEN that waited goes on, once no other connection stands against it.
  mutating func resumeWaiting(_ address: IPAddress, _ now: Instant) {
    guard let slots = peers[address]?.slots, let slot = slots.first(where: \.isWaiting),
      let connection = slot.connection,
      !slots.contains(where: { $0.id != slot.id && $0.session.state.negotiated != nil })
    else { return }
    withSlot(address, slot.id) { $0.isWaiting = false }
    received(connection, [], now)
  }

  /// Whether an accepted connection may be one that the peer opened before this session was
  /// established; later, it has restarted.
  func mayCross(_ slot: Peer.Slot, _ now: Instant) -> Bool {
    guard case .established(_, _, let since) = slot.session.state else { return false }
    return since.duration(to: now) < Self.collisionWait
  }

  /// An established session whose connection the peer gave up goes on by another. False if it is
  /// down.
  mutating func handOver(
    _ address: IPAddress, from slot: Peer.Slot, _ reason: DownReason, _ now: Instant
  ) -> Bool {
    guard !slot.hasSpoken, reason.isChoice,
      let other = peers[address]?.slots.first(where: {
        $0.id != slot.id && $0.session.state.name == .openSent
      })
    else { return false }
    peers[address]?.successor = other.id
    peers[address]?.choiceDeadline = now.advanced(by: Self.collisionWait)
    forgetSession(address)
    return true
  }

  /// The session did not go on after all.
  mutating func endHandOver(_ address: IPAddress, _ reason: DownReason, _ now: Instant) {
    peers[address]?.successor = nil
    peers[address]?.lastError = reason
    sessionDown(address, reason, now)
    noteState(address, now)
  }

  /// A connection has failed before it was established.
  mutating func failed(
    _ address: IPAddress, _ slot: Int, _ reason: DownReason, _ now: Instant
  ) {
    guard let peer = peers[address], peer.established == nil else { return }
    if reason != .collision { peers[address]?.lastError = reason }
    guard peer.successor == slot else { return }
    let other = peer.slots.first {
      $0.id != slot && ($0.session.state.name == .openSent || $0.session.state.negotiated != nil)
    }
    peers[address]?.successor = other?.id
    if other == nil { endHandOver(address, reason, now) }
  }
}

extension Message {
  /// On an established session: the peer's end is Established too.
  var showsChoice: Bool {
    switch self {
    case .update, .keepalive, .routeRefresh: true
    case .open, .notification: false
    }
  }
}

extension DownReason {
  /// So a peer ends the connection that it does not choose.
  fileprivate var isChoice: Bool {
    switch self {
    case .connectionLost: true
    case .received(let notification): notification == .connectionCollision
    default: false
    }
  }
}
