/// An IPv6 address as two halves in host byte order.

package struct IPv6Address: Hashable, Comparable, Sendable {
  package var high: UInt64
  package var low: UInt64

  @inlinable
  package init(high: UInt64, low: UInt64) {
    self.high = high
    self.low = low
  }

  /// The 16 octets, most significant first.
  package var octets: [UInt8] {
    (0..<16).map { UInt8(truncatingIfNeeded: ($0 < 8 ? high : low) >> UInt64(56 - ($0 % 8) * 8)) }
  }

  /// An address from its octets; nil unless there are 16.
  package init?(octets: some Collection<UInt8>) {
    guard octets.count == 16 else { return nil }
    var (high, low): (UInt64, UInt64) = (0, 0)
    for (index, octet) in octets.enumerated() {
      if index < 8 { high = high << 8 | UInt64(octet) } else { low = low << 8 | UInt64(octet) }
    }
    self.init(high: high, low: low)
  }

  /// Parses the text forms of RFC 4291 §2.2, without a zone.
  package init?(_ text: some StringProtocol) {
    var head: [UInt16] = []
    var tail: [UInt16] = []
    var compressed = false
    var rest = Substring(text)
    if rest.hasPrefix("::") {
      compressed = true
      rest = rest.dropFirst(2)
    } else if rest.hasPrefix(":") {
      return nil
    }
    while !rest.isEmpty {
      let end = rest.firstIndex(of: ":") ?? rest.endIndex
      let group = rest[..<end]
      if end == rest.endIndex, group.contains(".") {
        guard let v4 = IPv4Address(group) else { return nil }
        let words = [UInt16(v4.rawValue >> 16), UInt16(truncatingIfNeeded: v4.rawValue)]
        if compressed { tail += words } else { head += words }
        rest = ""
        break
      }
      guard (1...4).contains(group.utf8.count), !group.hasPrefix("+"),
        let word = UInt16(group, radix: 16)
      else { return nil }
      if compressed { tail.append(word) } else { head.append(word) }
      if end == rest.endIndex { break }
      rest = rest[rest.index(after: end)...]
      if rest.hasPrefix(":") {
        if compressed { return nil }
        compressed = true
        rest = rest.dropFirst()
      } else if rest.isEmpty {
        return nil
      }
    }
    let count = head.count + tail.count
    guard compressed ? count <= 7 : count == 8 else { return nil }
    let words = head + Array(repeating: 0, count: 8 - count) + tail
    var (high, low): (UInt64, UInt64) = (0, 0)
    for word in words[..<4] { high = high << 16 | UInt64(word) }
    for word in words[4...] { low = low << 16 | UInt64(word) }
    self.init(high: high, low: low)
  }

  package static let any = IPv6Address(high: 0, low: 0)
  package static let loopback = IPv6Address(high: 0, low: 1)

  @inlinable
  package static func < (a: Self, b: Self) -> Bool { (a.high, a.low) < (b.high, b.low) }
}

extension IPv6Address: CustomStringConvertible {
  /// The canonical text of RFC 5952 §4: lower case, the longest run of zeros compressed.
  package var description: String {
    let words = (0..<8).map {
      UInt16(truncatingIfNeeded: ($0 < 4 ? high : low) >> UInt64(48 - ($0 % 4) * 16))
    }
    var best = 0..<0
    var index = 0
    while index < 8 {
      let start = index
      while index < 8, words[index] == 0 { index += 1 }
      if index - start > max(best.count, 1) { best = start..<index }
      index += 1
    }
    let hex = { (part: ArraySlice<UInt16>) in
      part.map { String($0, radix: 16) }.joined(separator: ":")
    }
    guard !best.isEmpty else { return hex(words[...]) }
    return hex(words[..<best.lowerBound]) + "::" + hex(words[best.upperBound...])
  }
}
