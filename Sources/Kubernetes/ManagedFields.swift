/// Who set which fields (`metadata.managedFields`), and server-side apply on top of it.
package struct ManagedFields: Sendable {
  package struct Entry: Sendable {
    package var manager: String
    /// `Apply` or `Update`.
    package var operation: String
    package var apiVersion: String
    package var subresource: String
    package var time: String
    package var fields = FieldSet()

    package init(
      manager: String, operation: String, apiVersion: String, subresource: String = "",
      time: String
    ) {
      self.manager = manager
      self.operation = operation
      self.apiVersion = apiVersion
      self.subresource = subresource
      self.time = time
    }

    func isSame(_ other: Entry) -> Bool {
      manager == other.manager && operation == other.operation && subresource == other.subresource
        && (operation == "Apply" || apiVersion == other.apiVersion)
    }
  }
  package var entries: [Entry]

  /// Reads `managedFields` of an object.
  package init(of object: JSON) {
    entries = object["metadata"]["managedFields"].elements.compactMap { entry in
      guard let manager = entry["manager"].string else { return nil }
      var read = Entry(
        manager: manager, operation: entry["operation"].string ?? "Update",
        apiVersion: entry["apiVersion"].string ?? "",
        subresource: entry["subresource"].string ?? "", time: entry["time"].string ?? "")
      read.fields = FieldSet(json: entry["fieldsV1"])
      return read
    }
  }

  /// Writes them into an object; empty entries go.
  package func write(to object: inout JSON) {
    let list: [JSON] = entries.filter { !$0.fields.isEmpty }.map { entry in
      var json: JSON = [
        "manager": .string(entry.manager), "operation": .string(entry.operation),
        "apiVersion": .string(entry.apiVersion), "time": .string(entry.time),
        "fieldsType": "FieldsV1", "fieldsV1": entry.fields.json,
      ]
      if !entry.subresource.isEmpty { json["subresource"] = .string(entry.subresource) }
      return json
    }
    object["metadata"]["managedFields"] = list.isEmpty ? .null : .array(list)
  }

  /// The fields of an object that managers own: all but its identity and, unless it is the part
  /// in question, its status.
  package static func fields(of object: JSON, _ shape: Shape, status: Bool) -> FieldSet {
    let owned = owned(object, status: status)
    return owned.members.isEmpty ? FieldSet() : FieldSet(owned, shape)
  }

  private static func owned(_ object: JSON, status: Bool) -> JSON {
    if status { return object["status"].isNull ? [:] : ["status": object["status"]] }
    var owned = object
    owned["apiVersion"] = .null
    owned["kind"] = .null
    for key in [
      "name", "namespace", "uid", "resourceVersion", "generation", "creationTimestamp",
      "deletionTimestamp", "deletionGracePeriodSeconds", "selfLink", "generateName",
      "managedFields",
    ] {
      owned["metadata"][key] = .null
    }
    if owned["metadata"].members.isEmpty { owned["metadata"] = .null }
    owned["status"] = .null
    return owned
  }

  /// Notes that `manager` changed `old` to `object` by a write that was no apply.
  package mutating func recordUpdate(
    by entry: Entry, from old: JSON, to object: JSON, _ shape: Shape
  ) {
    let status = entry.subresource == "status"
    let (changed, gone) = FieldSet.changes(
      from: old.isNull ? nil : Self.owned(old, status: status),
      to: Self.owned(object, status: status), shape)
    guard !changed.isEmpty || !gone.isEmpty else { return }
    for index in entries.indices {
      entries[index].fields = entries[index].fields.subtracting(gone)
      if !entries[index].isSame(entry) {
        entries[index].fields = entries[index].fields.subtracting(changed)
      }
    }
    guard !changed.isEmpty else { return }
    if let index = entries.firstIndex(where: { $0.isSame(entry) }) {
      entries[index].fields.formUnion(changed)
      entries[index].time = entry.time
    } else {
      var entry = entry
      entry.fields = changed
      entries.append(entry)
    }
  }

  /// Merges an applied configuration into an object.
  ///
  /// 1. Fields that others own with another value are conflicts, unless `force` takes them over.
  /// 2. The configuration is merged in.
  /// 3. What the same manager applied before and no longer names is removed, unless others own it.
  /// - Throws: 409 with all conflicts.
  package mutating func apply(
    _ configuration: JSON, to live: JSON, by entry: Entry, force: Bool, _ shape: Shape
  ) throws(APIStatus) -> JSON {
    let wanted = Self.fields(
      of: configuration, shape, status: entry.subresource == "status")
    var conflicts: [(Entry, [String])] = []
    for index in entries.indices where !entries[index].isSame(entry) {
      for path in entries[index].fields.intersection(wanted).paths
      where live.field(path) != configuration.field(path)
        && path.last?.hasPrefix("k:") != true
      {
        if force {
          entries[index].fields.remove(path)
        } else {
          conflicts.append((entries[index], path))
        }
      }
    }
    guard conflicts.isEmpty else { throw Self.conflict(conflicts) }
    var merged = live
    merged.applyMerge(configuration, shape)
    var own = entry
    own.fields = wanted
    if let index = entries.firstIndex(where: { $0.isSame(entry) }) {
      let dropped = entries[index].fields.subtracting(wanted)
      // Deepest first, so that an element goes after what is in it.
      for path in dropped.paths.sorted(by: { $0.count > $1.count }) {
        let isShared = entries.contains { !$0.isSame(entry) && $0.fields.touches(path) }
        if !isShared, !wanted.touches(path) { merged.removeField(path) }
      }
      if entries[index].fields == wanted { own.time = entries[index].time }
      entries[index] = own
    } else {
      entries.append(own)
    }
    return merged
  }

  private static func conflict(_ conflicts: [(Entry, [String])]) -> APIStatus {
    var groups: [(title: String, paths: [String])] = []
    for (entry, path) in conflicts {
      let subresource =
        entry.subresource.isEmpty ? "" : " with subresource \"\(entry.subresource)\""
      let title = "\"\(entry.manager)\"\(subresource) using \(entry.apiVersion)"
      if let index = groups.firstIndex(where: { $0.title == title }) {
        groups[index].paths.append(FieldSet.text(path))
      } else {
        groups.append((title, [FieldSet.text(path)]))
      }
    }
    let texts = groups.map { group in
      group.paths.count == 1
        ? "conflict with \(group.title): \(group.paths[0])"
        : "conflicts with \(group.title):\n"
          + group.paths.map { "- \($0)" }.joined(separator: "\n")
    }
    let word = conflicts.count == 1 ? "conflict" : "conflicts"
    return APIStatus(
      code: 409, reason: "Conflict",
      message: "Apply failed with \(conflicts.count) \(word): \(texts.joined(separator: "\n"))",
      details: [
        "causes": .array(
          groups.flatMap { group in
            group.paths.map {
              [
                "reason": "FieldManagerConflict", "field": .string($0),
                "message": .string("conflict with \(group.title)"),
              ]
            }
          })
      ])
  }
}

