import Wire

/// A zone's answers to every question, ready to be copied. `Catalogue` puts zones together.
package struct CompiledZone: Sendable {
  package let origin: DomainName
  package let serial: SerialNumber
  /// Of `nodes`, those that are found by a name.
  var names: [(name: DomainName, node: Int)] = []
  /// The first one's answer is the negative one, for the whole zone.
  var nodes = [CompiledNode()]
  var answers: [CompiledAnswer] = []
  var bodies: [UInt8] = []
  var relocations: [UInt16] = []

  /// Names that can be asked for, the empty ones between among them.
  package var nameCount: Int { names.count }

  /// - Precondition: `zone` has an SOA record; `validate()` says so before.
  package init(_ zone: Zone) {
    guard let start = zone.startOfAuthority else {
      preconditionFailure("\(zone.origin) has no SOA record")
    }
    origin = zone.origin
    serial = start.serial
    let compiler = ZoneCompiler(ZoneTree(zone))
    compiler.compile(into: &self)
  }
}

extension CompiledZone {
  mutating func append(_ answer: ZoneCompiler.Draft) {
    var compiled = answer.compiled
    compiled.start = UInt32(bodies.count)
    compiled.length = UInt32(answer.encoder.bytes.count)
    compiled.relocations = UInt32(relocations.count)
    compiled.relocationCount = UInt16(answer.encoder.relocations.count)
    bodies += answer.encoder.bytes
    relocations += answer.encoder.relocations
    answers.append(compiled)
  }

  /// A node with these answers; its index.
  mutating func append(_ drafts: [ZoneCompiler.Draft], kind: CompiledNode.Kind) -> Int {
    var node = CompiledNode(kind: kind)
    node.firstAnswer = UInt32(answers.count)
    node.answerCount = UInt16(drafts.count)
    for draft in drafts { append(draft) }
    nodes.append(node)
    return nodes.count - 1
  }
}
