import Wire

/// Zones compiled for reading: every name in one index, every answer ready to be copied. Immutable, so
/// that threads read it together without a lock.
package final class Catalogue: Sendable {
  /// What a thread reads, as a value: each responder has its own copy, so that no query touches a
  /// reference count that threads share.
  struct Tables: Sendable {
    /// Names to nodes; nodes, answers and bodies lie behind each name.
    var index: NameIndex
    /// The node of each zone.
    var zones: [UInt32] = []
    /// Zones' origins, by their nodes, to the delegations to them in other zones of ours.
    var parents: [UInt32: UInt32] = [:]
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
    let origins = zones.map(\.origin)
    var packer = CataloguePacker(names: zones.reduce(0) { $0 + $1.names.count })
    for zone in zones {
      let below = origins.filter { $0 != zone.origin && $0.isSubdomain(of: zone.origin) }
      packer.add(zone, below: below)
    }
    tables = packer.finished(origins)
    self.origins = origins
    serials = zones.map(\.serial)
  }

  package static let empty = Catalogue(compiled: [])

  /// Octets that the index and the answers take.
  package var byteCount: Int { tables.index.byteCount }
}
