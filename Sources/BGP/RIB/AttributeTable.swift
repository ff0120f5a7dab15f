import NetTypes
import Wire

/// An interned set of path attributes. Zero stands for none.
package struct AttributeID: Hashable, Sendable {
  let rawValue: UInt32
  static let none = AttributeID(rawValue: 0)
}

/// Every distinct set of path attributes once, counted by its uses.
///
/// A route holds four octets instead of the attributes; tables of a million routes have some
/// 200,000 distinct sets. A set is kept as it would stand on the wire, beside the few numbers that
/// the decision compares: what a peer sends is found by its octets, before anything is decoded.
struct AttributeTable: Sendable {
  private struct Entry: Sendable {
    // First what every UPDATE that comes in looks at: it shares a line of the cache.
    var bytes: [UInt8] = []
    var hash: UInt32 = 0
    var uses: UInt32 = 1
    /// Of these, paths of the Adj-RIBs-In.
    var paths: UInt32 = 0
    var hop = NextHopIndex.none
    /// Under which terms import takes the set as it is; 0: not known.
    var acceptedUnder: UInt32 = 0
    /// Octets at the end of `bytes` that are not as on the wire.
    var suffix: UInt8 = 0
    /// The kinds of session on which `bytes` can be sent as they are.
    var sendable: UInt8 = 0
    /// The kinds of session on which exactly `bytes` were received and found well-formed.
    var received: UInt8 = 0
    var metrics = PathMetrics()
  }

  /// The entry at 0 is never given out.
  private var entries = [Entry()]
  private var free: [UInt32] = []
  private var index = HashIndex()
  private let seed: UInt64
  var nextHops = NextHopRegister()

  /// - Parameter seed: Of the hashes of attributes.
  init(seed: UInt64) { self.seed = seed }

  /// Distinct sets in use.
  var count: Int { index.count }

  subscript(id: AttributeID) -> PathAttributes {
    let entry = entries[Int(id.rawValue)]
    return id == .none
      ? PathAttributes() : PathAttributes(stored: entry.bytes, suffix: Int(entry.suffix))
  }

  @inline(__always)
  func metrics(of id: AttributeID) -> PathMetrics { entries[Int(id.rawValue)].metrics }

  @inline(__always)
  func hop(of id: AttributeID) -> NextHopIndex { entries[Int(id.rawValue)].hop }

  /// The id of `attributes`, with one more use, which the caller gives back by `release`.
  mutating func intern(_ attributes: PathAttributes) -> AttributeID {
    let (bytes, suffix) = attributes.stored()
    assert(PathAttributes(stored: bytes, suffix: suffix) == attributes, "stored with a loss")
    let hash = bytes.span.hash(seed)
    let known = index.find(hash) {
      entries[$0].bytes == bytes && Int(entries[$0].suffix) == suffix
    }
    if let known {
      entries[known].uses += 1
      return AttributeID(rawValue: UInt32(known))
    }
    let entry = Entry(
      bytes: bytes, hash: hash, hop: nextHops.addSet(through: attributes.nextHop),
      suffix: UInt8(suffix), sendable: attributes.sendable, metrics: PathMetrics(attributes))
    let position: Int
    if let reused = free.popLast() {
      position = Int(reused)
      entries[position] = entry
    } else {
      position = entries.count
      entries.append(entry)
    }
    index.insert(position, hash)
    return AttributeID(rawValue: UInt32(position))
  }

  @inline(__always)
  mutating func retain(_ id: AttributeID) {
    if id != .none { entries[Int(id.rawValue)].uses += 1 }
  }

  mutating func release(_ id: AttributeID) {
    if id == .none { return }
    let position = Int(id.rawValue)
    entries[position].uses -= 1
    if entries[position].uses == 0 {
      nextHops.removeSet(through: entries[position].hop)
      index.remove(position, entries[position].hash)
      entries[position] = Entry()
      free.append(id.rawValue)
    }
  }

  /// One more use, by a path of an Adj-RIB-In.
  @inline(__always)
  mutating func retainPath(_ id: AttributeID) {
    retain(id)
    entries[Int(id.rawValue)].paths += 1
    if entries[Int(id.rawValue)].paths == 1 {
      nextHops.changeInterest(in: entries[Int(id.rawValue)].hop, isUsed: true)
    }
  }

  mutating func releasePath(_ id: AttributeID) {
    entries[Int(id.rawValue)].paths -= 1
    if entries[Int(id.rawValue)].paths == 0 {
      nextHops.changeInterest(in: entries[Int(id.rawValue)].hop, isUsed: false)
    }
    release(id)
  }
}

