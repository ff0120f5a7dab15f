import NetTypes

/// One neighbour as an operator sees it.
package struct SessionStatus: Equatable, Sendable {
  package var peer: IPAddress
  package var remoteAS: ASNumber
  package var peerGroup: String?
  package var description: String?
  /// The interface that the neighbour was found on.
  package var interface: String?
  package var state: SessionState.Name
  package var isShutdown: Bool
  /// The peer's BGP identifier, once its OPEN is here.
  package var identifier: IPv4Address?
  package var localAddress: IPAddress?
  package var holdTime: Duration?
  package var keepaliveTime: Duration?
  /// Since when it is up, or down.
  package var since: Instant
  package var prefixesReceived: Int
  package var prefixesSent: Int
  package var counters: PeerCounters
  package var lastError: DownReason?
  /// The peer restarts: its routes are kept until then. RFC 4724.
  package var restartDeadline: Instant?
  package var capabilities: Capabilities?
  /// Made by a connection from inside a listen range.
  package var isDynamic = false
  /// The families of the session, or of the next.
  package var families: [AddressFamily] = []
  /// Received, by family.
  package var familyPrefixes: [AddressFamily: Int] = [:]
  /// Announced, by family.
  package var familySent: [AddressFamily: Int] = [:]
  /// The session is down because the peer announced too much.
  package var prefixLimitHold: PrefixLimitHold?
}

/// One path of one prefix.
package struct RouteStatus: Equatable, Sendable {
  package var prefix: IPPrefix
  /// What the peer calls this path; 0 without ADD-PATH. RFC 7911 §3.
  package var identifier: UInt32
  package var attributes: PathAttributes
  package var origin: BestRoute.Origin
  package var isInternal: Bool
  package var isBest: Bool
  package var isMultipath: Bool
  package var isStale: Bool
  /// The step that the path lost at; nil for the best.
  package var removedBy: DecisionStep?
}

extension Speaker {
  /// Paths that peers have given us.
  package var prefixesReceived: Int { peers.values.reduce(0) { $0 + $1.prefixCount } }

  /// By address.
  package var sessions: [SessionStatus] {
    peers.sorted { $0.key < $1.key }.map { address, peer in
      let state = peer.state
      let slot = peer.slots.first { $0.session.state.name == state.name }
      let group = peer.group.flatMap { groups[$0] }
      let announced = Dictionary(
        uniqueKeysWithValues: AddressFamily.allCases.map { family in
          let own = peer.defaultOriginated.contains(family) ? 1 : 0
          return (family, (group?[family].count(for: peer.index) ?? 0) + own)
        })
      return SessionStatus(
        peer: address, remoteAS: state.negotiated?.peer.asNumber ?? peer.settings.remoteAS,
        peerGroup: peer.settings.peerGroup, description: peer.settings.description,
        interface: peer.settings.interface,
        state: peer.successor == nil ? state.name : .established,
        isShutdown: peer.settings.shutdown, identifier: state.negotiated?.peer.identifier,
        localAddress: slot?.connection == nil ? nil : slot?.local,
        holdTime: state.negotiated?.holdTime, keepaliveTime: state.negotiated?.keepaliveTime,
        since: peer.lastChange, prefixesReceived: peer.prefixCount,
        prefixesSent: announced.values.reduce(0, +), counters: peer.counters,
        lastError: peer.lastError, restartDeadline: peer.restart?.deadline,
        capabilities: state.negotiated?.peer.capabilities, isDynamic: peer.settings.isDynamic,
        families: state.negotiated?.families ?? peer.settings.families,
        familyPrefixes: Dictionary(
          uniqueKeysWithValues: AddressFamily.allCases.map { ($0, peer.prefixCounts[$0]) }),
        familySent: announced,
        prefixLimitHold: peer.prefixLimitHold)
    }
  }

  /// Every path, by prefix, best first.
  package var routes: [RouteStatus] {
    Self.ordered(statuses(\.ipv4) + statuses(\.ipv6))
  }

  private static func ordered(_ routes: [RouteStatus]) -> [RouteStatus] {
    routes.sorted { a, b in
      if a.prefix != b.prefix { return a.prefix < b.prefix }
      if a.isBest != b.isBest { return a.isBest }
      if a.isMultipath != b.isMultipath { return a.isMultipath }
      return (a.origin.sortKey, a.identifier) < (b.origin.sortKey, b.identifier)
    }
  }

