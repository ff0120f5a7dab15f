/// A JSON Patch (RFC 6902): operations in order, all or none.
package struct JSONPatch: Sendable {
  package enum Operation: Equatable, Sendable {
    case add(path: [String], JSON)
    case remove(path: [String])
    case replace(path: [String], JSON)
    case move(from: [String], path: [String])
    case copy(from: [String], path: [String])
    case test(path: [String], JSON)
  }
  package let operations: [Operation]

  package static let operationLimit = 10_000

  package init(json: JSON) throws(PatchError) {
    guard let list = json.array else { throw PatchError("a JSON patch is an array of operations") }
    guard list.count <= Self.operationLimit else {
      throw PatchError(
        "a JSON patch has at most \(Self.operationLimit) operations, not \(list.count)")
    }
    operations = try list.map { item throws(PatchError) in try Self.operation(item) }
  }

  private static func operation(_ item: JSON) throws(PatchError) -> Operation {
    guard let path = item["path"].string else { throw PatchError("operation without a path") }
    let target = try pointer(path)
    func value() throws(PatchError) -> JSON {
      guard let value = item.object?["value"] else {
        throw PatchError("operation on \(path) without a value")
      }
      return value
    }
    func from() throws(PatchError) -> [String] {
      guard let from = item["from"].string else {
        throw PatchError("operation on \(path) without a from")
      }
      return try pointer(from)
    }
    switch item["op"].string {
    case "add": return .add(path: target, try value())
    case "remove": return .remove(path: target)
    case "replace": return .replace(path: target, try value())
    case "move": return .move(from: try from(), path: target)
    case "copy": return .copy(from: try from(), path: target)
    case "test": return .test(path: target, try value())
    case let other: throw PatchError("unknown operation \(other ?? "null")")
    }
  }

  /// The steps of a JSON pointer (RFC 6901).
  private static func pointer(_ text: String) throws(PatchError) -> [String] {
    if text.isEmpty { return [] }
    guard text.hasPrefix("/") else { throw PatchError("\(text) is not a JSON pointer") }
    return text.dropFirst().split(separator: "/", omittingEmptySubsequences: false).map { step in
      var plain = ""
      var escaped = false
      for character in step {
        switch (escaped, character) {
        case (false, "~"): escaped = true
        case (true, "1"):
          plain.append("/")
          escaped = false
        case (true, "0"):
          plain.append("~")
          escaped = false
        case (true, _):
          plain.append("~")
          plain.append(character)
          escaped = false
        default: plain.append(character)
        }
      }
      return plain
    }
  }

  /// - Throws: `PatchError` for a path that is not there, or a test that fails; `json` is then as
  ///   it was.
  package func apply(to json: inout JSON) throws(PatchError) {
    var result = json
    for operation in operations {
      switch operation {
      case .add(let path, let value): try result.add(value, at: path[...])
      case .remove(let path): _ = try result.remove(at: path[...])
      case .replace(let path, let value):
        if path.isEmpty {
          result = value
        } else {
          try result.replace(at: path[...], with: value)
        }
      case .move(let from, let path):
        guard !(path.count > from.count && path.starts(with: from)) else {
          throw PatchError("cannot move \(Self.text(from)) into itself")
        }
        let value = try result.remove(at: from[...])
        try result.add(value, at: path[...])
      case .copy(let from, let path):
        guard let value = result.value(at: from[...]) else { throw .missing(from[...]) }
        try result.add(value, at: path[...])
      case .test(let path, let value):
        guard let found = result.value(at: path[...]), found.isEquivalent(to: value) else {
          throw PatchError("testing path \(Self.text(path)) failed")
        }
      }
    }
    json = result
  }

  fileprivate static func text(_ path: some Sequence<String>) -> String {
    path.map { "/\($0)" }.joined()
  }
}

/// A patch that cannot be read or does not fit its object.
package struct PatchError: Error, Equatable, CustomStringConvertible {
  package let description: String
  package init(_ description: String) { self.description = description }

  fileprivate static func missing(_ path: ArraySlice<String>) -> PatchError {
    PatchError("the path \(JSONPatch.text(path)) does not exist")
  }
}

extension JSON {
  fileprivate func value(at path: ArraySlice<String>) -> JSON? {
    guard let step = path.first else { return self }
    switch self {
    case .object(let members): return members[step]?.value(at: path.dropFirst())
    case .array(let elements):
      guard let index = JSON.index(step, limit: elements.count) else { return nil }
      return elements[index].value(at: path.dropFirst())
    default: return nil
    }
  }

  /// An index below `limit`, without leading zeros (RFC 6901 §4).
  private static func index(_ step: String, limit: Int) -> Int? {
    guard let index = Int(step), String(index) == step, (0..<limit).contains(index) else {
      return nil
    }
    return index
  }

  /// Runs `change` on what holds the last step of `path`.
  private mutating func descend(
    _ path: ArraySlice<String>, _ change: (inout JSON, String) throws(PatchError) -> Void
  ) throws(PatchError) {
    guard let step = path.first else { return }
    guard path.count > 1 else { return try change(&self, step) }
    switch self {
    case .object(var members):
      guard var value = members[step] else { throw .missing(path) }
      try value.descend(path.dropFirst(), change)
      members[step] = .some(value)
      self = .object(members)
    case .array(var elements):
      guard let index = JSON.index(step, limit: elements.count) else { throw .missing(path) }
      try elements[index].descend(path.dropFirst(), change)
      self = .array(elements)
    default: throw .missing(path)
    }
  }

  fileprivate mutating func add(
    _ value: JSON, at path: ArraySlice<String>
  ) throws(PatchError) {
    guard !path.isEmpty else {
      self = value
      return
    }
    try descend(path) { holder, step throws(PatchError) in
      switch holder {
      case .object(var members):
        members[step] = .some(value)
        holder = .object(members)
      case .array(var elements):
        if step == "-" {
          elements.append(value)
        } else if let index = JSON.index(step, limit: elements.count + 1) {
          elements.insert(value, at: index)
        } else {
          throw .missing(path)
        }
        holder = .array(elements)
      default: throw .missing(path)
      }
    }
  }

  fileprivate mutating func replace(
    at path: ArraySlice<String>, with value: JSON
  ) throws(PatchError) {
    try descend(path) { holder, step throws(PatchError) in
      switch holder {
      case .object(var members):
        guard members[step] != nil else { throw .missing(path) }
        members[step] = .some(value)
        holder = .object(members)
      case .array(var elements):
        guard let index = JSON.index(step, limit: elements.count) else { throw .missing(path) }
        elements[index] = value
        holder = .array(elements)
      default: throw .missing(path)
      }
    }
  }

  fileprivate mutating func remove(at path: ArraySlice<String>) throws(PatchError) -> JSON {
    var removed = JSON.null
    guard !path.isEmpty else {
      swap(&removed, &self)
      return removed
    }
    try descend(path) { holder, step throws(PatchError) in
      switch holder {
      case .object(var members):
        guard let value = members.removeValue(forKey: step) else { throw .missing(path) }
        removed = value
        holder = .object(members)
      case .array(var elements):
        guard let index = JSON.index(step, limit: elements.count) else { throw .missing(path) }
        removed = elements.remove(at: index)
        holder = .array(elements)
      default: throw .missing(path)
      }
    }
    return removed
  }
}
