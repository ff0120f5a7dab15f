/// A JSON document (RFC 8259), lossless as far as Kubernetes needs: integers stay integers,
/// members of an object have no order.
package enum JSON: Hashable, Sendable {
  case null
  case bool(Bool)
  case integer(Int64)
  case number(Double)
  case string(String)
  case array([JSON])
  case object([String: JSON])
}

/// No literal `nil`: `condition ? nil : json` would then be `.some(.null)` where an optional is meant.
extension JSON: ExpressibleByStringInterpolation, ExpressibleByIntegerLiteral,
  ExpressibleByFloatLiteral, ExpressibleByBooleanLiteral,
  ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral
{
  package init(stringLiteral value: String) { self = .string(value) }
  package init(integerLiteral value: Int64) { self = .integer(value) }
  package init(floatLiteral value: Double) { self = .number(value) }
  package init(booleanLiteral value: Bool) { self = .bool(value) }
  package init(arrayLiteral elements: JSON...) { self = .array(elements) }

  /// The last of equal keys wins.
  package init(dictionaryLiteral elements: (String, JSON)...) {
    self = .object(Dictionary(elements, uniquingKeysWith: { $1 }))
  }
}

extension JSON {
  package init(_ value: String) { self = .string(value) }
  package init(_ value: Bool) { self = .bool(value) }
  package init(_ value: Int) { self = .integer(Int64(value)) }
  package init(_ value: [String]) { self = .array(value.map { .string($0) }) }
  package init(_ value: [String: String]) { self = .object(value.mapValues { .string($0) }) }
  package init(_ value: [JSON]) { self = .array(value) }
  package init(_ value: [String: JSON]) { self = .object(value) }

  /// `nil` becomes `.null`, which a member assignment takes as "remove".
  package init(_ value: String?) { self = value.map { .string($0) } ?? .null }
  package init(_ value: Int?) { self = value.map { .integer(Int64($0)) } ?? .null }
  package init(_ value: Bool?) { self = value.map { .bool($0) } ?? .null }

  package var isNull: Bool { if case .null = self { true } else { false } }

  package var string: String? { if case .string(let value) = self { value } else { nil } }
  package var bool: Bool? { if case .bool(let value) = self { value } else { nil } }
  package var array: [JSON]? { if case .array(let value) = self { value } else { nil } }
  package var object: [String: JSON]? { if case .object(let value) = self { value } else { nil } }

  /// An integer, or a number without a fraction.
  package var int: Int? {
    switch self {
    case .integer(let value): Int(exactly: value)
    case .number(let value): Int(exactly: value)
    default: nil
    }
  }

  package var double: Double? {
    switch self {
    case .integer(let value): Double(value)
    case .number(let value): value
    default: nil
    }
  }

  /// The elements of an array; none of anything else.
  package var elements: [JSON] { array ?? [] }
  /// The members of an object; none of anything else.
  package var members: [String: JSON] { object ?? [:] }
  /// The members that are strings, as labels are.
  package var strings: [String: String] { object?.compactMapValues(\.string) ?? [:] }

  /// A member of an object. Reading what is not there gives `.null`; writing makes the object;
  /// assigning `.null` removes the member.
  package subscript(key: String) -> JSON {
    get {
      guard case .object(let members) = self else { return .null }
      return members[key] ?? .null
    }
    _modify {
      var members: [String: JSON] = [:]
      var value = JSON.null
      let before = self
      var known = false
      if case .object(let found) = before {
        members = found
        known = true
      }
      _ = consume before
      self = .null
      if let found = members[key] {
        value = found
        // Leaves the slot in place, so that the value is the only owner while it changes.
        members[key] = .some(.null)
      }
      defer {
        if value.isNull { members[key] = nil } else { members[key] = value }
        if known || !members.isEmpty { self = .object(members) }
      }
      yield &value
    }
  }

  /// An element of an array; `.null` outside it. Assigning outside it does nothing.
  package subscript(index: Int) -> JSON {
    get {
      guard case .array(let elements) = self, elements.indices.contains(index) else { return .null }
      return elements[index]
    }
    set {
      guard case .array(var elements) = self, elements.indices.contains(index) else { return }
      self = .null
      elements[index] = newValue
      self = .array(elements)
    }
  }

  /// The value at a path of member names, as `json.at("spec.template.spec")`.
  package func at(_ path: String) -> JSON {
    var value = self
    for key in path.split(separator: ".") { value = value[String(key)] }
    return value
  }

  /// Equality that holds 1 and 1.0 for the same number, as JSON Patch does (RFC 6902 §4.6).
  package func isEquivalent(to other: JSON) -> Bool {
    switch (self, other) {
    case (.integer, .number), (.number, .integer): double == other.double
    case (.array(let left), .array(let right)):
      left.count == right.count && zip(left, right).allSatisfy { $0.isEquivalent(to: $1) }
    case (.object(let left), .object(let right)):
      left.count == right.count
        && left.allSatisfy { key, value in right[key]?.isEquivalent(to: value) ?? false }
    default: self == other
    }
  }
}