  /// Distinct sets of attributes held.
  package var attributeCount: Int { attributes.count }

  /// How much one family's tables hold.
  package func size(_ family: AddressFamily) -> (prefixes: Int, paths: Int) {
    switch family {
    case .ipv4: (ipv4.count, ipv4.pathCount)
    case .ipv6: (ipv6.count, ipv6.pathCount)
    }
  }

  /// What one peer was told; empty while it is not established.
  package func announced(to address: IPAddress) -> [(prefix: IPPrefix, attributes: PathAttributes)]
  {
    guard let peer = peers[address], let group = peer.group.flatMap({ groups[$0] }) else {
      return []
    }
    let told4 = group.ipv4.told(to: peer.index).map { told in
      (prefix: ipv4.key(at: told.destination).prefix, attributes: attributes[told.entry.attributes])
    }
    let told6 = group.ipv6.told(to: peer.index).map { told in
      (prefix: ipv6.key(at: told.destination).prefix, attributes: attributes[told.entry.attributes])
    }
    return (told4 + told6).sorted { $0.prefix < $1.prefix }
  }

  /// What one peer was told of some prefixes, in their order.
  package func announced(
    _ prefixes: [IPPrefix], to address: IPAddress
  ) -> [(prefix: IPPrefix, attributes: PathAttributes)] {
    guard let peer = peers[address], let group = peer.group.flatMap({ groups[$0] }) else {
      return []
    }
    return prefixes.flatMap { prefix -> [(prefix: IPPrefix, attributes: PathAttributes)] in
      guard let place = prefix.isIPv4 ? ipv4.find(prefix) : ipv6.find(prefix) else { return [] }
      let told = group[AddressFamily(of: prefix)]
      return ([told[place]] + told.paths(at: place).map(\.entry))
        .filter { $0.isTold(to: peer.index) }
        .map { (prefix: prefix, attributes: attributes[$0.attributes]) }
    }
  }

  private func statuses<Key>(_ table: KeyPath<Speaker, RouteTable<Key>>) -> [RouteStatus] {
    statuses(table, self[keyPath: table].indices)
  }

  /// The paths of some prefixes, each prefix's best first.
  package func routes(of prefixes: [IPPrefix]) -> [RouteStatus] {
    let found4 = prefixes.compactMap { $0.isIPv4 ? ipv4.find($0) : nil }
    let found6 = prefixes.compactMap { $0.isIPv4 ? nil : ipv6.find($0) }
    return Self.ordered(statuses(\.ipv4, found4) + statuses(\.ipv6, found6))
  }

  /// The prefixes at some places of a family's table, in no order; nil: there are no such places.
  package func prefixes(_ family: AddressFamily, at places: Range<Int>) -> [IPPrefix]? {
    func prefixes<Key>(_ table: RouteTable<Key>) -> [IPPrefix]? {
      guard places.lowerBound < table.endIndex else { return nil }
      return (places.lowerBound..<min(places.upperBound, table.endIndex)).compactMap { place in
        table.firstPath(at: place) == 0 ? nil : table.prefix(at: place)
      }
    }
    return family == .ipv4 ? prefixes(ipv4) : prefixes(ipv6)
  }

  private func statuses<Key>(
    _ table: KeyPath<Speaker, RouteTable<Key>>, _ destinations: some Sequence<Int>
  ) -> [RouteStatus] {
    let routes = self[keyPath: table]
    let sources = sources
    return destinations.flatMap { destination -> [RouteStatus] in
      guard let prefix = routes.prefix(at: destination) else { return [] }
      let paths = routes.pathIndices(at: destination)
      let outcome = decision.decide(routes.candidates(paths, sources, attributes))
      return paths.enumerated().map { position, path in
        let entry = routes[path: path]
        let address = peerAddresses[Int(entry.peer.rawValue)]
        return RouteStatus(
          prefix: prefix, identifier: entry.identifier, attributes: attributes[entry.attributes],
          origin: address.map(BestRoute.Origin.peer) ?? .local,
          isInternal: source(of: entry.peer).kind == .internal,
          isBest: entry.flags.contains(.best), isMultipath: entry.flags.contains(.multipath),
          isStale: entry.flags.contains(.stale), removedBy: outcome.removedBy[position])
      }
    }
  }
}

extension BestRoute.Origin {
  fileprivate var sortKey: IPAddress {
    if case .peer(let address) = self { address } else { .v4(.any) }
  }
}
