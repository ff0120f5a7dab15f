import NetTypes

/// What deciding takes from the speaker, once for many destinations.
struct Selection: Sendable {
  let process: DecisionProcess
  /// By `PeerIndex`.
  let sources: [PathSource]
  /// What has been decided.
  var batch = RouteBatch()
  /// Where the last route of a single path went; neighbours in the table often go the same way.
  private var last: (peer: PeerIndex, hop: NextHopIndex, handle: RouteBatch.Handle)?

  init(process: DecisionProcess, sources: [PathSource]) {
    self.process = process
    self.sources = sources
  }

  fileprivate mutating func report<Key>(
    _ key: Key, single path: RouteTable<Key>.Path, _ attributes: AttributeTable
  ) {
    let hop = attributes.hop(of: path.attributes)
    if let last, last.peer == path.peer, last.hop == hop {
      return batch.append(key.prefix, last.handle)
    }
    let handle = batch.intern(
      route(path.peer, hop == .none ? [] : [attributes.nextHops.address(of: hop)]))
    last = (path.peer, hop, handle)
    batch.append(key.prefix, handle)
  }

  fileprivate mutating func report<Key>(
    _ key: Key, best: RouteTable<Key>.Path, together: [AttributeID], _ attributes: AttributeTable
  ) {
    var hops: [IPAddress] = []
    for id in together {
      let hop = attributes.hop(of: id)
      if hop == .none { continue }
      let address = attributes.nextHops.address(of: hop)
      if !hops.contains(address) { hops.append(address) }
    }
    batch.append(key.prefix, batch.intern(route(best.peer, hops)))
  }

  private func route(_ peer: PeerIndex, _ hops: [IPAddress]) -> BestRoute {
    let source = sources[Int(peer.rawValue)]
    return source.kind == .local
      ? BestRoute(origin: .local, nextHops: [])
      : BestRoute(origin: .peer(source.address), nextHops: hops)
  }
}

extension RouteTable {
  /// Decides destinations and reports their routes.
  mutating func select(
    _ touched: [UInt32], _ selection: inout Selection, _ attributes: AttributeTable
  ) {
    for destination in touched { select(Int(destination), &selection, attributes) }
  }

  @inline(__always)
  private mutating func select(
    _ destination: Int, _ selection: inout Selection, _ attributes: AttributeTable
  ) {
    let first = firstPath(at: destination)
    if first == 0 {
      if contains(destination) { selection.batch.append(key(at: destination).prefix, .none) }
      return
    }
    guard nextPath(after: first) == 0,
      attributes.nextHops.cost(of: attributes.hop(of: self[path: first].attributes)) != nil
    else { return selectAmongMany(destination, &selection, attributes) }
    self[path: first].flags.formUnion([.best, .multipath])
    selection.report(key(at: destination), single: self[path: first], attributes)
  }

  private mutating func selectAmongMany(
    _ destination: Int, _ selection: inout Selection, _ attributes: AttributeTable
  ) {
    let paths = pathIndices(at: destination)
    let outcome = selection.process.decide(candidates(paths, selection.sources, attributes))
    for path in paths { self[path: path].flags.subtract([.best, .multipath]) }
    for position in outcome.multipath { self[path: paths[position]].flags.insert(.multipath) }
    guard let best = outcome.best else {
      return selection.batch.append(key(at: destination).prefix, .none)
    }
    self[path: paths[best]].flags.insert(.best)
    selection.report(
      key(at: destination), best: self[path: paths[best]],
      together: outcome.multipath.map { self[path: paths[$0]].attributes }, attributes)
  }

  /// Paths as the decision compares them.
  func candidates(
    _ paths: [Int], _ sources: [PathSource], _ attributes: AttributeTable
  ) -> [DecisionProcess.Candidate] {
    paths.map { path in
      let entry = self[path: path]
      var source = sources[Int(entry.peer.rawValue)]
      source.pathIdentifier = entry.identifier
      return DecisionProcess.Candidate(
        metrics: attributes.metrics(of: entry.attributes), source: source,
        cost: attributes.nextHops.cost(of: attributes.hop(of: entry.attributes)))
    }
  }
}

extension Speaker {
  var decision: DecisionProcess {
    DecisionProcess(
      maximumPaths: configuration.maximumPaths,
      maximumPathsInternal: configuration.maximumPathsInternal,
      alwaysCompareMED: configuration.alwaysCompareMED,
      relaxesASPath: configuration.relaxesASPath,
      defaultPreference: configuration.defaultLocalPreference)
  }

  /// Where paths come from, by `PeerIndex`.
  var sources: [PathSource] {
    peerAddresses.indices.map { source(of: PeerIndex(rawValue: UInt16($0))) }
  }

  func source(of index: PeerIndex) -> PathSource {
    guard let address = peerAddresses[Int(index.rawValue)], let peer = peers[address] else {
      return PathSource(kind: .local, identifier: routerID, address: .v4(.any))
    }
    return PathSource(
      kind: peer.settings.remoteAS == configuration.localAS ? .internal : .external,
      identifier: peer.negotiated?.peer.identifier ?? .any, address: address)
  }
}
