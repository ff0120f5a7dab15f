import NetTypes

/// Which ASes a neighbour may be of where its number is not configured.
package enum RemoteASKind: String, Hashable, Sendable {
  /// Any but ours.
  case external
  /// Ours.
  case `internal`
}

extension RouterConfiguration {
  /// The range that a connection from `address` belongs to: the longest that contains it.
  package func listenRange(containing address: IPAddress) -> ListenRange? {
    listenRanges.filter { $0.prefix.contains(address) }.max {
      $0.prefix.length < $1.prefix.length
    }
  }

  /// The neighbour that a connection from inside a listen range makes; nil outside of them, and
  /// where the peer group has no remote AS. It only ever accepts.
  package func dynamicNeighbor(_ address: IPAddress) -> ResolvedNeighbor? {
    guard let range = listenRange(containing: address),
      var neighbor = resolved(Neighbor(address: address, peerGroup: range.peerGroup))
    else { return nil }
    neighbor.passive = true
    neighbor.isDynamic = true
    return neighbor
  }

  /// The neighbour whose connection from `address` may be accepted.
  package func acceptableNeighbor(_ address: IPAddress) -> ResolvedNeighbor? {
    if let named = neighbors.first(where: { $0.address == address }) { return resolved(named) }
    return dynamicNeighbor(address)
  }

  var listenRangeProblems: [Problem] {
    listenRanges.compactMap { range in
      let object = "listen range \(range.prefix)"
      guard let group = peerGroup(range.peerGroup)?.settings else {
        return Problem(object, "peer group", range.peerGroup, "a peer group that exists")
      }
      let hasRemoteAS = group.remoteAS != nil || group.remoteASKind != nil
      return hasRemoteAS ? nil : Problem(object, "remote AS", "missing", "one in its peer group")
    }
  }
}
