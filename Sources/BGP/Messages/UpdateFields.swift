/// Where the three fields of an UPDATE lie in its message. RFC 4271 §4.3.
struct UpdateFields {
  let withdrawn: Range<Int>
  let attributes: Range<Int>
  let announced: Range<Int>

  /// Nil where the lengths do not add up.
  /// - Parameter frame: The whole message, header included.
  init?(_ frame: Span<UInt8>) {
    let start = Message.headerLength
    guard frame.count >= start + 4 else { return nil }
    let withdrawnEnd = start + 2 + (Int(frame[start]) << 8 | Int(frame[start + 1]))
    guard withdrawnEnd + 2 <= frame.count else { return nil }
    let attributesEnd =
      withdrawnEnd + 2 + (Int(frame[withdrawnEnd]) << 8 | Int(frame[withdrawnEnd + 1]))
    guard attributesEnd <= frame.count else { return nil }
    withdrawn = start + 2..<withdrawnEnd
    attributes = withdrawnEnd + 2..<attributesEnd
    announced = attributesEnd..<frame.count
  }

  /// Goes through the IPv4 routes of a field. False, and nothing more read, if one is malformed.
  /// - Parameter identified: Each is preceded by its path identifier. RFC 7911 §3.
  @inline(__always)
  static func forEachRoute(
    _ octets: Span<UInt8>, identified: Bool, _ body: (IPv4PrefixKey, UInt32) -> Void
  ) -> Bool {
    var index = 0
    var identifier: UInt32 = 0
    while index < octets.count {
      if identified {
        guard index + 4 < octets.count else { return false }
        identifier = 0
        for offset in 0..<4 { identifier = identifier << 8 | UInt32(octets[index + offset]) }
        index += 4
      }
      let length = Int(octets[index])
      let end = index + 1 + (length + 7) / 8
      guard length <= 32, end <= octets.count else { return false }
      var address: UInt32 = 0
      var shift: UInt32 = 24
      index += 1
      while index < end {
        address |= UInt32(octets[index]) << shift
        shift &-= 8
        index += 1
      }
      body(IPv4PrefixKey(octets: address, length: length), identifier)
    }
    return true
  }
}
