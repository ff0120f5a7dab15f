import Wire

extension Message {
  /// The whole message, names compressed.
  /// - Parameter limit: Octets at most. What is over them goes, from the end: additional records first, and
  ///   those of other sections with the TC bit. RFC 2181 §9.
  package func encoded(limit: Int = Message.maximumLength) -> [UInt8] {
    var encoder = MessageEncoder()
    encode(into: &encoder)
    if encoder.count <= limit { return encoder.bytes }
    var shorter = self
    shorter.additional = []
    encoder = MessageEncoder()
    shorter.encode(into: &encoder)
    if encoder.count <= limit { return encoder.bytes }
    shorter.isTruncated = true
    (shorter.answers, shorter.authority) = ([], [])
    encoder = MessageEncoder()
    shorter.encode(into: &encoder)
    return encoder.bytes
  }

  private var flags: UInt16 {
    var flags = UInt16(opcode.rawValue) << 11 | responseCode.rawValue & 15
    for (isSet, flag) in [
      (isResponse, Flag.response), (isAuthoritative, Flag.authoritative),
      (isTruncated, Flag.truncated), (recursionDesired, Flag.recursionDesired),
      (recursionAvailable, Flag.recursionAvailable), (authenticData, Flag.authenticData),
      (checkingDisabled, Flag.checkingDisabled),
    ] where isSet {
      flags |= flag
    }
    return flags
  }

  private func encode(into encoder: inout MessageEncoder) {
    encoder.write(id)
    encoder.write(flags)
    encoder.write(UInt16(questions.count))
    encoder.write(UInt16(answers.count))
    encoder.write(UInt16(authority.count))
    encoder.write(UInt16(additional.count + (edns == nil ? 0 : 1)))
    for question in questions {
      encoder.write(question.name)
      encoder.write(question.type.rawValue)
      encoder.write(question.recordClass.rawValue)
    }
    for record in answers { encoder.write(record) }
    for record in authority { encoder.write(record) }
    for record in additional { encoder.write(record) }
    if let edns { encoder.write(edns.record(responseCode)) }
  }
}

/// Writes a message, names compressed against those before. RFC 1035 §4.1.4.
struct MessageEncoder {
  private var writer = ByteWriter(capacity: 512)
  /// Where names begin that later ones can point to, of the first 16,384 octets. They keep their case: a
  /// secondary has the zone as the primary does.
  private var offsets: [ArraySlice<UInt8>: UInt16] = [:]

  var bytes: [UInt8] { writer.bytes }
  var count: Int { writer.count }

  mutating func write(_ value: UInt16) { writer.write(value) }

  mutating func overwrite(_ value: UInt16, at offset: Int) {
    writer.overwrite(length: Int(value), at: offset)
  }

  /// Takes back what is beyond `count` octets.
  mutating func cut(to count: Int) {
    writer.cut(to: count)
    offsets = offsets.filter { $0.value < count }
  }

  /// Remembers every suffix; points to the longest known.
  mutating func write(_ name: DomainName, compress: Bool = true) {
    var index = 0
    while name.wire[index] != 0 {
      let suffix = name.wire[index...]
      if let offset = offsets[suffix] {
        if compress {
          writer.write(0xc000 | offset)
          return
        }
      } else if writer.count < 0x4000 {
        offsets[suffix] = UInt16(writer.count)
      }
      let end = index + 1 + Int(name.wire[index])
      writer.write(name.wire[index..<end])
      index = end
    }
    writer.write(UInt8(0))
  }

  mutating func write(_ record: ResourceRecord) {
    write(record.name)
    writer.write(record.type.rawValue)
    writer.write(record.recordClass.rawValue)
    writer.write(record.ttl)
    let start = writer.count
    writer.write(UInt16(0))
    writeData(record.data, record.type)
    writer.overwrite(length: writer.count - start - 2, at: start)
  }

  /// Only names in the types of RFC 1035 are compressed. RFC 3597 §4.
  private mutating func writeData(_ data: RecordData, _ type: RecordType) {
    let count = Self.octetsBeforeNames[type]
    guard let count, data.isWellFormed(as: type) else {
      writer.write(data.bytes)
      return
    }
    var reader = MessageReader(data.bytes, at: count)
    writer.write(data.bytes.prefix(count))
    while let name = try? reader.readName(compressed: false) {
      write(name)
      if type != .soa || reader.remaining <= 20 { break }
    }
    writer.write(data.bytes[reader.position...])
  }

  private static let octetsBeforeNames: [RecordType: Int] = [
    .ns: 0, .cname: 0, .soa: 0, .ptr: 0, .mx: 2,
  ]
}
