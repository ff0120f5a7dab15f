/// Bytes that a peer chose, written so that they end nothing.
extension HeadWriter {
  /// As the inside of a JSON string (RFC 8259 §7): quote, backslash and controls escaped, and what is
  /// no UTF-8 as U+FFFD.
  mutating func append(json bytes: UnsafeRawBufferPointer) {
    var runStart = 0
    var index = 0
    while index < bytes.count {
      let byte = bytes[index]
      if byte >= 0x20, byte < 0x7f, byte != UInt8(ascii: "\""), byte != UInt8(ascii: "\\") {
        index &+= 1
        continue
      }
      if byte >= 0x80, let length = utf8Length(bytes, at: index) {
        index &+= length
        continue
      }
      append(UnsafeRawBufferPointer(rebasing: bytes[runStart..<index]))
      switch byte {
      case UInt8(ascii: "\""): append("\\\"")
      case UInt8(ascii: "\\"): append("\\\\")
      case 0x09: append("\\t")
      case 0x0a: append("\\n")
      case 0x0d: append("\\r")
      case 0x80...: append("\\ufffd")
      default:
        append("\\u00")
        append(hexadecimal: byte)
      }
      index &+= 1
      runStart = index
    }
    append(UnsafeRawBufferPointer(rebasing: bytes[runStart...]))
  }

  /// For text: quote, backslash and all that is not printable ASCII as `\xHH`.
  mutating func append(text bytes: UnsafeRawBufferPointer) {
    for byte in bytes {
      if byte >= 0x20, byte < 0x7f, byte != UInt8(ascii: "\""), byte != UInt8(ascii: "\\") {
        append(byte: byte)
      } else {
        append("\\x")
        append(hexadecimal: byte)
      }
    }
  }

  private mutating func append(hexadecimal byte: UInt8) {
    append(digit: byte >> 4)
    append(digit: byte & 15)
  }

  private mutating func append(digit: UInt8) {
    append(byte: digit < 10 ? digit &+ 0x30 : digit &+ 0x57)
  }

  /// How many bytes a sound sequence has there; nil: it is none. RFC 3629 §4.
  private func utf8Length(_ bytes: UnsafeRawBufferPointer, at index: Int) -> Int? {
    let first = bytes[index]
    let length: Int
    var second: ClosedRange<UInt8> = 0x80...0xbf
    switch first {
    case 0xc2...0xdf: length = 2
    case 0xe0:
      length = 3
      second = 0xa0...0xbf
    case 0xed:
      length = 3
      second = 0x80...0x9f
    case 0xe1...0xef: length = 3
    case 0xf0:
      length = 4
      second = 0x90...0xbf
    case 0xf4:
      length = 4
      second = 0x80...0x8f
    case 0xf1...0xf3: length = 4
    default: return nil
    }
    guard index &+ length <= bytes.count, second.contains(bytes[index &+ 1]) else { return nil }
    for next in (index &+ 2)..<max(index &+ 2, index &+ length)
    where bytes[next] & 0xc0 != 0x80 {
      return nil
    }
    return length
  }
}
