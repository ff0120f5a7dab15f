import Wire

extension Catalogue.Tables {
  /// Position in `origins` of a node's zone.
  func zone(of node: Int) -> Int { zoneNodes.firstIndex(of: nodes[node].zone) ?? 0 }

  /// The answer of a node to `type`. Of ANY that of a CNAME: RFC 8482 §4.1 leaves the choice.
  @inline(__always)
  func find(_ type: UInt16, _ node: CompiledNode) -> Int? {
    let answers = answers.span
    let first = Int(node.firstAnswer)
    var other: Int?
    for index in first..<(first &+ Int(node.answerCount)) {
      let own = answers[index].type
      if own == type { return index }
      if own == 0 { other = index }
    }
    // Where there is one for all other types, the first is the CNAME's own.
    return other != nil && type == RecordType.any.rawValue ? first : other
  }

  /// Copies an answer's sections behind the question, as far as they fit, and sets its pointers.
  /// - Parameter start: Behind the question.
  @inline(__always)
  func copy(
    _ index: Int, to start: Int, _ reply: inout Reply, _ output: inout MutableSpan<UInt8>
  ) {
    let answer = answers[index]
    reply.isAuthoritative = answer.traits.contains(.authoritative)
    reply.responseCode = UInt16(answer.responseCode)
    reply.additional = answer.additional
    var length = Int(answer.length)
    if start &+ length > reply.limit {
      length = Int(answer.lengthWithoutAdditional)
      reply.additional = 0
      // A referral without its glue leads nowhere. RFC 9471 §3.
      if start &+ length > reply.limit || answer.traits.contains(.referral) {
        return reply.truncate(to: start)
      }
    }
    reply.answers = answer.answers
    reply.authority = answer.authority
    reply.end = start &+ length
    output.copy(bodies.span, from: Int(answer.start), count: length, to: start)
    if answer.relocationCount > 0 { relocate(answer, length, start, &output) }
  }

  @inline(__always)
  private func relocate(
    _ answer: CompiledAnswer, _ length: Int, _ start: Int, _ output: inout MutableSpan<UInt8>
  ) {
    let nameEnd = UInt16(truncatingIfNeeded: start &- 4)
    let first = Int(answer.relocations)
    let relocations = relocations.span
    let bodies = bodies.span
    for index in first..<(first &+ Int(answer.relocationCount)) {
      let offset = Int(relocations[index])
      if offset >= length { break }
      let pointer = bodies.uint16(at: Int(answer.start) &+ offset) &+ nameEnd
      output.store(0xc000 | pointer, at: start &+ offset)
    }
  }
}
