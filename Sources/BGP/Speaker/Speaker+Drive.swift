import NetTypes

extension Speaker {
  /// Hands `event` to one session and does what it asks.
  mutating func drive(_ address: IPAddress, _ slot: Int, _ event: Session.Event, _ now: Instant) {
    var asked: [Session.Action] = []
    withSlot(address, slot) { asked = $0.session.handle(event, at: now) }
    for action in asked { perform(action, address, slot, now) }
    prune(address, slot)
    noteState(address, now)
    noteDynamic(address, now)
  }

  private mutating func perform(
    _ action: Session.Action, _ address: IPAddress, _ slot: Int, _ now: Instant
  ) {
    guard let peer = peers[address], let current = peer.slots.first(where: { $0.id == slot }) else {
      return
    }
    switch action {
    case .connect:
      let id = makeConnectionID()
      if debugging.topics.contains(.neighborEvents) { traceConnect(address) }
      connections[id] = (address, slot)
      withSlot(address, slot) { $0.begin(id, isInitiator: true) }
      let target = ConnectionTarget(
        address: address, port: peer.settings.port, source: peer.settings.sourceAddress,
        sourceInterface: peer.settings.sourceInterface,
        password: peer.settings.password,
        timeToLive: peer.settings.timeToLive(localAS: configuration.localAS),
        minimumTimeToLive: peer.settings.minimumTimeToLive)
      actions.append(.connect(id, target))
    case .close:
      guard let id = current.connection else { return }
      connections[id] = nil
      withSlot(address, slot) { $0.connection = nil }
      actions.append(.close(id))
    case .send(let message):
      let options = current.session.state.negotiated?.options ?? CodecOptions()
      send(message, address, current, options)
      if let negotiated = current.session.state.negotiated {
        withSlot(address, slot) { $0.framer.maximumLength = negotiated.longestReceived }
      }
    case .established(let negotiated):
      established(address, slot, negotiated, now)
      peers[address]?.lastError = nil
      peers[address]?.prefixWarnings = []
      peers[address]?.isOverPrefixLimit = false
      peers[address]?.prefixLimitHold = nil
      sessionEstablished(address, negotiated, now)
    case .down(let reason):
      if handOver(address, from: current, reason, now) { return }
      peers[address]?.lastError = reason
      sessionDown(address, reason, now)
    case .failed(let reason):
      failed(address, slot, reason, now)
    case .update(let update):
      peers[address]?.counters.updatesReceived += 1
      apply(update, from: address, now)
    case .refresh(let family):
      answerRefresh(address, family)
    case .refreshBegins(let family):
      refreshBegins(address, family, now)
    case .refreshEnds(let family):
      refreshEnds(address, family)
    }
  }

  mutating func send(
    _ message: Message, _ address: IPAddress, _ slot: Peer.Slot, _ options: CodecOptions
  ) {
    guard let id = slot.connection else { return }
    let bytes = message.encoded(options: options)
    peers[address]?.counters.messagesSent += 1
    peers[address]?.counters.sent.count(message)
    peers[address]?.counters.bytesSent += UInt64(bytes.count)
    if case .update = message { peers[address]?.counters.updatesSent += 1 }
    actions.append(.send(id, bytes))
    if !debugging.topics.isEmpty { traceSent(message, address) }
  }

  /// A second machine goes as soon as it has no connection; so does the first, if it lost.
  private mutating func prune(_ address: IPAddress, _ slot: Int) {
    guard let peer = peers[address], peer.slots.count > 1,
      let position = peer.slotPosition(slot)
    else { return }
    let name = peer.slots[position].session.state.name
    if name == .idle || name == .active {
      if let id = peer.slots[position].connection { connections[id] = nil }
      peers[address]?.slots.remove(at: position)
      if peer.successor == nil { peers[address]?.choiceDeadline = nil }
    }
  }

  mutating func noteState(_ address: IPAddress, _ now: Instant) {
    // A session that is handed over is not down.
    guard let peer = peers[address], peer.successor == nil else { return }
    let name = peer.state.name
    guard name != peer.lastState else { return }
    // The comings and goings before Established are no news while a session is not up.
    let change = SessionChange(
      peer: address, from: peer.lastState, to: name, reason: peer.lastError)
    actions.append(.session(change))
    if debugging.topics.contains(.neighborEvents) { traceState(address, change) }
    if name == .established || peer.lastState == .established { peers[address]?.lastChange = now }
    peers[address]?.lastState = name
  }
}
