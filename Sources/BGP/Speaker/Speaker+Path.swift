import NetTypes

/// What the watcher of a neighbour's path needs to know. RFC 5882 §4.
extension Speaker {
  /// In force for a neighbour that has a peer, be it configured or dynamic.
  package func settings(of address: IPAddress) -> ResolvedNeighbor? { peers[address]?.settings }

  /// Our end of the neighbour's established session.
  package func localAddress(toward address: IPAddress) -> IPAddress? {
    peers[address]?.established?.local
  }
}
