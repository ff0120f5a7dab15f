import NetTypes

extension Speaker {
  /// Takes a new configuration; only neighbours whose sessions it changes are reset.
  mutating func configure(
    _ new: RouterConfiguration, _ newPolicy: RoutingPolicy, _ now: Instant
  ) {
    let old = configuration
    let oldPolicy = policy
    let before = old.resolvedNeighbors
    let after = new.resolvedNeighbors
    configuration = new
    policy = newPolicy
    guard isStarted else { return }
    let resetsAll =
      old.localAS != new.localAS || old.routerID != new.routerID
      || old.gracefulRestart != new.gracefulRestart

    for address in before.keys.sorted() where after[address] == nil { removePeer(address, now) }
    configureDynamic(after, resetsAll, now)
    for (address, settings) in after.sorted(by: { $0.key < $1.key }) {
      guard let previous = before[address], peers[address] != nil else {
        addPeer(settings, now)
        continue
      }
      if resetsAll || previous.needsNewSession(for: settings) {
        renew(address, settings, now)
        continue
      }
      peers[address]?.settings = settings
      let filtersChanged = oldPolicy != newPolicy
      if !settings.keepsReceived { forgetReceived(address) }
      if filtersChanged || previous.importPolicy != settings.importPolicy
        || settings.keepsReceived && !previous.keepsReceived
      {
        askForRefresh(address)
      }
    }
    applyNetworks(old.networks, new.networks)
    // Decision and export settings count for every route.
    touchAll()
  }

  /// Ends a session that has to begin anew with other settings.
  private mutating func renew(
    _ address: IPAddress, _ settings: ResolvedNeighbor, _ now: Instant
  ) {
    if settings.shutdown {
      let reason = NotificationMessage.administrativeShutdown.saying(settings.shutdownMessage)
      stopPeer(address, reason, now)
    } else {
      let isSamePeer = peers[address]?.settings.remoteAS == settings.remoteAS
      stopPeer(address, .otherConfigurationChange, keepsRoutes: isSamePeer, now)
    }
    peers[address]?.slots = []
    peers[address]?.settings = settings
    startPeer(address, now)
  }

  /// Dynamic neighbours stay as long as a listen range has room for them.
  private mutating func configureDynamic(
    _ named: [IPAddress: ResolvedNeighbor], _ resetsAll: Bool, _ now: Instant
  ) {
    for address in peers.keys.sorted() {
      guard let current = peers[address]?.settings, current.isDynamic else { continue }
      guard named[address] == nil, let settings = configuration.dynamicNeighbor(address),
        !resetsAll, !current.needsNewSession(for: settings)
      else {
        removePeer(address, now)
        continue
      }
      peers[address]?.settings = settings
      if !settings.keepsReceived { forgetReceived(address) }
      if current.importPolicy != settings.importPolicy
        || settings.keepsReceived && !current.keepsReceived
      {
        askForRefresh(address)
      }
    }
  }

  private mutating func applyNetworks(_ old: [IPPrefix], _ new: [IPPrefix]) {
    let kept = Set(new)
    for prefix in old where !kept.contains(prefix) {
      if let attributes = originated[prefix] {
        addLocalRoute(prefix, attributes)
      } else {
        removePath(of: .local, prefix)
      }
    }
    for prefix in new { addNetwork(prefix) }
  }
}

extension ResolvedNeighbor {
  /// False where only what is announced or accepted changes.
  func needsNewSession(for new: ResolvedNeighbor) -> Bool {
    port != new.port || remoteAS != new.remoteAS || remoteASKind != new.remoteASKind
      || families != new.families || addPath != new.addPath || role != new.role
      || needsRole != new.needsRole || ttlSecurityHops != new.ttlSecurityHops
      || shutdown != new.shutdown
      || passive != new.passive || password != new.password || timers != new.timers
      || sourceAddress != new.sourceAddress || sourceInterface != new.sourceInterface
      || ebgpMultihop != new.ebgpMultihop
      || routeReflectorClient != new.routeReflectorClient || restartTime != new.restartTime
  }
}