extension FieldSet {
  mutating func insert(_ path: some Collection<String>) {
    guard let step = path.first else {
      isMember = true
      return
    }
    children[step, default: FieldSet()].insert(path.dropFirst())
  }

  mutating func remove(_ path: some Collection<String>) {
    guard let step = path.first else {
      isMember = false
      return
    }
    children[step]?.remove(path.dropFirst())
    if children[step]?.isEmpty == true { children[step] = nil }
  }
}

extension JSON {
  /// Merges an applied configuration: granular objects and keyed lists member by member, all else
  /// as one value.
  fileprivate mutating func applyMerge(_ configuration: JSON, _ shape: Shape) {
    switch configuration {
    case .object(let changes) where !shape.isAtomic:
      var members = self.members
      for (key, change) in changes {
        var value = members[key] ?? .null
        value.applyMerge(change, shape.member(key))
        members[key] = .some(value)
      }
      self = .object(members)
    case .array(let changes) where shape.keys != nil:
      let keys = shape.keys ?? []
      var elements = self.elements
      for change in changes {
        let key = Shape.key(of: change, keys)
        if let index = elements.firstIndex(where: { Shape.key(of: $0, keys) == key }) {
          elements[index].applyMerge(change, shape.element)
        } else {
          elements.append(change)
        }
      }
      self = .array(elements)
    case .array(let changes) where shape.isSet:
      let known = Set(elements)
      self = .array(elements + changes.filter { !known.contains($0) })
    default: self = configuration
    }
  }
}
