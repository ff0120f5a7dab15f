/// A cursor over a message, or over data by itself. A read that fails leaves it where it was.
struct MessageReader {
  let bytes: [UInt8]
  private(set) var position: Int
  /// Reads stop here; compression pointers may go anywhere before.
  private(set) var end: Int

  init(_ bytes: [UInt8], at position: Int = 0) {
    self.bytes = bytes
    self.position = min(position, bytes.count)
    end = bytes.count
  }

  var isAtEnd: Bool { position == end }
  var remaining: Int { end - position }

  private func require(_ count: Int) throws(FormatError) {
    if count > end - position {
      throw FormatError(.truncated(needed: count, available: end - position), at: position)
    }
  }

  mutating func readUInt8() throws(FormatError) -> UInt8 {
    try require(1)
    defer { position += 1 }
    return bytes[position]
  }

  mutating func readUInt16() throws(FormatError) -> UInt16 {
    try require(2)
    defer { position += 2 }
    return UInt16(bytes[position]) << 8 | UInt16(bytes[position + 1])
  }

  mutating func readUInt32() throws(FormatError) -> UInt32 {
    try require(4)
    let high = try readUInt16()
    return UInt32(high) << 16 | UInt32(try readUInt16())
  }

  mutating func readBytes(_ count: Int) throws(FormatError) -> ArraySlice<UInt8> {
    try require(count)
    defer { position += count }
    return bytes[position..<(position + count)]
  }

  /// The next `count` octets by themselves; names in them may still point before.
  mutating func readReader(_ count: Int) throws(FormatError) -> MessageReader {
    try require(count)
    var reader = self
    reader.end = position + count
    position += count
    return reader
  }

  /// RFC 1035 §4.1.4. Each pointer must point before the part of the name that it ends, so that a name
  /// ends whatever it says.
  mutating func readName(compressed: Bool = true) throws(FormatError) -> DomainName {
    var wire: [UInt8] = []
    var cursor = position
    var limit = end
    /// Where the part being read began.
    var part = position
    /// Where reading goes on.
    var next: Int?
    while true {
      guard cursor < limit else {
        throw FormatError(.truncated(needed: 1, available: 0), at: cursor)
      }
      let length = bytes[cursor]
      switch length >> 6 {
      case 0:
        let after = cursor + 1 + Int(length)
        guard after <= limit else {
          let available = limit - cursor - 1
          throw FormatError(.truncated(needed: Int(length), available: available), at: cursor)
        }
        wire += bytes[cursor..<after]
        guard wire.count <= DomainName.maximumLength else {
          throw FormatError(.nameLength(wire.count), at: cursor)
        }
        cursor = after
        if length == 0 {
          position = next ?? cursor
          return DomainName(unchecked: wire)
        }
      case 3:
        guard compressed else { throw FormatError(.compressed, at: cursor) }
        guard cursor + 1 < limit else {
          throw FormatError(.truncated(needed: 2, available: 1), at: cursor)
        }
        let target = Int(length & 0x3f) << 8 | Int(bytes[cursor + 1])
        guard target < part else { throw FormatError(.pointer(to: target), at: cursor) }
        if next == nil { next = cursor + 2 }
        // What it points to ends before the part it ends, or it would be that.
        (cursor, part, limit) = (target, target, bytes.count)
      default:
        throw FormatError(.labelType(length), at: cursor)
      }
    }
  }
}
