import Kubernetes
import Linux
import NetTypes

extension Store {
  /// Keeps which addresses and node ports are taken.
  func allocate(_ object: JSON?, replacing previous: JSON?, _ name: ResourceName) {
    if let previous {
      let service = Service(json: previous)
      if let address = service.clusterIP.flatMap({ IPAddress($0) }) {
        serviceAddresses[address] = nil
      }
      for port in service.ports { if let number = port.nodePort { servicePorts[number] = nil } }
      if let check = previous["spec"]["healthCheckNodePort"].int { servicePorts[check] = nil }
    }
    if let object {
      let service = Service(json: object)
      if let address = service.clusterIP.flatMap({ IPAddress($0) }) {
        serviceAddresses[address] = name
      }
      for port in service.ports { if let number = port.nodePort { servicePorts[number] = name } }
      if let check = object["spec"]["healthCheckNodePort"].int { servicePorts[check] = name }
    }
  }

  /// A replacement that leaves out what was allocated keeps it.
  func carryAllocations(from old: JSON, to object: inout JSON) {
    guard object["spec"]["type"] != "ExternalName" else { return }
    if object["spec"]["clusterIP"].isNull || object["spec"]["clusterIP"] == "" {
      object["spec"]["clusterIP"] = old["spec"]["clusterIP"]
      object["spec"]["clusterIPs"] = old["spec"]["clusterIPs"]
    }
    guard Self.hasNodePorts(object) else { return }
    let before = old["spec"]["ports"].elements
    object["spec"]["ports"].mapElements { port in
      guard port["nodePort"].int ?? 0 == 0 else { return }
      let transport = port["protocol"].string ?? "TCP"
      let same = before.first {
        $0["port"] == port["port"] && ($0["protocol"].string ?? "TCP") == transport
      }
      if let same { port["nodePort"] = same["nodePort"] }
    }
  }

  private static func hasNodePorts(_ object: JSON) -> Bool {
    switch object["spec"]["type"].string {
    case "NodePort": true
    case "LoadBalancer": object["spec"]["allocateLoadBalancerNodePorts"].bool ?? true
    default: false
    }
  }

  /// Gives a service its ClusterIP and node ports, or checks those it asks for.
  func assignService(
    _ object: inout JSON, old: JSON?, _ name: ResourceName
  ) throws(APIStatus) {
    let kind = GroupVersionKind(group: "", version: "v1", kind: "Service")
    if object["spec"]["type"] == "ExternalName" {
      for key in ["clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy"] {
        object["spec"][key] = .null
      }
    } else {
      try assignAddress(&object, name, kind)
    }
    guard Self.hasNodePorts(object) else {
      if !(object["spec"]["type"] == "LoadBalancer") {
        object["spec"]["ports"].mapElements { $0["nodePort"] = .null }
      }
      return
    }
    var taken: Set<Int> = []
    var problem: FieldProblem?
    var index = 0
    object["spec"]["ports"].mapElements { port in
      defer { index += 1 }
      let field = "spec.ports[\(index)].nodePort"
      if let wanted = port["nodePort"].int, wanted != 0 {
        let owner = servicePorts[wanted]
        if !configuration.nodePorts.contains(wanted) {
          let range = configuration.nodePorts
          problem = .invalid(
            field, port["nodePort"],
            "provided port is not in the valid range. The range of valid ports is"
              + " \(range.lowerBound)-\(range.upperBound)")
        } else if let owner, owner != name {
          problem = .invalid(field, port["nodePort"], "provided port is already allocated")
        }
        taken.insert(wanted)
      } else if let free = freePort(besides: taken) {
        port["nodePort"] = JSON(free)
        taken.insert(free)
      } else {
        problem = .invalid(field, 0, "no node port is free")
      }
    }
    if let problem { throw .invalid(kind, name.name, [problem]) }
  }

  private func assignAddress(
    _ object: inout JSON, _ name: ResourceName, _ kind: GroupVersionKind
  ) throws(APIStatus) {
    let wanted = object["spec"]["clusterIP"].string ?? object["spec"]["clusterIPs"][0].string ?? ""
    if wanted.isEmpty {
      guard let free = freeAddress() else {
        throw .internalError("no free address in \(configuration.serviceCIDR)")
      }
      object["spec"]["clusterIP"] = .string(free.description)
    } else if wanted != "None" {
      guard let address = IPAddress(wanted), configuration.serviceCIDR.contains(address) else {
        throw .invalid(
          kind, name.name,
          [
            .invalid(
              "spec.clusterIPs", [.string(wanted)],
              "failed to allocate IP \(wanted): the provided IP (\(wanted)) is not in the valid"
                + " range. The range of valid IPs is \(configuration.serviceCIDR)")
          ])
      }
      if let owner = serviceAddresses[address], owner != name {
        throw .invalid(
          kind, name.name,
          [
            .invalid(
              "spec.clusterIPs", [.string(wanted)],
              "failed to allocate IP \(wanted): provided IP is already allocated")
          ])
      }
      object["spec"]["clusterIP"] = .string(wanted)
    } else {
      object["spec"]["clusterIP"] = "None"
    }
    object["spec"]["clusterIPs"] = [object["spec"]["clusterIP"]]
  }

  /// A random start spreads addresses, so that a deleted service's is not reused at once.
  private func freeAddress() -> IPAddress? {
    let count = min(configuration.serviceCIDR.count, 1 << 20) - 3
    guard count > 0 else { return nil }
    let start = Int.random(in: 0..<count)
    for step in 0..<count {
      let address = configuration.serviceCIDR[2 + (start + step) % count]
      if serviceAddresses[address] == nil { return address }
    }
    return nil
  }

  private func freePort(besides taken: Set<Int>) -> Int? {
    let range = configuration.nodePorts
    let start = Int.random(in: 0..<range.count)
    for step in 0..<range.count {
      let port = range.lowerBound + (start + step) % range.count
      if servicePorts[port] == nil, !taken.contains(port) { return port }
    }
    return nil
  }
}
