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
/// attributes are interned. Indices of destinations are stable until `collect`; the index of a path
/// is its own as long as it lives, which makes it the identifier that ADD-PATH announces it by.
struct RouteTable<Key: PrefixKey>: Sendable {
  struct Path: Sendable {
    var attributes: AttributeID
    /// The peer's identifier of the path; 0 without ADD-PATH. RFC 7911 §3.
    let identifier: UInt32
    /// The destination's next path; 0 ends the list.
    fileprivate(set) var next: UInt32
    let peer: PeerIndex
    var flags: PathFlags
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
    /// 0: no path; `free`: not in use.
    var first: UInt32

    static var free: UInt32 { .max }
  }

  // The entries at 0 are never given out.
  private var destinations = [Destination(key: Key(.defaultIPv4), first: Destination.free)]
  private var paths = [
    Path(attributes: .none, identifier: 0, next: 0, peer: .local, flags: [])
  ]
  private var freeDestinations: [UInt32] = []
  private var freePaths: [UInt32] = []
  private var index = HashIndex()
  private let seed: UInt64

  /// - Parameter seed: Of the hashes of prefixes.
  init(seed: UInt64) { self.seed = seed }

  /// Destinations, with or without paths.
  var count: Int { index.count }
  /// Paths of all destinations.
  var pathCount: Int { paths.count - 1 - freePaths.count }
  /// One more than the highest index.
  var endIndex: Int { destinations.count }

  @inline(__always)
  func find(_ key: Key) -> Int? {
    index.find(key.hash(seed)) { destinations[$0].key == key }
  }

  func find(_ prefix: IPPrefix) -> Int? { find(Key(prefix)) }

  func contains(_ destination: Int) -> Bool {
    destination < destinations.count && destinations[destination].first != Destination.free
  }

  func key(at destination: Int) -> Key { destinations[destination].key }

  func prefix(at destination: Int) -> IPPrefix? {
    contains(destination) ? destinations[destination].key.prefix : nil
  }

  /// Every destination's index, in the order of the slab.
  var indices: some Sequence<Int> {
    (1..<destinations.count).lazy.filter { destinations[$0].first != Destination.free }
  }

  @inline(__always)
  mutating func findOrInsert(_ key: Key) -> Int {
    let hash = key.hash(seed)
    if let found = index.find(hash, where: { destinations[$0].key == key }) { return found }
    let entry = Destination(key: key, first: 0)
    let position: Int
    if let reused = freeDestinations.popLast() {
      position = Int(reused)
      destinations[position] = entry
    } else {
      position = destinations.count
      destinations.append(entry)
    }
    index.insert(position, hash)
    return position
  }

  /// Frees destinations that have lost their last path.
  /// - Returns: those that `isNeeded` keeps.
  mutating func collect(_ candidates: [UInt32], isNeeded: (Int) -> Bool) -> [UInt32] {
    var kept: Set<UInt32> = []
    for candidate in candidates where destinations[Int(candidate)].first == 0 {
      if isNeeded(Int(candidate)) { kept.insert(candidate) } else { collect(Int(candidate)) }
    }
    return kept.sorted()
  }

  private mutating func collect(_ destination: Int) {
    let entry = destinations[destination]
    guard entry.first == 0 else { return }
    index.remove(destination, entry.key.hash(seed))
    destinations[destination].first = Destination.free
    freeDestinations.append(UInt32(destination))
  }

  /// The destination's first path; 0: it has none.
  @inline(__always)
  func firstPath(at destination: Int) -> Int {
    let first = destinations[destination].first
    return first == Destination.free ? 0 : Int(first)
  }

  /// The next path of the same destination; 0 ends the list.
  @inline(__always)
  func nextPath(after path: Int) -> Int { Int(paths[path].next) }

  /// The path that was found best; 0: none.
  @inline(__always)
  func bestPath(at destination: Int) -> Int {
    var path = firstPath(at: destination)
    while path != 0, !paths[path].flags.contains(.best) { path = nextPath(after: path) }
    return path
  }

  /// The indices of the destination's paths.
  func pathIndices(at destination: Int) -> [Int] {
    var result: [Int] = []
    var position = firstPath(at: destination)
    while position != 0 {
      result.append(position)
      position = nextPath(after: position)
    }
    return result
  }

  subscript(path path: Int) -> Path {
    @inline(__always) get { paths[path] }
    @inline(__always) _modify { yield &paths[path] }
  }

  /// The path of `peer` for the destination.
  @inline(__always)
  func path(of peer: PeerIndex, _ identifier: UInt32, at destination: Int) -> Int? {
    var position = firstPath(at: destination)
    while position != 0 {
      if paths[position].peer == peer, paths[position].identifier == identifier { return position }
      position = Int(paths[position].next)
    }
    return nil
  }

  /// Adds a path under an identifier that the peer has not used here.
  @inline(__always)
  mutating func insertPath(
    _ peer: PeerIndex, _ identifier: UInt32, _ attributes: AttributeID, at destination: Int
  ) {
    let path = Path(
      attributes: attributes, identifier: identifier, next: destinations[destination].first,
      peer: peer, flags: [])
    let position: UInt32
    if let reused = freePaths.popLast() {
      position = reused
      paths[Int(reused)] = path
    } else {
      position = UInt32(paths.count)
      paths.append(path)
    }
    destinations[destination].first = position
  }

  /// Takes the first path out that `isWanted`, and returns it.
  @inline(__always)
  mutating func removePath(at destination: Int, where isWanted: (Path) -> Bool) -> Path? {
    var previous = 0
    var position = firstPath(at: destination)
    while position != 0 {
      let path = paths[position]
      if isWanted(path) {
        if previous == 0 {
          destinations[destination].first = path.next
        } else {
          paths[previous].next = path.next
        }
        freePaths.append(UInt32(position))
        return path
      }
      (previous, position) = (position, Int(path.next))
    }
    return nil
  }
}
