extension JSON {
  /// The compact text, keys sorted.
  package var bytes: [UInt8] {
    var output: [UInt8] = []
    output.reserveCapacity(1024)
    write(to: &output)
    return output
  }

  /// The compact text, keys sorted.
  package var text: String { String(decoding: bytes, as: UTF8.self) }

  /// The text over several lines, two spaces a level, keys sorted.
  package var prettyText: String {
    var output: [UInt8] = []
    writePretty(to: &output, indent: 0)
    return String(decoding: output, as: UTF8.self)
  }

  /// Appends the compact text, keys sorted. A number that JSON cannot say becomes `null`.
  package func write(to output: inout [UInt8]) {
    switch self {
    case .array(let elements):
      output.append(UInt8(ascii: "["))
      for (index, element) in elements.enumerated() {
        if index > 0 { output.append(UInt8(ascii: ",")) }
        element.write(to: &output)
      }
      output.append(UInt8(ascii: "]"))
    case .object(let members):
      output.append(UInt8(ascii: "{"))
      for (index, (key, value)) in members.sorted(by: { $0.key < $1.key }).enumerated() {
        if index > 0 { output.append(UInt8(ascii: ",")) }
        JSON.write(key, to: &output)
        output.append(UInt8(ascii: ":"))
        value.write(to: &output)
      }
      output.append(UInt8(ascii: "}"))
    default: writeScalar(to: &output)
    }
  }

  private func writeScalar(to output: inout [UInt8]) {
    switch self {
    case .bool(let value): output.append(contentsOf: (value ? "true" : "false").utf8)
    case .integer(let value): output.append(contentsOf: String(value).utf8)
    case .number(let value) where value.isFinite:
      output.append(contentsOf: value.description.utf8)
    case .string(let value): JSON.write(value, to: &output)
    default: output.append(contentsOf: "null".utf8)
    }
  }

  private func writePretty(to output: inout [UInt8], indent: Int) {
    func line(_ indent: Int) {
      output.append(UInt8(ascii: "\n"))
      output.append(contentsOf: repeatElement(UInt8(ascii: " "), count: indent * 2))
    }
    switch self {
    case .array(let elements) where !elements.isEmpty:
      output.append(UInt8(ascii: "["))
      for (index, element) in elements.enumerated() {
        if index > 0 { output.append(UInt8(ascii: ",")) }
        line(indent + 1)
        element.writePretty(to: &output, indent: indent + 1)
      }
      line(indent)
      output.append(UInt8(ascii: "]"))
    case .object(let members) where !members.isEmpty:
      output.append(UInt8(ascii: "{"))
      for (index, (key, value)) in members.sorted(by: { $0.key < $1.key }).enumerated() {
        if index > 0 { output.append(UInt8(ascii: ",")) }
        line(indent + 1)
        JSON.write(key, to: &output)
        output.append(contentsOf: ": ".utf8)
        value.writePretty(to: &output, indent: indent + 1)
      }
      line(indent)
      output.append(UInt8(ascii: "}"))
    default: write(to: &output)
    }
  }

  private static let hexadecimal = Array("0123456789abcdef".utf8)

  private static func write(_ text: String, to output: inout [UInt8]) {
    output.append(UInt8(ascii: "\""))
    for byte in text.utf8 {
      switch byte {
      case UInt8(ascii: "\""), UInt8(ascii: "\\"):
        output.append(UInt8(ascii: "\\"))
        output.append(byte)
      case 0x0A: output.append(contentsOf: [UInt8(ascii: "\\"), UInt8(ascii: "n")])
      case 0x0D: output.append(contentsOf: [UInt8(ascii: "\\"), UInt8(ascii: "r")])
      case 0x09: output.append(contentsOf: [UInt8(ascii: "\\"), UInt8(ascii: "t")])
      case 0..<0x20:
        output.append(contentsOf: "\\u00".utf8)
        output.append(hexadecimal[Int(byte >> 4)])
        output.append(hexadecimal[Int(byte & 15)])
      default: output.append(byte)
      }
    }
    output.append(UInt8(ascii: "\""))
  }
}

extension JSON: CustomStringConvertible {
  package var description: String { text }
}
