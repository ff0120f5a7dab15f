import Wire

/// Zones compiled for reading: every name in one index, every answer ready to be copied. Immutable, so
/// that threads read it together without a lock.
package final class Catalogue: Sendable {
  /// What a thread reads, as a value: each responder has its own copy, so that no query touches a
  /// reference count that threads share.
  struct Tables: Sendable {
    /// Names to nodes.
    var index: NameIndex
    var nodes: [CompiledNode] = []
    var answers: [CompiledAnswer] = []
    var bodies: [UInt8] = []
    var relocations: [UInt16] = []
    /// The first node of each zone.
    var zoneNodes: [UInt32] = []
  }

  let tables: Tables
  /// The zones' origins, in the order in which they were given. `Responder.Outcome` counts by it.
  package let origins: [DomainName]
  package let serials: [SerialNumber]

  /// - Precondition: each zone has an SOA record, and no two the same origin.
  package convenience init(zones: [Zone]) {
    self.init(compiled: zones.map { CompiledZone($0) })
  }

  /// Where few of many zones have changed, only those need compiling.
  package init(compiled zones: [CompiledZone]) {
    var tables = Tables(
      index: NameIndex(minimumCapacity: zones.reduce(0) { $0 + $1.names.count }))
    let covers = zones.map { zone in
      zones.map(\.origin).filter { $0 != zone.origin && $0.isSubdomain(of: zone.origin) }
    }
    /// Delegations to zones of ours.
    var delegations: [DomainName: UInt32] = [:]
    for (zone, covered) in zip(zones, covers) {
      let base = UInt32(tables.nodes.count)
      tables.zoneNodes.append(base)
      let answers = tables.answers.count
      for node in zone.nodes { tables.nodes.append(node.moved(nodes: base, answers: answers)) }
      let (bodies, relocations) = (tables.bodies.count, tables.relocations.count)
      for answer in zone.answers {
        tables.answers.append(answer.moved(bodies: bodies, relocations: relocations))
      }
      tables.bodies += zone.bodies
      tables.relocations += zone.relocations
      for (name, node) in zone.names {
        // A zone of ours below has the word.
        if !covered.isEmpty, covered.contains(where: { name.isSubdomain(of: $0) }) {
          if zone.nodes[node].kind == .delegation { delegations[name] = base + UInt32(node) }
          continue
        }
        tables.index.insert(NameKey(name), Int(base) + node)
      }
    }
    for (zone, base) in zip(zones, tables.zoneNodes) {
      guard let parent = delegations[zone.origin],
        let origin = tables.index.find(NameKey(zone.origin))
      else { continue }
      precondition(tables.nodes[origin].zone == base)
      tables.nodes[origin].parent = parent
    }
    self.tables = tables
    origins = zones.map(\.origin)
    serials = zones.map(\.serial)
  }

  package static let empty = Catalogue(compiled: [])

  /// Octets that the index and the answers take.
  package var byteCount: Int { tables.byteCount }
}

extension Catalogue.Tables {
  fileprivate var byteCount: Int {
    index.byteCount + bodies.count + nodes.count * MemoryLayout<CompiledNode>.stride
      + answers.count * MemoryLayout<CompiledAnswer>.stride + relocations.count * 2
  }
}

extension CompiledNode {
  fileprivate func moved(nodes base: UInt32, answers: Int) -> Self {
    var node = self
    node.firstAnswer += UInt32(answers)
    if wildcard > 0 { node.wildcard += base }
    node.zone = base
    return node
  }
}

extension CompiledAnswer {
  fileprivate func moved(bodies: Int, relocations: Int) -> Self {
    var answer = self
    answer.start += UInt32(bodies)
    answer.relocations += UInt32(relocations)
    return answer
  }
}
