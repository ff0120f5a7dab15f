/// A set of requirements on labels, all of which must hold.
///
/// Read from `{matchLabels, matchExpressions}` or from the text of `?labelSelector=`.
package struct LabelSelector: Hashable, Sendable {
  package enum Requirement: Hashable, Sendable {
    case isIn(String, Set<String>)
    /// Also holds where the label is missing.
    case isNotIn(String, Set<String>)
    case exists(String)
    case isMissing(String)
    case greater(String, Int)
    case less(String, Int)
  }

  package var requirements: [Requirement]

  /// Matches everything while it has no requirement.
  package init(_ requirements: [Requirement] = []) { self.requirements = requirements }

  package init(matchLabels labels: [String: String]) {
    requirements = labels.sorted { $0.key < $1.key }.map { .isIn($0.key, [$0.value]) }
  }

  /// From a `metav1.LabelSelector`.
  /// - Throws: `SelectorError` for an operator that does not exist.
  package init(json: JSON) throws(SelectorError) {
    self.init(matchLabels: json["matchLabels"].strings)
    for expression in json["matchExpressions"].elements {
      let key = expression["key"].string ?? ""
      let values = Set(expression["values"].elements.compactMap(\.string))
      switch expression["operator"].string ?? "" {
      case "In": requirements.append(.isIn(key, values))
      case "NotIn": requirements.append(.isNotIn(key, values))
      case "Exists": requirements.append(.exists(key))
      case "DoesNotExist": requirements.append(.isMissing(key))
      case "Gt": requirements.append(.greater(key, values.first.flatMap { Int($0) } ?? .max))
      case "Lt": requirements.append(.less(key, values.first.flatMap { Int($0) } ?? .min))
      case let other: throw SelectorError("\"\(other)\" is not a valid label selector operator")
      }
    }
  }

  package func matches(_ labels: [String: String]) -> Bool {
    requirements.allSatisfy { requirement in
      switch requirement {
      case .isIn(let key, let values): labels[key].map(values.contains) ?? false
      case .isNotIn(let key, let values): !(labels[key].map(values.contains) ?? false)
      case .exists(let key): labels[key] != nil
      case .isMissing(let key): labels[key] == nil
      case .greater(let key, let bound): labels[key].flatMap { Int($0) }.map { $0 > bound } ?? false
      case .less(let key, let bound): labels[key].flatMap { Int($0) }.map { $0 < bound } ?? false
      }
    }
  }

  /// The text form, as `a=b,c notin (d,e),!f`.
  package var text: String {
    requirements.map { requirement in
      switch requirement {
      case .isIn(let key, let values) where values.count == 1: "\(key)=\(values.first ?? "")"
      case .isIn(let key, let values): "\(key) in (\(values.sorted().joined(separator: ",")))"
      case .isNotIn(let key, let values) where values.count == 1: "\(key)!=\(values.first ?? "")"
      case .isNotIn(let key, let values): "\(key) notin (\(values.sorted().joined(separator: ",")))"
      case .exists(let key): key
      case .isMissing(let key): "!\(key)"
      case .greater(let key, let bound): "\(key)>\(bound)"
      case .less(let key, let bound): "\(key)<\(bound)"
      }
    }.joined(separator: ",")
  }
}

/// A selector that cannot be read.
package struct SelectorError: Error, Equatable, CustomStringConvertible {
  package let description: String
  package init(_ description: String) { self.description = description }
}

extension LabelSelector {
  /// Parses `a=b,c!=d,e in (x,y),f notin (z),g,!h,i>1`.
  package init(parsing text: String) throws(SelectorError) {
    self.init()
    for part in Self.split(text) {
      requirements.append(try Self.requirement(part.trimmingSpace))
    }
  }

  /// Splits at the commas outside parentheses.
  private static func split(_ text: String) -> [Substring] {
    var parts: [Substring] = []
    var depth = 0
    var start = text.startIndex
    for index in text.indices {
      switch text[index] {
      case "(": depth += 1
      case ")": depth -= 1
      case "," where depth == 0:
        parts.append(text[start..<index])
        start = text.index(after: index)
      default: break
      }
    }
    if !text.isEmpty { parts.append(text[start...]) }
    return parts
  }

  private static func requirement(_ part: Substring) throws(SelectorError) -> Requirement {
    let failure = SelectorError("unable to parse requirement: \"\(part)\"")
    if part.hasPrefix("!") {
      let key = part.dropFirst().trimmingSpace
      guard isKey(key) else { throw failure }
      return .isMissing(String(key))
    }
    if let mark = part.firstIndex(where: { "=!<>".contains($0) }) {
      let key = part[..<mark].trimmingSpace
      let rest = part[mark...]
      guard isKey(key) else { throw failure }
      let mark = rest.prefix { "=!<>".contains($0) }
      let value = rest.dropFirst(mark.count).trimmingSpace
      guard !value.contains(where: { " =!<>()".contains($0) }) else { throw failure }
      switch mark {
      case "=", "==": return .isIn(String(key), [String(value)])
      case "!=": return .isNotIn(String(key), [String(value)])
      case ">":
        guard let bound = Int(value) else { throw failure }
        return .greater(String(key), bound)
      case "<":
        guard let bound = Int(value) else { throw failure }
        return .less(String(key), bound)
      default: throw failure
      }
    }
    let words = part.split(separator: " ", maxSplits: 1).map(\.trimmingSpace)
    guard let key = words.first, isKey(key) else { throw failure }
    guard words.count == 2 else { return .exists(String(key)) }
    guard let open = words[1].firstIndex(of: "("), words[1].hasSuffix(")") else { throw failure }
    let list = words[1][words[1].index(after: open)...].dropLast()
    let values = Set(list.split(separator: ",").map { String($0.trimmingSpace) })
    switch words[1][..<open].trimmingSpace {
    case "in": return .isIn(String(key), values)
    case "notin": return .isNotIn(String(key), values)
    default: throw failure
    }
  }

  private static func isKey(_ text: Substring) -> Bool {
    !text.isEmpty
      && text.utf8.allSatisfy { byte in
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
          UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"),
          UInt8(ascii: "."), UInt8(ascii: "/"):
          true
        default: false
        }
      }
  }
}

extension Substring {
  fileprivate var trimmingSpace: Substring {
    var text = self
    while text.first == " " { text.removeFirst() }
    while text.last == " " { text.removeLast() }
    return text
  }
}

/// Requirements on fields, as `?fieldSelector=spec.nodeName=a,status.phase!=Running`.
package struct FieldSelector: Hashable, Sendable {
  package struct Requirement: Hashable, Sendable {
    package let path: String
    package let isEqual: Bool
    package let value: String
  }
  package var requirements: [Requirement] = []

  package init() {}

  package init(parsing text: String) throws(SelectorError) {
    for part in text.split(separator: ",") {
      guard let mark = part.firstIndex(of: "=") else {
        throw SelectorError("invalid field selector \"\(text)\": cannot understand \"\(part)\"")
      }
      var path = part[..<mark]
      var value = part[part.index(after: mark)...]
      let isEqual = !path.hasSuffix("!")
      if !isEqual { path.removeLast() }
      if value.hasPrefix("=") { value.removeFirst() }
      requirements.append(
        Requirement(path: String(path), isEqual: isEqual, value: String(value)))
    }
  }

  /// A missing field counts as the empty text.
  package func matches(_ json: JSON) -> Bool {
    requirements.allSatisfy { requirement in
      let found = json.at(requirement.path)
      let text = found.string ?? (found.isNull ? "" : found.text)
      return (text == requirement.value) == requirement.isEqual
    }
  }
}
