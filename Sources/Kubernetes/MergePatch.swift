extension JSON {
  /// Applies a JSON merge patch (RFC 7386): `null` removes, objects merge, all else replaces.
  package mutating func merge(_ patch: JSON) {
    guard case .object(let changes) = patch else {
      self = patch
      return
    }
    var members: [String: JSON] = [:]
    if case .object(let current) = self { members = current }
    self = .null
    for (key, change) in changes {
      if change.isNull {
        members[key] = nil
      } else if case .object = change {
        var value = members.removeValue(forKey: key) ?? .object([:])
        value.merge(change)
        members[key] = value
      } else {
        members[key] = change
      }
    }
    self = .object(members)
  }

  /// The object without members that are `null`, at any depth.
  package func withoutNulls() -> JSON {
    switch self {
    case .object(let members):
      .object(members.compactMapValues { $0.isNull ? nil : $0.withoutNulls() })
    case .array(let elements): .array(elements.map { $0.withoutNulls() })
    default: self
    }
  }
}
