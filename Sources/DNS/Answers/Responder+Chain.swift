import NetTypes
import Wire

// A chain's CNAME records have been written. Its end may be steered, which counts before what the zone
// says, or lie in another zone of ours. What is found there is appended, owned by the name where it
// stands in the output. Where an answer cannot be moved, the chain ends, and the resolver goes on.

extension Responder {
  mutating func follow(
    _ answer: CompiledAnswer, _ query: Span<UInt8>, _ parsed: Query, _ client: IPAddress,
    _ reply: inout Reply, _ output: inout MutableSpan<UInt8>
  ) {
    let chain = zones.chain(of: answer)
    let target = parsed.end + Int(chain.target)
    guard key.load(output.span, at: target) else { return }
    if !steered.isEmpty, let place = steered.index.find(key),
      let set = steeredSet(Int(steered.index.uint32(at: place)), parsed.type)
    {
      let before = reply
      reply.end = parsed.end + Int(chain.length)
      reply.answers = chain.count
      (reply.authority, reply.additional, reply.responseCode) = (0, 0, 0)
      if append(set, owner: target, parsed, client, &reply, &output) {
        counters.steered &+= 1
        if reply.isTruncated { reply.end = parsed.end }
        return
      }
      reply = before
    }
    if answer.traits.contains(.leavesZone) {
      followTarget(at: target, query, parsed, client, &reply, &output)
    }
  }

  /// Appends what the name at `target` of the output has of the question's type, as far as it is ours.
  mutating func followTarget(
    at target: Int, _ query: Span<UInt8>, _ parsed: Query, _ client: IPAddress,
    _ reply: inout Reply, _ output: inout MutableSpan<UInt8>
  ) {
    var target = target
    for _ in 0..<ZoneCompiler.maximumChainLength {
      // A pointer has 14 bits.
      guard target < 0x4000, key.load(output.span, at: target) else { return }
      var next: Int?
      if !steered.isEmpty, let place = steered.index.find(key),
        let set = steeredSet(Int(steered.index.uint32(at: place)), parsed.type)
      {
        let start = reply.end
        guard append(set, owner: target, parsed, client, &reply, &output) else { return }
        if set.type == RecordType.cname.rawValue, parsed.type != set.type { next = start + 12 }
      } else {
        guard let node = zones.index.find(key) else { return }
        next = appendPlain(zones.node(at: node), target, parsed, &reply, &output)
      }
      if reply.isTruncated { return reply.truncate(to: parsed.end) }
      guard let next, next < reply.end else { return }
      target = next
    }
  }

  /// Appends a node's records; of a CNAME only that, and says where its target lies.
  private mutating func appendPlain(
    _ node: CompiledNode, _ target: Int, _ parsed: Query, _ reply: inout Reply,
    _ output: inout MutableSpan<UInt8>
  ) -> Int? {
    guard node.kind != .delegation, let index = zones.find(parsed.type, node) else { return nil }
    var answer = zones.answer(at: index)
    let isChain = answer.traits.contains(.chain)
    if isChain { answer = zones.answer(at: node.firstAnswer) }
    guard answer.traits.contains(.plain), answer.traits.contains(.authoritative) else { return nil }
    let start = reply.end
    appendRecords(
      zones.index.bytes.span, answer.start, answer.lengthWithoutAdditional,
      answer.answers, target, &reply, &output)
    return isChain ? start + 12 : nil
  }

  /// The DNAME, and the CNAME that it makes of the question's name. RFC 6672 §3.1, §3.3.
  mutating func rename(
    _ node: CompiledNode, _ query: Span<UInt8>, _ parsed: Query, _ client: IPAddress,
    _ reply: inout Reply, _ output: inout MutableSpan<UInt8>
  ) {
    let index = node.firstAnswer + (Int(node.answerCount) - 1) * CompiledAnswer.size
    let answer = zones.answer(at: index)
    zones.copy(answer, to: parsed.end, &reply, &output)
    guard !reply.isTruncated else { return }
    // The DNAME's owner is what its pointer says; the labels before it are kept.
    let owner = Int(output.span.uint16(at: parsed.end) & 0x3fff) - Message.headerLength
    let place = answer.start + Int(zones.chain(of: answer).target)
    let length = Int(zones.index.bytes.span.uint16(at: place - 2))
    guard owner + length <= DomainName.maximumLength else {
      reply.responseCode = 6
      return
    }
    let start = reply.end
    guard start + 12 + owner + length <= reply.limit else { return reply.truncate(to: parsed.end) }
    output.store(0xc000 | UInt16(Message.headerLength), at: start)
    output.store(RecordType.cname.rawValue, at: start + 2)
    output.store(RecordClass.internet.rawValue, at: start + 4)
    output.copy(zones.index.bytes.span, from: place - 6, count: 4, to: start + 6)
    output.store(UInt16(owner + length), at: start + 10)
    output.copy(query, from: Message.headerLength, count: owner, to: start + 12)
    output.copy(zones.index.bytes.span, from: place, count: length, to: start + 12 + owner)
    reply.end = start + 12 + owner + length
    reply.answers += 1
    if parsed.type != RecordType.cname.rawValue {
      followTarget(at: start + 12, query, parsed, client, &reply, &output)
    }
  }
}
