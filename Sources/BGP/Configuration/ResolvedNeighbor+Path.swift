import NetTypes

// How far away a neighbour may be, as the IP header's TTL or hop limit. RFC 4271 §5.1.3, RFC 5082.

extension ResolvedNeighbor {
  /// Of packets to the neighbour. 255 within an AS and where GTSM is on, for the peer to check; to
  /// an external peer on the link 1.
  package func timeToLive(localAS: ASNumber) -> UInt8 {
    if ttlSecurityHops != nil || remoteAS == localAS { return 255 }
    return ebgpMultihop ?? 1
  }

  /// The least that the neighbour's packets must have left; nil: any will do. RFC 5082 §3.
  package var minimumTimeToLive: UInt8? {
    ttlSecurityHops.map { 255 - (max(1, min($0, 254)) - 1) }
  }
}
