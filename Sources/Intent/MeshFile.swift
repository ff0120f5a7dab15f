import NetTypes
import Yams

/// A mesh's configuration from a file of kind Mesh.
///
/// ```yaml
/// apiVersion: atoll.dev/v1alpha1
/// kind: Mesh
/// metadata: {name: mesh}
/// spec:
///   domain: gslb.example
///   manifests: [apps]                 # for every unit
///   units:
///   - {name: east, agents: 1}         # and every other field of a unit's spec
///   - {name: west, agents: 1}
///   clients:
///   - {name: client}
/// ```
package enum MeshFile {
  package struct Parsed: Equatable, Sendable {
    package var configuration: MeshConfiguration
    /// What the file says that is not known, a line each.
    package var notices: [String] = []

    package init(configuration: MeshConfiguration) { self.configuration = configuration }
  }

  /// Site names are part of interface names, which the kernel limits to 15 bytes.
  package static let nameLimit = 10

  /// - Returns: Nil if the file is of another kind.
  /// - Parameter folder: Relative paths in the file begin there.
  package static func parse(
    _ text: String, file: String, folder: String
  ) throws(FileProblem) -> Parsed? {
    let nodes = try YAML.nodes(text, file: file)
    guard let node = nodes.first, nodes.count == 1 else { return nil }
    let root = FileFields(node, file: file, path: "")
    guard root.optionalText("apiVersion") == "atoll.dev/v1alpha1",
      root.optionalText("kind") == "Mesh"
    else { return nil }
    var parsed = Parsed(configuration: MeshConfiguration())
    parsed.notices = root.unknown(beside: ["apiVersion", "kind", "metadata", "spec"])
    if let metadata = try root.section("metadata") {
      parsed.notices += metadata.unknown(beside: ["name", "labels", "annotations"])
      parsed.configuration.name = try name(metadata) ?? parsed.configuration.name
    }
    guard let spec = try root.section("spec") else {
      throw root.problem("spec", found: "none", expected: "a mapping with units")
    }
    try apply(spec, folder, to: &parsed)
    return parsed
  }

  private static func apply(
    _ spec: FileFields, _ folder: String, to parsed: inout Parsed
  ) throws(FileProblem) {
    var mesh = parsed.configuration
    parsed.notices += spec.unknown(beside: [
      "domain", "units", "clients", "manifests", "linkCIDR", "routerAS",
    ])
    mesh.domain = try spec.text("domain") ?? mesh.domain
    mesh.linkCIDR = try spec.prefix("linkCIDR") ?? mesh.linkCIDR
    if let number = try spec.number("routerAS") {
      guard let value = UInt32(exactly: number), value > 0 else {
        throw spec.problem("routerAS", found: "\(number)", expected: "1 to 4294967294")
      }
      mesh.routerAS = ASNumber(value)
    }
    let manifests = try spec.list("manifests").map { $0.hasPrefix("/") ? $0 : "\(folder)/\($0)" }
    var names: Set<String> = ["wan", "links", mesh.name]
    func take(_ fields: FileFields) throws(FileProblem) -> String {
      guard let name = try Self.name(fields) else {
        throw fields.problem("name", found: "none", expected: "a site's name")
      }
      guard names.insert(name).inserted else {
        throw fields.problem(
          "name", found: "\"\(name)\"", expected: "one that no other site has, nor the mesh")
      }
      return name
    }
    for fields in try spec.sections("units") {
      parsed.notices += fields.unknown(beside: UnitFile.fields.union(["name"]))
      var unit = UnitConfiguration()
      unit.agents = 1
      unit.name = try take(fields)
      try UnitFile.apply(fields, folder, to: &unit)
      unit.manifests = manifests + unit.manifests
      mesh.units.append(.init(unit, given: Set(fields.names)))
    }
    for fields in try spec.sections("clients") {
      parsed.notices += fields.unknown(beside: ["name"])
      mesh.clients.append(try take(fields))
    }
    guard !mesh.units.isEmpty else {
      throw spec.problem("units", found: "none", expected: "at least one")
    }
    parsed.configuration = mesh
  }

  private static func name(_ fields: FileFields) throws(FileProblem) -> String? {
    guard let name = try fields.text("name") else { return nil }
    let letters = name.utf8.allSatisfy {
      ($0 >= 0x61 && $0 <= 0x7a) || ($0 >= 0x30 && $0 <= 0x39) || $0 == 0x2d
    }
    guard letters, (1...nameLimit).contains(name.utf8.count), !name.hasPrefix("-"),
      !name.hasSuffix("-")
    else {
      throw fields.problem(
        "name", found: "\"\(name)\"",
        expected: "1 to \(nameLimit) of a-z, 0-9 and '-', not at either end")
    }
    return name
  }
}
