/// An address of either family.

package enum IPAddress: Hashable, Sendable {
  case v4(IPv4Address)
  case v6(IPv6Address)

  package init?(_ text: some StringProtocol) {
    if let v4 = IPv4Address(text) {
      self = .v4(v4)
    } else if let v6 = IPv6Address(text) {
      self = .v6(v6)
    } else {
      return nil
    }
  }

  /// 32 or 128.
  package var bitWidth: Int {
    switch self {
    case .v4: 32
    case .v6: 128
    }
  }

  package var isIPv4: Bool {
    if case .v4 = self { true } else { false }
  }

  package var v4: IPv4Address? {
    if case .v4(let address) = self { address } else { nil }
  }

  /// The octets in network order: 4 or 16.
  package var octets: [UInt8] {
    switch self {
    case .v4(let a): [a.octets.0, a.octets.1, a.octets.2, a.octets.3]
    case .v6(let a): a.octets
    }
  }

  /// The address `offset` further on, wrapping within its family.
  package func advanced(by offset: Int) -> IPAddress {
    switch self {
    case .v4(let a):
      return .v4(IPv4Address(rawValue: a.rawValue &+ UInt32(truncatingIfNeeded: offset)))
    case .v6(let a):
      let (low, carry) = a.low.addingReportingOverflow(UInt64(bitPattern: Int64(offset)))
      let high = a.high &+ (offset < 0 ? UInt64.max : 0) &+ (carry ? 1 : 0)
      return .v6(IPv6Address(high: high, low: low))
    }
  }
}

extension IPAddress: Comparable {
  /// IPv4 sorts before IPv6.
  package static func < (a: Self, b: Self) -> Bool {
    switch (a, b) {
    case (.v4(let a), .v4(let b)): a < b
    case (.v6(let a), .v6(let b)): a < b
    case (.v4, .v6): true
    case (.v6, .v4): false
    }
  }
}

extension IPAddress: CustomStringConvertible {
  package var description: String {
    switch self {
    case .v4(let address): address.description
    case .v6(let address): address.description
    }
  }
}

/// An address and a transport port, as `10.0.0.1:80` or `[::1]:80`.
package struct SocketAddress: Hashable, Comparable, Sendable, CustomStringConvertible {
  package var address: IPAddress
  package var port: UInt16

  package init(_ address: IPAddress, port: UInt16) {
    self.address = address
    self.port = port
  }

  /// Parses `a.b.c.d:port` or `[v6]:port`.
  package init?(_ text: some StringProtocol) {
    guard let colon = text.lastIndex(of: ":"), let port = UInt16(text[text.index(after: colon)...])
    else { return nil }
    var host = text[..<colon]
    if host.hasPrefix("["), host.hasSuffix("]") {
      host = host.dropFirst().dropLast()
      guard let v6 = IPv6Address(host) else { return nil }
      self.init(.v6(v6), port: port)
    } else {
      guard let v4 = IPv4Address(host) else { return nil }
      self.init(.v4(v4), port: port)
    }
  }

  package var description: String {
    address.isIPv4 ? "\(address):\(port)" : "[\(address)]:\(port)"
  }

  package static func < (a: Self, b: Self) -> Bool { (a.address, a.port) < (b.address, b.port) }
}

extension IPAddress {
  /// Of 4 or 16 octets, the most significant first; nil of any other number.
  package init?(octets: some Collection<UInt8>) {
    if octets.count == 4 {
      self = .v4(IPv4Address(rawValue: octets.reduce(0) { $0 << 8 | UInt32($1) }))
    } else if let address = IPv6Address(octets: octets) {
      self = .v6(address)
    } else {
      return nil
    }
  }
}
