import BGP
import NetTypes

extension ZebosConfiguration {
  /// Lists and route maps. False if the statement is none of these.
  mutating func applyPolicy(
    _ statement: inout Statement, _ context: inout Context, _ negated: Bool
  ) throws(Mistake) -> Bool {
    if statement.takeWords(["ip", "prefix-list"]) {
      try Self.apply(&statement, to: &policy.prefixLists, .ipv4, negated)
    } else if statement.takeWords(["ipv6", "prefix-list"]) {
      try Self.apply(&statement, to: &policy.prefixListsIPv6, .ipv6, negated)
    } else if statement.take("access-list") {
      try Self.applyAccess(&statement, to: &policy.accessLists, .ipv4, negated)
    } else if statement.takeWords(["ipv6", "access-list"]) {
      try Self.applyAccess(&statement, to: &policy.accessListsIPv6, .ipv6, negated)
    } else if statement.takeWords(["bgp", "as-path", "access-list"])
      || statement.takeWords(["ip", "as-path", "access-list"])
    {
      try Self.applyRule(&statement, to: &policy.asPathLists, negated) {
        (statement) throws(Mistake) in try statement.pattern()
      }
    } else if statement.takeWords(["bgp", "community-list"])
      || statement.takeWords(["ip", "community-list"])
    {
      try Self.applyCommunity(&statement, to: &policy.communityLists, negated) {
        (statement) throws(Mistake) in try statement.communities()
      }
    } else if statement.takeWords(["bgp", "large-community-list"])
      || statement.takeWords(["ip", "large-community-list"])
    {
      try Self.applyCommunity(&statement, to: &policy.largeCommunityLists, negated) {
        (statement) throws(Mistake) in try statement.largeCommunities()
      }
    } else if statement.takeWords(["bgp", "extcommunity-list"])
      || statement.takeWords(["ip", "extcommunity-list"])
    {
      try Self.applyCommunity(&statement, to: &policy.extendedCommunityLists, negated) {
        (statement) throws(Mistake) in try statement.extendedCommunities()
      }
    } else if statement.take("route-map") {
      try applyRouteMap(&statement, &context, negated)
      return true
    } else {
      return false
    }
    context = .global
    return true
  }

  /// `NAME [seq N] permit|deny PREFIX [ge N] [le N]`, `NAME description TEXT`.
  private static func apply(
    _ statement: inout Statement, to lists: inout [String: PrefixList], _ family: AddressFamily,
    _ negated: Bool
  ) throws(Mistake) {
    try applyRule(&statement, to: &lists, negated, describes: true) {
      (statement) throws(Mistake) in
      if statement.take("any") { return .any(family) }
      var condition = PrefixCondition(try statement.prefix(family))
      let width = Int64(family.bitWidth)
      let low = Int64(condition.prefix.length)
      if statement.take("ge") {
        condition.atLeast = UInt8(try statement.number(low...width, "\(low) to \(width)"))
      }
      if statement.take("le") {
        let floor = Int64(condition.atLeast ?? condition.prefix.length)
        condition.atMost = UInt8(try statement.number(floor...width, "\(floor) to \(width)"))
      }
      return condition
    }
  }

  /// `NAME [seq N] permit|deny any|PREFIX [exact-match]`.
  private static func applyAccess(
    _ statement: inout Statement, to lists: inout [String: PrefixList], _ family: AddressFamily,
    _ negated: Bool
  ) throws(Mistake) {
    try applyRule(&statement, to: &lists, negated) { (statement) throws(Mistake) in
      if statement.take("any") { return .any(family) }
      let prefix = try statement.prefix(family)
      let isExact = statement.take("exact-match")
      return PrefixCondition(prefix, atMost: isExact ? nil : UInt8(family.bitWidth))
    }
  }

