/// What is wrong with a JSON text, and at which byte.
package struct JSONError: Error, Equatable, CustomStringConvertible {
  package enum Reason: Equatable, Sendable {
    case unexpectedEnd
    case unexpectedByte(UInt8)
    case badNumber
    case badEscape
    case controlCharacter
    case notUTF8
    case tooDeep(limit: Int)
    case tooLong(limit: Int)
  }
  package let reason: Reason
  package let offset: Int

  package var description: String {
    let text =
      switch reason {
      case .unexpectedEnd: "unexpected end of JSON input"
      case .unexpectedByte(let byte):
        "invalid character '\(Character(Unicode.Scalar(byte)))' in JSON text"
      case .badNumber: "invalid number"
      case .badEscape: "invalid escape in string"
      case .controlCharacter: "control character in string"
      case .notUTF8: "string is not UTF-8"
      case .tooDeep(let limit): "nested deeper than \(limit)"
      case .tooLong(let limit): "longer than \(limit) bytes"
      }
    return "\(text) at byte \(offset)"
  }
}

extension JSON {
  /// Parses one JSON text, nothing but white space around it. Of equal keys the last wins.
  package init(
    parsing bytes: [UInt8], depthLimit: Int = 200, byteLimit: Int = 64 << 20
  ) throws(JSONError) {
    guard bytes.count <= byteLimit else {
      throw JSONError(reason: .tooLong(limit: byteLimit), offset: byteLimit)
    }
    var parser = JSONParser(bytes: bytes, depthLimit: depthLimit)
    self = try parser.document()
  }

  package init(parsing text: String) throws(JSONError) {
    try self.init(parsing: Array(text.utf8))
  }
}

private struct JSONParser {
  private let bytes: [UInt8]
  private let depthLimit: Int
  private var position = 0

  init(bytes: [UInt8], depthLimit: Int) {
    self.bytes = bytes
    self.depthLimit = depthLimit
  }

  mutating func document() throws(JSONError) -> JSON {
    let value = try value(depth: 0)
    skipSpace()
    guard position == bytes.count else { throw unexpected() }
    return value
  }

  private func failure(_ reason: JSONError.Reason) -> JSONError {
    JSONError(reason: reason, offset: position)
  }

  private func unexpected() -> JSONError {
    position < bytes.count ? failure(.unexpectedByte(bytes[position])) : failure(.unexpectedEnd)
  }

  private mutating func skipSpace() {
    while position < bytes.count {
      switch bytes[position] {
      case 0x20, 0x0A, 0x0D, 0x09: position += 1
      default: return
      }
    }
  }

  private mutating func value(depth: Int) throws(JSONError) -> JSON {
    guard depth <= depthLimit else { throw failure(.tooDeep(limit: depthLimit)) }
    skipSpace()
    guard position < bytes.count else { throw unexpected() }
    switch bytes[position] {
    case UInt8(ascii: "{"): return try object(depth: depth)
    case UInt8(ascii: "["): return try array(depth: depth)
    case UInt8(ascii: "\""): return .string(try string())
    case UInt8(ascii: "t"): return try word("true", .bool(true))
    case UInt8(ascii: "f"): return try word("false", .bool(false))
    case UInt8(ascii: "n"): return try word("null", .null)
    case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return try number()
    default: throw unexpected()
    }
  }

  private mutating func word(_ text: StaticString, _ value: JSON) throws(JSONError) -> JSON {
    for byte in text.description.utf8 {
      guard position < bytes.count, bytes[position] == byte else { throw unexpected() }
      position += 1
    }
    return value
  }

  /// Skips white space; true, one byte further, when `byte` is next.
  private mutating func take(_ byte: Unicode.Scalar) -> Bool {
    skipSpace()
    guard position < bytes.count, bytes[position] == UInt8(ascii: byte) else { return false }
    position += 1
    return true
  }

  private mutating func object(depth: Int) throws(JSONError) -> JSON {
    position += 1
    var members: [String: JSON] = [:]
    if take("}") { return .object(members) }
    while true {
      skipSpace()
      guard position < bytes.count, bytes[position] == UInt8(ascii: "\"") else {
        throw unexpected()
      }
      let key = try string()
      guard take(":") else { throw unexpected() }
      members[key] = .some(try value(depth: depth + 1))
      if take(",") { continue }
      guard take("}") else { throw unexpected() }
      return .object(members)
    }
  }

  private mutating func array(depth: Int) throws(JSONError) -> JSON {
    position += 1
    var elements: [JSON] = []
    if take("]") { return .array(elements) }
    while true {
      elements.append(try value(depth: depth + 1))
      if take(",") { continue }
      guard take("]") else { throw unexpected() }
      return .array(elements)
    }
  }

