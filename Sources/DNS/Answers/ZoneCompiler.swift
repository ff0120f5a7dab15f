// What each question gets, by RFC 1034 §4.3.2 and the RFCs that made it precise:
//
// 1. A type that the name has: its records, authoritative; the addresses of NS, MX, SRV and SVCB
//    targets in the zone as additional ones.
// 2. A name with a CNAME: that, and what its target has of the type, as long as the zone has it; at the
//    end of the chain the records, a negative answer, or nothing where the chain leaves the zone.
// 3. A type that the name does not have: no record, and the SOA with the shorter of its TTL and its
//    MINIMUM. RFC 2308 §3, §5. The same record with NXDOMAIN for a name that is not there.
// 4. At or below a delegation: its NS records, not authoritative, and their addresses; but a DS of the
//    delegation is the zone's own. RFC 4035 §3.1.4.1.
// 5. Below a name with `*`, where no other name encloses closer: as in 1 to 3, owned by the question's
//    name. RFC 4592.
// 6. Below a DNAME: that, and the CNAME made of it when the name is known. RFC 6672 §3.

/// Writes a zone's answers.
struct ZoneCompiler {
  /// An answer being written.
  struct Draft {
    var compiled: CompiledAnswer
    var encoder: AnswerEncoder

    var finished: CompiledZone.Draft {
      var compiled = compiled
      compiled.length = encoder.bytes.count
      compiled.relocationCount = UInt16(clamping: encoder.relocations.count)
      return CompiledZone.Draft(
        compiled: compiled, body: encoder.bytes, relocations: encoder.relocations)
    }
  }

  let tree: ZoneTree

  init(_ tree: ZoneTree) { self.tree = tree }

  /// Longer chains end where they are; a resolver goes on by itself.
  static let maximumChainLength = 8

  var negative: CompiledZone.Draft {
    var draft = start(.any, .atOrBelow(tree.origin))
    writeNegative(&draft)
    return draft.finished
  }

  var names: [(name: DomainName, node: CompiledZone.Node)] {
    tree.nodes.compactMap { name, node in
      tree.isOccluded(name) ? nil : (name, compile(name, node))
    }
  }

  private func compile(_ name: DomainName, _ node: ZoneTree.Node) -> CompiledZone.Node {
    if tree.isDelegation(name) {
      return CompiledZone.Node(kind: .delegation, answers: delegation(name, node).map(\.finished))
    }
    var drafts = answers(node, .exactly(name))
    let isRenamed = node.sets[.dname] != nil
    if isRenamed { drafts.append(renaming(name, node)) }
    var compiled = CompiledZone.Node(
      kind: isRenamed ? .dname : .data, answers: drafts.map(\.finished))
    if node.hasWildcard, let wildcard = name.prepending("*").flatMap({ tree.nodes[$0] }) {
      compiled.wildcard = answers(wildcard, .atOrBelow(name)).map(\.finished)
      compiled.hasWildcard = true
    }
    return compiled
  }

  private func start(_ type: RecordType, _ question: AnswerEncoder.Question) -> Draft {
    Draft(
      compiled: CompiledAnswer(type: type.rawValue, traits: .authoritative),
      encoder: AnswerEncoder(question))
  }

  /// One for each type that the question's name has.
  private func answers(_ node: ZoneTree.Node, _ question: AnswerEncoder.Question) -> [Draft] {
    if let alias = node.sets[.cname], let target = alias.data.first?.target(of: .cname) {
      return chains(node, alias.ttl, target, question)
    }
    return node.sets.sorted { $0.key < $1.key }.map { type, set in
      var draft = start(type, question)
      if !Self.mayBeCompressed.contains(type) { draft.compiled.traits.insert(.plain) }
      write(set, type, nil, &draft)
      finish(&draft, [(type, set)])
      return draft
    }
  }

  private static let mayBeCompressed: Set<RecordType> = [.ns, .ptr, .mx, .soa]

  private func write(
    _ set: ZoneTree.RecordSet, _ type: RecordType, _ owner: DomainName?, _ draft: inout Draft
  ) {
    for data in set.data { draft.encoder.write(owner, type, ttl: set.ttl, data) }
    draft.compiled.answers += UInt16(clamping: set.data.count)
  }

  /// Puts the additional section behind what is there.
  private func finish(_ draft: inout Draft, _ sets: [(RecordType, ZoneTree.RecordSet)]) {
    draft.compiled.lengthWithoutAdditional = draft.encoder.bytes.count
    var seen: Set<DomainName> = []
    for (type, set) in sets where Self.hasAdditional.contains(type) {
      for target in set.data.compactMap({ $0.target(of: type) }) where seen.insert(target).inserted
      {
        writeAddresses(target, &draft)
      }
    }
  }

  private static let hasAdditional: Set<RecordType> = [.ns, .mx, .srv, .svcb, .https]

