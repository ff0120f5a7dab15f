import NetTypes
import Wire

extension Responder {
  /// Writes what the question gets behind its place in `output`; or says who has to.
  @inline(__always)
  mutating func answer(
    _ query: Span<UInt8>, _ parsed: Query, _ client: IPAddress, _ transport: Transport,
    _ reply: inout Reply, _ output: inout MutableSpan<UInt8>
  ) -> Outcome? {
    if parsed.end == Message.headerLength {
      // Without a question a cookie alone is fine. RFC 7873 §5.4.
      if parsed.cookie == 0 { reply.responseCode = ResponseCode.formatError.rawValue }
      return nil
    }
    if parsed.isSigned {
      // There is no key that we know. RFC 8945 §5.2.1.
      reply.responseCode = ResponseCode.notAuthoritative.rawValue
      return nil
    }
    guard parsed.recordClass == RecordClass.internet.rawValue else {
      answerOtherClass(parsed, &reply, &output)
      return nil
    }
    if parsed.type >= 128, parsed.type < 255 || parsed.type == 41 {
      return answerMeta(parsed, transport, &reply, &output)
    }
    var isSteeredName = false
    if !steered.isEmpty, let place = steered.index.find(key) {
      isSteeredName = true
      if steer(Int(steered.index.uint32(at: place)), query, parsed, client, &reply, &output) {
        return nil
      }
    }
    if let node = zones.index.find(key) {
      answer(node, isExact: true, query, parsed, client, &reply, &output)
      return nil
    }
    if !steered.wildcards.isEmpty, let (place, labels) = steered.wildcards.longest(key), labels > 0
    {
      isSteeredName = true
      if steer(Int(steered.wildcards.uint32(at: place)), query, parsed, client, &reply, &output) {
        return nil
      }
    }
    guard let (node, _) = zones.index.longest(key) else {
      guard isSteeredName else { return .outside }
      // A name that is steered alone, of another type.
      reply.isAuthoritative = true
      return nil
    }
    if isSteeredName, zones.node(at: node).kind == .data {
      writeNegative(node, parsed, .noError, &reply, &output)
    } else {
      answer(node, isExact: false, query, parsed, client, &reply, &output)
    }
    return nil
  }

  /// What `node` has for the question: its own answers, or as the closest encloser of the name.
  @inline(__always)
  private mutating func answer(
    _ node: Int, isExact: Bool, _ query: Span<UInt8>, _ parsed: Query, _ client: IPAddress,
    _ reply: inout Reply, _ output: inout MutableSpan<UInt8>
  ) {
    var found = zones.node(at: node)
    var index = node
    if isExact {
      // The delegation's DS is the parent's to tell. RFC 4035 §3.1.4.1.
      if parsed.type == RecordType.ds.rawValue, let parent = zones.parents[UInt32(node)] {
        index = Int(parent)
        found = zones.node(at: index)
      }
    } else {
      switch found.kind {
      case .delegation: break
      case .dname:
        return rename(found, query, parsed, client, &reply, &output)
      case .data:
        guard found.wildcard > 0 else {
          return writeNegative(node, parsed, .nameError, &reply, &output)
        }
        index = Int(found.wildcard)
        found = zones.node(at: index)
      }
    }
    if found.kind == .delegation, !isExact || parsed.type != RecordType.ds.rawValue {
      return write(found.firstAnswer, query, parsed, client, &reply, &output)
    }
    if let answer = zones.find(parsed.type, found) {
      return write(answer, query, parsed, client, &reply, &output)
    }
    if parsed.type == RecordType.any.rawValue, found.answerCount > 0, found.kind != .delegation {
      if let own = zones.find(RecordType.hinfo.rawValue, found) {
        return write(own, query, parsed, client, &reply, &output)
      }
      reply.isAuthoritative = true
      return writeConstant(0, &reply, &output)
    }
    writeNegative(index, parsed, .noError, &reply, &output)
  }

  private mutating func answerOtherClass(
    _ parsed: Query, _ reply: inout Reply, _ output: inout MutableSpan<UInt8>
  ) {
    let isText = parsed.type == RecordType.txt.rawValue || parsed.type == RecordType.any.rawValue
    guard parsed.recordClass == RecordClass.chaos.rawValue, isText, let place = chaos.find(key)
    else {
      reply.responseCode = ResponseCode.refused.rawValue
      return
    }
    reply.isAuthoritative = true
    writeConstant(Int(chaos.uint32(at: place)), &reply, &output)
  }

  /// Transfers, and types that are none.
  private mutating func answerMeta(
    _ parsed: Query, _ transport: Transport, _ reply: inout Reply,
    _ output: inout MutableSpan<UInt8>
  ) -> Outcome? {
    guard parsed.type == RecordType.axfr.rawValue || parsed.type == RecordType.ixfr.rawValue else {
      reply.responseCode = ResponseCode.notImplemented.rawValue
      return nil
    }
    guard let node = zones.index.find(key), isOrigin(node) else {
      reply.responseCode = ResponseCode.notAuthoritative.rawValue
      return nil
    }
    if transport == .tcp { return .transfer(zone: zones.zone(of: node)) }
    if parsed.type == RecordType.axfr.rawValue {
      reply.responseCode = ResponseCode.notImplemented.rawValue
    } else if let soa = zones.find(RecordType.soa.rawValue, zones.node(at: node)) {
      // The SOA alone: come by TCP. RFC 1995 §2.
      zones.copy(zones.answer(at: soa), to: parsed.end, &reply, &output)
    }
    return nil
  }

  private func isOrigin(_ node: Int) -> Bool {
    zones.find(RecordType.soa.rawValue, zones.node(at: node)).map {
      zones.answer(at: $0).type == RecordType.soa.rawValue
    } ?? false
  }

  /// No record, but the SOA of the node's zone. RFC 2308.
  @inline(__always)
  mutating func writeNegative(
    _ node: Int, _ parsed: Query, _ code: ResponseCode, _ reply: inout Reply,
    _ output: inout MutableSpan<UInt8>
  ) {
    let zone = Int(zones.node(at: node).zone)
    zones.copy(zones.answer(at: zone &+ CompiledNode.size), to: parsed.end, &reply, &output)
    reply.responseCode = code.rawValue
  }

  private mutating func writeConstant(
    _ index: Int, _ reply: inout Reply, _ output: inout MutableSpan<UInt8>
  ) {
    let (start, count) = constantRanges[index]
    guard reply.end + count <= reply.limit else { return reply.truncate(to: reply.end) }
    output.copy(constants.span, from: start, count: count, to: reply.end)
    reply.end += count
    reply.answers = 1
  }
}
