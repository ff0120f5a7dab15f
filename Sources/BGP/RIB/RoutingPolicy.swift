import NetTypes

/// The filters that neighbours name. A name without a filter lets nothing through.
package struct RoutingPolicy: Equatable, Sendable {
  package var filters: [String: RouteFilter]

  package init(filters: [String: RouteFilter] = [:]) { self.filters = filters }

  /// The attributes to go on with; nil: rejected.
  func apply(
    _ chain: PolicyChain, to prefix: IPPrefix, _ attributes: PathAttributes
  ) -> PathAttributes? {
    guard let name = chain.routeMap else { return attributes }
    return filters[name]?.apply(to: prefix, attributes)
  }
}

/// Rules in order; the first that matches decides.
package struct RouteFilter: Equatable, Sendable {
  package struct Rule: Equatable, Sendable {
    /// Matches prefixes inside this one; nil: every prefix.
    package var prefix: IPPrefix?
    /// Lengths that match; nil: the prefix's own length alone, or any without a prefix.
    package var lengths: ClosedRange<Int>?
    package var isPermitted: Bool
    package var localPreference: UInt32?
    package var multiExitDiscriminator: UInt32?

    package init(_ isPermitted: Bool, prefix: IPPrefix? = nil, lengths: ClosedRange<Int>? = nil) {
      self.isPermitted = isPermitted
      self.prefix = prefix
      self.lengths = lengths
    }

    func matches(_ candidate: IPPrefix) -> Bool {
      guard let prefix else { return lengths?.contains(Int(candidate.length)) ?? true }
      guard prefix.contains(candidate) else { return false }
      return lengths?.contains(Int(candidate.length)) ?? (candidate.length == prefix.length)
    }
  }

  package var rules: [Rule]
  /// What becomes of a prefix that no rule matches.
  package var permitsOthers: Bool

  package init(rules: [Rule], permitsOthers: Bool = false) {
    self.rules = rules
    self.permitsOthers = permitsOthers
  }

  func apply(to prefix: IPPrefix, _ attributes: PathAttributes) -> PathAttributes? {
    guard let rule = rules.first(where: { $0.matches(prefix) }) else {
      return permitsOthers ? attributes : nil
    }
    guard rule.isPermitted else { return nil }
    var attributes = attributes
    if let value = rule.localPreference { attributes.localPreference = value }
    if let value = rule.multiExitDiscriminator { attributes.multiExitDiscriminator = value }
    return attributes
  }
}
