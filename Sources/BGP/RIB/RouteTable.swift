import NetTypes

/// A peer's place in the tables; 0 is the speaker itself.
struct PeerIndex: Hashable, Sendable {
  let rawValue: UInt16
  static let local = PeerIndex(rawValue: 0)
}

/// Adj-RIBs-In and Loc-RIB of one family in one table: every prefix once, with the paths that
/// peers gave for it. A path of an Adj-RIB-In is an entry of its peer; the Loc-RIB is the entries
/// with `isBest` or `isMultipath` set. RFC 4271 §3.2.
///
/// Some 40 octets a route of one path: entries are plain words in two slabs, linked by index, and
/// attributes are interned. Indices of destinations are stable until `collect`.
struct RouteTable<Key: PrefixKey>: Sendable {
  struct Path: Sendable {
    var attributes: AttributeID
    var peer: PeerIndex
    var flags: PathFlags
    /// The destination's next path; 0 ends the list.
    fileprivate(set) var next: UInt32
  }

  struct PathFlags: OptionSet, Sendable {
    let rawValue: UInt8
    /// The peer is restarting. RFC 4724 §4.2.
    static var stale: PathFlags { PathFlags(rawValue: 1) }
    static var best: PathFlags { PathFlags(rawValue: 2) }
    static var multipath: PathFlags { PathFlags(rawValue: 4) }
  }

  private struct Destination: Sendable {
    var key: Key
    /// 0: no path.
    var first: UInt32
  }

  // The entries at 0 are never given out.
  private var destinations: [Destination?] = [nil]
  private var paths = [Path(attributes: .none, peer: .local, flags: [], next: 0)]
  private var freeDestinations: [UInt32] = []
  private var freePaths: [UInt32] = []
  private var index: [Key: UInt32] = [:]

  /// Destinations, with or without paths.
  var count: Int { index.count }
  /// One more than the highest index.
  var endIndex: Int { destinations.count }

  func find(_ prefix: IPPrefix) -> Int? { index[Key(prefix)].map(Int.init) }

  func prefix(at destination: Int) -> IPPrefix? { destinations[destination]?.key.prefix }

  func hasPaths(at destination: Int) -> Bool { (destinations[destination]?.first ?? 0) != 0 }

  /// Every destination's index, in the order of the slab.
  var indices: some Sequence<Int> {
    (1..<destinations.count).lazy.filter { destinations[$0] != nil }
  }

  mutating func findOrInsert(_ prefix: IPPrefix) -> Int {
    let key = Key(prefix)
    if let found = index[key] { return Int(found) }
    let entry = Destination(key: key, first: 0)
    let position: UInt32
    if let reused = freeDestinations.popLast() {
      position = reused
      destinations[Int(reused)] = entry
    } else {
      position = UInt32(destinations.count)
      destinations.append(entry)
    }
    index[key] = position
    return Int(position)
  }

  /// Frees a destination that has lost its last path.
  mutating func collect(_ destination: Int) {
    guard let entry = destinations[destination], entry.first == 0 else { return }
    index[entry.key] = nil
    destinations[destination] = nil
    freeDestinations.append(UInt32(destination))
  }

  /// The indices of the destination's paths.
  func pathIndices(at destination: Int) -> [Int] {
    var result: [Int] = []
    var position = destinations[destination]?.first ?? 0
    while position != 0 {
      result.append(Int(position))
      position = paths[Int(position)].next
    }
    return result
  }

  subscript(path path: Int) -> Path {
    get { paths[path] }
    set { paths[path] = newValue }
  }

  /// The path of `peer` for the destination.
  func path(of peer: PeerIndex, at destination: Int) -> Int? {
    var position = destinations[destination]?.first ?? 0
    while position != 0 {
      if paths[Int(position)].peer == peer { return Int(position) }
      position = paths[Int(position)].next
    }
    return nil
  }

  /// Adds a path of a peer that has none here.
  mutating func insertPath(_ peer: PeerIndex, _ attributes: AttributeID, at destination: Int) {
    let path = Path(
      attributes: attributes, peer: peer, flags: [], next: destinations[destination]?.first ?? 0)
    let position: UInt32
    if let reused = freePaths.popLast() {
      position = reused
      paths[Int(reused)] = path
    } else {
      position = UInt32(paths.count)
      paths.append(path)
    }
    destinations[destination]?.first = position
  }

  /// Takes the path of `peer` out and returns it.
  mutating func removePath(of peer: PeerIndex, at destination: Int) -> Path? {
    var previous: UInt32 = 0
    var position = destinations[destination]?.first ?? 0
    while position != 0 {
      let path = paths[Int(position)]
      if path.peer == peer {
        if previous == 0 {
          destinations[destination]?.first = path.next
        } else {
          paths[Int(previous)].next = path.next
        }
        freePaths.append(position)
        return path
      }
      (previous, position) = (position, path.next)
    }
    return nil
  }
}
