/// Builds a message. Integers are big-endian.
package struct ByteWriter: Sendable {
  package private(set) var bytes: [UInt8]

  package init(capacity: Int = 64) {
    bytes = []
    bytes.reserveCapacity(capacity)
  }

  package var count: Int { bytes.count }

  package mutating func write(_ value: UInt8) { bytes.append(value) }

  package mutating func write(_ value: UInt16) {
    bytes.append(UInt8(truncatingIfNeeded: value >> 8))
    bytes.append(UInt8(truncatingIfNeeded: value))
  }

  package mutating func write(_ value: UInt32) {
    write(UInt16(truncatingIfNeeded: value >> 16))
    write(UInt16(truncatingIfNeeded: value))
  }

  package mutating func write(_ value: UInt64) {
    write(UInt32(truncatingIfNeeded: value >> 32))
    write(UInt32(truncatingIfNeeded: value))
  }

  package mutating func write(_ octets: some Sequence<UInt8>) { bytes.append(contentsOf: octets) }

  /// Writes what `body` writes, preceded by its length in one octet.
  /// - Precondition: `body` writes at most 255 octets.
  package mutating func writeLengthPrefixed8(_ body: (inout ByteWriter) -> Void) {
    let start = bytes.count
    write(UInt8(0))
    body(&self)
    let length = bytes.count - start - 1
    precondition(length <= 0xff, "\(length) octets under an 8-bit length")
    bytes[start] = UInt8(length)
  }

  /// Writes what `body` writes, preceded by its length in two octets.
  /// - Precondition: `body` writes at most 65,535 octets.
  package mutating func writeLengthPrefixed16(_ body: (inout ByteWriter) -> Void) {
    let start = bytes.count
    write(UInt16(0))
    body(&self)
    overwrite(length: bytes.count - start - 2, at: start)
  }

  /// Writes what `body` writes, preceded by its length in one octet, or in two where one does not
  /// hold it. True if it took two.
  /// - Precondition: `body` writes at most 65,535 octets.
  package mutating func writeLengthPrefixed8Or16(_ body: (inout ByteWriter) -> Void) -> Bool {
    let start = bytes.count
    write(UInt8(0))
    body(&self)
    let length = bytes.count - start - 1
    if length <= 0xff {
      bytes[start] = UInt8(length)
      return false
    }
    bytes.insert(0, at: start)
    overwrite(length: length, at: start)
    return true
  }

  /// Takes back what is beyond `count` octets.
  package mutating func cut(to count: Int) { bytes.removeLast(bytes.count - count) }

  /// Puts `octet` in the place of one written before.
  package mutating func overwrite(_ octet: UInt8, at offset: Int) { bytes[offset] = octet }

  /// Puts `length` into the two octets at `offset`, written before as a placeholder.
  package mutating func overwrite(length: Int, at offset: Int) {
    precondition(length <= 0xffff, "\(length) octets under a 16-bit length")
    bytes[offset] = UInt8(length >> 8)
    bytes[offset + 1] = UInt8(length & 0xff)
  }
}
