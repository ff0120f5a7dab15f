import NetTypes

// RFC 4724, RFC 8538. As the helper (§4.2): when TCP ends without a NOTIFICATION, the peer's routes
// stay, marked stale, for its restart time; once it is back, until its End-of-RIB. Where both ends
// have said so by the N bit, a NOTIFICATION other than Hard Reset and a hold timer that runs out
// keep them too. As the restarter (§4.1): what was learnt is not passed on before every peer has
// sent End-of-RIB, or the deferral timer ran out; only then do we send ours. Deviation: routes of
// our own, which depend on no peer, are announced at once.

extension Speaker {
  /// What our OPEN says of restarts; nil: nothing is kept. RFC 4724 §3.
  func gracefulRestartCapability(_ peer: ResolvedNeighbor) -> GracefulRestartCapability? {
    guard configuration.gracefulRestart.isEnabled else { return nil }
    let seconds = peer.restartTime.wholeSeconds
    // The F bit is about what this speaker forwards by. A session that fails takes nothing of it
    // away; a new life does, unless it found the table of the one before.
    let hadSession = (peers[peer.address]?.counters.established ?? 0) > 0
    let isPreserved = hadSession || forwardingWasPreserved
    return GracefulRestartCapability(
      isRestarting: !isConverged, coversNotification: true,
      restartTime: UInt16(clamping: min(seconds, 4095)),
      families: Dictionary(uniqueKeysWithValues: peer.families.map { ($0, isPreserved) }))
  }

  /// RFC 4724 §4.2, RFC 8538 §4; RFC 5882 §4.3: a path that is down carries no packets meanwhile.
  private func keepsRoutes(after reason: DownReason, _ negotiated: Negotiated) -> Bool {
    guard configuration.gracefulRestart.isEnabled else { return false }
    switch reason {
    case .connectionLost: return true
    case .holdTimerExpired: return negotiated.restartCoversNotification
    case .sent(let notification), .received(let notification):
      return negotiated.restartCoversNotification && !notification.isHardReset
    case .collision, .pathDown: return false
    }
  }

  mutating func sessionEstablished(
    _ address: IPAddress, _ negotiated: Negotiated, _ now: Instant
  ) {
    peers[address]?.negotiated = negotiated
    peers[address]?.endOfRIBReceived = []
    peers[address]?.needsFullTable = true
    peers[address]?.endOfRIBSent = false
    guard let stale = peers[address]?.restart?.families else { return }
    let capability = negotiated.peer.capabilities.gracefulRestart
    for family in stale {
      // §4.2: a family whose forwarding state was lost, or that is gone, is dropped.
      let preserved = capability?.families[family] ?? false
      if !preserved || !negotiated.families.contains(family) {
        dropPaths(address, family, staleOnly: true)
        peers[address]?.restart?.families.remove(family)
      }
    }
    if peers[address]?.restart?.families.isEmpty ?? true {
      peers[address]?.restart = nil
    } else {
      let wait = configuration.gracefulRestart.stalePathTime
      peers[address]?.restart?.deadline = now.advanced(by: wait)
    }
  }

  /// What was said on a connection that is gone.
  mutating func forgetSession(_ address: IPAddress) {
    forgetAnnounced(address)
    forgetReceived(address)
    peers[address]?.endOfRIBReceived = []
    peers[address]?.needsFullTable = false
    peers[address]?.refreshesToEnd = []
    peers[address]?.refreshes = [:]
  }

  mutating func sessionDown(_ address: IPAddress, _ reason: DownReason, _ now: Instant) {
    guard let peer = peers[address] else { return }
    let refreshed = Set(peer.refreshes.keys)
    forgetSession(address)
    var kept: Set<AddressFamily> = []
    var wait = Duration.zero
    if let negotiated = peer.negotiated, keepsRoutes(after: reason, negotiated),
      let capability = negotiated.peer.capabilities.gracefulRestart
    {
      kept = Set(capability.families.keys)
      wait = .seconds(Int64(capability.restartTime))
    }
    for family in AddressFamily.allCases {
      // §4.2: what was stale from an earlier restart is not kept twice. What a refresh had marked
      // is as good as any other.
      if !kept.contains(family) || !refreshed.contains(family) {
        dropPaths(address, family, staleOnly: kept.contains(family))
      }
      if kept.contains(family) { markStale(address, family) }
    }
    if kept.isEmpty || wait == .zero {
      dropStale(address)
    } else {
      peers[address]?.restart = Peer.Restart(families: kept, deadline: now.advanced(by: wait))
    }
  }

  mutating func endOfRIB(_ address: IPAddress, _ family: AddressFamily) {
    peers[address]?.endOfRIBReceived.insert(family)
    guard peers[address]?.restart?.families.contains(family) ?? false else { return }
    dropPaths(address, family, staleOnly: true)
    peers[address]?.restart?.families.remove(family)
    if peers[address]?.restart?.families.isEmpty ?? true { peers[address]?.restart = nil }
  }

  mutating func expireRestart(_ address: IPAddress, _ now: Instant) {
    guard let restart = peers[address]?.restart, restart.deadline <= now else { return }
    notice(address, "graceful restart timed out, stale routes dropped")
    dropStale(address)
  }

  /// Drops the peer's stale paths and stops waiting for it.
  mutating func dropStale(_ address: IPAddress) {
    for family in AddressFamily.allCases { dropPaths(address, family, staleOnly: true) }
    peers[address]?.restart = nil
  }

  /// §4.1: passes learnt routes on once every peer that can tell has sent all of its own; those
  /// that restart too are not waited for, or two would wait for each other. The routes of the
  /// earlier life do wait for them: they are on their way, and packets use them meanwhile.
  /// True when those may go.
  mutating func checkConvergence(_ now: Instant) -> Bool {
    if case .waiting(let until) = convergence, now >= until || !isAwaited(restartingToo: false) {
      convergence = .announced(until: until)
      // What was held back is told now.
      touchAll()
    }
    guard case .announced(let until) = convergence,
      now >= until || !isAwaited(restartingToo: true)
    else { return false }
    convergence = .done
    return true
  }

  /// Whether a peer is still to send its routes.
  private func isAwaited(restartingToo: Bool) -> Bool {
    peers.values.contains { peer in
      if peer.settings.shutdown { return false }
      guard let negotiated = peer.established?.session.state.negotiated else { return true }
      guard let capability = negotiated.peer.capabilities.gracefulRestart,
        restartingToo || !capability.isRestarting
      else { return false }
      return !peer.endOfRIBReceived.isSuperset(of: negotiated.families)
    }
  }
}
