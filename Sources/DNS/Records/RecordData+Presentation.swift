extension RecordData {
  /// Parses data as a zone file writes it, or by RFC 3597 §5 (`\# 4 0a000001`).
  /// - Throws: a problem that says what was found and what was expected.
  package init(
    presentation text: String, type: RecordType, origin: DomainName = .root
  ) throws(ZoneProblem) {
    do throws(ZoneSyntaxError) {
      var lexer = ZoneLexer(Array(text.utf8))
      let entry = try lexer.next()
      var parser = RecordDataParser(entry?.tokens ?? [], origin: origin, before: nil)
      self = try parser.parse(type)
      if let more = try lexer.next()?.tokens.first {
        throw ZoneSyntaxError(
          line: more.line, column: more.column, found: "a second line",
          expected: "one record's data")
      }
    } catch {
      throw ZoneProblem(error, file: nil)
    }
  }
}

extension ArraySlice<UInt8> {
  /// Escapes of RFC 1035 §5.1 undone; nil where one is none.
  var unescaped: [UInt8]? {
    var octets: [UInt8] = []
    var rest = self
    while let octet = rest.popFirst() {
      guard octet == UInt8(ascii: "\\") else {
        octets.append(octet)
        continue
      }
      guard let escaped = DomainName.escaped(&rest) else { return nil }
      octets.append(escaped)
    }
    return octets
  }
}

extension [UInt8] {
  /// Nil unless of pairs of hexadecimal digits.
  init?(hexadecimal text: some StringProtocol) {
    let digits = Array(text.utf8)
    guard digits.count % 2 == 0 else { return nil }
    var octets: [UInt8] = []
    octets.reserveCapacity(digits.count / 2)
    for index in stride(from: 0, to: digits.count, by: 2) {
      guard let high = digits[index].hexadecimalValue, let low = digits[index + 1].hexadecimalValue
      else { return nil }
      octets.append(high << 4 | low)
    }
    self = octets
  }
}

extension UInt8 {
  fileprivate var hexadecimalValue: UInt8? {
    switch self {
    case 0x30...0x39: self - 0x30
    case 0x41...0x46: self - 0x37
    case 0x61...0x66: self - 0x57
    default: nil
    }
  }
}
