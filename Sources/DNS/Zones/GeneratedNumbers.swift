/// What `$GENERATE` counts through, and how it writes a number. BIND 9 Administrator Reference Manual,
/// "BIND Primary File Extension: the $GENERATE Directive".
struct GeneratedNumbers {
  var values: StrideThrough<Int>

  /// Parses `1-127` and `0-255/2`.
  init?(_ text: String) {
    let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
    let ends = parts[0].split(separator: "-", maxSplits: 1, omittingEmptySubsequences: false)
    guard ends.count == 2, let first = Self.number(ends[0]), let last = Self.number(ends[1]),
      let step = Self.number(parts.count > 1 ? parts[1] : "1"), step > 0, first <= last,
      (last - first) / step < ZoneFile.maximumGenerated
    else { return nil }
    values = stride(from: first, through: last, by: step)
  }

  private static func number(_ text: Substring) -> Int? {
    text.utf8.allSatisfy(\.isDigit) ? UInt32(text).map(Int.init) : nil
  }

  /// `$` becomes the number, `${offset,width,base}` that of it, `$$` and `\$` a dollar. Nil where what stands
  /// in braces is none of these.
  static func expand(_ octets: ArraySlice<UInt8>, _ number: Int) -> [UInt8]? {
    var text: [UInt8] = []
    var rest = octets
    while let octet = rest.popFirst() {
      if octet == UInt8(ascii: "\\"), let next = rest.popFirst() {
        text += next == UInt8(ascii: "$") ? [next] : [octet, next]
      } else if octet != UInt8(ascii: "$") {
        text.append(octet)
      } else if rest.first == UInt8(ascii: "$") {
        text.append(rest.removeFirst())
      } else if rest.first == UInt8(ascii: "{") {
        guard let end = rest.firstIndex(of: UInt8(ascii: "}")),
          let written = written(
            String(decoding: rest[(rest.startIndex + 1)..<end], as: UTF8.self), number)
        else { return nil }
        text += written.utf8
        rest = rest[(end + 1)...]
      } else {
        text += String(number).utf8
      }
    }
    return text
  }

  private static func written(_ format: String, _ number: Int) -> String? {
    let parts = format.split(separator: ",", omittingEmptySubsequences: false)
    guard parts.count <= 3, let offset = Int32(parts[0]),
      let width = parts.count > 1 ? UInt8(parts[1]) : 0
    else { return nil }
    let value = number + Int(offset)
    if value < 0 { return nil }
    let digits: String
    switch parts.count > 2 ? parts[2] : "d" {
    case "d": digits = String(value)
    case "o": digits = String(value, radix: 8)
    case "x": digits = String(value, radix: 16)
    case "X": digits = String(value, radix: 16, uppercase: true)
    case "n": return nibbles(String(value, radix: 16), width)
    case "N": return nibbles(String(value, radix: 16, uppercase: true), width)
    default: return nil
    }
    return String(repeating: "0", count: max(0, Int(width) - digits.utf8.count)) + digits
  }

  /// The last digit first, dots between; the width counts these.
  private static func nibbles(_ digits: String, _ width: UInt8) -> String {
    let count = max(digits.utf8.count, (Int(width) + 1) / 2)
    let padded = String(repeating: "0", count: count - digits.utf8.count) + digits
    return padded.reversed().map(String.init).joined(separator: ".")
  }
}
