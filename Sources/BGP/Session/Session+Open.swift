import NetTypes

extension Session.Settings {
  /// Why the peer's OPEN cannot be accepted; nil: it can. RFC 4271 §6.2.
  func objection(to peer: OpenMessage) -> NotificationMessage? {
    let isWelcome =
      acceptsAnyExternalAS ? peer.asNumber != open.asNumber : peer.asNumber == remoteAS
    if !isWelcome { return .badPeerAS }
    // RFC 6286 §2.3: within one AS identifiers are unique.
    if isInternal, peer.identifier == open.identifier { return .badBGPIdentifier }
    if !agreesOnRole(with: peer.capabilities) { return .roleMismatch }
    // RFC 4760 §8: a peer that says nothing speaks IPv4 unicast.
    let spoken = peer.capabilities.families.isEmpty ? [.ipv4] : peer.capabilities.families
    if !open.capabilities.families.contains(where: spoken.contains) {
      return .unsupportedCapability(open.capabilities.families)
    }
    return nil
  }

  /// RFC 9234 §4.2. Who has no role takes any.
  private func agreesOnRole(with peer: Capabilities) -> Bool {
    guard let own = open.capabilities.role else { return true }
    guard peer.roleCode != nil else { return !needsRole }
    return peer.role == own.counterpart
  }
}

extension PeerRole {
  /// What the other end of the session has to be. RFC 9234 §4.2, table 2.
  package var counterpart: PeerRole {
    switch self {
    case .provider: .customer
    case .customer: .provider
    case .routeServer: .routeServerClient
    case .routeServerClient: .routeServer
    case .peer: .peer
    }
  }
}
