/// The fields of the built-in kinds, read once from the compact table.
package enum Schema {
  struct TypeDefinition: Sendable {
    var fields: [String: Shape]
    /// Fields that are not in the table are let through.
    var isOpen: Bool
  }

  static let types: [String: TypeDefinition] = {
    var types: [String: TypeDefinition] = [:]
    for line in table.split(separator: "\n") {
      let parts = line.split(separator: ":", maxSplits: 1)
      guard parts.count == 2 else { continue }
      let isOpen = parts[0].hasSuffix("*")
      let name = String(isOpen ? parts[0].dropLast() : parts[0])
      var fields: [String: Shape] = types[name]?.fields ?? [:]
      for item in parts[1].split(separator: " ") {
        let halves = item.split(separator: ":", maxSplits: 1)
        guard halves.count == 2 else { continue }
        let shape = shape(halves[1])
        // Several fields of one shape share it: a,b:s.
        for field in halves[0].split(separator: ",") { fields[String(field)] = shape }
      }
      types[name] = TypeDefinition(fields: fields, isOpen: isOpen)
    }
    return types
  }()

  private static func shape(_ text: Substring) -> Shape {
    if text.hasSuffix("!") { return .atomic(shape(text.dropLast())) }
    if text.hasPrefix("{") { return .map(shape(text.dropFirst().dropLast())) }
    if text.hasPrefix("[") {
      let parts = text.dropFirst().dropLast()
        .split(separator: "|", maxSplits: 1, omittingEmptySubsequences: false)
      let element = shape(parts[0])
      guard parts.count == 2 else { return .list(element) }
      let keys = parts[1].split(separator: "+").map(String.init)
      return keys.isEmpty ? .set(element) : .keyed(element, keys: keys)
    }
    switch text {
    case "s": return .string
    case "i": return .integer
    case "b": return .boolean
    case "q": return .quantity
    case "x": return .intOrString
    case "a": return .any
    default: return .named(String(text))
    }
  }

  /// The shape of a kind; `any` for what is not built in.
  package static func shape(of kind: GroupVersionKind) -> Shape {
    let name = kind.group == "events.k8s.io" ? "NewEvent" : kind.kind
    guard let definition = types[name], !kind.group.hasSuffix("projectcalico.org") else {
      return .any
    }
    var fields = definition.fields
    fields["apiVersion"] = .string
    fields["kind"] = .string
    fields["metadata"] = .named("ObjectMeta")
    return .fields(fields, isOpen: definition.isOpen)
  }

  /// What does not fit a kind.
  package struct Findings: Equatable, Sendable {
    /// Paths that no field has.
    package var unknown: [String] = []
    /// Values of the wrong type, worded as Kubernetes does.
    package var mistyped: [String] = []

    package init() {}
  }

  package static func check(_ object: JSON, _ kind: GroupVersionKind) -> Findings {
    var findings = Findings()
    check(object, shape(of: kind), "", kind.kind, &findings)
    return findings
  }

  private static func check(
    _ value: JSON, _ shape: Shape, _ path: String, _ owner: String, _ findings: inout Findings
  ) {
    if value.isNull { return }
    func mismatch(_ goType: String) {
      let found =
        switch value {
        case .string: "string"
        case .bool: "bool"
        case .integer, .number: "number"
        case .array: "array"
        case .object: "object"
        case .null: "null"
        }
      findings.mistyped.append(
        "json: cannot unmarshal \(found) into Go struct field \(owner).\(path) of type \(goType)")
    }
    switch shape.content {
    case .any, .atomic: break
    case .string: if value.string == nil { mismatch("string") }
    case .integer: if value.int == nil { mismatch("int32") }
    case .boolean: if value.bool == nil { mismatch("bool") }
    case .quantity: if value.string == nil && value.double == nil { mismatch("resource.Quantity") }
    case .intOrString:
      if value.string == nil && value.int == nil { mismatch("intstr.IntOrString") }
    case .map(let element):
      guard case .object(let members) = value else { return mismatch("map[string]string") }
      for (key, member) in members { check(member, element, "\(path).\(key)", owner, &findings) }
    case .list(let element), .set(let element), .keyed(let element, _):
      guard case .array(let elements) = value else {
        if case .named(let name) = element { return mismatch("[]v1.\(name)") }
        return mismatch("[]string")
      }
      for (index, item) in elements.enumerated() {
        check(item, element, "\(path)[\(index)]", owner, &findings)
      }
    case .named(let name):
      guard let definition = types[name] else { return }
      guard case .object(let members) = value else { return mismatch("v1.\(name)") }
      check(members, definition.fields, definition.isOpen, path, name, &findings)
    case .fields(let fields, let isOpen):
      check(value.members, fields, isOpen, path, owner, &findings)
    }
  }

  private static func check(
    _ members: [String: JSON], _ fields: [String: Shape], _ isOpen: Bool, _ path: String,
    _ owner: String, _ findings: inout Findings
  ) {
    for (key, member) in members.sorted(by: { $0.key < $1.key }) {
      let here = path.isEmpty ? key : "\(path).\(key)"
      if let shape = fields[key] {
        check(member, shape, here, owner, &findings)
      } else if !isOpen {
        findings.unknown.append(here)
      }
    }
  }
}
