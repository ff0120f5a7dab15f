import NetTypes

// RFC 4724. As the helper (§4.2): when TCP ends without a NOTIFICATION, the peer's routes stay,
// marked stale, for its restart time; once it is back, until its End-of-RIB. A NOTIFICATION either
// way and a hold timer that runs out drop them at once. As the restarter (§4.1): what was learnt
// is not passed on before every peer has sent End-of-RIB, or the deferral timer ran out; only then
// do we send ours. Deviation: routes of our own, which depend on no peer, are announced at once.

extension Speaker {
  /// What our OPEN says of restarts; nil: nothing is kept. RFC 4724 §3.
  func gracefulRestartCapability(_ peer: ResolvedNeighbor) -> GracefulRestartCapability? {
    guard configuration.gracefulRestart.isEnabled else { return nil }
    let seconds = peer.restartTime.wholeSeconds
    return GracefulRestartCapability(
      isRestarting: !isConverged, restartTime: UInt16(clamping: min(seconds, 4095)),
      families: Dictionary(uniqueKeysWithValues: peer.families.map { ($0, true) }))
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

  mutating func sessionDown(_ address: IPAddress, _ reason: DownReason, _ now: Instant) {
    guard let peer = peers[address] else { return }
    forgetAnnounced(address)
    peers[address]?.endOfRIBReceived = []
    peers[address]?.needsFullTable = false
    peers[address]?.refreshesToEnd = []
    let refreshed = Set(peer.refreshes.keys)
    peers[address]?.refreshes = [:]

    var kept: Set<AddressFamily> = []
    var wait = Duration.zero
    if reason == .connectionLost, configuration.gracefulRestart.isEnabled,
      let capability = peer.negotiated?.peer.capabilities.gracefulRestart
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
    actions.append(.notice(address, "graceful restart timed out, stale routes dropped"))
    dropStale(address)
  }

  /// Drops the peer's stale paths and stops waiting for it.
  mutating func dropStale(_ address: IPAddress) {
    for family in AddressFamily.allCases { dropPaths(address, family, staleOnly: true) }
    peers[address]?.restart = nil
  }

  /// §4.1: passes learnt routes on once every peer that can tell has sent all of its own.
  mutating func checkConvergence(_ now: Instant) {
    guard case .waiting(let until) = convergence else { return }
    let isPending = peers.values.contains { peer in
      if peer.settings.shutdown { return false }
      guard let negotiated = peer.established?.session.state.negotiated else { return true }
      guard let capability = negotiated.peer.capabilities.gracefulRestart,
        !capability.isRestarting
      else { return false }
      return !peer.endOfRIBReceived.isSuperset(of: negotiated.families)
    }
    if isPending, now < until { return }
    convergence = .done
    actions.append(.converged)
    // What was held back is told now.
    touchAll()
    for address in peers.keys {
      // Later sessions are no restart any more.
      for slot in peers[address]?.slots ?? [] {
        withSlot(address, slot.id) {
          $0.session.settings.open.capabilities.gracefulRestart?.isRestarting = false
        }
      }
    }
  }
}
