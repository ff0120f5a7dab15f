import NetTypes

/// `bgp community-list`.
package typealias CommunityList = PolicyList<CommunityCondition<Community>>
/// `bgp large-community-list`.
package typealias LargeCommunityList = PolicyList<CommunityCondition<LargeCommunity>>
/// `bgp extcommunity-list`.
package typealias ExtendedCommunityList = PolicyList<CommunityCondition<ExtendedCommunity>>

/// A community of any kind, which has a text.
package protocol CommunityValue: Hashable, Comparable, Sendable, CustomStringConvertible {
  /// Stands for every route, as `internet`.
  var isEverything: Bool { get }
}

extension CommunityValue {
  package var isEverything: Bool { false }
}

package enum CommunityCondition<Value: CommunityValue>: PolicyCondition {
  /// A standard list: all of these are there.
  case all([Value])
  /// An expanded list: a pattern over the communities' text.
  case pattern(PathExpression)

  package var isExpanded: Bool { if case .pattern = self { true } else { false } }

  /// - Parameter isExact: The route has these communities and no others.
  func matches(_ communities: [Value], isExact: Bool) -> Bool {
    switch self {
    case .all(let wanted) where isExact: Set(wanted) == Set(communities)
    case .all(let wanted): wanted.allSatisfy { $0.isEverything || communities.contains($0) }
    case .pattern(let expression): expression.matches(Self.text(communities))
    }
  }

  /// Whether the condition names `community`, for the deletion of single ones.
  func names(_ community: Value) -> Bool {
    switch self {
    case .all(let values): values.contains { $0.isEverything || $0 == community }
    case .pattern(let expression): expression.matches(Self.text([community]))
    }
  }

  /// As routers print them: sorted, with spaces between.
  private static func text(_ communities: [Value]) -> [UInt8] {
    Array(communities.sorted().map(\.description).joined(separator: " ").utf8)
  }
}

extension PolicyList {
  func permits<Value>(_ communities: [Value], isExact: Bool) -> Bool
  where Condition == CommunityCondition<Value> {
    permits { $0.matches(communities, isExact: isExact) }
  }

  /// Without those that the list permits.
  func deleting<Value>(from communities: [Value]) -> [Value]
  where Condition == CommunityCondition<Value> {
    communities.filter { community in !permits { $0.names(community) } }
  }
}

extension Community: CommunityValue {
  /// 0:0, which FRR takes for every route.
  package static let internet = Community(rawValue: 0)

  package var isEverything: Bool { self == .internet }

  package static func < (a: Self, b: Self) -> Bool { a.rawValue < b.rawValue }

  /// The well-known ones, by the words that routers use. RFC 1997, 3765, 7999, 8326.
  package static let wellKnown: [(name: String, value: Community)] = [
    ("internet", .internet), ("graceful-shutdown", Community(rawValue: 0xFFFF_0000)),
    ("accept-own", Community(rawValue: 0xFFFF_0001)),
    ("blackhole", Community(rawValue: 0xFFFF_029A)), ("no-export", .noExport),
    ("no-advertise", .noAdvertise), ("local-AS", .noExportSubconfederation),
    ("no-peer", Community(rawValue: 0xFFFF_FF04)),
  ]

  /// `65000:1`, a well-known one's name, or one number.
  package init?(text: some StringProtocol) {
    if let known = Self.wellKnown.first(where: { $0.name == text }) {
      self = known.value
    } else if let parts = numbers(in: text, count: 2), let high = UInt16(exactly: parts[0]),
      let low = UInt16(exactly: parts[1])
    {
      self.init(rawValue: UInt32(high) << 16 | UInt32(low))
    } else if let parts = numbers(in: text, count: 1) {
      self.init(rawValue: parts[0])
    } else {
      return nil
    }
  }
}

extension LargeCommunity: CommunityValue {
  package static func < (a: Self, b: Self) -> Bool {
    (a.global, a.local1, a.local2) < (b.global, b.local1, b.local2)
  }

  /// `65000:1:2`.
  package init?(text: some StringProtocol) {
    guard let parts = numbers(in: text, count: 3) else { return nil }
    self.init(global: parts[0], local1: parts[1], local2: parts[2])
  }
}

/// Decimal numbers with colons between; nil if they are not `count`.
func numbers(in text: some StringProtocol, count: Int) -> [UInt32]? {
  let parts = text.split(separator: ":", omittingEmptySubsequences: false)
  guard parts.count == count else { return nil }
  let values = parts.compactMap { part in
    part.utf8.allSatisfy { (0x30...0x39).contains($0) } ? UInt32(part) : nil
  }
  return values.count == count ? values : nil
}
