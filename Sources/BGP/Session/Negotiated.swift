import NetTypes

/// What two OPENs add up to.
package struct Negotiated: Hashable, Sendable {
  package var peer: OpenMessage
  /// The smaller of both; zero disables keepalives. RFC 4271 §4.2.
  package var holdTime: Duration
  package var keepaliveTime: Duration
  package var families: [AddressFamily]
  package var options: CodecOptions
  /// Octets of the longest message that we have said to take. RFC 8654 §4.
  package var longestReceived: Int
  /// Refreshes are marked by BoRR and EoRR. RFC 7313.
  package var enhancedRouteRefresh: Bool
  /// Routes are kept after a NOTIFICATION and an expired hold timer too. RFC 8538 §3.
  package var restartCoversNotification: Bool

  package init(local: OpenMessage, peer: OpenMessage, keepalive: Duration, isInternal: Bool) {
    self.peer = peer
    let (ours, theirs) = (local.capabilities, peer.capabilities)
    let seconds = Int64(min(local.holdTime, peer.holdTime))
    holdTime = .seconds(seconds)
    keepaliveTime = min(keepalive, holdTime / 3)
    // RFC 4760 §8: a peer that says nothing speaks IPv4 unicast.
    let spoken = theirs.families.isEmpty ? [.ipv4] : theirs.families
    families = ours.families.filter(spoken.contains)
    options = CodecOptions(
      fourOctetAS: ours.fourOctetAS != nil && theirs.fourOctetAS != nil, isInternal: isInternal)
    options.extendedNextHop = ours.extendedNextHop && theirs.extendedNextHop
    // RFC 8654 §4: each end takes what it has said to take, whatever the other said.
    if theirs.extendedMessages { options.maximumLength = Message.extendedMaximumLength }
    longestReceived =
      ours.extendedMessages ? Message.extendedMaximumLength : Message.maximumLength
    for family in families {
      let (own, other) = (ours.addPath[family] ?? [], theirs.addPath[family] ?? [])
      if own.contains(.receive), other.contains(.send) {
        options.addPathReceive.insert(AddressFamilySet(family))
      }
      if own.contains(.send), other.contains(.receive) {
        options.addPathSend.insert(AddressFamilySet(family))
      }
    }
    enhancedRouteRefresh = ours.enhancedRouteRefresh && theirs.enhancedRouteRefresh
    restartCoversNotification =
      (ours.gracefulRestart?.coversNotification ?? false)
      && (theirs.gracefulRestart?.coversNotification ?? false)
  }
}
