import Kubernetes
import NetTypes
import Yams

/// A unit's configuration from a file: ours, or k3d's.
package enum UnitFile {
  package struct Parsed: Equatable, Sendable {
    package var configuration: UnitConfiguration
    /// What the file says that does not apply here, a line each.
    package var notices: [String] = []
  }

  /// - Parameter folder: Relative paths in the file begin there.
  package static func parse(
    _ text: String, file: String, folder: String
  ) throws(FileProblem) -> Parsed {
    let nodes = try YAML.nodes(text, file: file)
    guard let node = nodes.first, nodes.count == 1 else {
      throw FileProblem(file: file, message: "found \(nodes.count) documents, expected one")
    }
    let root = FileFields(node, file: file, path: "")
    let version = root.optionalText("apiVersion") ?? ""
    let kind = root.optionalText("kind") ?? ""
    if version == "atoll.dev/v1alpha1", kind == "Unit" { return try unit(root, folder) }
    if version.hasPrefix("k3d.io/"), kind == "Simple" { return try K3DFile.parse(root, folder) }
    throw FileProblem(
      file: file, line: node.mark?.line ?? 1, column: node.mark?.column ?? 1,
      message:
        "found \(version) \(kind), expected atoll.dev/v1alpha1 Unit or Mesh, or k3d.io/v1alpha5 Simple"
    )
  }

  private static func unit(_ root: FileFields, _ folder: String) throws(FileProblem) -> Parsed {
    var unit = UnitConfiguration()
    var notices = root.unknown(beside: ["apiVersion", "kind", "metadata", "spec"])
    if let metadata = try root.section("metadata") {
      notices += metadata.unknown(beside: ["name", "labels", "annotations"])
      unit.name = try metadata.text("name") ?? unit.name
    }
    if let spec = try root.section("spec") {
      notices += spec.unknown(beside: Self.fields)
      try apply(spec, folder, to: &unit)
    }
    return Parsed(configuration: unit, notices: notices)
  }

  /// What a unit's `spec` may say.
  static let fields: Set<String> = [
    "servers", "agents", "podCIDR", "blockSize", "nodeCIDR", "vipCIDR", "serviceCIDR",
    "asNumber", "manifests", "publish", "topology", "uplinkCIDR",
  ]

  /// Takes over what `spec` says; what it does not say stays.
  static func apply(
    _ spec: FileFields, _ folder: String, to unit: inout UnitConfiguration
  ) throws(FileProblem) {
    unit.servers = try spec.number("servers") ?? unit.servers
    unit.agents = try spec.number("agents") ?? unit.agents
    unit.blockSize = try spec.number("blockSize") ?? unit.blockSize
    unit.podCIDR = try spec.prefix("podCIDR") ?? unit.podCIDR
    unit.nodeCIDR = try spec.prefix("nodeCIDR") ?? unit.nodeCIDR
    unit.vipCIDR = try spec.prefix("vipCIDR") ?? unit.vipCIDR
    unit.serviceCIDR = try spec.prefix("serviceCIDR") ?? unit.serviceCIDR
    unit.uplinkCIDR = try spec.prefix("uplinkCIDR") ?? unit.uplinkCIDR
    if let text = try spec.text("topology") {
      guard let topology = UnitTopology(rawValue: text) else {
        let expected = UnitTopology.allCases.map(\.rawValue).joined(separator: " or ")
        throw spec.problem("topology", found: "\"\(text)\"", expected: expected)
      }
      unit.topology = topology
    }
    if let number = try spec.number("asNumber") {
      guard let value = UInt32(exactly: number) else {
        throw spec.problem("asNumber", found: "\(number)", expected: "1 to 4294967294")
      }
      unit.asNumber = ASNumber(value)
    }
    unit.manifests = try spec.list("manifests").map { $0.hasPrefix("/") ? $0 : "\(folder)/\($0)" }
    for text in try spec.list("publish") {
      guard let port = PublishedPort(text) else {
        throw spec.problem("publish", found: "\"\(text)\"", expected: "HOSTPORT:PORT@edge")
      }
      unit.publishes.append(port)
    }
  }
}

