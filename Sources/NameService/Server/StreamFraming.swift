/// Messages over a stream, each behind two octets of length. RFC 1035 §4.2.2.
struct StreamFraming: Sendable {
  private var buffer: [UInt8] = []

  var isEmpty: Bool { buffer.isEmpty }

  mutating func receive(_ bytes: [UInt8]) { buffer += bytes }

  /// The next whole message.
  mutating func next() -> [UInt8]? {
    guard buffer.count >= 2 else { return nil }
    let end = 2 + (Int(buffer[0]) << 8 | Int(buffer[1]))
    guard buffer.count >= end else { return nil }
    defer { buffer.removeSubrange(..<end) }
    return Array(buffer[2..<end])
  }

  static func framed(_ message: [UInt8]) -> [UInt8] {
    [UInt8(message.count >> 8), UInt8(message.count & 0xff)] + message
  }
}
