/// A zone's answers to every question. `Catalogue` puts zones together.
package struct CompiledZone: Sendable {
  /// A name's answers, or those of a wildcard's names.
  struct Node: Sendable {
    var kind: CompiledNode.Kind
    var answers: [Draft]
    /// Those of names below that have none of their own.
    var wildcard: [Draft] = []
    /// Also where the wildcard has no records itself.
    var hasWildcard = false
  }

  /// An answer before it has its place.
  struct Draft: Sendable {
    var compiled: CompiledAnswer
    var body: [UInt8]
    var relocations: [UInt16]
  }

  package let origin: DomainName
  package let serial: SerialNumber
  var names: [(name: DomainName, node: Node)] = []
  /// What is answered where there is nothing.
  var negative: Draft

  /// - Precondition: `zone` has an SOA record; `validate()` says so before.
  package init(_ zone: Zone) {
    guard let start = zone.startOfAuthority else {
      preconditionFailure("\(zone.origin) has no SOA record")
    }
    origin = zone.origin
    serial = start.serial
    let compiler = ZoneCompiler(ZoneTree(zone))
    negative = compiler.negative
    names = compiler.names
  }
}
