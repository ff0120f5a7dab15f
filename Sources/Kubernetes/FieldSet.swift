/// A set of fields of an object: the `fieldsV1` of managed fields, as a tree.
///
/// Steps are those of fieldsV1: `f:name` a member, `k:{"name":"a"}` an element of a keyed list,
/// `v:1` an element of a set.
package struct FieldSet: Equatable, Sendable {
  /// The field itself is in the set, as leaves are.
  package var isMember = false
  package var children: [String: FieldSet] = [:]

  package init() {}

  package var isEmpty: Bool { !isMember && children.isEmpty }

  /// All leaves of a value.
  package init(_ value: JSON, _ shape: Shape) {
    if shape.isAtomic {
      isMember = true
      return
    }
    switch value {
    case .object(let members) where !members.isEmpty:
      for (key, member) in members { children["f:\(key)"] = FieldSet(member, shape.member(key)) }
    case .array(let elements) where shape.keys != nil && !elements.isEmpty:
      let keys = shape.keys ?? []
      for element in elements {
        var item = FieldSet(element, shape.element)
        item.isMember = true
        children["k:" + JSON.object(Shape.key(of: element, keys)).text] = item
      }
    case .array(let elements) where shape.isSet && !elements.isEmpty:
      for element in elements {
        children["v:" + element.text] = FieldSet.leaf
      }
    default: isMember = true
    }
  }

  static let leaf: FieldSet = {
    var set = FieldSet()
    set.isMember = true
    return set
  }()

  /// From `fieldsV1`.
  package init(json: JSON) {
    let members = json.members
    for (key, value) in members where key != "." { children[key] = FieldSet(json: value) }
    isMember = members.isEmpty || members["."] != nil
  }

  package var json: JSON {
    var members = children.mapValues(\.json)
    if isMember, !children.isEmpty { members["."] = [:] }
    return .object(members)
  }

  package func subtracting(_ other: FieldSet) -> FieldSet {
    var result = FieldSet()
    result.isMember = isMember && !other.isMember
    for (step, child) in children {
      let left = other.children[step].map(child.subtracting) ?? child
      if !left.isEmpty { result.children[step] = left }
    }
    return result
  }

  package func intersection(_ other: FieldSet) -> FieldSet {
    var result = FieldSet()
    result.isMember = isMember && other.isMember
    for (step, child) in children {
      guard let common = other.children[step].map(child.intersection), !common.isEmpty else {
        continue
      }
      result.children[step] = common
    }
    return result
  }

  package mutating func formUnion(_ other: FieldSet) {
    isMember = isMember || other.isMember
    for (step, child) in other.children { children[step, default: FieldSet()].formUnion(child) }
  }

  /// The paths in the set.
  package var paths: [[String]] {
    var paths: [[String]] = isMember ? [[]] : []
    for (step, child) in children.sorted(by: { $0.key < $1.key }) {
      paths += child.paths.map { [step] + $0 }
    }
    return paths
  }

  package func contains(_ path: some Collection<String>) -> Bool {
    guard let step = path.first else { return isMember }
    return children[step]?.contains(path.dropFirst()) ?? false
  }

  /// True if the field, or anything in it, is in the set.
  func touches(_ path: some Collection<String>) -> Bool {
    guard let step = path.first else { return !isEmpty }
    return children[step]?.touches(path.dropFirst()) ?? false
  }

  /// `.spec.containers[name="a"].image`
  package static func text(_ path: [String]) -> String {
    path.map { step in
      if step.hasPrefix("k:") {
        let key = (try? JSON(parsing: String(step.dropFirst(2)))) ?? .null
        let pairs = key.members.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value.text)" }
        return "[\(pairs.joined(separator: ","))]"
      }
      return step.hasPrefix("v:") ? "[=\(step.dropFirst(2))]" : ".\(step.dropFirst(2))"
    }.joined()
  }
}

extension JSON {
  /// The value of a field of a `FieldSet`; nil if it is not there.
  func field(_ path: some Collection<String>) -> JSON? {
    guard let step = path.first else { return self }
    let rest = path.dropFirst()
    if step.hasPrefix("f:") {
      return object?[String(step.dropFirst(2))]?.field(rest)
    }
    return index(of: step).flatMap { self[$0].field(rest) }
  }

  private func index(of step: String) -> Int? {
    guard let wanted = try? JSON(parsing: String(step.dropFirst(2))) else { return nil }
    if step.hasPrefix("v:") { return elements.firstIndex(of: wanted) }
    let names = Array(wanted.members.keys)
    return elements.firstIndex { .object(Shape.key(of: $0, names)) == wanted }
  }

  /// Removes a field of a `FieldSet`, and the objects and lists it leaves empty.
  mutating func removeField(_ path: some Collection<String>) {
    guard let step = path.first else { return }
    let rest = path.dropFirst()
    if step.hasPrefix("f:") {
      let key = String(step.dropFirst(2))
      guard case .object(var members) = self, var child = members[key] else { return }
      if rest.isEmpty {
        members[key] = nil
      } else {
        child.removeField(rest)
        members[key] = child.isEmptyContainer ? nil : child
      }
      self = .object(members)
    } else if let index = index(of: step), case .array(var elements) = self {
      if rest.isEmpty {
        elements.remove(at: index)
      } else {
        elements[index].removeField(rest)
      }
      self = .array(elements)
    }
  }

  private var isEmptyContainer: Bool {
    switch self {
    case .object(let members): members.isEmpty
    case .array(let elements): elements.isEmpty
    default: false
    }
  }
}
