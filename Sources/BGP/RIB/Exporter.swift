import NetTypes

/// Applies the export rules of one group to many paths. Neighbours in the table often came alike and
/// go alike, so that the last answer is kept.
struct Exporter {
  private let rules: ExportRules
  /// Both by `PeerIndex`.
  private let sources: [PathSource]
  private let isClient: [Bool]
  private let owners: [IPAddress: PeerIndex]
  /// Learnt routes are passed on: the tables are complete after a restart. RFC 4724 §4.1.
  private let passesOn: Bool
  /// The group's one member: what it gave us is told to nobody, and not kept.
  private let sole: PeerIndex?
  private var last: Answer?

  private struct Answer {
    var peer: PeerIndex
    var attributes: AttributeID
    var family: AddressFamily
    var entry: AdjRIBOut.Entry
  }

  init(
    rules: ExportRules, sources: [PathSource], isClient: [Bool], owners: [IPAddress: PeerIndex],
    passesOn: Bool, sole: PeerIndex?
  ) {
    self.rules = rules
    self.sources = sources
    self.isClient = isClient
    self.owners = owners
    self.passesOn = passesOn
    self.sole = sole
  }

  /// What the group is told of one path, with one more use of its attributes.
  mutating func entry<Key>(
    _ path: RouteTable<Key>.Path, _ key: Key, _ attributes: inout AttributeTable
  ) -> AdjRIBOut.Entry {
    if path.peer == sole { return .none }
    // The default route is each peer's own matter where it was asked for.
    if key.length == 0, rules.peer.defaultOriginate { return .none }
    if !passesOn, path.peer != .local { return .none }
    if let last, last.peer == path.peer, last.attributes == path.attributes,
      last.family == Key.family
    {
      attributes.retain(last.entry.attributes)
      return last.entry
    }
    let source = sources[Int(path.peer.rawValue)]
    let best = ExportRules.Best(
      attributes: attributes[path.attributes], kind: source.kind, identifier: source.identifier,
      isFromClient: isClient[Int(path.peer.rawValue)])
    var entry = AdjRIBOut.Entry.none
    if let exported = rules.export(key.prefix, best) {
      entry = AdjRIBOut.Entry(
        attributes: attributes.intern(exported), source: path.peer,
        nextHopOwner: exported.nextHop.flatMap { owners[$0] } ?? .local)
    }
    // A policy may tell prefixes apart.
    if rules.peer.exportPolicy.isEmpty {
      finish(&attributes)
      last = Answer(
        peer: path.peer, attributes: path.attributes, family: Key.family, entry: entry)
      attributes.retain(entry.attributes)
    }
    return entry
  }

  /// Gives back what was kept.
  mutating func finish(_ attributes: inout AttributeTable) {
    if let last { attributes.release(last.entry.attributes) }
    last = nil
  }

  /// The paths of a destination that go out, by identifier, each with one more use of its attributes.
  mutating func paths<Key>(
    _ table: RouteTable<Key>, _ destination: Int, _ sending: AddPath.Sending,
    _ process: DecisionProcess, _ attributes: inout AttributeTable
  ) -> [AdjRIBOut.Identified] {
    let paths = table.pathIndices(at: destination)
    if paths.isEmpty { return [] }
    let candidates = table.candidates(paths, sources, attributes)
    let ranking = process.ranking(candidates)
    let chosen: [Int]
    switch sending {
    case .bestOnly: chosen = Array(ranking.prefix(1))
    case .all: chosen = ranking
    case .best(let count): chosen = Array(ranking.prefix(max(1, count)))
    case .bestPerAS:
      var seen: Set<ASNumber?> = []
      chosen = ranking.filter { seen.insert(candidates[$0].metrics.neighborAS).inserted }
    }
    return chosen.compactMap { position in
      let path = paths[position]
      let entry = entry(table[path: path], table.key(at: destination), &attributes)
      if entry == .none { return nil }
      return AdjRIBOut.Identified(identifier: UInt32(path), entry: entry)
    }
  }
}
