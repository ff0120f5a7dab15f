import NetTypes

extension Speaker {
  /// The machine's settings for one neighbour, with the OPEN that is true at this instant.
  func sessionSettings(_ peer: ResolvedNeighbor) -> Session.Settings {
    let open = OpenMessage(
      asNumber: configuration.localAS, holdTime: UInt16(clamping: peer.timers.hold.wholeSeconds),
      identifier: routerID, capabilities: capabilities(peer))
    var settings = Session.Settings(
      open: open, remoteAS: peer.remoteAS, timers: peer.timers, passive: peer.passive)
    settings.needsRole = peer.needsRole
    settings.acceptsAnyExternalAS = peer.remoteASKind == .external
    return settings
  }

  private func capabilities(_ peer: ResolvedNeighbor) -> Capabilities {
    let families = peer.families
    let isInternal = peer.remoteAS == configuration.localAS
    var capabilities = Capabilities()
    capabilities.families = families
    capabilities.routeRefresh = true
    capabilities.enhancedRouteRefresh = true
    capabilities.extendedMessages = true
    capabilities.fourOctetAS = configuration.localAS
    // Where the session runs over IPv6 there may be no IPv4 address to name. RFC 8950.
    capabilities.extendedNextHop = families.contains(.ipv4) && !peer.address.isIPv4
    // RFC 9234 §4.1: roles are for external sessions.
    capabilities.role = isInternal ? nil : peer.role
    capabilities.hostName = configuration.hostName.map { HostNameCapability(host: $0) }
    var directions: AddPathDirections = peer.addPath.receives ? .receive : []
    if peer.addPath.sending != .bestOnly { directions.insert(.send) }
    if !directions.isEmpty {
      for family in families { capabilities.addPath[family] = directions }
    }
    capabilities.gracefulRestart = gracefulRestartCapability(peer)
    return capabilities
  }
}

extension ResolvedNeighbor {
  /// Families of the session: that of the neighbour's address, and what else is activated.
  package var families: [AddressFamily] {
    AddressFamily.allCases.filter { activations[$0] ?? (AddressFamily(of: address) == $0) }
  }
}
