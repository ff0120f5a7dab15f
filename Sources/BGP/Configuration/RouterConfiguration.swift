import NetTypes

/// What a BGP speaker is told to do. ZebOS text and Calico objects both translate to this value.
///
/// Peer groups are kept as written, so that the running configuration can be printed as it was
/// typed; `resolved(_:)` gives the settings that are in force for one neighbour.
package struct RouterConfiguration: Equatable, Sendable {
  package var localAS: ASNumber
  /// Nil: the router takes the highest IPv4 address of its interfaces.
  package var routerID: IPv4Address?
  /// What peers' operators see this router called; nil: they are told no name.
  package var hostName: String?
  /// RFC 4271 §8.2.1 names port 179.
  package var listenPort: UInt16 = 179
  /// Addresses to listen on; empty: all of them.
  package var listenAddresses: [IPAddress] = []
  package var gracefulRestart = GracefulRestart()
  /// In force where neither the neighbour nor its peer group has timers of its own.
  package var timers = SessionTimers()
  package var peerGroups: [PeerGroup] = []
  package var neighbors: [Neighbor] = []
  /// Peers that are known by their interfaces.
  package var interfaceNeighbors: [InterfaceNeighbor] = []
  /// Prefixes that this speaker originates.
  package var networks: [IPPrefix] = []
  /// The route maps that some of `networks` pass.
  package var networkRouteMaps: [IPPrefix: String] = [:]
  /// Equal paths installed together; 1 switches multipath off.
  package var maximumPaths = 16
  /// The same of paths learnt within our AS; nil: as `maximumPaths`.
  package var maximumPathsInternal: Int?
  /// Paths whose AS_PATHs are of one length but not the same may be installed together.
  package var relaxesASPath = false
  /// Nil: the router id. RFC 4456 §7.
  package var clusterID: IPv4Address?
  /// Routes of one client go to the others; switched off where clients peer among themselves.
  /// RFC 4456 §6.
  package var reflectsBetweenClients = true
  /// Compare MED between paths of different neighbouring ASes.
  package var alwaysCompareMED = false
  /// Given to routes of our own and to those that external peers sent. RFC 4271 §9.1.1.
  package var defaultLocalPreference: UInt32 = 100
  /// Everything is announced with GRACEFUL_SHUTDOWN and the lowest preference. RFC 8326.
  package var isShuttingDownGracefully = false
  /// Neighbours of an IPv4 address exchange IPv4 routes without being told to.
  package var activatesIPv4ByDefault = true
  /// Who may connect without being named.
  package var listenRanges: [ListenRange] = []
  /// Neighbours that listen ranges may make, all together.
  package var listenLimit = 100
  /// What else the kernel's table holds, and is to be announced.
  package var redistributions: [Redistribution] = []
  /// Routes inside these stay out of the kernel's table, others' and our own.
  package var unprogrammed: [IPPrefix] = []

  package init(localAS: ASNumber, routerID: IPv4Address? = nil) {
    self.localAS = localAS
    self.routerID = routerID
  }
}

/// RFC 4724.
package struct GracefulRestart: Equatable, Sendable {
  package var isEnabled = true
  /// How long peers keep our routes while we restart: whole seconds, 0 to 4095. RFC 4724 §3.
  package var restartTime: Duration = .seconds(120)
  /// How long a peer's stale routes stay after it is back without its End-of-RIB. RFC 4724 §4.2.
  package var stalePathTime: Duration = .seconds(360)

  package init(isEnabled: Bool = true, restartTime: Duration = .seconds(120)) {
    self.isEnabled = isEnabled
    self.restartTime = restartTime
  }
}

/// Timers of a session. RFC 4271 §10.
package struct SessionTimers: Hashable, Sendable {
  /// Whole seconds, 3 to 65535; zero disables keepalives. RFC 4271 §4.2.
  package var hold: Duration
  /// At most a third of the hold time. RFC 4271 §4.4.
  package var keepalive: Duration
  package var connectRetry: Duration

  package init(
    hold: Duration = .seconds(9), keepalive: Duration = .seconds(3),
    connectRetry: Duration = .seconds(5)
  ) {
    self.hold = hold
    self.keepalive = keepalive
    self.connectRetry = connectRetry
  }
}

