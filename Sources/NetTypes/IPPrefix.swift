/// A prefix in canonical form: no bit is set beyond its length.

package struct IPPrefix: Hashable, Sendable {
  package let address: IPAddress
  /// 0...32 or 0...128.
  package let length: UInt8

  /// The prefix of `length` bits that holds `address`; host bits are cleared.
  /// - Precondition: `length` is within the family's width.
  package init(_ address: IPAddress, length: Int) {
    precondition((0...address.bitWidth).contains(length), "prefix length \(length)")
    switch address {
    case .v4(let a):
      let mask: UInt32 = length == 0 ? 0 : ~0 << UInt32(32 - length)
      self.address = .v4(IPv4Address(rawValue: a.rawValue & mask))
    case .v6(let a):
      let high: UInt64 = length == 0 ? 0 : ~0 << UInt64(max(64 - length, 0))
      let low: UInt64 = length <= 64 ? 0 : ~0 << UInt64(128 - length)
      self.address = .v6(IPv6Address(high: a.high & high, low: a.low & low))
    }
    self.length = UInt8(length)
  }

  /// Parses `address/length`. Nil if malformed or if a host bit is set (`10.0.0.1/8`).
  package init?(_ text: some StringProtocol) {
    guard let parsed = InterfaceAddress(text), parsed.prefix.address == parsed.address else {
      return nil
    }
    self = parsed.prefix
  }

  /// The prefix that holds just `address`.
  package init(host address: IPAddress) { self.init(address, length: address.bitWidth) }

  package static let defaultIPv4 = IPPrefix(.v4(.any), length: 0)
  package static let defaultIPv6 = IPPrefix(.v6(.any), length: 0)

  package var isIPv4: Bool { address.isIPv4 }

  package func contains(_ other: IPAddress) -> Bool {
    other.bitWidth == address.bitWidth && IPPrefix(other, length: Int(length)).address == address
  }

  /// True also of an equal prefix.
  package func contains(_ other: IPPrefix) -> Bool {
    other.length >= length && contains(other.address)
  }

  package func overlaps(_ other: IPPrefix) -> Bool { contains(other) || other.contains(self) }

  /// The number of addresses, saturating at `Int.max`.
  package var count: Int {
    let bits = address.bitWidth - Int(length)
    return bits >= 63 ? Int.max : 1 << bits
  }

  /// The address at `index` from the prefix's first.
  package subscript(index: Int) -> IPAddress { address.advanced(by: index) }

  /// The distance of `other` from the first address, if it is inside and fits an Int.
  package func index(of other: IPAddress) -> Int? {
    guard contains(other) else { return nil }
    switch (address, other) {
    case (.v4(let base), .v4(let a)): return Int(a.rawValue - base.rawValue)
    case (.v6(let base), .v6(let a)):
      return a.high == base.high ? Int(exactly: a.low &- base.low) : nil
    default: return nil
    }
  }

  /// The last address: the broadcast address of an IPv4 subnet.
  package var last: IPAddress {
    switch address {
    case .v4(let a):
      return .v4(
        IPv4Address(rawValue: a.rawValue | (length == 0 ? ~0 : ~(~0 << UInt32(32 - length)))))
    case .v6(let a):
      let high: UInt64 = length >= 64 ? 0 : ~0 >> UInt64(length)
      let low: UInt64 = length >= 128 ? 0 : length <= 64 ? ~0 : ~0 >> UInt64(length - 64)
      return .v6(IPv6Address(high: a.high | high, low: a.low | low))
    }
  }
}

extension IPPrefix: Comparable {
  package static func < (a: Self, b: Self) -> Bool { (a.address, a.length) < (b.address, b.length) }
}

extension IPPrefix: CustomStringConvertible {
  package var description: String { "\(address)/\(length)" }
}

/// An address on a link with the prefix length of its subnet, as `172.19.0.2/16`.
package struct InterfaceAddress: Hashable, Sendable, CustomStringConvertible {
  package let address: IPAddress
  package let prefix: IPPrefix

  package init(_ address: IPAddress, length: Int) {
    self.address = address
    prefix = IPPrefix(address, length: length)
  }

  package init?(_ text: some StringProtocol) {
    guard let slash = text.firstIndex(of: "/"), let address = IPAddress(text[..<slash]) else {
      return nil
    }
    let digits = text[text.index(after: slash)...]
    guard digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let length = Int(digits),
      (0...address.bitWidth).contains(length)
    else { return nil }
    self.init(address, length: length)
  }

  package var description: String { "\(address)/\(prefix.length)" }
}
