import NetTypes
import Wire

/// A family of unicast routes, as AFI with SAFI 1. RFC 4760 §3.
package enum AddressFamily: UInt16, Hashable, Comparable, CaseIterable, Sendable {
  case ipv4 = 1
  case ipv6 = 2

  /// SAFI of unicast forwarding. RFC 4760 §6.
  package static let unicast: UInt8 = 1

  package init(of address: IPAddress) { self = address.isIPv4 ? .ipv4 : .ipv6 }
  package init(of prefix: IPPrefix) { self.init(of: prefix.address) }

  /// 32 or 128.
  package var bitWidth: Int { self == .ipv4 ? 32 : 128 }

  package static func < (a: Self, b: Self) -> Bool { a.rawValue < b.rawValue }
}

/// Some of the families.
package struct AddressFamilySet: OptionSet, Hashable, Sendable {
  package let rawValue: UInt8
  package init(rawValue: UInt8) { self.rawValue = rawValue }

  package static let ipv4 = AddressFamilySet(rawValue: 1)
  package static let ipv6 = AddressFamilySet(rawValue: 2)

  package init(_ family: AddressFamily) { self = family == .ipv4 ? .ipv4 : .ipv6 }
  package func contains(_ family: AddressFamily) -> Bool { contains(Self(family)) }
}

extension ByteReader {
  /// One prefix: a length in bits, then as many octets as hold it; bits beyond the length do not
  /// count. Nil if the length exceeds the family's width. RFC 4271 §4.3.
  mutating func readPrefix(_ family: AddressFamily) throws(TruncatedInput) -> IPPrefix? {
    var ahead = self
    let length = Int(try ahead.readUInt8())
    guard length <= family.bitWidth else { return nil }
    let octets = try ahead.readBytes((length + 7) / 8)
    self = ahead
    switch family {
    case .ipv4:
      var value: UInt32 = 0
      var shift: UInt32 = 24
      for octet in octets {
        value |= UInt32(octet) << shift
        shift &-= 8
      }
      return IPPrefix(.v4(IPv4Address(rawValue: value)), length: length)
    case .ipv6:
      var high: UInt64 = 0
      var low: UInt64 = 0
      for (index, octet) in octets.enumerated() {
        let shift = UInt64(56 - (index % 8) * 8)
        if index < 8 { high |= UInt64(octet) << shift } else { low |= UInt64(octet) << shift }
      }
      return IPPrefix(.v6(IPv6Address(high: high, low: low)), length: length)
    }
  }

  mutating func readIPv4Address() throws(TruncatedInput) -> IPv4Address {
    IPv4Address(rawValue: try readUInt32())
  }

  mutating func readIPv6Address() throws(TruncatedInput) -> IPv6Address {
    var ahead = self
    let high = try ahead.readUInt64()
    let low = try ahead.readUInt64()
    self = ahead
    return IPv6Address(high: high, low: low)
  }
}

extension ByteWriter {
  mutating func write(_ prefix: IPPrefix) {
    write(prefix.length)
    let count = (Int(prefix.length) + 7) / 8
    switch prefix.address {
    case .v4(let address):
      for index in 0..<count {
        write(UInt8(truncatingIfNeeded: address.rawValue >> UInt32(24 - index * 8)))
      }
    case .v6(let address):
      for index in 0..<count {
        let half = index < 8 ? address.high : address.low
        write(UInt8(truncatingIfNeeded: half >> UInt64(56 - (index % 8) * 8)))
      }
    }
  }

  mutating func write(_ address: IPv4Address) { write(address.rawValue) }

  mutating func write(_ address: IPv6Address) {
    write(address.high)
    write(address.low)
  }
}

extension IPPrefix {
  /// Octets in a message: the length and the address's significant octets.
  var encodedLength: Int { 1 + (Int(length) + 7) / 8 }
}
