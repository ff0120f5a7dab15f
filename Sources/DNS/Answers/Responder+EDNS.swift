import NetTypes
import Wire

extension Responder.Options {
  fileprivate static let fixedLength = 11
  fileprivate static let cookieLength = 4 + 8 + ServerCookies.length

  /// Octets of the OPT record for `parsed`.
  @inline(__always)
  func optLength(_ parsed: Query, hasExtendedError: Bool) -> Int {
    var length = Self.fixedLength
    if parsed.cookie > 0, cookies != nil { length += Self.cookieLength }
    if parsed.wantsNSID, let identifier { length += 4 + identifier.count }
    if parsed.hasSubnet { length += 8 + (parsed.subnetLength + 7) / 8 }
    if hasExtendedError { length += 6 }
    return length
  }

  /// An empty answer with room for what the client takes.
  func start(_ parsed: Query, _ transport: Responder.Transport, _ capacity: Int) -> Reply {
    var limit = 65535
    if transport == .udp {
      limit =
        parsed.hasEDNS
        ? min(max(Int(parsed.payloadSize), Message.plainPayloadSize), maximumPayloadSize)
        : Message.plainPayloadSize
    }
    let kept = parsed.hasEDNS ? optLength(parsed, hasExtendedError: true) : 0
    return Reply(end: parsed.end, limit: max(parsed.end, min(limit, capacity) - kept))
  }

  private func seconds(_ now: Instant) -> UInt32 {
    UInt32(truncatingIfNeeded: secondsAtZero &+ now.nanoseconds / 1_000_000_000)
  }

  func isGood(
    _ parsed: Query, _ query: Span<UInt8>, _ client: IPAddress, _ now: Instant
  ) -> Bool {
    guard let cookies, parsed.cookieLength == 8 + ServerCookies.length else {
      return false
    }
    return cookies.isGood(
      head: query.word(at: parsed.cookie + 8), hash: query.word(at: parsed.cookie + 16),
      client: query.word(at: parsed.cookie), client,
      now: seconds(now))
  }

  fileprivate func writeCookie(
    _ cookies: ServerCookies, _ query: Span<UInt8>, _ parsed: Query, _ client: IPAddress,
    _ now: Instant, _ output: inout MutableSpan<UInt8>, _ position: Int
  ) {
    let head = ServerCookies.head(time: seconds(now))
    let own = query.word(at: parsed.cookie)
    output.store(EDNS.OptionCode.cookie, at: position)
    output.store(UInt16(8 + ServerCookies.length), at: position + 2)
    output.store(word: own, at: position + 4)
    output.store(word: head, at: position + 12)
    output.store(
      word: cookies.hash(own, head: head, client, cookies.secret), at: position + 20)
  }
}

extension Responder {
  mutating func writeOPT(
    _ reply: inout Reply, _ query: Span<UInt8>, _ parsed: Query, _ client: IPAddress,
    _ now: Instant, _ output: inout MutableSpan<UInt8>
  ) {
    let start = reply.end
    let length = options.optLength(parsed, hasExtendedError: reply.extendedError != nil)
    guard start + length <= output.count else { return }
    output[start] = 0
    output.store(RecordType.opt.rawValue, at: start + 1)
    output.store(UInt16(truncatingIfNeeded: options.maximumPayloadSize), at: start + 3)
    output.store(
      UInt32(reply.responseCode >> 4) << 24 | (parsed.isDNSSECOK ? 0x8000 : 0), at: start + 5)
    output.store(UInt16(length - Responder.Options.fixedLength), at: start + 9)
    var position = start + Responder.Options.fixedLength
    if parsed.cookie > 0, let cookies = options.cookies {
      options.writeCookie(cookies, query, parsed, client, now, &output, position)
      position += Responder.Options.cookieLength
    }
    if parsed.wantsNSID, let identifier = options.identifier {
      output.store(EDNS.OptionCode.nsid, at: position)
      output.store(UInt16(identifier.count), at: position + 2)
      output.copy(identifier.span, from: 0, count: identifier.count, to: position + 4)
      position += 4 + identifier.count
    }
    if parsed.hasSubnet {
      let count = 4 + (parsed.subnetLength + 7) / 8
      output.store(EDNS.OptionCode.clientSubnet, at: position)
      output.store(UInt16(count), at: position + 2)
      output.copy(query, from: parsed.subnet, count: count, to: position + 4)
      output[position + 7] = UInt8(truncatingIfNeeded: reply.scope)
      position += 4 + count
    }
    if let code = reply.extendedError {
      output.store(EDNS.OptionCode.extendedError, at: position)
      output.store(UInt16(2), at: position + 2)
      output.store(code, at: position + 4)
      position += 6
    }
    reply.end = position
    reply.additional &+= 1
  }
}
