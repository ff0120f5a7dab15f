import Glibc

/// Writes into memory that is large enough; what does not fit is dropped and noted.
struct HeadWriter {
  let target: UnsafeMutableRawBufferPointer
  private(set) var count = 0
  private(set) var overflowed = false

  init(_ target: UnsafeMutableRawBufferPointer) { self.target = target }

  var written: UnsafeRawBufferPointer { UnsafeRawBufferPointer(rebasing: target[..<count]) }

  mutating func append(_ source: UnsafeRawPointer?, _ length: Int) {
    guard length > 0, let source, let base = target.baseAddress else { return }
    guard count &+ length <= target.count else {
      overflowed = true
      return
    }
    memcpy(base + count, source, length)
    count &+= length
  }

  mutating func append(_ bytes: UnsafeRawBufferPointer) { append(bytes.baseAddress, bytes.count) }

  mutating func append(_ text: StaticString) { append(text.utf8Start, text.utf8CodeUnitCount) }

  mutating func append(text: some StringProtocol) {
    for byte in text.utf8 { append(byte: byte) }
  }

  mutating func append(_ bytes: [UInt8]) { bytes.withUnsafeBytes { append($0) } }

  mutating func append(decimal value: Int) {
    if value >= 10 { append(decimal: value / 10) }
    append(byte: UInt8(truncatingIfNeeded: value % 10) &+ 0x30)
  }

  mutating func append(byte: UInt8) {
    guard count < target.count else {
      overflowed = true
      return
    }
    target[count] = byte
    count &+= 1
  }

  mutating func append(hexadecimal value: Int) {
    if value >= 16 { append(hexadecimal: value >> 4) }
    let digit = UInt8(truncatingIfNeeded: value & 15)
    append(byte: digit < 10 ? digit &+ 0x30 : digit &+ 0x57)
  }

  /// A group of an IPv6 address, without leading zeros.
  mutating func append(group value: UInt16) {
    var started = false
    for position in 0..<4 {
      let shift = UInt16(12 &- position &* 4)
      let digit = UInt8(truncatingIfNeeded: value >> shift & 15)
      if digit == 0, !started, shift > 0 { continue }
      started = true
      append(byte: digit < 10 ? digit &+ 0x30 : digit &+ 0x57)
    }
  }
}
