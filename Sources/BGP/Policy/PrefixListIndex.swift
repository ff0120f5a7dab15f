import NetTypes

/// What a long list of rules is looked up by; it never changes the answer, which is that of the first
/// rule in sequence that matches.
package protocol PolicyListIndex<Condition>: Sendable {
  associatedtype Condition: PolicyCondition
  init()
  mutating func insert(_ rule: PolicyList<Condition>.Rule)
  mutating func remove(_ rule: PolicyList<Condition>.Rule)
}

/// What a rule of a list asks.
package protocol PolicyCondition: Hashable, Sendable {
  associatedtype Index: PolicyListIndex<Self> = NoIndex<Self>
}

/// Of lists that are looked through rule by rule.
package struct NoIndex<Condition: PolicyCondition>: PolicyListIndex {
  package init() {}
  package mutating func insert(_ rule: PolicyList<Condition>.Rule) {}
  package mutating func remove(_ rule: PolicyList<Condition>.Rule) {}
}

/// Rules by their prefix: what can match a candidate are the rules of the prefixes above it, of which
/// there is one for each length that occurs.
package struct PrefixListIndex: PolicyListIndex {
  package typealias Rule = PolicyList<PrefixCondition>.Rule

  /// By prefix, each in sequence.
  private var rules: [IPPrefix: [Rule]] = [:]
  /// How many prefixes of each length, by family.
  private var ipv4 = [Int](repeating: 0, count: 33)
  private var ipv6: [Int] = []

  package init() {}

  package mutating func insert(_ rule: Rule) {
    let prefix = rule.condition.prefix
    var bucket = rules[prefix] ?? []
    if bucket.isEmpty { count(prefix, 1) }
    let place = bucket.firstIndex { $0.sequence > rule.sequence } ?? bucket.count
    bucket.insert(rule, at: place)
    rules[prefix] = bucket
  }

  package mutating func remove(_ rule: Rule) {
    let prefix = rule.condition.prefix
    guard var bucket = rules[prefix] else { return }
    bucket.removeAll { $0.sequence == rule.sequence }
    rules[prefix] = bucket.isEmpty ? nil : bucket
    if bucket.isEmpty { count(prefix, -1) }
  }

  private mutating func count(_ prefix: IPPrefix, _ change: Int) {
    if prefix.isIPv4 { return ipv4[Int(prefix.length)] += change }
    if ipv6.isEmpty { ipv6 = [Int](repeating: 0, count: 129) }
    ipv6[Int(prefix.length)] += change
  }

  /// The first rule in sequence that matches.
  func first(matching candidate: IPPrefix) -> Rule? {
    let lengths = candidate.isIPv4 ? ipv4 : ipv6
    var found: Rule?
    for length in 0...Int(candidate.length) where length < lengths.count && lengths[length] > 0 {
      let above = IPPrefix(candidate.address, length: length)
      let rule = rules[above]?.first { $0.condition.lengths.contains(candidate.length) }
      if let rule, rule.sequence < found?.sequence ?? .max { found = rule }
    }
    return found
  }
}
