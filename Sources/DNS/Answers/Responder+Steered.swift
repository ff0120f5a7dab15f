import NetTypes
import Wire

extension Responder {
  /// Answers from the steered sets of an owner, the first at `first`. False where the zone is to answer.
  @inline(__always)
  mutating func steer(
    _ first: Int, _ query: Span<UInt8>, _ parsed: Query, _ client: IPAddress,
    _ reply: inout Reply, _ output: inout MutableSpan<UInt8>
  ) -> Bool {
    guard let set = steeredSet(first, parsed.type),
      append(set, owner: Message.headerLength, parsed, client, &reply, &output)
    else { return false }
    counters.steered &+= 1
    reply.isAuthoritative = true
    if set.type == RecordType.cname.rawValue, parsed.type != set.type, reply.answers > 0,
      !reply.isTruncated
    {
      // The one CNAME's target, uncompressed behind the fixed fields.
      followTarget(at: parsed.end &+ 12, query, parsed, client, &reply, &output)
    }
    if reply.answers == 0, reply.responseCode == 0, !reply.isTruncated, !reply.isDropped,
      let (node, _) = zones.index.longest(key)
    {
      writeNegative(node, parsed, .noError, &reply, &output)
    }
    return true
  }

  /// The set of `type`, or a CNAME's.
  @inline(__always)
  func steeredSet(_ first: Int, _ type: UInt16) -> Steering.Set? {
    let sets = steered.sets.span
    var index = first
    while true {
      let set = sets[index]
      if set.type == type || set.type == RecordType.cname.rawValue { return set }
      guard set.hasNext else { return nil }
      index &+= 1
    }
  }

  /// Appends the client's row, owned by the name at `owner` of the output. False where the zone is to
  /// answer in its place.
  @inline(__always)
  mutating func append(
    _ set: Steering.Set, owner: Int, _ parsed: Query, _ client: IPAddress, _ reply: inout Reply,
    _ output: inout MutableSpan<UInt8>
  ) -> Bool {
    var index = Int(set.firstTable)
    if let classes = set.classes {
      let (table, bits) =
        parsed.hasSubnet
        ? steered.classes.find(classes, parsed.subnetAddress, length: parsed.subnetLength)
        : steered.classes.find(classes, client, length: client.bitWidth)
      index &+= table
      reply.scope = max(reply.scope, bits)
    }
    let table = steered.tables[index]
    guard table.rowCount > 0 else { return appendEmpty(set, owner, &reply, &output) }
    var row: UInt32 = 0
    if table.isByClient {
      let address = parsed.hasSubnet ? parsed.subnetAddress : client
      if parsed.hasSubnet {
        reply.scope = max(reply.scope, min(parsed.subnetLength, address.isIPv4 ? 24 : 56))
      }
      row = address.row(of: table.rowCount)
    } else if table.rowCount > 1 {
      row = turns[index]
      turns[index] = row &+ 1 == table.rowCount ? 0 : row &+ 1
    }
    let found = steered.rows[Int(table.firstRow &+ row)]
    guard found.count > 0 else { return appendEmpty(set, owner, &reply, &output) }
    append(found, owner, &reply, &output)
    return true
  }

  private mutating func appendEmpty(
    _ set: Steering.Set, _ owner: Int, _ reply: inout Reply, _ output: inout MutableSpan<UInt8>
  ) -> Bool {
    switch set.whenEmpty {
    case .noData: break
    case .returnToDNS: return false
    case .drop: reply.isDropped = true
    case .fail(let code):
      reply.responseCode = ResponseCode.serverFailure.rawValue
      reply.extendedError = code
    case .row(let row): append(steered.rows[Int(row)], owner, &reply, &output)
    }
    return true
  }

  @inline(__always)
  private func append(
    _ row: Steering.Row, _ owner: Int, _ reply: inout Reply, _ output: inout MutableSpan<UInt8>
  ) {
    appendRecords(
      steered.records.span, Int(row.start), Int(row.length), row.count, owner, &reply, &output)
  }

  /// Records that are owned by the question's name where they lie.
  @inline(__always)
  func appendRecords(
    _ records: Span<UInt8>, _ start: Int, _ length: Int, _ count: UInt16, _ owner: Int,
    _ reply: inout Reply, _ output: inout MutableSpan<UInt8>
  ) {
    guard reply.end &+ length <= reply.limit else {
      return reply.truncate(to: reply.end)
    }
    output.copy(records, from: start, count: length, to: reply.end)
    if owner != Message.headerLength {
      var offset = 0
      while offset &+ 12 <= length {
        output.store(0xc000 | UInt16(truncatingIfNeeded: owner), at: reply.end &+ offset)
        offset &+= 12 &+ Int(records.uint16(at: start &+ offset &+ 10))
      }
    }
    reply.end &+= length
    reply.answers &+= count
  }
}

extension IPAddress {
  /// The row that the network of the client gets, the same of every server.
  @inline(__always)
  func row(of count: UInt32) -> UInt32 {
    let hash = (networkKey &* 0x9e37_79b9_7f4a_7c15) ^ (networkKey >> 29)
    let mixed = hash.multipliedFullWidth(by: 0xd6e8_feb8_6659_fd93)
    let high = UInt32(truncatingIfNeeded: (mixed.high ^ mixed.low) >> 32)
    return UInt32(truncatingIfNeeded: (UInt64(high) &* UInt64(count)) >> 32)
  }
}
