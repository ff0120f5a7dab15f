import NetTypes
import Wire

extension RecordData {
  /// As a zone file writes it; opaque, by RFC 3597 §5, where the type is not known or data is not of its
  /// form.
  package func description(as type: RecordType) -> String {
    guard let layout = RecordLayout.of(type), isWellFormed(as: type) else { return opaque }
    var reader = MessageReader(bytes)
    var words: [String] = []
    for field in layout.fields {
      guard let word = try? Self.word(field, &reader) else { return opaque }
      if !word.isEmpty { words.append(word) }
    }
    // Data that would read as nothing, where something has to stand.
    return words.isEmpty || needsOpaque(layout) ? opaque : words.joined(separator: " ")
  }

  private var opaque: String {
    bytes.isEmpty ? "\\# 0" : "\\# \(bytes.count) \(bytes.hexadecimal)"
  }

  /// Nothing stands in the place of the last field, which a reader would miss.
  private func needsOpaque(_ layout: RecordLayout) -> Bool {
    switch layout.fields.last {
    case .hexadecimal?, .base64?:
      var reader = MessageReader(bytes)
      for field in layout.fields.dropLast() { _ = try? Self.word(field, &reader) }
      return reader.isAtEnd
    default: return false
    }
  }

  private static func word(
    _ field: RecordLayout.Field, _ reader: inout MessageReader
  ) throws(FormatError) -> String {
    switch field {
    case .octet: return String(try reader.readUInt8())
    case .short: return String(try reader.readUInt16())
    case .long, .period: return String(try reader.readUInt32())
    case .time: return CalendarTime(secondsSince1970: try reader.readUInt32()).description
    case .type: return RecordType(rawValue: try reader.readUInt16()).description
    case .name: return try reader.readName(compressed: false).description
    case .ipv4: return IPv4Address(rawValue: try reader.readUInt32()).description
    case .ipv6: return IPv6Address(octets: try reader.readBytes(16))?.description ?? ""
    case .string: return try reader.readString().quoted
    case .tag:
      let position = reader.position
      let tag = try reader.readString()
      guard !tag.isEmpty, tag.allSatisfy(\.isLetterOrDigit) else {
        throw FormatError(.data(.caa), at: position)
      }
      return String(decoding: tag, as: UTF8.self)
    case .strings:
      var words: [String] = []
      repeat { words.append(try reader.readString().quoted) } while !reader.isAtEnd
      return words.joined(separator: " ")
    case .text: return try reader.readBytes(reader.remaining).quoted
    case .hexadecimal: return try reader.readBytes(reader.remaining).hexadecimal
    case .base64: return Base64.encode(Array(try reader.readBytes(reader.remaining)))
    case .salt:
      let salt = try reader.readString()
      return salt.isEmpty ? "-" : salt.hexadecimal
    case .base32: return Base32.encode(try reader.readString())
    case .types:
      let map = TypeBitmap(decoding: try reader.readBytes(reader.remaining))
      return map?.types.map(\.description).joined(separator: " ") ?? ""
    case .parameters:
      return ServiceParameters(decoding: try reader.readBytes(reader.remaining))?.description ?? ""
    case .addressPrefixes:
      return AddressPrefixList(decoding: try reader.readBytes(reader.remaining))?.description ?? ""
    case .location: return Location(decoding: try reader.readBytes(16))?.description ?? ""
    case .hardwareAddress(let octets):
      return try reader.readBytes(octets).map { [$0].hexadecimal }.joined(separator: "-")
    case .identifier:
      let groups = try [
        reader.readUInt16(), reader.readUInt16(), reader.readUInt16(), reader.readUInt16(),
      ]
      return groups.map { String($0, radix: 16) }.joined(separator: ":")
    }
  }
}

extension MessageReader {
  /// A character string. RFC 1035 §3.3.
  mutating func readString() throws(FormatError) -> ArraySlice<UInt8> {
    let before = self
    let length = try readUInt8()
    do throws(FormatError) {
      return try readBytes(Int(length))
    } catch {
      self = before
      throw error
    }
  }
}

extension Collection<UInt8> {
  /// Between quotation marks, as zone files write text. RFC 1035 §5.1.
  var quoted: String {
    var text = "\""
    for octet in self {
      switch octet {
      case UInt8(ascii: "\""), UInt8(ascii: "\\"):
        text += "\\"
        text.unicodeScalars.append(Unicode.Scalar(octet))
      case 0x20...0x7e: text.unicodeScalars.append(Unicode.Scalar(octet))
      default: text += octet.decimalEscape
      }
    }
    return text + "\""
  }

  var hexadecimal: String {
    let digits = Array("0123456789abcdef".utf8)
    var text: [UInt8] = []
    for octet in self {
      text.append(digits[Int(octet >> 4)])
      text.append(digits[Int(octet & 15)])
    }
    return String(decoding: text, as: UTF8.self)
  }
}
