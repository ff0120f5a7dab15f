import NetTypes
import Wire

extension RecordData {
  /// Parses data as a zone file writes it, or by RFC 3597 §5 (`\# 4 0a000001`).
  /// - Throws: a problem that says what was found and what was expected.
  package init(
    presentation text: String, type: RecordType, origin: DomainName = .root
  ) throws(ZoneProblem) {
    do throws(ZoneSyntaxError) {
      var lexer = ZoneLexer(Array(text.utf8))
      let entry = try lexer.next()
      var parser = RecordDataParser(entry?.tokens ?? [], origin: origin, endLine: 1)
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

/// Reads one record's data from tokens, field by field of its type's layout.
struct RecordDataParser {
  private var tokens: ArraySlice<ZoneToken>
  private let origin: DomainName
  private var place: (line: Int, column: Int)
  private var writer = ByteWriter()

  init(_ tokens: some Collection<ZoneToken>, origin: DomainName, endLine: Int) {
    self.tokens = Array(tokens)[...]
    self.origin = origin
    place = (tokens.first?.line ?? endLine, tokens.first?.column ?? 1)
  }

  mutating func parse(_ type: RecordType) throws(ZoneSyntaxError) -> RecordData {
    if let first = tokens.first, !first.isQuoted, first.text == "\\#" {
      return try parseOpaque(type)
    }
    guard let layout = RecordLayout.of(type) else {
      throw missing("data of \(type) as \\# LENGTH HEXADECIMAL")
    }
    for field in layout.fields { try parse(field) }
    if let token = tokens.first {
      throw error(token, expected: "the end of \(type) data")
    }
    guard writer.count <= RecordData.maximumLength else {
      throw missing("data of at most \(RecordData.maximumLength) octets, not \(writer.count)")
    }
    return RecordData(bytes: writer.bytes)
  }

  /// RFC 3597 §5.
  private mutating func parseOpaque(_ type: RecordType) throws(ZoneSyntaxError) -> RecordData {
    _ = try next("\\#")
    let length = try number(UInt16.self, "a length")
    let start = place
    let digits = rest().map(\.text).joined()
    guard let bytes = [UInt8](hexadecimal: digits) else {
      throw ZoneSyntaxError(
        line: start.line, column: start.column, found: digits, expected: "octets in hexadecimal")
    }
    guard bytes.count == Int(length) else {
      throw ZoneSyntaxError(
        line: start.line, column: start.column, found: "\(bytes.count) octets",
        expected: "\(length) octets")
    }
    let data = RecordData(bytes: bytes)
    guard RecordLayout.of(type) == nil || data.isWellFormed(as: type) else {
      throw ZoneSyntaxError(
        line: start.line, column: start.column, found: digits, expected: "data of \(type)")
    }
    return data
  }

  private mutating func parse(_ field: RecordLayout.Field) throws(ZoneSyntaxError) {
    switch field {
    case .octet: writer.write(try number(UInt8.self, "a number up to 255"))
    case .short: writer.write(try number(UInt16.self, "a number up to 65535"))
    case .long: writer.write(try number(UInt32.self, "a number up to 4294967295"))
    case .period:
      writer.write(try value("a number of seconds, or as 1h30m") { TimeToLive(text: $0)?.seconds })
    case .time:
      let time = try value("a time as YYYYMMDDHHmmSS") { CalendarTime($0) }
      writer.write(time.secondsSince1970)
    case .type: writer.write(try value("a record type") { RecordType($0) }.rawValue)
    case .name: writer.write(try name().wire)
    case .ipv4: writer.write(try value("an IPv4 address") { IPv4Address($0) }.rawValue)
    case .ipv6: writer.write(try value("an IPv6 address") { IPv6Address($0) }.octets)
    case .string: try string(try next("a string"))
    case .tag:
      let tag = try value("a tag of letters and digits") {
        (1...255).contains($0.utf8.count) && $0.utf8.allSatisfy(\.isLetterOrDigit) ? $0 : nil
      }
      writer.writeLengthPrefixed8 { $0.write(tag.utf8) }
    case .strings:
      try string(try next("a string"))
      for token in rest() { try string(token) }
    case .text: writer.write(try unescaped(try next("a text")))
    case .hexadecimal: try octets("octets in hexadecimal") { [UInt8](hexadecimal: $0) }
    case .base64: try octets("octets in base 64") { Base64.decode($0) }
    case .salt:
      let salt = try value("a salt in hexadecimal, or a dash") {
        $0 == "-" ? [] : [UInt8](hexadecimal: $0).flatMap { $0.count > 255 ? nil : $0 }
      }
      writer.writeLengthPrefixed8 { $0.write(salt) }
    case .base32:
      let hash = try value("a hash in base 32") {
        Base32.decode($0).flatMap { $0.count > 255 ? nil : $0 }
      }
      writer.writeLengthPrefixed8 { $0.write(hash) }
    case .types:
      var types: [RecordType] = []
      while !tokens.isEmpty { types.append(try value("a record type") { RecordType($0) }) }
      writer.write(TypeBitmap(types).encoded)
    case .parameters: try parameters()
    case .addressPrefixes:
      try whole("prefixes as 1:192.0.2.0/24") { AddressPrefixList(words: $0)?.encoded }
    case .location:
      try whole("a place as 52 22 23.000 N 4 53 32.000 E -2.00m") { Location(words: $0)?.encoded }
    case .hardwareAddress(let count):
      let address = try value("\(count) octets as 00-00-5e-00-53-2a") { text -> [UInt8]? in
        let parts = text.split(separator: "-", omittingEmptySubsequences: false)
        let octets = parts.compactMap { $0.utf8.count == 2 ? UInt8($0, radix: 16) : nil }
        return parts.count == count && octets.count == count ? octets : nil
      }
      writer.write(address)
    case .identifier:
      let groups = try value("64 bits as 14:4fff:ff20:ee64") { text -> [UInt16]? in
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        let groups = parts.compactMap { $0.utf8.count <= 4 ? UInt16($0, radix: 16) : nil }
        return parts.count == 4 && groups.count == 4 ? groups : nil
      }
      for group in groups { writer.write(group) }
    }
  }
}

extension RecordDataParser {
  private func missing(_ expected: String) -> ZoneSyntaxError {
    ZoneSyntaxError(
      line: place.line, column: place.column, found: "the end of the record", expected: expected)
  }

  private func error(_ token: ZoneToken, expected: String) -> ZoneSyntaxError {
    ZoneSyntaxError(
      line: token.line, column: token.column, found: token.text, expected: expected)
  }

  private mutating func next(_ expected: String) throws(ZoneSyntaxError) -> ZoneToken {
    guard let token = tokens.popFirst() else { throw missing(expected) }
    place = (token.line, token.column + token.octets.count)
    return token
  }

  private mutating func rest() -> [ZoneToken] {
    defer { tokens = [] }
    return Array(tokens)
  }

  private mutating func value<Value>(
    _ expected: String, _ parse: (String) -> Value?
  ) throws(ZoneSyntaxError) -> Value {
    let token = try next(expected)
    guard !token.isQuoted, let value = parse(token.text) else {
      throw error(token, expected: expected)
    }
    return value
  }

  private mutating func number<Number: FixedWidthInteger>(
    _: Number.Type, _ expected: String
  ) throws(ZoneSyntaxError) -> Number {
    try value(expected) { $0.utf8.allSatisfy(\.isDigit) ? Number($0) : nil }
  }

  private mutating func name() throws(ZoneSyntaxError) -> DomainName {
    let token = try next("a domain name")
    do throws(NameError) {
      return try DomainName(parsing: token.text, origin: origin)
    } catch {
      throw self.error(token, expected: "a domain name, not \(error)")
    }
  }

  private func unescaped(_ token: ZoneToken) throws(ZoneSyntaxError) -> [UInt8] {
    guard let octets = token.octets.unescaped else {
      throw error(token, expected: "a character or three digits up to 255 behind each backslash")
    }
    return octets
  }

  private mutating func string(_ token: ZoneToken) throws(ZoneSyntaxError) {
    let octets = try unescaped(token)
    guard octets.count <= 255 else {
      throw error(token, expected: "a string of at most 255 octets, not \(octets.count)")
    }
    writer.writeLengthPrefixed8 { $0.write(octets) }
  }

  /// Octets over all tokens left.
  private mutating func octets(
    _ expected: String, _ decode: (String) -> [UInt8]?
  ) throws(ZoneSyntaxError) {
    let first = try next(expected)
    let text = first.text + rest().map(\.text).joined()
    guard let octets = decode(text) else { throw error(first, expected: expected) }
    writer.write(octets)
  }

  private mutating func whole(
    _ expected: String, _ encode: ([String]) -> [UInt8]?
  ) throws(ZoneSyntaxError) {
    let first = tokens.first
    guard let octets = encode(rest().map(\.text)) else {
      if let first { throw error(first, expected: expected) }
      throw missing(expected)
    }
    writer.write(octets)
  }

  /// RFC 9460 §2.1: `key`, `key=value` or `key="value"`.
  private mutating func parameters() throws(ZoneSyntaxError) {
    var words: [(key: String, value: [UInt8]?)] = []
    let tokens = rest()
    for token in tokens {
      let parts = token.octets.split(
        separator: UInt8(ascii: "="), maxSplits: 1, omittingEmptySubsequences: false)
      var value = parts.count > 1 ? parts[1] : []
      if value.count >= 2, value.first == UInt8(ascii: "\""), value.last == UInt8(ascii: "\"") {
        value = value.dropFirst().dropLast()
      }
      guard let octets = value.unescaped else {
        throw error(token, expected: "a character or three digits behind each backslash")
      }
      let key = String(decoding: parts[0], as: UTF8.self)
      words.append((key, parts.count > 1 ? octets : nil))
    }
    guard let parameters = ServiceParameters(words: words) else {
      guard let first = tokens.first else { throw missing("parameters of a service") }
      throw error(first, expected: "parameters as alpn=h2,h3 port=8443, each key once")
    }
    writer.write(parameters.encoded)
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