  /// Also what lies below a delegation: glue.
  private func writeAddresses(_ target: DomainName, _ draft: inout Draft) {
    guard let node = tree.nodes[target] else { return }
    for type in [RecordType.a, .aaaa] {
      guard let set = node.sets[type] else { continue }
      for data in set.data { draft.encoder.write(target, type, ttl: set.ttl, data) }
      draft.compiled.additional += UInt16(clamping: set.data.count)
    }
  }

  private func writeNegative(_ draft: inout Draft) {
    guard let set = tree.nodes[tree.origin]?.sets[.soa], let data = set.data.first,
      let start = StartOfAuthority(data)
    else { return }
    draft.encoder.write(tree.origin, .soa, ttl: min(set.ttl, start.minimum), data)
    draft.compiled.authority += 1
    draft.compiled.lengthWithoutAdditional = draft.encoder.bytes.count
  }
}

extension ZoneCompiler {
  /// The referral first, then what is the parent's own.
  private func delegation(_ name: DomainName, _ node: ZoneTree.Node) -> [Draft] {
    var referral = start(.any, .atOrBelow(name))
    referral.compiled.traits = .referral
    if let set = node.sets[.ns] {
      for data in set.data { referral.encoder.write(name, .ns, ttl: set.ttl, data) }
      referral.compiled.authority = UInt16(clamping: set.data.count)
      finish(&referral, [(.ns, set)])
    }
    guard let set = node.sets[.ds] else { return [referral] }
    var own = start(.ds, .exactly(name))
    write(set, .ds, nil, &own)
    finish(&own, [])
    return [referral, own]
  }

  /// The DNAME alone; what it renames is known only with the question.
  private func renaming(_ name: DomainName, _ node: ZoneTree.Node) -> Draft {
    var draft = start(.any, .atOrBelow(name))
    guard let set = node.sets[.dname], let data = set.data.first else { return draft }
    let place = draft.encoder.write(name, .dname, ttl: set.ttl, data)
    draft.compiled.answers = 1
    draft.compiled.traits.insert(.renaming)
    draft.compiled.chain.target = UInt16(place)
    draft.compiled.lengthWithoutAdditional = draft.encoder.bytes.count
    return draft
  }

  /// The CNAME by itself, one answer for each type at the chain's end, and one for all others.
  private func chains(
    _ node: ZoneTree.Node, _ ttl: UInt32, _ target: DomainName, _ question: AnswerEncoder.Question
  ) -> [Draft] {
    var head = start(.any, question)
    var owner: DomainName?
    var next = (ttl: ttl, target: target)
    var seen: Set<DomainName> = []
    var end = ZoneTree.Place.outside
    repeat {
      let place = head.encoder.write(owner, .cname, ttl: next.ttl, .cname(next.target))
      head.compiled.chain.target = UInt16(place)
      head.compiled.chain.count += 1
      owner = next.target
      end = tree.find(next.target)
      guard seen.insert(next.target).inserted, seen.count < Self.maximumChainLength,
        let alias = end.node?.sets[.cname], let target = alias.data.first?.target(of: .cname)
      else { break }
      next = (alias.ttl, target)
    } while true
    head.compiled.answers = head.compiled.chain.count
    head.compiled.chain.length = UInt32(head.encoder.bytes.count)
    head.compiled.lengthWithoutAdditional = head.encoder.bytes.count
    head.compiled.traits.insert(.chain)

    var own = start(.cname, question)
    own.compiled.traits.insert(.plain)
    own.encoder.write(nil, .cname, ttl: ttl, .cname(target))
    own.compiled.answers = 1
    finish(&own, [])
    return [own] + ends(of: head, end, owner) + [other(head, end)]
      + node.sets.filter { $0.key != .cname }.sorted { $0.key < $1.key }.map { type, set in
        var draft = start(type, question)
        write(set, type, nil, &draft)
        finish(&draft, [])
        return draft
      }
  }

  private func ends(of head: Draft, _ end: ZoneTree.Place, _ owner: DomainName?) -> [Draft] {
    guard let node = end.node, node.sets[.cname] == nil else { return [] }
    return node.sets.sorted { $0.key < $1.key }.map { type, set in
      var draft = head
      draft.compiled.type = type.rawValue
      write(set, type, owner, &draft)
      finish(&draft, [(type, set)])
      return draft
    }
  }

  /// What a type gets that the chain's end does not have.
  private func other(_ head: Draft, _ end: ZoneTree.Place) -> Draft {
    var draft = head
    draft.compiled.type = 0
    switch end {
    case .data(let node), .wildcard(let node, _):
      if node.sets[.cname] == nil { writeNegative(&draft) }
    case .missing:
      writeNegative(&draft)
      draft.compiled.responseCode = UInt8(ResponseCode.nameError.rawValue)
    // The resolver goes on from there.
    case .delegation, .renamed: break
    case .outside: draft.compiled.traits.insert(.leavesZone)
    }
    return draft
  }
}

extension ZoneTree.Place {
  fileprivate var node: ZoneTree.Node? {
    switch self {
    case .data(let node), .wildcard(let node, _): node
    case .outside, .delegation, .renamed, .missing: nil
    }
  }
}
