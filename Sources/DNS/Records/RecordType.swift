/// A resource record's type, or a question's. RFC 1035 §3.2.2, RFC 6895.
package struct RecordType: RawRepresentable, Hashable, Comparable, Sendable {
  package var rawValue: UInt16

  @inlinable
  package init(rawValue: UInt16) { self.rawValue = rawValue }

  private init(_ rawValue: UInt16) { self.rawValue = rawValue }

  package static let a = Self(1)
  package static let ns = Self(2)
  package static let cname = Self(5)
  package static let soa = Self(6)
  package static let ptr = Self(12)
  package static let hinfo = Self(13)
  package static let mx = Self(15)
  package static let txt = Self(16)
  package static let rp = Self(17)
  package static let afsdb = Self(18)
  package static let sig = Self(24)
  package static let key = Self(25)
  package static let aaaa = Self(28)
  package static let loc = Self(29)
  package static let srv = Self(33)
  package static let naptr = Self(35)
  package static let kx = Self(36)
  package static let cert = Self(37)
  package static let dname = Self(39)
  package static let opt = Self(41)
  package static let apl = Self(42)
  package static let ds = Self(43)
  package static let sshfp = Self(44)
  package static let rrsig = Self(46)
  package static let nsec = Self(47)
  package static let dnskey = Self(48)
  package static let dhcid = Self(49)
  package static let nsec3 = Self(50)
  package static let nsec3param = Self(51)
  package static let tlsa = Self(52)
  package static let smimea = Self(53)
  package static let cds = Self(59)
  package static let cdnskey = Self(60)
  package static let openpgpkey = Self(61)
  package static let csync = Self(62)
  package static let zonemd = Self(63)
  package static let svcb = Self(64)
  package static let https = Self(65)
  package static let spf = Self(99)
  package static let eui48 = Self(108)
  package static let eui64 = Self(109)
  package static let tkey = Self(249)
  package static let tsig = Self(250)
  package static let ixfr = Self(251)
  package static let axfr = Self(252)
  package static let mailb = Self(253)
  package static let maila = Self(254)
  package static let any = Self(255)
  package static let uri = Self(256)
  package static let caa = Self(257)

  package static func < (a: Self, b: Self) -> Bool { a.rawValue < b.rawValue }

  /// Only a question has it, or a message's own machinery: never data of a zone. RFC 6895 §3.1.
  package var isMeta: Bool { self == .opt || (128...255).contains(rawValue) || rawValue == 0 }
}

extension RecordType: CustomStringConvertible {
  private static let names: [UInt16: String] = {
    var names: [UInt16: String] = [
      41: "OPT", 249: "TKEY", 250: "TSIG", 251: "IXFR", 252: "AXFR", 253: "MAILB", 254: "MAILA",
      255: "ANY",
    ]
    for layout in RecordLayout.all { names[layout.type] = layout.name }
    return names
  }()

  private static let values = Dictionary(uniqueKeysWithValues: names.map { ($1, $0) })

  /// The mnemonic; `TYPE65280` where there is none. RFC 3597 §5.
  package var description: String { Self.names[rawValue] ?? "TYPE\(rawValue)" }

  /// Parses what `description` writes, in either case; `*` is ANY.
  package init?(_ text: some StringProtocol) {
    let upper = text.uppercased()
    if let value = Self.values[upper] {
      rawValue = value
    } else if upper == "*" {
      self = .any
    } else if let value = UInt16(decimal: upper, after: "TYPE") {
      rawValue = value
    } else {
      return nil
    }
  }
}

/// A resource record's class. RFC 1035 §3.2.4.
package struct RecordClass: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
  package var rawValue: UInt16

  @inlinable
  package init(rawValue: UInt16) { self.rawValue = rawValue }

  package static let internet = Self(rawValue: 1)
  package static let chaos = Self(rawValue: 3)
  package static let hesiod = Self(rawValue: 4)
  /// RFC 2136 §2.4.
  package static let none = Self(rawValue: 254)
  package static let any = Self(rawValue: 255)

  private static let names: [UInt16: String] = [1: "IN", 3: "CH", 4: "HS", 254: "NONE", 255: "ANY"]

  package var description: String { Self.names[rawValue] ?? "CLASS\(rawValue)" }

  package init?(_ text: some StringProtocol) {
    let upper = text.uppercased()
    if let known = Self.names.first(where: { $1 == upper })?.key {
      rawValue = known
    } else if let value = UInt16(decimal: upper, after: "CLASS") {
      rawValue = value
    } else {
      return nil
    }
  }
}

extension UInt16 {
  /// The digits behind `prefix`, and nothing else.
  fileprivate init?(decimal text: String, after prefix: String) {
    guard text.hasPrefix(prefix) else { return nil }
    let digits = text.dropFirst(prefix.count)
    guard digits.utf8.allSatisfy(\.isDigit), let value = UInt16(digits) else { return nil }
    self = value
  }
}
