/// A zone's serial number, which goes round. RFC 1982.
package struct SerialNumber: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
  package var rawValue: UInt32

  package init(rawValue: UInt32) { self.rawValue = rawValue }
  package init(_ rawValue: UInt32) { self.rawValue = rawValue }

  /// RFC 1982 §3.2. Of two that are 2³¹ apart neither is newer.
  package func isNewer(than other: SerialNumber) -> Bool {
    (1..<0x8000_0000).contains(rawValue &- other.rawValue)
  }

  package var next: SerialNumber { SerialNumber(rawValue &+ 1) }

  package var description: String { String(rawValue) }
}
