import Wire

// | length | name ... | node | answer, answer ... | body | body ...
//
// A body has its chain before it, where it is one, and its relocations behind it.

/// Lays zones' names, nodes, answers and bodies out.
struct CataloguePacker {
  private var tables: Catalogue.Tables
  /// Delegations to zones of ours.
  private var delegations: [DomainName: UInt32] = [:]

  init(names: Int) {
    tables = Catalogue.Tables(index: NameIndex(minimumCapacity: names))
    // Position zero means none.
    tables.index.append([0])
  }

  /// - Parameter below: Origins of zones of ours within this one, which have the word there.
  mutating func add(_ zone: CompiledZone, below: [DomainName]) {
    let own = UInt32(tables.index.end)
    tables.zones.append(own)
    append(.data, [zone.negative], zone: own, wildcard: 0)
    for (name, node) in zone.names {
      let isCovered = !below.isEmpty && below.contains { name.isSubdomain(of: $0) }
      if isCovered, node.kind != .delegation { continue }
      var wildcard: UInt32 = 0
      if node.hasWildcard {
        wildcard = append(.data, node.wildcard, zone: own, wildcard: 0)
      }
      if !isCovered { tables.index.insert(NameKey(name)) }
      let place = append(node.kind, node.answers, zone: own, wildcard: wildcard)
      if isCovered { delegations[name] = place }
    }
  }

  /// - Returns: The node's place.
  @discardableResult
  private mutating func append(
    _ kind: CompiledNode.Kind, _ drafts: [CompiledZone.Draft], zone: UInt32, wildcard: UInt32
  ) -> UInt32 {
    let place = tables.index.end
    var writer = ByteWriter(capacity: 128)
    writer.write([kind.rawValue, 0])
    writer.write(UInt16(drafts.count))
    writer.write(zone)
    writer.write(wildcard)
    var start = place + CompiledNode.size + drafts.count * CompiledAnswer.size
    for draft in drafts {
      var answer = draft.compiled
      if answer.hasChain { start += CompiledAnswer.Chain.size }
      answer.start = start
      answer.encode(into: &writer)
      start += draft.body.count + draft.relocations.count * 2
    }
    for draft in drafts {
      if draft.compiled.hasChain { draft.compiled.chain.encode(into: &writer) }
      writer.write(draft.body)
      for relocation in draft.relocations { writer.write(relocation) }
    }
    tables.index.append(writer.bytes)
    return UInt32(place)
  }

  func finished(_ origins: [DomainName]) -> Catalogue.Tables {
    var tables = tables
    for origin in origins {
      if let delegation = delegations[origin], let place = tables.index.find(NameKey(origin)) {
        tables.parents[UInt32(place)] = delegation
      }
    }
    return tables
  }
}

extension CompiledAnswer {
  fileprivate var hasChain: Bool { traits.contains(.chain) || traits.contains(.renaming) }
}
