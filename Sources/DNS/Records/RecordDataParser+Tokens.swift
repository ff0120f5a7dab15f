import Wire

extension RecordDataParser {
  func missing(_ expected: String) -> ZoneSyntaxError {
    ZoneSyntaxError(
      line: place.line, column: place.column, found: "the end of the record", expected: expected)
  }

  func error(_ token: ZoneToken, expected: String) -> ZoneSyntaxError {
    ZoneSyntaxError(
      line: token.line, column: token.column, found: token.text, expected: expected)
  }

  mutating func next(_ expected: String) throws(ZoneSyntaxError) -> ZoneToken {
    guard let token = tokens.popFirst() else { throw missing(expected) }
    place = (token.line, token.column + token.octets.count)
    return token
  }

  mutating func rest() -> [ZoneToken] {
    defer { tokens = [] }
    return Array(tokens)
  }

  mutating func value<Value>(
    _ expected: String, _ parse: (String) -> Value?
  ) throws(ZoneSyntaxError) -> Value {
    let token = try next(expected)
    guard !token.isQuoted, let value = parse(token.text) else {
      throw error(token, expected: expected)
    }
    return value
  }

  mutating func number<Number: FixedWidthInteger>(
    _: Number.Type, _ expected: String
  ) throws(ZoneSyntaxError) -> Number {
    try value(expected) { $0.utf8.allSatisfy(\.isDigit) ? Number($0) : nil }
  }

  mutating func name() throws(ZoneSyntaxError) -> DomainName {
    let token = try next("a domain name")
    do throws(NameError) {
      return try DomainName(parsing: token.text, origin: origin)
    } catch {
      throw self.error(token, expected: "a domain name, not \(error)")
    }
  }

  func unescaped(_ token: ZoneToken) throws(ZoneSyntaxError) -> [UInt8] {
    guard let octets = token.octets.unescaped else {
      throw error(token, expected: "a character or three digits up to 255 behind each backslash")
    }
    return octets
  }

  mutating func string(_ token: ZoneToken) throws(ZoneSyntaxError) {
    let octets = try unescaped(token)
    guard octets.count <= 255 else {
      throw error(token, expected: "a string of at most 255 octets, not \(octets.count)")
    }
    writer.writeLengthPrefixed8 { $0.write(octets) }
  }

  /// Octets over all tokens left.
  mutating func octets(
    _ expected: String, _ decode: (String) -> [UInt8]?
  ) throws(ZoneSyntaxError) {
    let first = try next(expected)
    let text = first.text + rest().map(\.text).joined()
    guard let octets = decode(text) else { throw error(first, expected: expected) }
    writer.write(octets)
  }

  mutating func whole(
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
  mutating func parameters() throws(ZoneSyntaxError) {
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
