import Intent
import Kubernetes
import NetTypes

/// What `up` decided for a unit, kept in `unit.json`: the configuration and the host ports chosen.
package struct UnitRecord: Equatable, Sendable {
  package var configuration: UnitConfiguration
  /// Every published port, those asked for and the default ones.
  package var publishes: [PublishedPort]

  package init(configuration: UnitConfiguration, publishes: [PublishedPort]) {
    self.configuration = configuration
    self.publishes = publishes
  }

  package var name: String { configuration.name }
  package var directory: UnitDirectory { UnitDirectory(unit: name) }

  /// The control socket of a router, by its name.
  package func socket(ofRouter name: String) throws -> String {
    let known = try UnitPlan(configuration).routers.map(\.role.name)
    guard known.contains(name) else {
      throw UnitError(
        "router \"\(name)\": unit \(self.name) has \(known.joined(separator: ", "))")
    }
    return directory.socket(of: name)
  }

  /// The host port of the API server's publication.
  package var apiPort: UInt16? { publishes.first { $0.target == .server }?.hostPort }
}

extension UnitRecord {
  package var json: JSON {
    var json: JSON = [
      "apiVersion": "atoll.dev/v1alpha1", "kind": "UnitRecord",
      "metadata": ["name": .string(configuration.name)],
      "spec": [
        "servers": .integer(Int64(configuration.servers)),
        "agents": .integer(Int64(configuration.agents)),
        "podCIDR": .string("\(configuration.podCIDR)"),
        "blockSize": .integer(Int64(configuration.blockSize)),
        "nodeCIDR": .string("\(configuration.nodeCIDR)"),
        "vipCIDR": .string("\(configuration.vipCIDR)"),
        "serviceCIDR": .string("\(configuration.serviceCIDR)"),
        "topology": .string(configuration.topology.rawValue),
        "uplinkCIDR": .string("\(configuration.uplinkCIDR)"),
        "asNumber": .integer(Int64(configuration.asNumber.rawValue)),
        "manifests": .array(configuration.manifests.map { .string($0) }),
        "publishes": .array(configuration.publishes.map { .string("\($0)") }),
      ],
      "status": ["publishes": .array(publishes.map { .string("\($0)") })],
    ]
    if let mesh = configuration.mesh {
      json["spec"]["mesh"] = [
        "name": .string(mesh.mesh), "address": .string("\(mesh.address)"),
        "router": .string("\(mesh.router)"),
        "routerAS": .integer(Int64(mesh.routerAS.rawValue)),
      ]
    }
    return json
  }

  /// - Throws: `UnitError` naming the field that is missing or malformed.
  package init(json: JSON) throws(UnitError) {
    let spec = json["spec"]
    func required<Value>(_ field: String, _ value: Value?) throws(UnitError) -> Value {
      guard let value else { throw UnitError("unit.json: spec.\(field) is missing or malformed") }
      return value
    }
    func prefix(_ field: String) throws(UnitError) -> IPPrefix {
      try required(field, spec[field].string.flatMap { IPPrefix($0) })
    }
    func ports(_ list: JSON) -> [PublishedPort] {
      (list.array ?? []).compactMap { $0.string.flatMap { PublishedPort($0) } }
    }
    var configuration = UnitConfiguration()
    configuration.name = try required("name", json["metadata"]["name"].string)
    configuration.servers = try required("servers", spec["servers"].int)
    configuration.agents = try required("agents", spec["agents"].int)
    configuration.podCIDR = try prefix("podCIDR")
    configuration.blockSize = try required("blockSize", spec["blockSize"].int)
    configuration.nodeCIDR = try prefix("nodeCIDR")
    configuration.vipCIDR = try prefix("vipCIDR")
    configuration.serviceCIDR = try prefix("serviceCIDR")
    configuration.asNumber = ASNumber(
      try required("asNumber", spec["asNumber"].int.flatMap { UInt32(exactly: $0) }))
    // Units of before there was a choice have neither.
    if !spec["topology"].isNull {
      configuration.topology = try required(
        "topology", spec["topology"].string.flatMap(UnitTopology.init(rawValue:)))
      configuration.uplinkCIDR = try prefix("uplinkCIDR")
    }
    if spec["mesh"].object != nil {
      let mesh = spec["mesh"]
      configuration.mesh = MeshLink(
        mesh: try required("mesh.name", mesh["name"].string),
        address: try required(
          "mesh.address", mesh["address"].string.flatMap { InterfaceAddress($0) }),
        router: try required("mesh.router", mesh["router"].string.flatMap { IPAddress($0) }),
        routerAS: ASNumber(
          try required("mesh.routerAS", mesh["routerAS"].int.flatMap { UInt32(exactly: $0) })))
    }
    configuration.manifests = (spec["manifests"].array ?? []).compactMap(\.string)
    configuration.publishes = ports(spec["publishes"])
    self.init(configuration: configuration, publishes: ports(json["status"]["publishes"]))
  }
}