extension AttributeTable {
  /// The kind of session that `options` make, as a bit; nil where attributes are not kept as
  /// received.
  private static func kind(_ options: CodecOptions) -> UInt8? {
    options.fourOctetAS ? (options.isInternal ? 1 : 2) : nil
  }

  /// The set that exactly these octets stood for before, on a session of the same kind.
  func find(received bytes: Span<UInt8>, _ options: CodecOptions) -> AttributeID? {
    guard let kind = Self.kind(options) else { return nil }
    let known = index.find(bytes.hash(seed)) {
      entries[$0].received & kind != 0 && bytes.isEqual(to: entries[$0].bytes)
    }
    return known.map { AttributeID(rawValue: UInt32($0)) }
  }

  /// Whether import takes the set as it is under these terms, as far as is known.
  func isAccepted(_ id: AttributeID, under terms: UInt32) -> Bool {
    entries[Int(id.rawValue)].acceptedUnder == terms
  }

  mutating func noteAccepted(_ id: AttributeID, under terms: UInt32) {
    entries[Int(id.rawValue)].acceptedUnder = terms
  }

  /// The set as it goes onto the wire where that is what is kept, next hop and all.
  func wireBytes(of id: AttributeID, _ options: CodecOptions) -> [UInt8]? {
    guard let kind = Self.kind(options), entries[Int(id.rawValue)].sendable & kind != 0 else {
      return nil
    }
    return entries[Int(id.rawValue)].bytes
  }

  /// Remembers that `bytes` were received without error and mean `id`.
  mutating func note(received bytes: Span<UInt8>, _ options: CodecOptions, as id: AttributeID) {
    let position = Int(id.rawValue)
    guard let kind = Self.kind(options), entries[position].suffix == 0,
      bytes.isEqual(to: entries[position].bytes)
    else { return }
    entries[position].received |= kind
  }
}

extension PathAttributes {
  /// How sessions between two ends of this implementation would carry them.
  private static let storage = CodecOptions(fourOctetAS: true, isInternal: true)

  private enum Suffix {
    static let nextHop: UInt8 = 1
    static let linkLocal: UInt8 = 2
    static let marks: UInt8 = 4
  }

  /// The kinds of session, as bits of `AttributeTable`, that carry them as they are stored.
  fileprivate var sendable: UInt8 {
    guard case .v4? = nextHop, linkLocalNextHop == nil, weight == 0, tag == 0,
      extended?.opaque.isEmpty ?? true
    else { return 0 }
    let isForExternal = localPreference == nil && originatorID == nil && clusterList.isEmpty
    return isForExternal ? 3 : 1
  }

  /// As on the wire, followed by a suffix of what has no place there: an IPv6 next hop, and marks
  /// that are this router's own.
  func stored() -> (bytes: [UInt8], suffix: Int) {
    var writer = ByteWriter(capacity: 64)
    encode(into: &writer, options: Self.storage, classicNextHop: true, marksPartial: false)
    let end = writer.count
    var parts: UInt8 = 0
    if case .v6? = nextHop { parts |= Suffix.nextHop }
    if linkLocalNextHop != nil { parts |= Suffix.linkLocal }
    if weight != 0 || tag != 0 { parts |= Suffix.marks }
    if parts == 0 { return (writer.bytes, 0) }
    writer.write(parts)
    if case .v6(let hop)? = nextHop { writer.write(hop) }
    if let linkLocalNextHop { writer.write(linkLocalNextHop) }
    if parts & Suffix.marks != 0 {
      writer.write(weight)
      writer.write(tag)
    }
    return (writer.bytes, writer.count - end)
  }

  /// - Parameter bytes: What `stored` gave.
  init(stored bytes: [UInt8], suffix: Int) {
    var decoder = AttributeDecoder(options: Self.storage, isTrusted: true)
    var reader = ByteReader(bytes.dropLast(suffix))
    try? decoder.decode(&reader)
    self = decoder.attributes
    if suffix == 0 { return }
    var rest = ByteReader(bytes.suffix(suffix))
    guard let parts = try? rest.readUInt8() else { return }
    if parts & Suffix.nextHop != 0 { nextHop = (try? rest.readIPv6Address()).map(IPAddress.v6) }
    if parts & Suffix.linkLocal != 0 { linkLocalNextHop = try? rest.readIPv6Address() }
    if parts & Suffix.marks != 0, let weight = try? rest.readUInt32(),
      let tag = try? rest.readUInt32()
    {
      extend { ($0.weight, $0.tag) = (weight, tag) }
    }
  }
}
