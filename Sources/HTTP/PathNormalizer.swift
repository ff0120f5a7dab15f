/// Paths made alike before anybody compares them, so that no other spelling gets past a rule.
///
/// RFC 3986 §6.2.2: unreserved characters are decoded, hexadecimal digits are upper case, dot
/// segments are removed (§5.2.4). Escaped slashes stay escaped. Slashes in a row become one, as
/// servers behind take them.
package enum PathNormalizer {
  /// Whether `path` has anything to change.
  package static func needsWork(_ path: UnsafeRawBufferPointer) -> Bool {
    var previous: UInt8 = 0
    for byte in path {
      if byte == UInt8(ascii: "%") { return true }
      if previous == UInt8(ascii: "/"), byte == UInt8(ascii: ".") || byte == UInt8(ascii: "/") {
        return true
      }
      previous = byte
    }
    return false
  }

  /// Writes the normal form of `path` into `target`.
  /// - Precondition: `target` has room for `path.count` bytes.
  /// - Returns: its length; nil where an escape is malformed or hides a NUL, or the path leaves
  ///   its root.
  package static func normalize(
    _ path: UnsafeRawBufferPointer, into target: UnsafeMutableRawBufferPointer
  ) -> Int? {
    guard path.first == UInt8(ascii: "/"), target.count >= path.count else { return nil }
    guard let decoded = decode(path, into: target) else { return nil }
    return removeDotSegments(UnsafeMutableRawBufferPointer(rebasing: target[..<decoded]))
  }

  private static func decode(
    _ path: UnsafeRawBufferPointer, into target: UnsafeMutableRawBufferPointer
  ) -> Int? {
    var read = 0
    var written = 0
    while read < path.count {
      let byte = path[read]
      guard byte == UInt8(ascii: "%") else {
        target[written] = byte
        read &+= 1
        written &+= 1
        continue
      }
      guard read &+ 2 < path.count, let high = hexadecimal(path[read &+ 1]),
        let low = hexadecimal(path[read &+ 2])
      else { return nil }
      let value = high << 4 | low
      if value == 0 { return nil }
      if isUnreserved(value) {
        target[written] = value
        written &+= 1
      } else {
        target[written] = byte
        target[written &+ 1] = upper(path[read &+ 1])
        target[written &+ 2] = upper(path[read &+ 2])
        written &+= 3
      }
      read &+= 3
    }
    return written
  }

  /// In place: the result is never longer.
  private static func removeDotSegments(_ path: UnsafeMutableRawBufferPointer) -> Int? {
    var written = 0
    var read = 0
    while read < path.count {
      // At a slash; the segment behind it ends at the next one.
      var end = read &+ 1
      while end < path.count, path[end] != UInt8(ascii: "/") { end &+= 1 }
      let length = end &- read &- 1
      let isLast = end == path.count
      if length == 0, !isLast {
        // A slash in a row.
      } else if length == 1, path[read &+ 1] == UInt8(ascii: ".") {
        if isLast {
          path[written] = UInt8(ascii: "/")
          written &+= 1
        }
      } else if length == 2, path[read &+ 1] == UInt8(ascii: "."),
        path[read &+ 2] == UInt8(ascii: ".")
      {
        guard written > 0 else { return nil }
        repeat { written &-= 1 } while path[written] != UInt8(ascii: "/")
        if isLast {
          path[written] = UInt8(ascii: "/")
          written &+= 1
        }
      } else {
        for index in read..<end {
          path[written] = path[index]
          written &+= 1
        }
      }
      read = end
    }
    if written == 0 {
      path[0] = UInt8(ascii: "/")
      written = 1
    }
    return written
  }

  private static func upper(_ byte: UInt8) -> UInt8 { byte >= 0x61 ? byte &- 0x20 : byte }

  private static func isUnreserved(_ byte: UInt8) -> Bool {
    switch byte {
    case 0x30...0x39, 0x41...0x5a, 0x61...0x7a, 0x2d, 0x2e, 0x5f, 0x7e: true
    default: false
    }
  }
}
