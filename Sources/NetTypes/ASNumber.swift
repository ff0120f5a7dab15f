/// An autonomous system number, 4 octets. RFC 6793.

package struct ASNumber: Hashable, Comparable, Sendable, CustomStringConvertible {
  package var rawValue: UInt32

  @inlinable
  package init(_ rawValue: UInt32) { self.rawValue = rawValue }

  /// Parses asplain (`64512`) or asdot (`1.10`). RFC 5396.
  package init?(text: some StringProtocol) {
    if let dot = text.firstIndex(of: ".") {
      guard let high = UInt16(text[..<dot]), let low = UInt16(text[text.index(after: dot)...])
      else {
        return nil
      }
      rawValue = UInt32(high) << 16 | UInt32(low)
    } else {
      guard let value = UInt32(text) else { return nil }
      rawValue = value
    }
  }

  @inlinable
  package static func < (a: Self, b: Self) -> Bool { a.rawValue < b.rawValue }

  package var description: String { String(rawValue) }
}
