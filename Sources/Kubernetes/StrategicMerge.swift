extension JSON {
  /// Applies a strategic merge patch: as a JSON merge patch, but lists whose elements have keys
  /// are merged element by element. Directives: `$patch` (`replace`, `delete`, `merge`),
  /// `$retainKeys`, `$setElementOrder/LIST`, `$deleteFromPrimitiveList/LIST`.
  /// - Throws: for a directive or a list element that cannot be read.
  package mutating func strategicMerge(_ patch: JSON, _ shape: Shape) throws(PatchError) {
    guard case .object(let changes) = patch else {
      self = patch
      return
    }
    switch changes["$patch"]?.string {
    case nil, "merge": break
    case "replace":
      self = patch
      self["$patch"] = .null
      return
    case "delete":
      self = [:]
      return
    case let other?: throw PatchError("unknown patch type \"\(other)\"")
    }
    var members = self.members
    self = .null
    if let keep = changes["$retainKeys"] {
      let keys = Set(keep.elements.compactMap(\.string))
      members = members.filter { keys.contains($0.key) }
    }
    for (key, change) in changes where !key.hasPrefix("$") {
      if change.isNull {
        members[key] = nil
      } else {
        var value = members.removeValue(forKey: key) ?? .null
        try value.strategicMerge(value: change, shape.member(key))
        if !value.isNull { members[key] = value }
      }
    }
    for (key, change) in changes {
      let parts = key.split(separator: "/", maxSplits: 1).map(String.init)
      guard parts.count == 2, key.hasPrefix("$") else { continue }
      switch parts[0] {
      case "$deleteFromPrimitiveList":
        let gone = Set(change.elements)
        if case .array(let elements) = members[parts[1]] {
          members[parts[1]] = .array(elements.filter { !gone.contains($0) })
        }
      case "$setElementOrder": break
      default: throw PatchError("unknown directive \(parts[0])")
      }
    }
    for (key, order) in changes where key.hasPrefix("$setElementOrder/") {
      let name = String(key.dropFirst("$setElementOrder/".count))
      guard case .array(let elements) = members[name] else { continue }
      let mergeKey = shape.member(name).keys?.first
      members[name] = .array(JSON.ordered(elements, by: order.elements, mergeKey))
    }
    self = .object(members)
  }

  private mutating func strategicMerge(value change: JSON, _ shape: Shape) throws(PatchError) {
    switch change {
    case .object:
      if change["$patch"] == "delete" {
        self = .null
        return
      }
      if object == nil { self = [:] }
      try strategicMerge(change, shape)
    case .array(let changes):
      if let key = shape.keys?.first {
        var elements = self.elements
        self = .null
        try JSON.merge(changes, into: &elements, key, shape.element)
        self = .array(elements)
      } else if shape.isSet {
        let known = Set(elements)
        self = .array(elements + changes.filter { !known.contains($0) })
      } else {
        self = change
      }
    default: self = change
    }
  }

  private static func merge(
    _ changes: [JSON], into elements: inout [JSON], _ key: String, _ shape: Shape
  ) throws(PatchError) {
    if changes.contains(where: { $0["$patch"] == "replace" && $0[key].isNull }) {
      elements = changes.filter { $0["$patch"].isNull }
      return
    }
    for change in changes {
      guard case .object = change else {
        elements.append(change)
        continue
      }
      let identity = change[key]
      guard !identity.isNull else {
        throw PatchError("map: \(change.text) does not contain declared merge key: \(key)")
      }
      if change["$patch"] == "delete" {
        elements.removeAll { $0[key] == identity }
      } else if let index = elements.firstIndex(where: { $0[key] == identity }) {
        try elements[index].strategicMerge(change, shape)
      } else {
        var element = JSON.object([:])
        try element.strategicMerge(change, shape)
        elements.append(element)
      }
    }
  }

  /// Elements named in `order` come in that order; the others keep their places between them.
  private static func ordered(_ elements: [JSON], by order: [JSON], _ key: String?) -> [JSON] {
    func identity(_ element: JSON) -> JSON { key.map { element[$0] } ?? element }
    var places: [JSON: Int] = [:]
    for (index, element) in order.enumerated() { places[identity(element)] = index }
    var named = elements.enumerated().filter { places[identity($0.element)] != nil }
    named.sort { (places[identity($0.element)] ?? 0) < (places[identity($1.element)] ?? 0) }
    let others = elements.enumerated().filter { places[identity($0.element)] == nil }
    var result: [JSON] = []
    var next = 0
    for item in named {
      while next < others.count, others[next].offset < item.offset {
        result.append(others[next].element)
        next += 1
      }
      result.append(item.element)
    }
    return result + others[next...].map(\.element)
  }
}
