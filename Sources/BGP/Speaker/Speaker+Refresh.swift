import NetTypes

// Route refresh both ways, RFC 2918, with the marks of RFC 7313 where both ends have them: what a
// peer does not send again between BoRR and EoRR is gone.

extension Speaker {
  /// Sends a family again that the peer asked for. RFC 7313 §4: BoRR not before End-of-RIB.
  mutating func answerRefresh(_ address: IPAddress, _ family: AddressFamily) {
    guard let peer = peers[address], let slot = peer.established,
      let negotiated = slot.session.state.negotiated
    else { return }
    if negotiated.enhancedRouteRefresh, peer.endOfRIBSent {
      send(.routeRefresh(RouteRefreshMessage(family, .begin)), address, slot, negotiated.options)
      peers[address]?.refreshesToEnd.insert(family)
    }
    refresh(address, family)
  }

  /// Tells the peer that all it asked for was sent.
  mutating func endRefreshes(_ address: IPAddress) {
    guard let peer = peers[address], !peer.refreshesToEnd.isEmpty, let slot = peer.established,
      let negotiated = slot.session.state.negotiated
    else { return }
    for family in peer.refreshesToEnd.sorted() {
      send(.routeRefresh(RouteRefreshMessage(family, .end)), address, slot, negotiated.options)
    }
    peers[address]?.refreshesToEnd = []
  }

  /// Has the peer's routes imported once more, as after a change of import policy: what is kept of
  /// them, or what the peer sends again.
  mutating func askForRefresh(_ address: IPAddress) {
    if importAgain(address) { return }
    guard let slot = peers[address]?.established,
      let negotiated = slot.session.state.negotiated, negotiated.peer.capabilities.routeRefresh
    else { return }
    for family in negotiated.families {
      send(.routeRefresh(RouteRefreshMessage(family)), address, slot, negotiated.options)
    }
  }

  /// BoRR. Before the first End-of-RIB it says nothing new. RFC 7313 §4.
  mutating func refreshBegins(_ address: IPAddress, _ family: AddressFamily, _ now: Instant) {
    guard let peer = peers[address] else { return }
    let sendsEndOfRIB = peer.negotiated?.peer.capabilities.gracefulRestart != nil
    if sendsEndOfRIB, !peer.endOfRIBReceived.contains(family) { return }
    markStale(address, family)
    received[address]?.markStale(family)
    let wait = configuration.gracefulRestart.stalePathTime
    peers[address]?.refreshes[family] = now.advanced(by: wait)
  }

  /// EoRR; one without BoRR has no meaning.
  mutating func refreshEnds(_ address: IPAddress, _ family: AddressFamily) {
    guard peers[address]?.refreshes.removeValue(forKey: family) != nil else { return }
    dropPaths(address, family, staleOnly: true)
    received[address]?.removeStale(family, &attributes)
  }

  /// RFC 7313 §4 wants a bound on how long stale routes stay without EoRR.
  mutating func expireRefreshes(_ address: IPAddress, _ now: Instant) {
    for (family, deadline) in peers[address]?.refreshes ?? [:] where deadline <= now {
      notice(address, "route refresh of \(family) did not end, stale routes dropped")
      refreshEnds(address, family)
    }
  }
}
