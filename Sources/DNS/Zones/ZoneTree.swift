/// A zone's names with their record sets, and where a name leads by the algorithm of RFC 1034 §4.3.2.
struct ZoneTree: Sendable {
  /// Records of one name and type share a TTL: the least that was given. RFC 2181 §5.2.
  struct RecordSet: Sendable {
    var ttl: UInt32
    var data: [RecordData]
  }

  /// Empty of a name that only has names below it. RFC 4592 §2.2.2.
  struct Node: Sendable {
    var sets: [RecordType: RecordSet] = [:]
    /// `*` right below it.
    var hasWildcard = false
  }

  enum Place {
    case outside
    case data(Node)
    /// Synthesized from the wildcard below `closestEncloser`. RFC 4592 §3.3.
    case wildcard(Node, closestEncloser: DomainName)
    /// At or below a zone cut. RFC 1034 §4.2.1.
    case delegation(DomainName)
    /// Below a DNAME's owner. RFC 6672 §3.2.
    case renamed(DomainName)
    case missing
  }

  let origin: DomainName
  private(set) var nodes: [DomainName: Node] = [:]

  /// Of `zone`'s records those that belong into it.
  init(_ zone: Zone) {
    origin = zone.origin
    nodes.reserveCapacity(zone.records.count)
    nodes[origin] = Node()
    for record in zone.records where record.name.isSubdomain(of: origin) { insert(record) }
  }

  private mutating func insert(_ record: ResourceRecord) {
    if nodes[record.name] == nil { open(record.name) }
    let ttl = min(record.ttl, ResourceRecord.maximumTTL)
    nodes[record.name, default: Node()].sets[
      record.type, default: RecordSet(ttl: ttl, data: [])
    ].add(record.data, ttl: ttl)
  }

  /// Makes a name's node, and those between it and the origin.
  private mutating func open(_ name: DomainName) {
    nodes[name] = Node()
    guard name.wire.count > origin.wire.count, let above = name.parent else { return }
    if nodes[above] == nil { open(above) }
    if name.isWildcard { nodes[above]?.hasWildcard = true }
  }

  func isDelegation(_ name: DomainName) -> Bool {
    name != origin && nodes[name]?.sets[.ns] != nil
  }

  /// Whether a delegation or a DNAME above hides what the zone has under this name.
  func isOccluded(_ name: DomainName) -> Bool {
    var above = name
    while above.wire.count > origin.wire.count, let next = above.parent {
      if isDelegation(next) || nodes[next]?.sets[.dname] != nil { return true }
      above = next
    }
    return false
  }

  /// Where `name` leads. RFC 1034 §4.3.2, step 3; RFC 4592 §3.3.
  func find(_ name: DomainName) -> Place {
    guard name.isSubdomain(of: origin) else { return .outside }
    let (count, top) = (name.labelCount, origin.labelCount)
    var encloser = origin
    for labels in top...count {
      let suffix = name.suffix(labels)
      guard let node = nodes[suffix] else {
        guard nodes[encloser]?.hasWildcard == true, let wildcard = encloser.prepending("*"),
          let node = nodes[wildcard]
        else { return .missing }
        return .wildcard(node, closestEncloser: encloser)
      }
      if isDelegation(suffix) { return .delegation(suffix) }
      if labels == count { return .data(node) }
      if node.sets[.dname] != nil { return .renamed(suffix) }
      encloser = suffix
    }
    return .missing
  }
}

extension ZoneTree.RecordSet {
  fileprivate mutating func add(_ data: RecordData, ttl: UInt32) {
    self.ttl = min(self.ttl, ttl)
    if !self.data.contains(data) { self.data.append(data) }
  }
}
