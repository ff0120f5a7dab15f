/// A place in a message's buffer, so that a parsed head owns nothing.
package struct ByteRange: Equatable, Sendable {
  package var start: UInt32
  package var count: UInt32

  @inlinable
  package init(start: Int, end: Int) {
    self.start = UInt32(truncatingIfNeeded: start)
    count = UInt32(truncatingIfNeeded: end &- start)
  }

  package static let none = ByteRange(start: 0, end: 0)

  @inlinable package var end: Int { Int(start) &+ Int(count) }
  @inlinable package var isEmpty: Bool { count == 0 }

  /// The bytes in `buffer`, which must be the one that was parsed.
  @inlinable
  package func bytes(of buffer: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(rebasing: buffer[Int(start)..<end])
  }

  package func string(of buffer: UnsafeRawBufferPointer) -> String {
    String(decoding: bytes(of: buffer), as: UTF8.self)
  }
}

/// ASCII classes of RFC 9110 §5.6.2, one table for all: bit 0 token, bit 1 request target, bit 2 host.
enum ByteClass {
  static let token: UInt8 = 1
  static let target: UInt8 = 2
  static let host: UInt8 = 4

  /// Never freed: one table for the life of the process.
  nonisolated(unsafe) static let table: UnsafePointer<UInt8> = {
    let table = UnsafeMutablePointer<UInt8>.allocate(capacity: 256)
    for value in 0...255 {
      let byte = UInt8(value)
      var classes: UInt8 = 0
      let alphanumeric =
        (0x30...0x39).contains(byte) || (0x41...0x5a).contains(byte) || (0x61...0x7a).contains(byte)
      if alphanumeric || "!#$%&'*+-.^_`|~".utf8.contains(byte) { classes |= token }
      if (0x21...0x7e).contains(byte), byte != UInt8(ascii: "#") { classes |= target }
      if alphanumeric || "-._~%!$&'()*+,;=:[]".utf8.contains(byte) { classes |= host }
      table[value] = classes
    }
    return UnsafePointer(table)
  }()
}

/// Whether `bytes` equal `lowercase`, ASCII letters compared without case.
@inlinable
package func equalsIgnoringCase(
  _ bytes: UnsafeRawBufferPointer, _ lowercase: StaticString
) -> Bool {
  guard bytes.count == lowercase.utf8CodeUnitCount else { return false }
  for index in 0..<bytes.count where lower(bytes[index]) != lowercase.utf8Start[index] {
    return false
  }
  return true
}

@inlinable
package func equalsIgnoringCase(
  _ a: UnsafeRawBufferPointer, _ b: UnsafeRawBufferPointer
) -> Bool {
  guard a.count == b.count else { return false }
  for index in 0..<a.count where lower(a[index]) != lower(b[index]) { return false }
  return true
}

@inlinable
package func lower(_ byte: UInt8) -> UInt8 {
  byte &- 0x41 < 26 ? byte | 0x20 : byte
}
