import NetTypes

/// Peers that are told the same: one Adj-RIB-Out and one encoding for all of them. RFC 4271 §3.2.
///
/// Two things set a member apart: it is not told of its own paths, and not to send to itself. Both
/// are kept with each route, and looked at member by member.
struct UpdateGroup: Sendable {
  /// What the export rules and the encoding depend on.
  struct Key: Equatable, Sendable {
    /// Without what concerns one neighbour alone.
    @Shared var settings: ResolvedNeighbor
    var own: OwnNextHops
    var families: [AddressFamily]
    var options: CodecOptions

    init(_ peer: ResolvedNeighbor, _ own: OwnNextHops, _ negotiated: Negotiated) {
      var settings = peer
      settings.address = .v4(.any)
      settings.port = 0
      settings.peerGroup = nil
      settings.description = nil
      settings.passive = false
      settings.password = nil
      settings.timers = SessionTimers()
      settings.importPolicy = PolicyChain()
      settings.sourceAddress = nil
      settings.sourceInterface = nil
      settings.keepsReceived = false
      settings.ebgpMultihop = nil
      settings.maximumPrefixes = nil
      settings.ttlSecurityHops = nil
      settings.bfd = nil
      settings.shutdownMessage = nil
      settings.allowOwnAS = 0
      settings.isDynamic = false
      _settings = Shared(wrappedValue: settings)
      self.own = own
      families = negotiated.families
      options = negotiated.options
    }
  }

  let key: Key
  var members: [IPAddress] = []
  var ipv4 = AdjRIBOut()
  var ipv6 = AdjRIBOut()

  init(key: Key) { self.key = key }

  subscript(family: AddressFamily) -> AdjRIBOut {
    get { family == .ipv4 ? ipv4 : ipv6 }
    _modify {
      if family == .ipv4 { yield &ipv4 } else { yield &ipv6 }
    }
  }

  var hasTombstones: Bool { !ipv4.tombstones.isEmpty || !ipv6.tombstones.isEmpty }

  mutating func dropTombstones() {
    ipv4.dropTombstones()
    ipv6.dropTombstones()
  }

  /// What is chosen of a family's paths.
  func sending(_ family: AddressFamily) -> AddPath.Sending {
    key.options.addPathSend.contains(family) ? key.settings.addPath.sending : .bestOnly
  }
}

/// What a group is told of one family: by destination, or by path where ADD-PATH is in use.
struct AdjRIBOut: Sendable {
  /// A path that was announced.
  struct Entry: Equatable, Sendable {
    /// None: nothing is announced, or it was taken back.
    var attributes = AttributeID.none
    /// Who gave us the path, and is not told.
    var source = PeerIndex.local
    /// The peer that the path leads to, which is not told. RFC 4271 §5.1.3.
    var nextHopOwner = PeerIndex.local

    static let none = Entry()

    @inline(__always)
    func isTold(to member: PeerIndex) -> Bool {
      attributes != .none && source != member && nextHopOwner != member
    }
  }

  /// RFC 7911: a path of a destination, under our identifier.
  struct Identified: Sendable {
    let identifier: UInt32
    var entry: Entry
  }

  private var entries: [Entry] = []
  /// With ADD-PATH: what each destination has, beside what was taken back and not every member has
  /// heard of.
  private var identified: [UInt32: [Identified]] = [:]
  /// Destinations with paths that were taken back.
  private(set) var tombstones: Set<UInt32> = []

  subscript(destination: Int) -> Entry {
    @inline(__always) get { destination < entries.count ? entries[destination] : .none }
  }

  func paths(at destination: Int) -> [Identified] { identified[UInt32(destination)] ?? [] }

  @inline(__always)
  mutating func set(_ entry: Entry, at destination: Int) {
    if destination >= entries.count {
      if entry == .none { return }
      let missing = destination + 1 - entries.count
      entries += repeatElement(.none, count: max(missing, entries.count / 4, 64))
    }
    entries[destination] = entry
  }

  mutating func setPaths(_ paths: [Identified], at destination: Int) {
    identified[UInt32(destination)] = paths.isEmpty ? nil : paths
    if paths.contains(where: { $0.entry.attributes == .none }) {
      tombstones.insert(UInt32(destination))
    }
  }

  /// Every path announced to `member`, by destination.
  func told(to member: PeerIndex) -> [(destination: Int, identifier: UInt32, entry: Entry)] {
    var result: [(destination: Int, identifier: UInt32, entry: Entry)] = []
    for (destination, entry) in entries.enumerated() where entry.isTold(to: member) {
      result.append((destination, 0, entry))
    }
    for (destination, paths) in identified {
      for path in paths where path.entry.isTold(to: member) {
        result.append((Int(destination), path.identifier, path.entry))
      }
    }
    return result
  }

  func count(for member: PeerIndex) -> Int {
    var count = 0
    for entry in entries where entry.isTold(to: member) { count += 1 }
    for paths in identified.values {
      count += paths.count { $0.entry.isTold(to: member) }
    }
    return count
  }

  /// Destinations of which `member` has been told, or was and has not heard otherwise.
  func destinations(of member: PeerIndex) -> [Int] {
    var result: [Int] = []
    for (destination, entry) in entries.enumerated() where entry.isTold(to: member) {
      result.append(destination)
    }
    return result + identified.keys.map(Int.init)
  }

  /// Gives every set of attributes back.
  mutating func release(to attributes: inout AttributeTable) {
    for entry in entries { attributes.release(entry.attributes) }
    for paths in identified.values {
      for path in paths { attributes.release(path.entry.attributes) }
    }
    self = AdjRIBOut()
  }

  /// Forgets what was taken back.
  mutating func dropTombstones() {
    for destination in tombstones {
      let paths = (identified[destination] ?? []).filter { $0.entry.attributes != .none }
      identified[destination] = paths.isEmpty ? nil : paths
    }
    tombstones = []
  }
}
