import NetTypes

/// A prefix of one family in as few octets as it needs.
protocol PrefixKey: Hashable, Sendable {
  init(_ prefix: IPPrefix)
  var prefix: IPPrefix { get }
}

/// The address above the length, in one word.
struct IPv4PrefixKey: PrefixKey {
  private let rawValue: UInt64

  init(_ prefix: IPPrefix) {
    rawValue = UInt64(prefix.address.v4?.rawValue ?? 0) << 8 | UInt64(prefix.length)
  }

  var prefix: IPPrefix {
    let address = IPv4Address(rawValue: UInt32(truncatingIfNeeded: rawValue >> 8))
    return IPPrefix(.v4(address), length: Int(rawValue & 0xff))
  }
}

struct IPv6PrefixKey: PrefixKey {
  private let high: UInt64
  private let low: UInt64
  private let length: UInt8

  init(_ prefix: IPPrefix) {
    if case .v6(let address) = prefix.address {
      (high, low) = (address.high, address.low)
    } else {
      (high, low) = (0, 0)
    }
    length = prefix.length
  }

  var prefix: IPPrefix {
    IPPrefix(.v6(IPv6Address(high: high, low: low)), length: Int(length))
  }
}
