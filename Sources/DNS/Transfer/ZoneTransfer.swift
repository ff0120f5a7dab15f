/// A zone on its way to a secondary, message by message. RFC 5936 §2.2.
///
/// The SOA comes first and last; names that a delegation hides are among the rest. An IXFR query gets the
/// whole zone too (RFC 1995 §4), or the SOA alone where its serial is not older than ours (§2).
package struct ZoneTransfer: Sequence, IteratorProtocol, Sendable {
  private let query: Message
  private let start: ResourceRecord
  private let records: [ResourceRecord]
  private let limit: Int
  private var position = -1
  private var isFirst = true

  /// Octets of a message at most, but for one that a single record fills.
  package static let defaultLimit = 16 * 1024

  /// - Precondition: `zone` has an SOA record.
  package init(of zone: Zone, answering query: Message, limit: Int = ZoneTransfer.defaultLimit) {
    guard let start = zone.records.first(where: { $0.type == .soa }) else {
      preconditionFailure("\(zone.origin) has no SOA record")
    }
    self.query = query
    self.start = start
    self.limit = limit
    let known = query.questions.first?.type == .ixfr ? query.authority.first : nil
    let serials = [known, start].map { $0.flatMap { StartOfAuthority($0.data)?.serial } }
    if let theirs = serials[0], let ours = serials[1], !ours.isNewer(than: theirs) {
      records = []
      position = 0
    } else {
      records = zone.records.filter { $0.type != .soa } + [start]
    }
  }

  /// A whole message; nil at the end.
  package mutating func next() -> [UInt8]? {
    guard isFirst || position < records.count else { return nil }
    var message = MessageEncoder()
    var count: UInt16 = 0
    message.write(query.id)
    message.write(Message.Flag.response | Message.Flag.authoritative)
    message.write(UInt16(isFirst ? 1 : 0))
    for _ in 0..<2 { message.write(UInt16(0)) }
    message.write(UInt16(query.edns == nil ? 0 : 1))
    if isFirst, let question = query.questions.first {
      message.write(question.name)
      message.write(question.type.rawValue)
      message.write(question.recordClass.rawValue)
      message.write(start)
      count = 1
      position = 0
    }
    // An OPT record follows, of eleven octets.
    while position < records.count, count < .max {
      let before = message.count
      message.write(records[position])
      if message.count > limit - 11, count > 0 {
        message.cut(to: before)
        break
      }
      position += 1
      count += 1
    }
    if query.edns != nil { message.write(EDNS().record(.noError)) }
    isFirst = false
    message.overwrite(count, at: 6)
    return message.bytes
  }
}