/// Settings that a neighbour inherits from its peer group where it has none of its own.
package struct NeighborSettings: Equatable, Sendable {
  package var remoteAS: ASNumber?
  /// Where `remoteAS` names none.
  package var remoteASKind: RemoteASKind?
  package var description: String?
  /// Administratively down.
  package var shutdown: Bool?
  /// Never open the connection, only accept it.
  package var passive: Bool?
  /// The TCP MD5 key of RFC 2385; at most 80 octets.
  package var password: String?
  package var timers: SessionTimers?
  package var nextHopSelf: Bool?
  /// `next-hop-self` holds for reflected routes too, against RFC 4456 §10: for clients that no other
  /// router can reach.
  package var forcesNextHopSelf: Bool?
  /// RFC 4456.
  package var routeReflectorClient: Bool?
  /// Announce the default route of the session's families to this neighbour alone.
  package var defaultOriginate: Bool?
  package var importPolicy: PolicyChain?
  package var exportPolicy: PolicyChain?
  /// The local address of the session.
  package var sourceAddress: IPAddress?
  /// The interface to take that address from.
  package var sourceInterface: String?
  /// Hops allowed to an external peer; nil: it must be on the link.
  package var ebgpMultihop: UInt8?
  package var maximumPrefixes: MaximumPrefixes?
  /// Families of the session beside that of the neighbour's address, or that one switched off.
  package var activations: [AddressFamily: Bool] = [:]
  /// RFC 7911.
  package var addPath: AddPath?
  /// What this speaker is to the neighbour. RFC 9234.
  package var role: PeerRole?
  /// The session needs the neighbour to have said its role. RFC 9234 §4.2.
  package var needsRole: Bool?
  /// The most hops that the neighbour's packets may have come. RFC 5082.
  package var ttlSecurityHops: UInt8?
  /// Watch the path to the neighbour by BFD. RFC 5882.
  package var bfd: BFDSettings?
  /// Why `shutdown`, for the peer's operator; at most 255 octets of UTF-8. RFC 9003.
  package var shutdownMessage: String?
  /// Times that our own AS may stand in a path that is accepted.
  package var allowOwnAS: Int?
  /// Keep what the neighbour announces as it came, beside what policy made of it.
  package var keepsReceived: Bool?
  /// The restart time told to this neighbour; nil: the router's. RFC 4724 §3.
  package var restartTime: Duration?

  package init(remoteAS: ASNumber? = nil) { self.remoteAS = remoteAS }
}

/// Settings under a name, for neighbours to share.
package struct PeerGroup: Equatable, Sendable {
  package var name: String
  package var settings: NeighborSettings

  package init(name: String, settings: NeighborSettings = NeighborSettings()) {
    self.name = name
    self.settings = settings
  }
}

/// One peer, known by its address.
package struct Neighbor: Equatable, Sendable {
  package var address: IPAddress
  package var peerGroup: String?
  package var settings: NeighborSettings
  package var port: UInt16 = 179
  /// The interface that it was found on; nil: it was named by its address.
  package var interface: String?

  package init(
    address: IPAddress, remoteAS: ASNumber? = nil, peerGroup: String? = nil,
    settings: NeighborSettings = NeighborSettings()
  ) {
    self.address = address
    self.peerGroup = peerGroup
    self.settings = settings
    if let remoteAS { self.settings.remoteAS = remoteAS }
  }
}

/// The settings in force for one neighbour; two equal values need no new session.
package struct ResolvedNeighbor: Equatable, Sendable {
  package var address: IPAddress
  package var port: UInt16
  /// 0 where any external AS is welcome.
  package var remoteAS: ASNumber
  package var remoteASKind: RemoteASKind?
  package var peerGroup: String?
  package var description: String?
  package var shutdown: Bool
  package var passive: Bool
  package var password: String?
  package var timers: SessionTimers
  package var nextHopSelf: Bool
  package var forcesNextHopSelf: Bool
  package var routeReflectorClient: Bool
  package var defaultOriginate: Bool
  package var importPolicy: PolicyChain
  package var exportPolicy: PolicyChain
  package var sourceAddress: IPAddress?
  /// The interface to take that address from.
  package var sourceInterface: String?
  /// The interface that it was found on.
  package var interface: String?
  package var ebgpMultihop: UInt8?
  package var maximumPrefixes: MaximumPrefixes?
  package var activations: [AddressFamily: Bool]
  package var addPath: AddPath
  package var role: PeerRole?
  package var needsRole: Bool
  package var ttlSecurityHops: UInt8?
  package var bfd: BFDSettings?
  package var shutdownMessage: String?
  package var allowOwnAS: Int
  package var keepsReceived: Bool
  package var restartTime: Duration
  /// Made by a connection from inside a listen range.
  package var isDynamic = false
}