  /// `[standard|expanded] NAME [seq N] permit|deny …`.
  private static func applyCommunity<Value>(
    _ statement: inout Statement, to lists: inout [String: PolicyList<CommunityCondition<Value>>],
    _ negated: Bool, _ values: (inout Statement) throws(Mistake) -> [Value]
  ) throws(Mistake) {
    let isStandard = statement.take("standard")
    var isExpanded = !isStandard && statement.take("expanded")
    // By number: 1 to 99 are standard lists, 100 to 500 expanded ones.
    if !isStandard, !isExpanded, let number = statement.peek.flatMap({ Int($0) }) {
      isExpanded = (100...500).contains(number)
    }
    let expanded = isExpanded
    if let name = statement.peek, let first = lists[name]?.rules.first,
      first.condition.isExpanded != expanded
    {
      throw statement.mistake(
        "\(first.condition.isExpanded ? "expanded" : "standard"), which \(name) is")
    }
    try applyRule(&statement, to: &lists, negated) { (statement) throws(Mistake) in
      expanded ? .pattern(try statement.pattern()) : .all(try values(&statement))
    }
  }

  private static func applyRule<Condition>(
    _ statement: inout Statement, to lists: inout [String: PolicyList<Condition>],
    _ negated: Bool, describes: Bool = false,
    _ condition: (inout Statement) throws(Mistake) -> Condition
  ) throws(Mistake) {
    let name = try statement.word("a list's name")
    if negated, lists[name] == nil { throw statement.mistake("a list that exists") }
    if negated, statement.isAtEnd {
      lists[name] = nil
      return
    }
    var list = lists[name] ?? PolicyList()
    if describes, statement.take("description") {
      let text = statement.remainder()
      list.description = negated || text.isEmpty ? nil : text
      lists[name] = list == PolicyList() ? nil : list
      return
    }
    var sequence: UInt32?
    if statement.take("seq") {
      sequence = UInt32(try statement.number(1...4_294_967_295, "1 to 4294967295"))
    }
    if negated, statement.isAtEnd, let sequence {
      guard list.remove(sequence: sequence) else { throw statement.mistake("a rule that exists") }
    } else {
      let permits = statement.take("permit")
      if !permits { try statement.need("deny", or: "permit or deny") }
      let condition = try condition(&statement)
      if !negated {
        list.add(permit: permits, condition, sequence: sequence)
      } else if !list.remove(permit: permits, condition) {
        throw statement.mistake("a rule that exists")
      }
    }
    lists[name] = list == PolicyList() ? nil : list
  }
}

extension ZebosConfiguration.Statement {
  typealias Mistake = ZebosConfiguration.Mistake

  mutating func prefix(_ family: AddressFamily) throws(Mistake) -> IPPrefix {
    guard let word = next(), let prefix = IPPrefix(word), AddressFamily(of: prefix) == family
    else {
      let example = family == .ipv4 ? "10.53.0.0/16" : "2001:db8::/32"
      throw mistake("a prefix without host bits, as \(example), or any")
    }
    return prefix
  }

  mutating func pattern() throws(Mistake) -> PathExpression {
    let text = remainder()
    if text.isEmpty { throw mistake("a regular expression") }
    do throws(PathExpression.Mistake) {
      return try PathExpression(text)
    } catch {
      throw mistake("\(error)")
    }
  }

  mutating func communities() throws(Mistake) -> [Community] {
    try list("communities, as 65000:1 or no-export") { Community(text: $0) }
  }

  mutating func largeCommunities() throws(Mistake) -> [LargeCommunity] {
    try list("large communities, as 65000:1:2") { LargeCommunity(text: $0) }
  }

  /// `rt 65000:1 soo 65000:2`.
  mutating func extendedCommunities() throws(Mistake) -> [ExtendedCommunity] {
    var values: [ExtendedCommunity] = []
    var kind: ExtendedCommunity.Kind?
    while let word = next() {
      if let named = ExtendedCommunity.Kind.allCases.first(where: { $0.keyword == word }) {
        kind = named
      } else if let kind, let value = ExtendedCommunity(kind, text: word) {
        values.append(value)
      } else {
        throw mistake("rt or soo and values, as rt 65000:1")
      }
    }
    if values.isEmpty { throw mistake("rt or soo and values, as rt 65000:1") }
    return values
  }

  /// The rest of the line, one value a word, but for `last`, which ends the list if it comes.
  mutating func list<Value>(
    _ expected: String, until last: String? = nil, _ value: (String) -> Value?
  ) throws(Mistake) -> [Value] {
    var values: [Value] = []
    while let word = peek, word != last {
      guard let value = value(word) else { throw mistake(expected) }
      _ = next()
      values.append(value)
    }
    if values.isEmpty { throw mistake(expected) }
    return values
  }
}
