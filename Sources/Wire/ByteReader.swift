/// A cursor over bytes. Each read checks its whole width first: a read that fails throws and leaves
/// the cursor where it was. Integers are big-endian.
package struct ByteReader: Sendable {
  private let bytes: ArraySlice<UInt8>
  private var index: Int

  package init(_ bytes: ArraySlice<UInt8>) {
    self.bytes = bytes
    index = bytes.startIndex
  }

  package init(_ bytes: [UInt8]) { self.init(bytes[...]) }

  /// Octets not yet read.
  package var remaining: Int { bytes.endIndex - index }
  package var isAtEnd: Bool { index == bytes.endIndex }
  /// Octets read so far.
  package var position: Int { index - bytes.startIndex }

  /// - Throws: `TruncatedInput` unless `count` octets are left.
  private func require(_ count: Int) throws(TruncatedInput) {
    let available = bytes.endIndex - index
    if count < 0 || count > available {
      throw TruncatedInput(needed: count, available: available, position: position)
    }
  }

  package mutating func readUInt8() throws(TruncatedInput) -> UInt8 {
    try require(1)
    defer { index += 1 }
    return bytes[index]
  }

  package mutating func readUInt16() throws(TruncatedInput) -> UInt16 {
    try require(2)
    defer { index += 2 }
    return UInt16(bytes[index]) << 8 | UInt16(bytes[index + 1])
  }

  package mutating func readUInt32() throws(TruncatedInput) -> UInt32 {
    try require(4)
    defer { index += 4 }
    return UInt32(bytes[index]) << 24 | UInt32(bytes[index + 1]) << 16
      | UInt32(bytes[index + 2]) << 8 | UInt32(bytes[index + 3])
  }

  package mutating func readUInt64() throws(TruncatedInput) -> UInt64 {
    try require(8)
    var value: UInt64 = 0
    for byte in bytes[index..<index + 8] { value = value << 8 | UInt64(byte) }
    index += 8
    return value
  }

  /// The next `count` octets, without a copy.
  package mutating func readBytes(_ count: Int) throws(TruncatedInput) -> ArraySlice<UInt8> {
    try require(count)
    defer { index += count }
    return bytes[index..<index + count]
  }

  /// A reader of just the next `count` octets.
  package mutating func readReader(_ count: Int) throws(TruncatedInput) -> ByteReader {
    ByteReader(try readBytes(count))
  }

  /// Everything left.
  package mutating func readRest() -> ArraySlice<UInt8> {
    defer { index = bytes.endIndex }
    return bytes[index...]
  }
}

/// Fewer octets were there than a read needed.
package struct TruncatedInput: Error, Equatable, CustomStringConvertible {
  package var needed: Int
  package var available: Int
  /// Octets from the start of the input.
  package var position: Int

  package init(needed: Int, available: Int, position: Int) {
    self.needed = needed
    self.available = available
    self.position = position
  }

  package var description: String {
    "\(needed) octets needed at \(position), \(available) left"
  }
}
