extension HeadParser {
  /// The field lines and the empty line that ends them.
  mutating func fieldLines(
    _ base: Bytes, _ cursor: inout Int, _ end: Int, _ buffer: UnsafeRawBufferPointer
  ) throws(Stop) {
    let table = ByteClass.table
    while true {
      guard cursor < end else { throw .incomplete }
      let nameStart = cursor
      while cursor < end, table[Int(base[cursor])] & ByteClass.token != 0 { cursor &+= 1 }
      guard cursor < end else { throw .incomplete }
      if cursor == nameStart {
        switch base[cursor] {
        case 0x0d:
          try lineEnd(base, &cursor, end, otherwise: .bareLineBreak)
          return
        case 0x0a: throw .invalid(.bareLineBreak)
        case 0x20, 0x09: throw .invalid(.foldedField)
        default: throw .invalid(.invalidFieldName)
        }
      }
      guard base[cursor] == UInt8(ascii: ":") else {
        throw .invalid(base[cursor] == 0x0a ? .bareLineBreak : .invalidFieldName)
      }
      let nameEnd = cursor
      cursor &+= 1
      while cursor < end, base[cursor] == 0x20 || base[cursor] == 0x09 { cursor &+= 1 }
      let valueStart = cursor
      cursor = endOfValue(base, cursor, end)
      guard cursor < end else { throw .incomplete }
      var valueEnd = cursor
      while valueEnd > valueStart,
        base[valueEnd &- 1] == 0x20 || base[valueEnd &- 1] == 0x09
      { valueEnd &-= 1 }
      try lineEnd(base, &cursor, end, otherwise: .invalidFieldValue)

      guard fieldCount < HeadParser.fieldLimit else {
        throw .invalid(.tooManyFields(limit: HeadParser.fieldLimit))
      }
      let name = UnsafeRawBufferPointer(start: base + nameStart, count: nameEnd &- nameStart)
      let known = FieldName.of(name)
      let value = ByteRange(start: valueStart, end: valueEnd)
      fields[fieldCount] = Field(
        name: ByteRange(start: nameStart, end: nameEnd), value: value, known: known)
      fieldCount &+= 1
      if known != .other { try note(known, value, base, buffer) }
    }
  }

  /// The first control byte but tab at or after `cursor`: CR in a valid line. Eight at a time.
  func endOfValue(_ base: Bytes, _ cursor: Int, _ end: Int) -> Int {
    var cursor = cursor
    let ones: UInt64 = 0x0101_0101_0101_0101
    let highs: UInt64 = 0x8080_8080_8080_8080
    while true {
      while end &- cursor >= 8 {
        let word = UInt64(
          littleEndian: UnsafeRawPointer(base + cursor).loadUnaligned(as: UInt64.self))
        let controls = (word &- ones &* 0x20) & ~word & highs
        let deletes = ((word ^ ones &* 0x7f) &- ones) & ~(word ^ ones &* 0x7f) & highs
        let hits = controls | deletes
        if hits != 0 {
          cursor &+= hits.trailingZeroBitCount >> 3
          break
        }
        cursor &+= 8
      }
      guard cursor < end else { return end }
      let byte = base[cursor]
      if byte < 0x20 ? byte != 0x09 : byte == 0x7f { return cursor }
      cursor &+= 1
    }
  }

  /// Draws what framing and forwarding need out of a known field.
  private mutating func note(
    _ name: FieldName, _ value: ByteRange, _ base: Bytes, _ buffer: UnsafeRawBufferPointer
  ) throws(Stop) {
    switch name {
    case .contentLength:
      if flags.contains(.contentLength) { throw .invalid(.conflictingContentLength) }
      contentLength = try decimal(value, base)
      flags.insert(.contentLength)
    case .transferEncoding:
      guard !flags.contains(.chunked), equalsIgnoringCase(value.bytes(of: buffer), "chunked") else {
        throw .invalid(.unsupportedTransferEncoding)
      }
      flags.insert(.chunked)
    case .host:
      guard !flags.contains(.host), isHost(base, Int(value.start), value.end) else {
        throw .invalid(.invalidHost)
      }
      flags.insert(.host)
      if !flags.contains(.absoluteTarget), method != .connect { host = value }
    case .connection:
      var cursor = Int(value.start)
      while let token = nextListElement(buffer, &cursor, value.end) {
        let bytes = token.bytes(of: buffer)
        if equalsIgnoringCase(bytes, "close") {
          flags.insert(.connectionClose)
        } else if equalsIgnoringCase(bytes, "keep-alive") {
          flags.insert(.connectionKeepAlive)
        } else if equalsIgnoringCase(bytes, "upgrade") {
          flags.insert(.connectionUpgrade)
        } else {
          flags.insert(.connectionNominates)
        }
      }
    case .upgrade: if !value.isEmpty { flags.insert(.upgrade) }
    case .expect:
      if equalsIgnoringCase(value.bytes(of: buffer), "100-continue") {
        flags.insert(.expectContinue)
      }
    default: break
    }
  }

  private func decimal(_ range: ByteRange, _ base: Bytes) throws(Stop) -> UInt64 {
    // 18 digits cannot overflow; nobody sends an exabyte.
    guard range.count > 0, range.count <= 18 else { throw .invalid(.invalidContentLength) }
    var value: UInt64 = 0
    for index in Int(range.start)..<range.end {
      let digit = base[index] &- 0x30
      guard digit < 10 else { throw .invalid(.invalidContentLength) }
      value = value &* 10 &+ UInt64(digit)
    }
    return value
  }

  func checkFraming() throws(Stop) {
    guard flags.contains(.chunked) else { return }
    if flags.contains(.contentLength) { throw .invalid(.ambiguousFraming) }
    // RFC 9112 §6.1: an HTTP/1.0 message with Transfer-Encoding has faulty framing.
    if minorVersion == 0 { throw .invalid(.unsupportedTransferEncoding) }
  }

  func checkRequest(_ buffer: UnsafeRawBufferPointer) throws(Stop) {
    try checkFraming()
    if minorVersion >= 1, !flags.contains(.host) { throw .invalid(.missingHost) }
  }
}

/// The next element of a comma-separated list, blanks trimmed, empty elements skipped.
func nextListElement(
  _ buffer: UnsafeRawBufferPointer, _ cursor: inout Int, _ end: Int
) -> ByteRange? {
  while cursor < end {
    var start = cursor
    while cursor < end, buffer[cursor] != UInt8(ascii: ",") { cursor &+= 1 }
    var last = cursor
    cursor &+= 1
    while start < last, buffer[start] == 0x20 || buffer[start] == 0x09 { start &+= 1 }
    while last > start, buffer[last &- 1] == 0x20 || buffer[last &- 1] == 0x09 { last &-= 1 }
    if last > start { return ByteRange(start: start, end: last) }
  }
  return nil
}