  private mutating func string() throws(JSONError) -> String {
    position += 1
    let start = position
    while position < bytes.count {
      switch bytes[position] {
      case UInt8(ascii: "\""):
        defer { position += 1 }
        return try text(bytes[start..<position], from: start)
      case UInt8(ascii: "\\"): return try escapedString(from: start)
      case 0..<0x20: throw failure(.controlCharacter)
      default: position += 1
      }
    }
    throw unexpected()
  }

  private func text(_ slice: ArraySlice<UInt8>, from start: Int) throws(JSONError) -> String {
    guard let text = String(validating: slice, as: UTF8.self) else {
      throw JSONError(reason: .notUTF8, offset: start)
    }
    return text
  }

  private mutating func escapedString(from start: Int) throws(JSONError) -> String {
    var unescaped = Array(bytes[start..<position])
    while position < bytes.count {
      let byte = bytes[position]
      switch byte {
      case UInt8(ascii: "\""):
        defer { position += 1 }
        return try text(unescaped[...], from: start)
      case UInt8(ascii: "\\"):
        position += 1
        try escape(into: &unescaped)
      case 0..<0x20: throw failure(.controlCharacter)
      default:
        unescaped.append(byte)
        position += 1
      }
    }
    throw unexpected()
  }

  private mutating func escape(into unescaped: inout [UInt8]) throws(JSONError) {
    guard position < bytes.count else { throw unexpected() }
    let byte = bytes[position]
    position += 1
    switch byte {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): unescaped.append(byte)
    case UInt8(ascii: "b"): unescaped.append(0x08)
    case UInt8(ascii: "f"): unescaped.append(0x0C)
    case UInt8(ascii: "n"): unescaped.append(0x0A)
    case UInt8(ascii: "r"): unescaped.append(0x0D)
    case UInt8(ascii: "t"): unescaped.append(0x09)
    case UInt8(ascii: "u"): unescaped.append(contentsOf: String(try scalar()).utf8)
    default: throw failure(.badEscape)
    }
  }

  /// The scalar of `\uXXXX`, both halves of a surrogate pair. A lone half becomes U+FFFD, as in Go.
  private mutating func scalar() throws(JSONError) -> Unicode.Scalar {
    let replacement = Unicode.Scalar(0xFFFD as UInt16) ?? " "
    let first = try hexadecimal()
    if let scalar = Unicode.Scalar(first) { return scalar }
    guard first < 0xDC00, position + 1 < bytes.count, bytes[position] == UInt8(ascii: "\\"),
      bytes[position + 1] == UInt8(ascii: "u")
    else { return replacement }
    let mark = position
    position += 2
    let second = try hexadecimal()
    guard (0xDC00..<0xE000).contains(second) else {
      position = mark
      return replacement
    }
    let code = 0x10000 + (UInt32(first & 0x3FF) << 10) + UInt32(second & 0x3FF)
    return Unicode.Scalar(code) ?? replacement
  }

  private mutating func hexadecimal() throws(JSONError) -> UInt16 {
    var value: UInt16 = 0
    for _ in 0..<4 {
      guard position < bytes.count else { throw unexpected() }
      guard let digit = Character(Unicode.Scalar(bytes[position])).hexDigitValue,
        bytes[position] < 0x80
      else { throw failure(.badEscape) }
      value = value << 4 | UInt16(digit)
      position += 1
    }
    return value
  }

  private mutating func digits() -> Int {
    let start = position
    while position < bytes.count, bytes[position] &- 0x30 < 10 { position += 1 }
    return position - start
  }

  private mutating func number() throws(JSONError) -> JSON {
    let start = position
    let negative = bytes[position] == UInt8(ascii: "-")
    if negative { position += 1 }
    let integerStart = position
    let count = digits()
    guard count > 0, count == 1 || bytes[integerStart] != UInt8(ascii: "0") else {
      throw failure(.badNumber)
    }
    var isInteger = true
    if position < bytes.count, bytes[position] == UInt8(ascii: ".") {
      isInteger = false
      position += 1
      guard digits() > 0 else { throw failure(.badNumber) }
    }
    if position < bytes.count, bytes[position] | 0x20 == UInt8(ascii: "e") {
      isInteger = false
      position += 1
      if position < bytes.count,
        bytes[position] == UInt8(ascii: "+") || bytes[position] == UInt8(ascii: "-")
      {
        position += 1
      }
      guard digits() > 0 else { throw failure(.badNumber) }
    }
    if isInteger, count < 19 {
      var value: Int64 = 0
      for byte in bytes[integerStart..<position] { value = value * 10 + Int64(byte & 0x0F) }
      return .integer(negative ? -value : value)
    }
    let text = String(decoding: bytes[start..<position], as: UTF8.self)
    if isInteger, let value = Int64(text) { return .integer(value) }
    guard let value = Double(text), value.isFinite else { throw failure(.badNumber) }
    return .number(value)
  }
}
