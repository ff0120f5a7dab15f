import NetTypes

/// Changes of one peer's Adj-RIB-In; each marks the destinations to decide anew.
extension RouteTable {
  /// Puts a path in, or replaces the peer's earlier one, and clears its stale mark. True if the peer
  /// had no such path here.
  @inline(__always)
  mutating func setPath(
    of peer: PeerIndex, _ key: Key, _ identifier: UInt32, _ id: AttributeID,
    _ attributes: inout AttributeTable, _ dirty: inout DirtySet
  ) -> Bool {
    let destination = findOrInsert(key)
    if let path = path(of: peer, identifier, at: destination) {
      self[path: path].flags.remove(.stale)
      if self[path: path].attributes == id { return false }
      attributes.retainPath(id)
      attributes.releasePath(self[path: path].attributes)
      self[path: path].attributes = id
      dirty.insert(destination)
      return false
    }
    attributes.retainPath(id)
    insertPath(peer, identifier, id, at: destination)
    dirty.insert(destination)
    return true
  }

  /// True if the peer had such a path here.
  @inline(__always)
  mutating func dropPath(
    of peer: PeerIndex, _ key: Key, _ identifier: UInt32, _ attributes: inout AttributeTable,
    _ dirty: inout DirtySet
  ) -> Bool {
    guard let destination = find(key),
      let path = removePath(
        at: destination, where: { $0.peer == peer && $0.identifier == identifier })
    else { return false }
    attributes.releasePath(path.attributes)
    dirty.insert(destination)
    return true
  }

  /// The number of paths dropped.
  mutating func dropPaths(
    of peer: PeerIndex, _ staleOnly: Bool, _ attributes: inout AttributeTable,
    _ dirty: inout DirtySet
  ) -> Int {
    var dropped = 0
    for destination in 1..<max(1, endIndex) {
      while let removed = removePath(
        at: destination,
        where: { $0.peer == peer && (!staleOnly || $0.flags.contains(.stale)) })
      {
        attributes.releasePath(removed.attributes)
        dirty.insert(destination)
        dropped += 1
      }
    }
    return dropped
  }

  mutating func markStale(_ peer: PeerIndex) {
    for destination in 1..<max(1, endIndex) {
      var path = firstPath(at: destination)
      while path != 0 {
        if self[path: path].peer == peer { self[path: path].flags.insert(.stale) }
        path = nextPath(after: path)
      }
    }
  }

  /// Marks the destinations that have a path through a next hop.
  func touchPaths(through hop: NextHopIndex, _ attributes: AttributeTable, _ dirty: inout DirtySet)
  {
    for destination in 1..<max(1, endIndex) {
      var path = firstPath(at: destination)
      while path != 0 {
        if attributes.hop(of: self[path: path].attributes) == hop {
          dirty.insert(destination)
          break
        }
        path = nextPath(after: path)
      }
    }
  }
}
