extension Table {
  static let builtIn: [GroupResource: Table] = [
    .pods: pods, .services: services, .deployments: deployments, .replicaSets: replicaSets,
    .daemonSets: daemonSets, .nodes: nodes, .namespaces: namespaces, .configMaps: configMaps,
    .secrets: secrets, .serviceAccounts: serviceAccounts, .endpoints: endpoints,
    .endpointSlices: endpointSlices, .events: events, .leases: leases, .ingresses: ingresses,
    .ingressClasses: ingressClasses,
  ]

  private static let templateColumns = [
    Column("Containers", wide: true), Column("Images", wide: true), Column("Selector", wide: true),
  ]

  private static func templateCells(_ object: JSON) -> [JSON] {
    let containers = PodSpec(json: object["spec"]["template"]["spec"]).containers
    let selector = try? LabelSelector(json: object["spec"]["selector"])
    return [
      .string(containers.map(\.name).joined(separator: ",")),
      .string(containers.map(\.image).joined(separator: ",")),
      .string(selector?.text ?? "<error>"),
    ]
  }

  private static func number(_ value: JSON) -> JSON { JSON(value.int ?? 0) }

  private static let deployments = Table(
    [
      .name, Column("Ready"), Column("Up-to-date", type: "integer", format: "int32"),
      Column("Available", type: "integer", format: "int32"), .age,
    ] + templateColumns
  ) { object, now in
    let status = object["status"]
    let ready = "\(status["readyReplicas"].int ?? 0)/\(object["spec"]["replicas"].int ?? 1)"
    return [
      object.name, .string(ready), number(status["updatedReplicas"]),
      number(status["availableReplicas"]), object.age(at: now),
    ] + templateCells(object)
  }

  private static let replicaSets = Table(
    [
      .name, Column("Desired", type: "integer"), Column("Current", type: "integer"),
      Column("Ready", type: "integer"), .age,
    ] + templateColumns
  ) { object, now in
    [
      object.name, JSON(object["spec"]["replicas"].int ?? 1), number(object["status"]["replicas"]),
      number(object["status"]["readyReplicas"]), object.age(at: now),
    ] + templateCells(object)
  }

  private static let daemonSets = Table(
    [
      .name, Column("Desired", type: "integer"), Column("Current", type: "integer"),
      Column("Ready", type: "integer"), Column("Up-to-date", type: "integer"),
      Column("Available", type: "integer"), Column("Node Selector"), .age,
    ] + templateColumns
  ) { object, now in
    let status = object["status"]
    let selector = object["spec"]["template"]["spec"]["nodeSelector"].strings
    return [
      object.name, number(status["desiredNumberScheduled"]),
      number(status["currentNumberScheduled"]), number(status["numberReady"]),
      number(status["updatedNumberScheduled"]), number(status["numberAvailable"]),
      .string(pairs(selector)), object.age(at: now),
    ] + templateCells(object)
  }

