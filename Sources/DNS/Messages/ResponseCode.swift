/// RFC 1035 §4.1.1, RFC 6895 §2.3; of 12 bits with EDNS (RFC 6891 §6.1.3).
package struct ResponseCode: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
  package var rawValue: UInt16

  @inlinable
  package init(rawValue: UInt16) { self.rawValue = rawValue }

  package static let noError = Self(rawValue: 0)
  package static let formatError = Self(rawValue: 1)
  package static let serverFailure = Self(rawValue: 2)
  package static let nameError = Self(rawValue: 3)
  package static let notImplemented = Self(rawValue: 4)
  package static let refused = Self(rawValue: 5)
  package static let notAuthoritative = Self(rawValue: 9)
  package static let badVersion = Self(rawValue: 16)
  package static let badCookie = Self(rawValue: 23)

  private static let names: [UInt16: String] = [
    0: "NOERROR", 1: "FORMERR", 2: "SERVFAIL", 3: "NXDOMAIN", 4: "NOTIMP", 5: "REFUSED",
    6: "YXDOMAIN", 7: "YXRRSET", 8: "NXRRSET", 9: "NOTAUTH", 10: "NOTZONE", 16: "BADVERS",
    17: "BADKEY", 18: "BADTIME", 19: "BADMODE", 20: "BADNAME", 21: "BADALG", 22: "BADTRUNC",
    23: "BADCOOKIE",
  ]

  package var description: String { Self.names[rawValue] ?? "RCODE\(rawValue)" }
}

/// RFC 6895 §2.2.
package struct Opcode: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
  /// Four bits.
  package var rawValue: UInt8

  @inlinable
  package init(rawValue: UInt8) { self.rawValue = rawValue & 15 }

  package static let query = Self(rawValue: 0)
  package static let status = Self(rawValue: 2)
  /// RFC 1996.
  package static let notify = Self(rawValue: 4)
  package static let update = Self(rawValue: 5)

  private static let names: [UInt8: String] = [
    0: "QUERY", 1: "IQUERY", 2: "STATUS", 4: "NOTIFY", 5: "UPDATE", 6: "DSO",
  ]

  package var description: String { Self.names[rawValue] ?? "OPCODE\(rawValue)" }
}
