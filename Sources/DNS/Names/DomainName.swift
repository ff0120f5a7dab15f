import Wire

/// A domain name, absolute. RFC 1034 §3.1.
///
/// It holds the wire form of RFC 1035 §3.1 and keeps the case it came in; letters compare without
/// their case (RFC 4343).
package struct DomainName: Sendable {
  /// Labels with their lengths, and the root's zero.
  package let wire: [UInt8]

  /// Octets of the longest name, its lengths and the root's zero among them. RFC 1035 §2.3.4.
  package static let maximumLength = 255
  package static let maximumLabelLength = 63
  /// Labels of the longest name, the root's not counted.
  package static let maximumLabelCount = 127

  package static let root = DomainName(unchecked: [0])

  /// - Precondition: `wire` is a name as this type holds it.
  init(unchecked wire: [UInt8]) { self.wire = wire }

  /// A name from its labels, the first one first. Nil where one is empty or too long, or all are.
  package init?(labels: some Sequence<some Collection<UInt8>>) {
    var wire: [UInt8] = []
    for label in labels {
      guard (1...Self.maximumLabelLength).contains(label.count) else { return nil }
      wire.append(UInt8(label.count))
      wire.append(contentsOf: label)
    }
    wire.append(0)
    guard wire.count <= Self.maximumLength else { return nil }
    self.wire = wire
  }

  package var isRoot: Bool { wire.count == 1 }

  /// The labels without the root's, the first one first.
  package var labels: [ArraySlice<UInt8>] {
    var labels: [ArraySlice<UInt8>] = []
    var index = 0
    while wire[index] != 0 {
      let end = index + 1 + Int(wire[index])
      labels.append(wire[(index + 1)..<end])
      index = end
    }
    return labels
  }

  package var labelCount: Int {
    var (count, index) = (0, 0)
    while wire[index] != 0 {
      index += 1 + Int(wire[index])
      count += 1
    }
    return count
  }

  /// The name without its first label; nil of the root.
  package var parent: DomainName? {
    isRoot ? nil : DomainName(unchecked: Array(wire[(1 + Int(wire[0]))...]))
  }

  /// The last `count` labels.
  package func suffix(_ count: Int) -> DomainName {
    var (index, left) = (0, labelCount)
    while left > count {
      index += 1 + Int(wire[index])
      left -= 1
    }
    return DomainName(unchecked: Array(wire[index...]))
  }

  /// True also of the name itself.
  package func isSubdomain(of other: DomainName) -> Bool {
    var index = 0
    while wire.count - index > other.wire.count { index += 1 + Int(wire[index]) }
    guard wire.count - index == other.wire.count else { return false }
    return zip(wire[index...], other.wire).allSatisfy { $0.lowercased == $1.lowercased }
  }

  /// Nil where `label` is no label, or the name would get too long.
  package func prepending(_ label: some Collection<UInt8>) -> DomainName? {
    guard (1...Self.maximumLabelLength).contains(label.count),
      wire.count + label.count < Self.maximumLength
    else { return nil }
    return DomainName(unchecked: [UInt8(label.count)] + label + wire)
  }

  /// The label as it is, dots and backslashes too.
  package func prepending(_ label: String) -> DomainName? { prepending(Array(label.utf8)) }

  /// `name` below `self`; nil where that is too long.
  package func prepending(_ name: DomainName) -> DomainName? {
    let length = name.wire.count - 1 + wire.count
    return length > Self.maximumLength ? nil : DomainName(unchecked: name.wire.dropLast() + wire)
  }

  /// The first label is an asterisk alone. RFC 4592 §2.1.1.
  package var isWildcard: Bool { wire.count > 2 && wire[0] == 1 && wire[1] == UInt8(ascii: "*") }

  /// With all letters small. RFC 4034 §6.2.
  package var lowercased: DomainName { DomainName(unchecked: wire.map(\.lowercased)) }
}

extension DomainName: Hashable {
  package static func == (a: Self, b: Self) -> Bool {
    let (one, other) = (a.wire.span, b.wire.span)
    if one.count != other.count { return false }
    var index = 0
    while index < one.count {
      // A length octet is below 64, where no letter is.
      if one.lowercasedWord(at: index) != other.lowercasedWord(at: index) { return false }
      index += 8
    }
    return true
  }

  package func hash(into hasher: inout Hasher) {
    let octets = wire.span
    var index = 0
    while index < octets.count {
      hasher.combine(octets.lowercasedWord(at: index))
      index += 8
    }
  }
}

extension Span<UInt8> {
  /// Eight octets from `index` on, or those that are left, in small letters.
  @inline(__always)
  fileprivate func lowercasedWord(at index: Int) -> UInt64 {
    if index + 8 <= count { return word(at: index).lowercasedOctets }
    var word: UInt64 = 0
    for last in index..<count { word = word << 8 | UInt64(self[last]) }
    return word.lowercasedOctets
  }
}

extension DomainName: Comparable {
  /// The canonical order: by labels from the root, each as octets in lower case. RFC 4034 §6.1.
  package static func < (a: Self, b: Self) -> Bool {
    let (left, right) = (a.labels, b.labels)
    for (one, other) in zip(left.reversed(), right.reversed()) {
      let (one, other) = (one.lazy.map(\.lowercased), other.lazy.map(\.lowercased))
      if one.lexicographicallyPrecedes(other) { return true }
      if other.lexicographicallyPrecedes(one) { return false }
    }
    return left.count < right.count
  }
}

extension UInt8 {
  /// The small letter of a capital one; anything else as it is. RFC 4343 §3.
  @inline(__always)
  package var lowercased: UInt8 { self &- 0x41 < 26 ? self | 0x20 : self }

  @inline(__always)
  var isDigit: Bool { self &- 0x30 < 10 }

  var isLetterOrDigit: Bool { isDigit || (0x61...0x7a).contains(self | 0x20) }
}
