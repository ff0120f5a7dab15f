extension Message {
  /// Decodes one whole message.
  /// - Throws: what makes it a FORMERR.
  package init(decoding bytes: [UInt8]) throws(FormatError) {
    var reader = MessageReader(bytes)
    self.init(id: try reader.readUInt16())
    let flags = try reader.readUInt16()
    isResponse = flags & Flag.response != 0
    opcode = Opcode(rawValue: UInt8(truncatingIfNeeded: flags >> 11))
    isAuthoritative = flags & Flag.authoritative != 0
    isTruncated = flags & Flag.truncated != 0
    recursionDesired = flags & Flag.recursionDesired != 0
    recursionAvailable = flags & Flag.recursionAvailable != 0
    authenticData = flags & Flag.authenticData != 0
    checkingDisabled = flags & Flag.checkingDisabled != 0
    responseCode = ResponseCode(rawValue: flags & 15)
    let counts = [
      try reader.readUInt16(), try reader.readUInt16(), try reader.readUInt16(),
      try reader.readUInt16(),
    ]
    for _ in 0..<counts[0] {
      questions.append(
        Question(
          try reader.readName(), RecordType(rawValue: try reader.readUInt16()),
          RecordClass(rawValue: try reader.readUInt16())))
    }
    for _ in 0..<counts[1] { answers.append(try Self.record(&reader)) }
    for _ in 0..<counts[2] { authority.append(try Self.record(&reader)) }
    for _ in 0..<counts[3] { try readAdditional(&reader) }
    guard reader.isAtEnd else {
      throw FormatError(.trailing(reader.remaining), at: reader.position)
    }
  }

  private static func record(_ reader: inout MessageReader) throws(FormatError) -> ResourceRecord {
    let name = try reader.readName()
    let type = RecordType(rawValue: try reader.readUInt16())
    let recordClass = RecordClass(rawValue: try reader.readUInt16())
    let ttl = try reader.readUInt32()
    let length = try reader.readUInt16()
    // Updates have records of the classes ANY and NONE without data. RFC 2136 §2.4.
    if length == 0, recordClass == .any || recordClass == .none {
      return ResourceRecord(name, type, ttl: ttl, recordClass: recordClass, RecordData(bytes: []))
    }
    let data = try RecordData(reading: &reader, length: Int(length), type: type)
    return ResourceRecord(name, type, ttl: ttl, recordClass: recordClass, data)
  }

  private mutating func readAdditional(_ reader: inout MessageReader) throws(FormatError) {
    let position = reader.position
    let record = try Self.record(&reader)
    guard record.type == .opt else {
      additional.append(record)
      return
    }
    guard edns == nil else { throw FormatError(.secondOPT, at: position) }
    guard record.name.isRoot else { throw FormatError(.nameOfOPT, at: position) }
    let extended = UInt16(record.ttl >> 24)
    responseCode = ResponseCode(rawValue: extended << 4 | responseCode.rawValue & 15)
    edns = try EDNS(record, at: reader.position)
  }
}
