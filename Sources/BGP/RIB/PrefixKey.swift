import NetTypes
import Wire

/// A prefix of one family in as few octets as it needs.
protocol PrefixKey: Hashable, Sendable {
  static var family: AddressFamily { get }
  init(_ prefix: IPPrefix)
  var prefix: IPPrefix { get }
  /// In bits.
  var length: Int { get }
  func hash(_ seed: UInt64) -> UInt32
  /// As it stands in messages. RFC 4271 §4.3.
  func write(into writer: inout ByteWriter)
}

/// The address above the length, in one word.
struct IPv4PrefixKey: PrefixKey {
  private let rawValue: UInt64

  static var family: AddressFamily { .ipv4 }

  init(_ prefix: IPPrefix) {
    rawValue = UInt64(prefix.address.v4?.rawValue ?? 0) << 8 | UInt64(prefix.length)
  }

  /// - Parameter octets: As many of the address, first octet highest, as `length` bits need; what is
  ///   beyond the length does not count.
  /// - Precondition: `length` is at most 32.
  @inline(__always)
  init(octets: UInt32, length: Int) {
    let mask: UInt32 = length == 0 ? 0 : ~0 << UInt32(32 - length)
    rawValue = UInt64(octets & mask) << 8 | UInt64(length)
  }

  var address: UInt32 { UInt32(truncatingIfNeeded: rawValue >> 8) }
  var length: Int { Int(rawValue & 0xff) }

  var prefix: IPPrefix { IPPrefix(.v4(IPv4Address(rawValue: address)), length: length) }

  @inline(__always)
  func hash(_ seed: UInt64) -> UInt32 { UInt32(truncatingIfNeeded: (rawValue ^ seed).mixed) }

  @inline(__always)
  func write(into writer: inout ByteWriter) {
    writer.write(UInt8(truncatingIfNeeded: length))
    var shift: UInt64 = 32
    for _ in 0..<(length + 7) / 8 {
      writer.write(UInt8(truncatingIfNeeded: rawValue >> shift))
      shift &-= 8
    }
  }
}

struct IPv6PrefixKey: PrefixKey {
  private let high: UInt64
  private let low: UInt64
  private let bits: UInt8

  static var family: AddressFamily { .ipv6 }

  init(_ prefix: IPPrefix) {
    if case .v6(let address) = prefix.address {
      (high, low) = (address.high, address.low)
    } else {
      (high, low) = (0, 0)
    }
    bits = prefix.length
  }

  var length: Int { Int(bits) }

  var prefix: IPPrefix {
    IPPrefix(.v6(IPv6Address(high: high, low: low)), length: Int(bits))
  }

  func hash(_ seed: UInt64) -> UInt32 {
    UInt32(truncatingIfNeeded: ((high ^ seed).mixed ^ low &+ UInt64(bits) << 56).mixed)
  }

  func write(into writer: inout ByteWriter) { writer.write(prefix) }
}
