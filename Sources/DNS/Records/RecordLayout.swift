/// The fields of a record's data, in order: what reads and writes it, on the wire and in zone files,
/// goes by this one table.
struct RecordLayout: Sendable {
  enum Field: Sendable {
    case octet, short, long
    /// Seconds; a zone file may write `1h30m`.
    case period
    /// Seconds since 1970, as `YYYYMMDDHHmmSS`. RFC 4034 §3.2.
    case time
    case type
    /// Compressed on the wire by those who send it, or may have been. RFC 3597 §4.
    case name(mayBeCompressed: Bool)
    case ipv4, ipv6
    /// A length octet and as many. RFC 1035 §3.3.
    case string
    /// A string of letters and digits, never in quotation marks. RFC 8659 §4.1.1.
    case tag
    /// One or more strings to the end.
    case strings
    /// Text to the end, without a length.
    case text
    /// Octets to the end.
    case hexadecimal, base64
    /// A length octet and as many, in hexadecimal; a dash for none. RFC 5155 §3.3.
    case salt
    /// A length octet and as many, in base 32. RFC 5155 §3.3.
    case base32
    /// RFC 4034 §4.1.2.
    case types
    /// RFC 9460 §2.1.
    case parameters
    /// RFC 3123.
    case addressPrefixes
    /// RFC 1876.
    case location
    /// Octets in hexadecimal with dashes. RFC 7043.
    case hardwareAddress(octets: Int)
    /// 64 bits in four hexadecimal groups. RFC 6742 §2.
    case identifier
  }

  var type: UInt16
  var name: String
  var fields: [Field]

  private init(_ type: UInt16, _ name: String, _ fields: Field...) {
    self.type = type
    self.name = name
    self.fields = fields
  }

  private static let old = Field.name(mayBeCompressed: true)
  private static let new = Field.name(mayBeCompressed: false)

  static let all: [RecordLayout] = [
    Self(1, "A", .ipv4),
    Self(2, "NS", old),
    Self(3, "MD", old),
    Self(4, "MF", old),
    Self(5, "CNAME", old),
    Self(6, "SOA", old, old, .long, .period, .period, .period, .period),
    Self(7, "MB", old),
    Self(8, "MG", old),
    Self(9, "MR", old),
    Self(12, "PTR", old),
    Self(13, "HINFO", .string, .string),
    Self(14, "MINFO", old, old),
    Self(15, "MX", .short, old),
    Self(16, "TXT", .strings),
    Self(17, "RP", old, old),
    Self(18, "AFSDB", .short, old),
    Self(19, "X25", .string),
    Self(20, "ISDN", .strings),
    Self(21, "RT", .short, old),
    Self(24, "SIG", .type, .octet, .octet, .long, .time, .time, .short, old, .base64),
    Self(25, "KEY", .short, .octet, .octet, .base64),
    Self(26, "PX", .short, old, old),
    Self(27, "GPOS", .string, .string, .string),
    Self(28, "AAAA", .ipv6),
    Self(29, "LOC", .location),
    Self(33, "SRV", .short, .short, .short, old),
    Self(35, "NAPTR", .short, .short, .string, .string, .string, old),
    Self(36, "KX", .short, new),
    Self(37, "CERT", .short, .short, .octet, .base64),
    Self(39, "DNAME", new),
    Self(42, "APL", .addressPrefixes),
    Self(43, "DS", .short, .octet, .octet, .hexadecimal),
    Self(44, "SSHFP", .octet, .octet, .hexadecimal),
    Self(46, "RRSIG", .type, .octet, .octet, .long, .time, .time, .short, new, .base64),
    Self(47, "NSEC", new, .types),
    Self(48, "DNSKEY", .short, .octet, .octet, .base64),
    Self(49, "DHCID", .base64),
    Self(50, "NSEC3", .octet, .octet, .short, .salt, .base32, .types),
    Self(51, "NSEC3PARAM", .octet, .octet, .short, .salt),
    Self(52, "TLSA", .octet, .octet, .octet, .hexadecimal),
    Self(53, "SMIMEA", .octet, .octet, .octet, .hexadecimal),
    Self(59, "CDS", .short, .octet, .octet, .hexadecimal),
    Self(60, "CDNSKEY", .short, .octet, .octet, .base64),
    Self(61, "OPENPGPKEY", .base64),
    Self(62, "CSYNC", .long, .short, .types),
    Self(63, "ZONEMD", .long, .octet, .octet, .hexadecimal),
    Self(64, "SVCB", .short, new, .parameters),
    Self(65, "HTTPS", .short, new, .parameters),
    Self(99, "SPF", .strings),
    Self(104, "NID", .short, .identifier),
    Self(105, "L32", .short, .ipv4),
    Self(106, "L64", .short, .identifier),
    Self(107, "LP", .short, new),
    Self(108, "EUI48", .hardwareAddress(octets: 6)),
    Self(109, "EUI64", .hardwareAddress(octets: 8)),
    Self(256, "URI", .short, .short, .text),
    Self(257, "CAA", .octet, .tag, .text),
  ]

  private static let byType = Dictionary(uniqueKeysWithValues: all.map { ($0.type, $0) })

  /// Nil where data is opaque. RFC 3597.
  static func of(_ type: RecordType) -> RecordLayout? { byType[type.rawValue] }
}
