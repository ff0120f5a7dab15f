/// Objects as rows of text, as `kubectl get` prints them (meta.k8s.io/v1 Table).
package struct Table: Sendable {
  package struct Column: Equatable, Sendable {
    package let name: String
    package let type: String
    package let format: String
    package let text: String
    /// 0 is always printed, 1 with `-o wide` only.
    package let priority: Int

    package init(
      _ name: String, type: String = "string", format: String = "", wide: Bool = false,
      text: String = ""
    ) {
      self.name = name
      self.type = type
      self.format = format
      self.text = text
      priority = wide ? 1 : 0
    }

    static let name = Column("Name", format: "name")
    static let age = Column("Age")
  }

  package let columns: [Column]
  let cells: @Sendable (JSON, Timestamp) -> [JSON]

  /// The columns of a type, and how its objects fill them.
  package init(_ type: ResourceType) {
    if let custom = type.custom {
      self = .custom(custom)
      return
    }
    self = Self.builtIn[type.storage] ?? .fallback
  }

  init(_ columns: [Column], _ cells: @escaping @Sendable (JSON, Timestamp) -> [JSON]) {
    self.columns = columns
    self.cells = cells
  }

  /// What a row carries of its object.
  package enum IncludedObject: String, Sendable {
    case none = "None"
    case metadata = "Metadata"
    case object = "Object"
  }

  /// The row of one object.
  package func row(_ object: JSON, at now: Timestamp, _ included: IncludedObject) -> JSON {
    let carried: JSON =
      switch included {
      case .none: .null
      case .object: object
      case .metadata: PartialMetadata.of(object)
      }
    var row: JSON = ["cells": .array(cells(object, now))]
    if !carried.isNull { row["object"] = carried }
    return row
  }

  package var columnDefinitions: JSON {
    .array(
      columns.map {
        [
          "name": .string($0.name), "type": .string($0.type), "format": .string($0.format),
          "description": .string($0.text), "priority": JSON($0.priority),
        ]
      })
  }

  private static let fallback = Table([.name, Column("Created At", format: "date")]) { object, _ in
    [object["metadata"]["name"], object["metadata"]["creationTimestamp"]]
  }

  private static func custom(_ version: CustomVersion) -> Table {
    guard !version.printerColumns.isEmpty else {
      return Table([.name, .age]) { [$0.name, $0.age(at: $1)] }
    }
    let definitions = version.printerColumns
    let columns = definitions.map {
      Column(
        $0["name"].string ?? "", type: $0["type"].string ?? "string",
        format: $0["format"].string ?? "", wide: $0["priority"].int ?? 0 > 0,
        text: $0["description"].string ?? "")
    }
    let paths = definitions.map { FieldPath($0["jsonPath"].string ?? "") }
    return Table([.name] + columns) { object, now in
      [object.name]
        + zip(definitions, paths).map { definition, path in
          let value = path.first(in: object)
          if definition["type"].string == "date" {
            guard let time = value.string.flatMap(Timestamp.init) else { return value }
            return .string(Age.text(from: time, to: now))
          }
          switch value {
          case .array, .object: return .string(value.text)
          default: return value
          }
        }
    }
  }
}

/// An object without all but its metadata (meta.k8s.io/v1 PartialObjectMetadata).
package enum PartialMetadata {
  package static func of(_ object: JSON) -> JSON {
    [
      "kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1",
      "metadata": object["metadata"],
    ]
  }
}

extension JSON {
  /// The cell of the name.
  var name: JSON { self["metadata"]["name"].isNull ? "" : self["metadata"]["name"] }

  /// The cell of the age.
  func age(at now: Timestamp) -> JSON {
    guard let created = self["metadata"]["creationTimestamp"].string.flatMap(Timestamp.init) else {
      return "<unknown>"
    }
    return .string(Age.text(from: created, to: now))
  }
}