/// The fields of one mapping of a file, with their places for errors.
struct FileFields {
  let file: String
  let path: String
  private let node: Yams.Node
  private let fields: [(name: String, node: Yams.Node)]

  init(_ node: Yams.Node, file: String, path: String) {
    self.node = node
    self.file = file
    self.path = path
    fields = node.mapping?.compactMap { key, value in key.string.map { ($0, value) } } ?? []
  }

  private func field(_ name: String) -> Yams.Node? { fields.first { $0.name == name }?.node }

  var names: [String] { fields.map(\.name) }

  func problem(_ name: String, found: String, expected: String) -> FileProblem {
    let mark = field(name)?.mark ?? node.mark
    return FileProblem(
      file: file, line: mark?.line ?? 0, column: mark?.column ?? 0,
      message: "\(path)\(name): found \(found), expected \(expected)")
  }

  /// A notice for each field that is not known.
  func unknown(beside known: Set<String>) -> [String] {
    fields.filter { !known.contains($0.name) }.map { name, value in
      "\(file):\(value.mark?.line ?? 0): unknown field \(path)\(name) is ignored"
    }
  }

  private func describe(_ node: Yams.Node) -> String {
    switch node {
    case .scalar(let scalar): "\"\(scalar.string)\""
    case .mapping: "a mapping"
    case .sequence: "a list"
    case .alias: "an alias"
    }
  }

  func section(_ name: String) throws(FileProblem) -> FileFields? {
    guard let value = field(name) else { return nil }
    guard value.mapping != nil else {
      throw problem(name, found: describe(value), expected: "a mapping")
    }
    return FileFields(value, file: file, path: "\(path)\(name).")
  }

  func sections(_ name: String) throws(FileProblem) -> [FileFields] {
    guard let value = field(name) else { return [] }
    guard let sequence = value.sequence else {
      throw problem(name, found: describe(value), expected: "a list")
    }
    return sequence.map { FileFields($0, file: file, path: "\(path)\(name)[].") }
  }

  /// Where a field as `members[1].weight` stands, or the nearest that there is around it.
  func place(of field: String) -> (line: Int, column: Int)? {
    var current = node
    var mark = node.mark
    for part in field.split(whereSeparator: { $0 == "." || $0 == "[" || $0 == "]" }) {
      let next =
        Int(part).map { index in
          current.sequence.flatMap { $0.indices.contains(index) ? $0[index] : nil }
        } ?? current.mapping?.first { $0.key.string == String(part) }?.value
      guard let next else { break }
      current = next
      mark = next.mark ?? mark
    }
    return mark.map { ($0.line, $0.column) }
  }

  func optionalText(_ name: String) -> String? { field(name)?.scalar?.string }

  func text(_ name: String) throws(FileProblem) -> String? {
    guard let value = field(name) else { return nil }
    guard let scalar = value.scalar else {
      throw problem(name, found: describe(value), expected: "a text")
    }
    return scalar.string
  }

  func number(_ name: String) throws(FileProblem) -> Int? {
    guard let text = try text(name) else { return nil }
    guard let value = Int(text) else {
      throw problem(name, found: "\"\(text)\"", expected: "a number")
    }
    return value
  }

  func prefix(_ name: String) throws(FileProblem) -> IPPrefix? {
    guard let text = try text(name) else { return nil }
    guard let value = IPPrefix(text) else {
      throw problem(
        name, found: "\"\(text)\"", expected: "a prefix without host bits, as 10.53.0.0/16")
    }
    return value
  }

  func list(_ name: String) throws(FileProblem) -> [String] {
    guard let value = field(name) else { return [] }
    guard let sequence = value.sequence else {
      throw problem(name, found: describe(value), expected: "a list")
    }
    return sequence.compactMap { $0.scalar?.string }
  }
}
