/// Rules by sequence number: the first that matches permits or denies, and what none matches is
/// denied. Prefix lists, AS path lists and community lists are such lists.
package struct PolicyList<Condition: PolicyCondition>: Equatable, Sendable {
  package struct Rule: Hashable, Sendable {
    /// 1 to 4294967295; no other rule of the list has it.
    package var sequence: UInt32
    package var isPermitted: Bool
    package var condition: Condition

    package init(_ sequence: UInt32, isPermitted: Bool, _ condition: Condition) {
      self.sequence = sequence
      self.isPermitted = isPermitted
      self.condition = condition
    }
  }

  /// A text for people.
  package var description: String?
  /// By sequence number.
  package private(set) var rules: [Rule] = []
  private(set) var index = Condition.Index()

  package init() {}

  package var isEmpty: Bool { rules.isEmpty }

  /// The number that a rule without one gets: the next multiple of five.
  package var nextSequence: UInt32 {
    let last = rules.last?.sequence ?? 0
    return last > .max - 5 ? .max : (last / 5 + 1) * 5
  }

  /// Puts a rule in its place; one of the same sequence number goes.
  ///
  /// Without a number it goes to the end, and not at all where the same rule stands already.
  package mutating func add(
    permit isPermitted: Bool, _ condition: Condition, sequence: UInt32? = nil
  ) {
    if sequence == nil, position(isPermitted, condition) != nil { return }
    let rule = Rule(sequence ?? nextSequence, isPermitted: isPermitted, condition)
    defer { index.insert(rule) }
    // Lists are written in sequence.
    guard let last = rules.last, last.sequence >= rule.sequence else { return rules.append(rule) }
    let place = rules.firstIndex { $0.sequence >= rule.sequence } ?? rules.count
    if rules[place].sequence == rule.sequence {
      index.remove(rules[place])
      rules[place] = rule
    } else {
      rules.insert(rule, at: place)
    }
  }

  /// False if there is no such rule.
  package mutating func remove(sequence: UInt32) -> Bool {
    guard let place = rules.firstIndex(where: { $0.sequence == sequence }) else { return false }
    index.remove(rules.remove(at: place))
    return true
  }

  /// False if there is no such rule.
  package mutating func remove(permit isPermitted: Bool, _ condition: Condition) -> Bool {
    guard let place = position(isPermitted, condition) else { return false }
    index.remove(rules.remove(at: place))
    return true
  }

  private func position(_ isPermitted: Bool, _ condition: Condition) -> Int? {
    rules.firstIndex { $0.isPermitted == isPermitted && $0.condition == condition }
  }

  package static func == (a: Self, b: Self) -> Bool {
    a.description == b.description && a.rules == b.rules
  }

  /// What the first rule that matches says; false if none does.
  func permits(where matches: (Condition) -> Bool) -> Bool {
    rules.first { matches($0.condition) }?.isPermitted ?? false
  }
}
