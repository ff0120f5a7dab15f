import Wire

extension Catalogue.Tables {
  @inline(__always)
  func node(at place: Int) -> CompiledNode { CompiledNode(index.bytes.span, at: place) }

  @inline(__always)
  func answer(at place: Int) -> CompiledAnswer { CompiledAnswer(index.bytes.span, at: place) }

  func chain(of answer: CompiledAnswer) -> CompiledAnswer.Chain {
    CompiledAnswer.Chain(index.bytes.span, before: answer.start)
  }

  /// Position in `origins` of a node's zone.
  func zone(of node: Int) -> Int { zones.firstIndex(of: self.node(at: node).zone) ?? 0 }

  /// The place of a node's answer to `type`. Of ANY that of a CNAME: RFC 8482 §4.1 leaves the choice.
  @inline(__always)
  func find(_ type: UInt16, _ node: CompiledNode) -> Int? {
    let bytes = index.bytes.span
    var place = node.firstAnswer
    let end = place &+ Int(node.answerCount) &* CompiledAnswer.size
    var other: Int?
    while place < end {
      let own = bytes.uint16(at: place)
      if own == type { return place }
      if own == 0 { other = place }
      place &+= CompiledAnswer.size
    }
    // Where there is one for all other types, the first is the CNAME's own.
    return other != nil && type == RecordType.any.rawValue ? node.firstAnswer : other
  }

  /// Copies an answer's sections behind the question, as far as they fit, and sets its pointers.
  /// - Parameter start: Behind the question.
  @inline(__always)
  func copy(
    _ answer: CompiledAnswer, to start: Int, _ reply: inout Reply,
    _ output: inout MutableSpan<UInt8>
  ) {
    reply.isAuthoritative = answer.traits.contains(.authoritative)
    reply.responseCode = UInt16(answer.responseCode)
    reply.additional = answer.additional
    var length = answer.length
    if start &+ length > reply.limit {
      length = answer.lengthWithoutAdditional
      reply.additional = 0
      // A referral without its glue leads nowhere. RFC 9471 §3.
      if start &+ length > reply.limit || answer.traits.contains(.referral) {
        return reply.truncate(to: start)
      }
    }
    reply.answers = answer.answers
    reply.authority = answer.authority
    reply.end = start &+ length
    output.copy(index.bytes.span, from: answer.start, count: length, to: start)
    if answer.relocationCount > 0 { relocate(answer, length, start, &output) }
  }

  @inline(__always)
  private func relocate(
    _ answer: CompiledAnswer, _ length: Int, _ start: Int, _ output: inout MutableSpan<UInt8>
  ) {
    let nameEnd = UInt16(truncatingIfNeeded: start &- 4)
    let bytes = index.bytes.span
    let first = answer.start &+ answer.length
    for index in 0..<Int(answer.relocationCount) {
      let offset = Int(bytes.uint16(at: first &+ 2 &* index))
      if offset >= length { break }
      let pointer = bytes.uint16(at: answer.start &+ offset) &+ nameEnd
      output.store(0xc000 | pointer, at: start &+ offset)
    }
  }
}
