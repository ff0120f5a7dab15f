import NetTypes

/// An extended community with a text. RFC 4360, RFC 5668 (four-octet AS).
package struct ExtendedCommunity: RawRepresentable, CommunityValue {
  package enum Kind: UInt8, Sendable, CaseIterable {
    case routeTarget = 2
    case siteOfOrigin = 3

    /// As route maps write it.
    package var keyword: String { self == .routeTarget ? "rt" : "soo" }
  }

  package var rawValue: UInt64
  package init(rawValue: UInt64) { self.rawValue = rawValue }

  /// `65000:1`, `192.0.2.1:1` or `4200000000:1`.
  package init?(_ kind: Kind, text: some StringProtocol) {
    guard let colon = text.firstIndex(of: ":") else { return nil }
    let (head, tail) = (text[..<colon], text[text.index(after: colon)...])
    let subtype = UInt64(kind.rawValue) << 48
    if let address = IPv4Address(head), let parts = numbers(in: tail, count: 1),
      let number = UInt16(exactly: parts[0])
    {
      rawValue = 1 << 56 | subtype | UInt64(address.rawValue) << 16 | UInt64(number)
    } else if let parts = numbers(in: text, count: 2) {
      if let number = UInt16(exactly: parts[0]) {
        rawValue = subtype | UInt64(number) << 32 | UInt64(parts[1])
      } else if let number = UInt16(exactly: parts[1]) {
        rawValue = 2 << 56 | subtype | UInt64(parts[0]) << 16 | UInt64(number)
      } else {
        return nil
      }
    } else {
      return nil
    }
  }

  package static func < (a: Self, b: Self) -> Bool { a.rawValue < b.rawValue }

  /// Nil for one that is neither route target nor site of origin.
  package var kind: Kind? {
    rawValue >> 56 <= 2 ? Kind(rawValue: UInt8(truncatingIfNeeded: rawValue >> 48)) : nil
  }

  /// The value without its kind, as `65000:1`.
  package var value: String {
    switch rawValue >> 56 {
    case 0:
      let number = UInt16(truncatingIfNeeded: rawValue >> 32)
      return "\(number):\(UInt32(truncatingIfNeeded: rawValue))"
    case 1:
      let address = IPv4Address(rawValue: UInt32(truncatingIfNeeded: rawValue >> 16))
      return "\(address):\(UInt16(truncatingIfNeeded: rawValue))"
    default:
      let number = UInt32(truncatingIfNeeded: rawValue >> 16)
      return "\(number):\(UInt16(truncatingIfNeeded: rawValue))"
    }
  }

  /// `RT:65000:1`, `SoO:65000:1`, or the octets of an unknown one.
  package var description: String {
    switch kind {
    case .routeTarget: "RT:\(value)"
    case .siteOfOrigin: "SoO:\(value)"
    case nil: "UNK:0x\(String(rawValue, radix: 16))"
    }
  }
}
