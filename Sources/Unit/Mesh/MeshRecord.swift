import Intent
import Kubernetes
import Linux
import NetTypes

/// What `up` decided for a mesh, kept in `mesh.json`: its configuration with all networks chosen.
package struct MeshRecord: Equatable, Sendable {
  package var configuration: MeshConfiguration

  package init(configuration: MeshConfiguration) { self.configuration = configuration }

  package var name: String { configuration.name }
  package var directory: UnitDirectory { UnitDirectory(unit: name) }
  package var units: [String] { configuration.units.map(\.configuration.name) }

  package var json: JSON {
    [
      "apiVersion": "atoll.dev/v1alpha1", "kind": "MeshRecord",
      "metadata": ["name": JSON(name)],
      "spec": [
        "domain": JSON(configuration.domain), "linkCIDR": JSON("\(configuration.linkCIDR)"),
        "routerAS": .integer(Int64(configuration.routerAS.rawValue)),
        "clients": JSON(configuration.clients),
        "units": .array(
          configuration.units.map {
            UnitRecord(configuration: $0.configuration, publishes: []).json
          }),
      ],
    ]
  }

  /// - Throws: `UnitError` naming the field that is missing or malformed.
  package init(json: JSON) throws(UnitError) {
    let spec = json["spec"]
    var mesh = MeshConfiguration()
    guard let name = json["metadata"]["name"].string, let domain = spec["domain"].string,
      let links = spec["linkCIDR"].string.flatMap({ IPPrefix($0) }),
      let number = spec["routerAS"].int.flatMap({ UInt32(exactly: $0) })
    else {
      throw UnitError("mesh.json: name, spec.domain, linkCIDR or routerAS is missing or malformed")
    }
    mesh.name = name
    mesh.domain = domain
    mesh.linkCIDR = links
    mesh.routerAS = ASNumber(number)
    mesh.clients = spec["clients"].elements.compactMap(\.string)
    for unit in spec["units"].elements {
      mesh.units.append(.init(try UnitRecord(json: unit).configuration))
    }
    configuration = mesh
  }
}

/// The meshes of this machine, as their records tell.
package enum MeshRegistry {
  package static func names() throws -> [String] {
    guard FileSystem.exists(UnitDirectory.stateRoot) else { return [] }
    return try FileSystem.list(UnitDirectory.stateRoot).filter {
      FileSystem.exists(UnitDirectory(unit: $0).meshRecord)
    }.sorted()
  }

  /// A mesh's record; nil if there is none or it cannot be read.
  package static func kept(_ name: String) -> MeshRecord? {
    guard let text = try? FileSystem.readText(UnitDirectory(unit: name).meshRecord),
      let json = try? JSON(parsing: text)
    else { return nil }
    return try? MeshRecord(json: json)
  }

  /// The mesh of that name; without a name, the only one there is.
  package static func find(_ name: String?) throws -> MeshRecord {
    let names = try names()
    guard let chosen = name ?? (names.count == 1 ? names.first : nil) else {
      throw UnitError(
        names.isEmpty
          ? "no mesh here: `atoll up -f mesh.yaml` brings one up"
          : "which mesh? --mesh: there are \(names.joined(separator: ", "))")
    }
    guard let record = kept(chosen) else { throw UnitError("mesh \(chosen): not here") }
    return record
  }

  /// The mesh that a unit is part of.
  package static func mesh(of unit: String) -> MeshRecord? {
    UnitRegistry.kept(unit)?.configuration.mesh.flatMap { kept($0.mesh) }
  }
}
