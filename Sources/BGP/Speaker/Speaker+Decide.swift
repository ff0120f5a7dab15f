import NetTypes

extension Speaker {
  var decision: DecisionProcess {
    DecisionProcess(
      maximumPaths: configuration.maximumPaths, alwaysCompareMED: configuration.alwaysCompareMED)
  }

  /// Decides one destination and reports its route.
  mutating func decide<Key>(
    _ table: WritableKeyPath<Speaker, RouteTable<Key>>, _ destination: Int,
    into batch: inout RouteBatch
  ) {
    guard let prefix = self[keyPath: table].prefix(at: destination) else { return }
    let paths = self[keyPath: table].pathIndices(at: destination)
    let outcome = outcome(table, paths)
    for (position, path) in paths.enumerated() {
      var flags = self[keyPath: table][path: path].flags.subtracting([.best, .multipath])
      if outcome.best == position { flags.insert(.best) }
      if outcome.multipath.contains(position) { flags.insert(.multipath) }
      self[keyPath: table][path: path].flags = flags
    }
    guard let best = outcome.best else { return batch.append(prefix, .none) }
    let chosen = self[keyPath: table][path: paths[best]].peer
    guard chosen != .local, let address = peerAddresses[Int(chosen.rawValue)] else {
      return batch.append(prefix, batch.intern(BestRoute(origin: .local, nextHops: [])))
    }
    var hops: [IPAddress] = []
    for position in outcome.multipath {
      let id = self[keyPath: table][path: paths[position]].attributes
      if let hop = attributes[id].nextHop, !hops.contains(hop) { hops.append(hop) }
    }
    batch.append(prefix, batch.intern(BestRoute(origin: .peer(address), nextHops: hops)))
  }

  func outcome<Key>(
    _ table: KeyPath<Speaker, RouteTable<Key>>, _ paths: [Int]
  ) -> DecisionProcess.Outcome {
    let candidates = paths.map { path in
      let entry = self[keyPath: table][path: path]
      return DecisionProcess.Candidate(
        attributes: attributes[entry.attributes], source: source(of: entry.peer))
    }
    return decision.decide(candidates, nextHops: nextHops)
  }
}