  /// `a=b,c=d`, or `<none>`.
  private static func pairs(_ labels: [String: String]) -> String {
    labels.isEmpty
      ? "<none>"
      : labels.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }.joined(separator: ",")
  }

  private static let services = Table([
    .name, Column("Type"), Column("Cluster-IP"), Column("External-IP"), Column("Port(s)"), .age,
    Column("Selector", wide: true),
  ]) { object, now in
    let service = Service(json: object)
    let ports = service.ports.map { port in
      let node = port.nodePort.map { ":\($0)" } ?? ""
      return "\(port.port)\(node)/\(port.transport)"
    }
    return [
      object.name, .string(service.type),
      .string(object["spec"]["clusterIP"].string ?? "<none>"), .string(external(service)),
      .string(ports.isEmpty ? "<none>" : ports.joined(separator: ",")), object.age(at: now),
      .string(pairs(service.selector)),
    ]
  }

  private static func external(_ service: Service) -> String {
    var addresses = service.externalIPs
    switch service.type {
    case "ExternalName": return service.spec["externalName"].string ?? ""
    case "LoadBalancer":
      let ingress = service.status["loadBalancer"]["ingress"].elements
        .compactMap { $0["ip"].string ?? $0["hostname"].string }
      addresses = ingress + addresses
      return addresses.isEmpty ? "<pending>" : addresses.joined(separator: ",")
    default: return addresses.isEmpty ? "<none>" : addresses.joined(separator: ",")
    }
  }

  private static let nodes = Table([
    .name, Column("Status"), Column("Roles"), .age, Column("Version"),
    Column("Internal-IP", wide: true), Column("External-IP", wide: true),
    Column("OS-Image", wide: true), Column("Kernel-Version", wide: true),
    Column("Container-Runtime", wide: true),
  ]) { object, now in
    let node = Node(json: object)
    var status = node.condition("Ready").map { $0.isTrue ? "Ready" : "NotReady" } ?? "Unknown"
    if node.isUnschedulable { status += ",SchedulingDisabled" }
    let prefix = "node-role.kubernetes.io/"
    var roles = node.labels.keys.filter { $0.hasPrefix(prefix) }
      .map { String($0.dropFirst(prefix.count)) }
    if let role = node.labels["kubernetes.io/role"], !role.isEmpty { roles.append(role) }
    let info = object["status"]["nodeInfo"]
    func text(_ value: String?) -> JSON {
      .string(value.flatMap { $0.isEmpty ? nil : $0 } ?? "<unknown>")
    }
    return [
      object.name, .string(status),
      .string(roles.isEmpty ? "<none>" : roles.sorted().joined(separator: ",")),
      object.age(at: now), .string(info["kubeletVersion"].string ?? ""),
      .string(node.internalIP ?? "<none>"),
      .string(node.addresses("ExternalIP").first ?? "<none>"),
      text(info["osImage"].string), text(info["kernelVersion"].string),
      text(info["containerRuntimeVersion"].string),
    ]
  }

  private static let namespaces = Table([.name, Column("Status"), .age]) { object, now in
    [object.name, .string(object["status"]["phase"].string ?? "Active"), object.age(at: now)]
  }

  private static let configMaps = Table([
    .name, Column("Data"), .age,
  ]) { object, now in
    let count = object["data"].members.count + object["binaryData"].members.count
    return [object.name, JSON(count), object.age(at: now)]
  }

  private static let secrets = Table([
    .name, Column("Type"), Column("Data"), .age,
  ]) { object, now in
    [
      object.name, .string(object["type"].string ?? "Opaque"),
      JSON(object["data"].members.count), object.age(at: now),
    ]
  }

  private static let serviceAccounts = Table([
    .name, Column("Secrets"), .age,
  ]) { object, now in
    [object.name, JSON(object["secrets"].elements.count), object.age(at: now)]
  }

  private static let endpoints = Table([.name, Column("Endpoints"), .age]) { object, now in
    let all = object["subsets"].elements.flatMap { subset in
      subset["addresses"].elements.compactMap { $0["ip"].string }.flatMap { address in
        subset["ports"].elements.isEmpty
          ? [address]
          : subset["ports"].elements.map { "\(address):\($0["port"].int ?? 0)" }
      }
    }
    return [object.name, .string(first(3, of: all)), object.age(at: now)]
  }

  /// The first few, and how many more there are, as `a,b,c + 2 more...`.
  private static func first(_ count: Int, of all: [String]) -> String {
    if all.isEmpty { return "<none>" }
    let list = all.prefix(count).joined(separator: ",")
    return all.count > count ? "\(list) + \(all.count - count) more..." : list
  }

  private static let endpointSlices = Table([
    .name, Column("AddressType"), Column("Ports"), Column("Endpoints"), .age,
  ]) { object, now in
    let slice = EndpointSlice(json: object)
    let ports = slice.ports.map { $0.port.map(String.init) ?? "*" }
    let addresses = slice.endpoints.flatMap(\.addresses)
    return [
      object.name, .string(slice.addressType),
      .string(ports.isEmpty ? "<unset>" : first(3, of: ports)),
      .string(addresses.isEmpty ? "<unset>" : first(3, of: addresses)), object.age(at: now),
    ]
  }

  private static let events = Table([
    Column("Last Seen"), Column("Type"), Column("Reason"), Column("Object"),
    Column("Subobject", wide: true), Column("Source", wide: true), Column("Message"),
    Column("First Seen", wide: true), Column("Count", wide: true),
    Column("Name", format: "name", wide: true),
  ]) { object, now in
    func age(_ fields: String...) -> JSON {
      for field in fields {
        if let time = object[field].string.flatMap(Timestamp.init) {
          return .string(Age.text(from: time, to: now))
        }
      }
      return "<unknown>"
    }
    let target = object["involvedObject"]
    let kind = (target["kind"].string ?? "").lowercased()
    let source = [
      object["source"]["component"].string ?? object["reportingComponent"].string,
      object["source"]["host"].string,
    ].compactMap { $0 }.filter { !$0.isEmpty }.joined(separator: ", ")
    return [
      age("lastTimestamp", "eventTime", "firstTimestamp"),
      .string(object["type"].string ?? "Normal"), .string(object["reason"].string ?? ""),
      .string("\(kind)/\(target["name"].string ?? "")"),
      .string(target["fieldPath"].string ?? ""), .string(source),
      .string(object["message"].string ?? ""), age("firstTimestamp", "eventTime"),
      JSON(object["count"].int ?? 1), object.name,
    ]
  }

  private static let leases = Table([.name, Column("Holder"), .age]) { object, now in
    [object.name, .string(object["spec"]["holderIdentity"].string ?? ""), object.age(at: now)]
  }

  private static let ingresses = Table([
    .name, Column("Class"), Column("Hosts"), Column("Address"), Column("Ports"), .age,
  ]) { object, now in
    let ingress = Ingress(json: object)
    let hosts = ingress.rules.map { $0.host ?? "*" }
    let addresses = object["status"]["loadBalancer"]["ingress"].elements
      .compactMap { $0["ip"].string ?? $0["hostname"].string }
    return [
      object.name, .string(ingress.ingressClassName ?? "<none>"),
      .string(hosts.isEmpty ? "*" : first(3, of: hosts)),
      .string(addresses.joined(separator: ",")),
      .string(ingress.tls.isEmpty ? "80" : "80, 443"), object.age(at: now),
    ]
  }

  private static let ingressClasses = Table([
    .name, Column("Controller"), Column("Parameters"), .age,
  ]) { object, now in
    let parameters = object["spec"]["parameters"]
    let text =
      parameters.isNull
      ? "<none>"
      : [
        [parameters["kind"].string, parameters["apiGroup"].string].compactMap { $0 }
          .joined(separator: "."),
        parameters["name"].string ?? "",
      ].joined(separator: "/")
    return [
      object.name, .string(object["spec"]["controller"].string ?? ""), .string(text),
      object.age(at: now),
    ]
  }
}
