import NetTypes
import Wire

/// Reads one record's data from tokens, field by field of its type's layout.
struct RecordDataParser {
  var tokens: ArraySlice<ZoneToken>
  let origin: DomainName
  var place: (line: Int, column: Int)
  var writer = ByteWriter()

  /// - Parameter before: What stands before the data, to tell the place of what is not there.
  init(_ tokens: some Collection<ZoneToken>, origin: DomainName, before: ZoneToken?) {
    self.tokens = Array(tokens)[...]
    self.origin = origin
    place = before.map { ($0.line, $0.column + $0.octets.count) } ?? (1, 1)
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
