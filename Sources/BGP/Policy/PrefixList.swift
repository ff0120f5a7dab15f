import NetTypes

/// `ip prefix-list`, `ipv6 prefix-list`; access lists of prefixes have the same rules.
package typealias PrefixList = PolicyList<PrefixCondition>

/// Prefixes inside one prefix, of some lengths: `10.0.0.0/8 ge 24 le 28`.
package struct PrefixCondition: PolicyCondition {
  package typealias Index = PrefixListIndex

  package var prefix: IPPrefix
  /// The least length that matches.
  package var atLeast: UInt8?
  /// The greatest length that matches.
  package var atMost: UInt8?

  package init(_ prefix: IPPrefix, atLeast: UInt8? = nil, atMost: UInt8? = nil) {
    self.prefix = prefix
    self.atLeast = atLeast
    self.atMost = atMost
  }

  /// Every prefix of the family: `any`.
  package static func any(_ family: AddressFamily) -> Self {
    let prefix: IPPrefix = family == .ipv4 ? .defaultIPv4 : .defaultIPv6
    return Self(prefix, atMost: UInt8(family.bitWidth))
  }

  /// The lengths that match. Without `ge` and `le` it is the prefix's own; `ge` alone leaves the
  /// upper end open; `le` alone begins at the prefix's own.
  package var lengths: ClosedRange<UInt8> {
    let width = UInt8(prefix.address.bitWidth)
    let low = max(atLeast ?? prefix.length, prefix.length)
    let high = atMost ?? (atLeast == nil ? prefix.length : width)
    return low...max(low, min(high, width))
  }

  func matches(_ candidate: IPPrefix) -> Bool {
    candidate.isIPv4 == prefix.isIPv4 && lengths.contains(candidate.length)
      && prefix.contains(candidate)
  }
}

extension PolicyList where Condition == PrefixCondition {
  static var scanLimit: Int { 16 }

  /// A list of no rules holds every prefix, as in FRR.
  package func permits(_ prefix: IPPrefix) -> Bool {
    if isEmpty { return true }
    // A few rules are looked through faster than one is found.
    if rules.count <= Self.scanLimit { return permits { $0.matches(prefix) } }
    return index.first(matching: prefix)?.isPermitted ?? false
  }
}