extension RouterConfiguration {
  package func peerGroup(_ name: String) -> PeerGroup? { peerGroups.first { $0.name == name } }

  /// The neighbour's settings, its group's where it has none, then the defaults.
  /// Nil while neither it nor its group has a remote AS.
  package func resolved(_ neighbor: Neighbor) -> ResolvedNeighbor? {
    let own = neighbor.settings
    let group = neighbor.peerGroup.flatMap(peerGroup)?.settings ?? NeighborSettings()
    let number = own.remoteAS ?? (own.remoteASKind == nil ? group.remoteAS : nil)
    let kind = number == nil ? own.remoteASKind ?? group.remoteASKind : nil
    let remoteAS: ASNumber
    switch (number, kind) {
    case (let number?, _): remoteAS = number
    case (nil, .internal): remoteAS = localAS
    case (nil, .external): remoteAS = ASNumber(0)
    case (nil, nil): return nil
    }
    let usual: [AddressFamily: Bool] =
      neighbor.address.isIPv4 && !activatesIPv4ByDefault ? [.ipv4: false] : [:]
    return ResolvedNeighbor(
      address: neighbor.address, port: neighbor.port, remoteAS: remoteAS,
      remoteASKind: kind, peerGroup: neighbor.peerGroup,
      description: own.description ?? group.description,
      shutdown: own.shutdown ?? group.shutdown ?? false,
      passive: own.passive ?? group.passive ?? false,
      password: own.password ?? group.password,
      timers: own.timers ?? group.timers ?? timers,
      nextHopSelf: own.nextHopSelf ?? group.nextHopSelf ?? false,
      forcesNextHopSelf: own.forcesNextHopSelf ?? group.forcesNextHopSelf ?? false,
      routeReflectorClient: own.routeReflectorClient ?? group.routeReflectorClient ?? false,
      defaultOriginate: own.defaultOriginate ?? group.defaultOriginate ?? false,
      importPolicy: own.importPolicy ?? group.importPolicy ?? PolicyChain(),
      exportPolicy: own.exportPolicy ?? group.exportPolicy ?? PolicyChain(),
      sourceAddress: own.sourceAddress
        ?? (own.sourceInterface == nil ? group.sourceAddress : nil),
      sourceInterface: own.sourceAddress == nil
        ? own.sourceInterface ?? group.sourceInterface : nil,
      interface: neighbor.interface,
      ebgpMultihop: own.ebgpMultihop ?? group.ebgpMultihop,
      maximumPrefixes: own.maximumPrefixes ?? group.maximumPrefixes,
      activations: usual.merging(group.activations) { $1 }.merging(own.activations) { $1 },
      addPath: own.addPath ?? group.addPath ?? AddPath(), role: own.role ?? group.role,
      needsRole: own.needsRole ?? group.needsRole ?? false,
      ttlSecurityHops: own.ttlSecurityHops ?? group.ttlSecurityHops, bfd: own.bfd ?? group.bfd,
      shutdownMessage: own.shutdownMessage ?? group.shutdownMessage,
      allowOwnAS: own.allowOwnAS ?? group.allowOwnAS ?? 0,
      keepsReceived: own.keepsReceived ?? group.keepsReceived ?? false,
      restartTime: own.restartTime ?? group.restartTime ?? gracefulRestart.restartTime)
  }

  /// The neighbours that have a remote AS, by address; of two with one address the first counts.
  package var resolvedNeighbors: [IPAddress: ResolvedNeighbor] {
    var result: [IPAddress: ResolvedNeighbor] = [:]
    for neighbor in neighbors where result[neighbor.address] == nil {
      result[neighbor.address] = resolved(neighbor)
    }
    return result
  }
}
