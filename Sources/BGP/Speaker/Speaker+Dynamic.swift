import NetTypes

// Dynamic neighbours: a connection from inside a listen range makes one, of the range's peer group.
// It is passive, and goes when it has had no session for a while and no route of it is kept.

extension Speaker {
  /// How long a dynamic neighbour without a session stays.
  package static let dynamicLinger = Duration.seconds(30)

  /// Makes the neighbour that an accepted connection belongs to, if a listen range allows it.
  mutating func addDynamicPeer(_ address: IPAddress, _ now: Instant) {
    guard peers[address] == nil, isStarted, let settings = configuration.dynamicNeighbor(address)
    else { return }
    let count = peers.values.reduce(0) { $0 + ($1.settings.isDynamic ? 1 : 0) }
    guard count < configuration.listenLimit else {
      return notice(
        address,
        "connection refused: \(count) dynamic neighbors, limit \(configuration.listenLimit)")
    }
    addPeer(settings, now)
  }

  /// Starts or stops the clock after which a dynamic neighbour goes.
  mutating func noteDynamic(_ address: IPAddress, _ now: Instant) {
    guard let peer = peers[address], peer.settings.isDynamic else { return }
    let hasConnection = peer.slots.contains { $0.connection != nil }
    if hasConnection {
      peers[address]?.leavesAt = nil
    } else if peer.leavesAt == nil {
      peers[address]?.leavesAt = now.advanced(by: Self.dynamicLinger)
    }
  }

  mutating func expireDynamic(_ address: IPAddress, _ now: Instant) {
    guard let peer = peers[address], let leavesAt = peer.leavesAt, leavesAt <= now else { return }
    if let restart = peer.restart {
      peers[address]?.leavesAt = restart.deadline
    } else {
      removePeer(address, now)
    }
  }
}