/// A span of time as Kubernetes prints it: two units at most, fewer the longer it is.
package enum Age {
  package static func text(from start: Timestamp, to end: Timestamp) -> String {
    text(seconds: end.unixSeconds &- start.unixSeconds)
  }

  package static func text(seconds: Int64) -> String {
    if seconds < -1 { return "<invalid>" }
    if seconds < 0 { return "0s" }
    func pair(_ high: Int64, _ highUnit: String, _ low: Int64, _ lowUnit: String) -> String {
      low == 0 ? "\(high)\(highUnit)" : "\(high)\(highUnit)\(low)\(lowUnit)"
    }
    let minutes = seconds / 60
    let hours = seconds / 3600
    let days = hours / 24
    if seconds < 120 { return "\(seconds)s" }
    if minutes < 10 { return pair(minutes, "m", seconds % 60, "s") }
    if minutes < 180 { return "\(minutes)m" }
    if hours < 8 { return pair(hours, "h", minutes % 60, "m") }
    if hours < 48 { return "\(hours)h" }
    if days < 8 { return pair(days, "d", hours % 24, "h") }
    if days < 730 { return "\(days)d" }
    if days < 2920 { return pair(days / 365, "y", days % 365, "d") }
    return "\(days / 365)y"
  }
}

/// A simple JSONPath, as CRD printer columns use: `.spec.ports[0].name`,
/// `.status.conditions[?(@.type=="Ready")].status`, `.spec.hosts[*]`.
package struct FieldPath: Sendable {
  private enum Step: Sendable {
    case member(String)
    case index(Int)
    case all
    case filter(path: String, value: String)
  }
  private let steps: [Step]

  /// What cannot be read selects nothing.
  package init(_ text: String) {
    var steps: [Step] = []
    var rest = Substring(text)
    if rest.hasPrefix("{"), rest.hasSuffix("}") { rest = rest.dropFirst().dropLast() }
    if rest.hasPrefix("$") { rest.removeFirst() }
    while let first = rest.first {
      if first == "." {
        rest.removeFirst()
        var name = ""
        while let next = rest.first, next != ".", next != "[" {
          rest.removeFirst()
          if next == "\\", let escaped = rest.first {
            name.append(escaped)
            rest.removeFirst()
          } else {
            name.append(next)
          }
        }
        if !name.isEmpty { steps.append(.member(name)) }
      } else if first == "[", let end = rest.firstIndex(of: "]") {
        steps.append(Self.bracket(rest[rest.index(after: rest.startIndex)..<end]))
        rest = rest[rest.index(after: end)...]
      } else {
        steps.append(.member("\0"))
        break
      }
    }
    self.steps = steps
  }

  private static func bracket(_ text: Substring) -> Step {
    if text == "*" { return .all }
    if let index = Int(text) { return .index(index) }
    let quotes: Set<Character> = ["'", "\""]
    if let first = text.first, quotes.contains(first) {
      return .member(String(text.dropFirst().dropLast()))
    }
    guard text.hasPrefix("?(@."), text.hasSuffix(")"), let equal = text.firstRange(of: "==") else {
      return .member("\0")
    }
    let path = text[..<equal.lowerBound].dropFirst(4).filter { $0 != " " }
    let value = text[equal.upperBound...].dropLast().filter { !quotes.contains($0) && $0 != " " }
    return .filter(path: path, value: value)
  }

  /// All values at the path, in order.
  package func values(in json: JSON) -> [JSON] {
    var values = [json]
    for step in steps {
      values = values.flatMap { value -> [JSON] in
        switch step {
        case .member(let name): value[name].isNull ? [] : [value[name]]
        case .index(let index):
          index < 0
            ? [value[value.elements.count + index]].filter { !$0.isNull }
            : [value[index]].filter { !$0.isNull }
        case .all: value.array ?? value.members.sorted { $0.key < $1.key }.map(\.value)
        case .filter(let path, let wanted):
          value.elements.filter {
            let found = $0.at(path)
            return (found.string ?? found.text) == wanted
          }
        }
      }
    }
    return values
  }

  func first(in json: JSON) -> JSON { values(in: json).first ?? .null }
}
