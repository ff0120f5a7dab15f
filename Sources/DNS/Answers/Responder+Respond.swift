import NetTypes
import Wire

extension Responder {
  /// Answers one query into `output`.
  /// - Parameter output: At least 512 octets, over TCP 65,535.
  package mutating func respond(
    to query: Span<UInt8>, from client: IPAddress, over transport: Transport, at now: Instant,
    into output: inout MutableSpan<UInt8>
  ) -> Outcome {
    var parsed = Query()
    switch read(query, &parsed) {
    case .drop:
      counters.dropped &+= 1
      return .drop
    case .malformed:
      return fail(.formatError, query, &parsed, client, transport, now, &output)
    case .sound: break
    }
    if transport == .udp { counters.queriesOverUDP &+= 1 } else { counters.queriesOverTCP &+= 1 }
    counters.count(type: parsed.type)
    if parsed.hasEDNS {
      counters.queriesWithEDNS &+= 1
      if parsed.hasSubnet { counters.queriesWithClientSubnet &+= 1 }
      // RFC 6891 §6.1.3.
      if parsed.version > 0 {
        return fail(.badVersion, query, &parsed, client, transport, now, &output)
      }
    }
    let hasGoodCookie = parsed.cookieLength > 8 && options.isGood(parsed, query, client, now)
    if hasGoodCookie { counters.goodCookies &+= 1 }
    if parsed.opcode == Opcode.notify.rawValue { return .notify }
    guard parsed.opcode == Opcode.query.rawValue else {
      return fail(.notImplemented, query, &parsed, client, transport, now, &output)
    }
    var reply = options.start(parsed, transport, output.count)
    if limiter != nil, transport == .udp, !hasGoodCookie {
      switch limiter?.check(client, at: now) ?? .pass {
      case .pass: break
      case .drop:
        counters.limited &+= 1
        return .drop
      case .truncate:
        counters.slipped &+= 1
        reply.isTruncated = true
        return finish(&reply, query, parsed, client, now, &output)
      }
    }
    if let outcome = answer(query, parsed, client, transport, &reply, &output) { return outcome }
    if reply.isDropped {
      counters.dropped &+= 1
      return .drop
    }
    return finish(&reply, query, parsed, client, now, &output)
  }

  /// Answers a query with nothing but a code, for what `respond` has left to others.
  /// - Parameter extendedError: Of RFC 8914, for a client with EDNS.
  package mutating func reply(
    _ code: ResponseCode, extendedError: UInt16? = nil, to query: Span<UInt8>,
    from client: IPAddress, over transport: Transport, at now: Instant,
    into output: inout MutableSpan<UInt8>
  ) -> Outcome {
    var parsed = Query()
    guard case .sound = read(query, &parsed) else { return .drop }
    var reply = options.start(parsed, transport, output.count)
    reply.responseCode = code.rawValue
    reply.extendedError = extendedError
    return finish(&reply, query, parsed, client, now, &output)
  }

  private enum Reading { case sound, malformed, drop }

  /// Leaves the question's name in `key`.
  private mutating func read(_ query: Span<UInt8>, _ parsed: inout Query) -> Reading {
    guard query.count >= Message.headerLength else { return .drop }
    parsed.id = query.uint16(at: 0)
    parsed.flags = query.uint16(at: 2)
    // An answer to an answer would go round for ever.
    guard parsed.flags & Message.Flag.response == 0 else { return .drop }
    switch query.uint16(at: 4) {
    case 1:
      guard key.load(query, at: Message.headerLength) else { return .malformed }
      let end = Message.headerLength &+ key.length
      guard end &+ 4 <= query.count else { return .malformed }
      parsed.type = query.uint16(at: end)
      parsed.recordClass = query.uint16(at: end &+ 2)
      parsed.end = end &+ 4
    // RFC 7873 §5.4: a cookie may come without a question.
    case 0: break
    default: return .malformed
    }
    if query.count == parsed.end, query.uint64(at: 4) & 0xffff_ffff_ffff == 0 { return .sound }
    return parsed.readRecords(query) ? .sound : .malformed
  }

  private mutating func fail(
    _ code: ResponseCode, _ query: Span<UInt8>, _ parsed: inout Query, _ client: IPAddress,
    _ transport: Transport, _ now: Instant, _ output: inout MutableSpan<UInt8>
  ) -> Outcome {
    if code == .formatError {
      // What could not be read is not repeated. RFC 6891 §7: nor is there an OPT record.
      let (id, flags) = (parsed.id, parsed.flags)
      parsed = Query()
      (parsed.id, parsed.flags) = (id, flags)
    }
    var reply = options.start(parsed, transport, output.count)
    reply.responseCode = code.rawValue
    return finish(&reply, query, parsed, client, now, &output)
  }

  /// Puts the question before what has been written, the OPT record behind it, and counts.
  mutating func finish(
    _ reply: inout Reply, _ query: Span<UInt8>, _ parsed: Query, _ client: IPAddress,
    _ now: Instant, _ output: inout MutableSpan<UInt8>
  ) -> Outcome {
    if parsed.end > Message.headerLength {
      output.copy(
        query, from: Message.headerLength, count: parsed.end &- Message.headerLength,
        to: Message.headerLength)
    }
    if parsed.hasEDNS { writeOPT(&reply, query, parsed, client, now, &output) }
    var flags = Message.Flag.response
    // Opcode, RD and CD as asked. RFC 1035 §4.1.1, RFC 4035 §3.2.2.
    flags |= parsed.flags & 0x7910
    if reply.isAuthoritative { flags |= Message.Flag.authoritative }
    if reply.isTruncated {
      flags |= Message.Flag.truncated
      counters.truncated &+= 1
    }
    if options.offersRecursion { flags |= Message.Flag.recursionAvailable }
    flags |= reply.responseCode & 15
    output.store(parsed.id, at: 0)
    output.store(flags, at: 2)
    output.store(UInt16(parsed.end > Message.headerLength ? 1 : 0), at: 4)
    output.store(reply.answers, at: 6)
    output.store(reply.authority, at: 8)
    output.store(reply.additional, at: 10)
    counters.count(code: reply.responseCode)
    return .reply(reply.end)
  }
}
