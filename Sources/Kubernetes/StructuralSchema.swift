/// The schema of a custom resource (`openAPIV3Schema`): drops unknown fields, fills in defaults,
/// checks values.
package struct StructuralSchema: Sendable {
  private let schema: JSON

  package init(_ schema: JSON) { self.schema = schema }

  /// Drops what the schema does not know, the paths of it returned. `metadata`, `apiVersion` and
  /// `kind` of the object itself always stay.
  @discardableResult
  package func prune(_ object: inout JSON) -> [String] {
    var dropped: [String] = []
    Self.prune(&object, schema, "", isRoot: true, &dropped)
    return dropped
  }

  private static func prune(
    _ value: inout JSON, _ schema: JSON, _ path: String, isRoot: Bool, _ dropped: inout [String]
  ) {
    let keepsUnknown = schema["x-kubernetes-preserve-unknown-fields"].bool ?? false
    switch value {
    case .object(var members):
      value = .null
      let properties = schema["properties"].members
      let additional = schema["additionalProperties"]
      let keepsAny = keepsUnknown || additional.bool == true
      let isEmbedded = isRoot || schema["x-kubernetes-embedded-resource"].bool == true
      for key in members.keys.sorted() {
        if isEmbedded, ["metadata", "apiVersion", "kind"].contains(key) { continue }
        let here = path.isEmpty ? key : "\(path).\(key)"
        if let property = properties[key] {
          prune(&members[key, default: .null], property, here, isRoot: false, &dropped)
        } else if additional.object != nil {
          prune(&members[key, default: .null], additional, here, isRoot: false, &dropped)
        } else if !keepsAny {
          members[key] = nil
          dropped.append(here)
        }
      }
      value = .object(members)
    case .array(var elements):
      guard !schema["items"].isNull else { return }
      value = .null
      for index in elements.indices {
        prune(&elements[index], schema["items"], "\(path)[\(index)]", isRoot: false, &dropped)
      }
      value = .array(elements)
    default: break
    }
  }

  package func fillDefaults(_ object: inout JSON) { Self.fillDefaults(&object, schema) }

  private static func fillDefaults(_ value: inout JSON, _ schema: JSON) {
    switch value {
    case .object:
      for (key, property) in schema["properties"].members {
        if value[key].isNull, !property["default"].isNull { value[key] = property["default"] }
        if !value[key].isNull { fillDefaults(&value[key], property) }
      }
      if schema["additionalProperties"].object != nil, schema["properties"].isNull {
        for key in value.members.keys { fillDefaults(&value[key], schema["additionalProperties"]) }
      }
    case .array:
      let items = schema["items"]
      guard !items.isNull else { return }
      value.mapElements { fillDefaults(&$0, items) }
    default: break
    }
  }

  /// What in the object breaks the schema, at most 20 problems.
  package func problems(_ object: JSON) -> [FieldProblem] {
    var problems: [FieldProblem] = []
    Self.check(object, schema, "", &problems)
    return Array(problems.prefix(20))
  }

  private static func check(
    _ value: JSON, _ schema: JSON, _ path: String, _ problems: inout [FieldProblem]
  ) {
    guard problems.count < 20 else { return }
    guard hasType(value, schema, path, &problems) else { return }
    if let allowed = schema["enum"].array, !allowed.contains(where: { $0.isEquivalent(to: value) })
    {
      problems.append(.notSupported(path, value, allowed.map { $0.string ?? $0.text }))
    }
    switch value {
    case .object(let members):
      for key in schema["required"].elements.compactMap(\.string) where members[key] == nil {
        problems.append(.required(path.isEmpty ? key : "\(path).\(key)"))
      }
      let properties = schema["properties"].members
      for (key, member) in members.sorted(by: { $0.key < $1.key }) {
        let rule = properties[key] ?? schema["additionalProperties"]
        guard rule.object != nil else { continue }
        check(member, rule, path.isEmpty ? key : "\(path).\(key)", &problems)
      }
    case .array(let elements):
      checkCount(elements.count, schema, path, &problems)
      guard schema["items"].object != nil else { return }
      for (index, element) in elements.enumerated() {
        check(element, schema["items"], "\(path)[\(index)]", &problems)
      }
    case .integer, .number: checkNumber(value, schema, path, &problems)
    case .string(let text): checkString(text, schema, path, &problems)
    default: break
    }
  }

  private static func hasType(
    _ value: JSON, _ schema: JSON, _ path: String, _ problems: inout [FieldProblem]
  ) -> Bool {
    if value.isNull, schema["nullable"].bool == true { return true }
    if schema["x-kubernetes-int-or-string"].bool == true {
      if value.int != nil || value.string != nil { return true }
    }
    guard let type = schema["type"].string else { return true }
    let found: String
    switch value {
    case .null: found = "null"
    case .bool: found = "boolean"
    case .integer: found = "integer"
    case .number: found = value.int == nil ? "number" : "integer"
    case .string: found = "string"
    case .array: found = "array"
    case .object: found = "object"
    }
    if found == type || (type == "number" && found == "integer") { return true }
    problems.append(
      FieldProblem(
        .typeInvalid, path,
        "Invalid value: \"\(found)\": \(path) in body must be of type \(type): \"\(found)\""))
    return false
  }

  private static func checkCount(
    _ count: Int, _ schema: JSON, _ path: String, _ problems: inout [FieldProblem]
  ) {
    if let minimum = schema["minItems"].int, count < minimum {
      problems.append(
        .invalid(path, JSON(count), "\(path) in body should have at least \(minimum) items"))
    }
    if let maximum = schema["maxItems"].int, count > maximum {
      problems.append(
        .invalid(path, JSON(count), "\(path) in body should have at most \(maximum) items"))
    }
  }

  private static func checkNumber(
    _ value: JSON, _ schema: JSON, _ path: String, _ problems: inout [FieldProblem]
  ) {
    guard let number = value.double else { return }
    if let minimum = schema["minimum"].double {
      let isExclusive = schema["exclusiveMinimum"].bool ?? false
      if number < minimum || (isExclusive && number == minimum) {
        problems.append(
          .invalid(
            path, value,
            "\(path) in body should be greater than \(isExclusive ? "" : "or equal to ")"
              + schema["minimum"].text))
      }
    }
    if let maximum = schema["maximum"].double {
      let isExclusive = schema["exclusiveMaximum"].bool ?? false
      if number > maximum || (isExclusive && number == maximum) {
        problems.append(
          .invalid(
            path, value,
            "\(path) in body should be less than \(isExclusive ? "" : "or equal to ")"
              + schema["maximum"].text))
      }
    }
  }

  private static func checkString(
    _ text: String, _ schema: JSON, _ path: String, _ problems: inout [FieldProblem]
  ) {
    if let minimum = schema["minLength"].int, text.unicodeScalars.count < minimum {
      problems.append(
        .invalid(path, .string(text), "\(path) in body should be at least \(minimum) chars long"))
    }
    if let maximum = schema["maxLength"].int, text.unicodeScalars.count > maximum {
      problems.append(
        .invalid(path, .string(text), "\(path) in body should be at most \(maximum) chars long"))
    }
    if let pattern = schema["pattern"].string, let regex = try? Regex(pattern),
      (try? regex.firstMatch(in: text)) == nil
    {
      problems.append(
        .invalid(path, .string(text), "\(path) in body should match '\(pattern)'"))
    }
  }
}
