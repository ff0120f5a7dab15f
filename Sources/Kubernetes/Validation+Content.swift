extension Validation {
  /// Required fields and values of the built-in kinds.
  static func content(_ object: JSON, _ resource: GroupResource) -> [FieldProblem] {
    switch resource {
    case .pods: return podSpec(object["spec"], "spec")
    case .deployments, .replicaSets, .daemonSets: return workload(object["spec"])
    case .services: return service(object["spec"])
    case .ingresses: return ingress(object["spec"])
    case .configMaps, .secrets:
      return object["data"].members.sorted { $0.key < $1.key }.compactMap { key, value in
        value.string == nil ? .invalid("data[\(key)]", value, "must be a string") : nil
      }
    case .endpointSlices:
      return object["addressType"].isNull ? [.required("addressType")] : []
    case .customResourceDefinitions: return definition(object)
    default: return []
    }
  }

  private static func workload(_ spec: JSON) -> [FieldProblem] {
    var problems: [FieldProblem] = []
    if let replicas = spec["replicas"].int, replicas < 0 {
      problems.append(
        .invalid("spec.replicas", spec["replicas"], "must be greater than or equal to 0"))
    }
    if spec["selector"].members.isEmpty {
      problems.append(.required("spec.selector"))
    } else {
      do throws(SelectorError) {
        let labels = spec["template"]["metadata"]["labels"]
        if try !LabelSelector(json: spec["selector"]).matches(labels.strings) {
          problems.append(
            .invalid(
              "spec.template.metadata.labels", labels.isNull ? [:] : labels,
              "`selector` does not match template `labels`"))
        }
      } catch {
        problems.append(.invalid("spec.selector", spec["selector"], error.description))
      }
    }
    return problems + podSpec(spec["template"]["spec"], "spec.template.spec")
  }

  private static func podSpec(_ spec: JSON, _ path: String) -> [FieldProblem] {
    var problems: [FieldProblem] = []
    var names: Set<String> = []
    let volumes = Set(spec["volumes"].elements.compactMap { $0["name"].string })
    if spec["containers"].elements.isEmpty { problems.append(.required("\(path).containers")) }
    for list in ["initContainers", "containers"] {
      for (index, container) in spec[list].elements.enumerated() {
        let here = "\(path).\(list)[\(index)]"
        problems += Self.container(container, here, volumes)
        let name = container["name"].string ?? ""
        if !name.isEmpty, !names.insert(name).inserted {
          problems.append(.duplicate("\(here).name", .string(name)))
        }
      }
    }
    for (index, volume) in spec["volumes"].elements.enumerated()
    where !isLabel(volume["name"].string ?? "") {
      let field = "\(path).volumes[\(index)].name"
      problems.append(
        volume["name"].isNull ? .required(field) : .invalid(field, volume["name"], labelRule))
    }
    let policies = ["Always", "OnFailure", "Never"]
    if let policy = spec["restartPolicy"].string, !policies.contains(policy) {
      problems.append(.notSupported("\(path).restartPolicy", .string(policy), policies))
    }
    return problems
  }

  private static func container(
    _ container: JSON, _ path: String, _ volumes: Set<String>
  ) -> [FieldProblem] {
    var problems: [FieldProblem] = []
    let name = container["name"].string ?? ""
    if name.isEmpty {
      problems.append(.required("\(path).name"))
    } else if !isLabel(name) {
      problems.append(.invalid("\(path).name", .string(name), labelRule))
    }
    if (container["image"].string ?? "").isEmpty { problems.append(.required("\(path).image")) }
    let policies = ["Always", "IfNotPresent", "Never"]
    if let policy = container["imagePullPolicy"].string, !policies.contains(policy) {
      problems.append(.notSupported("\(path).imagePullPolicy", .string(policy), policies))
    }
    for (index, port) in container["ports"].elements.enumerated() {
      let field = "\(path).ports[\(index)].containerPort"
      if port["containerPort"].isNull {
        problems.append(.required(field))
      } else if !(1...65535).contains(port["containerPort"].int ?? 0) {
        problems.append(
          .invalid(field, port["containerPort"], "must be between 1 and 65535, inclusive"))
      }
    }
    for (index, mount) in container["volumeMounts"].elements.enumerated() {
      let field = "\(path).volumeMounts[\(index)].name"
      guard let name = mount["name"].string else {
        problems.append(.required(field))
        continue
      }
      if !volumes.contains(name) {
        problems.append(FieldProblem(.invalid, field, "Not found: \"\(name)\""))
      }
    }
    for list in ["requests", "limits"] {
      for (key, value) in container["resources"][list].members.sorted(by: { $0.key < $1.key })
      where Quantity(json: value) == nil {
        problems.append(
          .invalid(
            "\(path).resources.\(list)[\(key)]", value,
            "quantities must match the regular expression"
              + " '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"))
      }
    }
    return problems
  }

  private static func service(_ spec: JSON) -> [FieldProblem] {
    var problems: [FieldProblem] = []
    let types = ["ClusterIP", "ExternalName", "LoadBalancer", "NodePort"]
    if let type = spec["type"].string, !types.contains(type) {
      problems.append(.notSupported("spec.type", .string(type), types))
    }
    let ports = spec["ports"].elements
    let isHeadless = spec["clusterIP"] == "None"
    if ports.isEmpty, spec["type"] != "ExternalName", !isHeadless {
      problems.append(.required("spec.ports"))
    }
    for (index, port) in ports.enumerated() {
      let path = "spec.ports[\(index)]"
      if ports.count > 1, (port["name"].string ?? "").isEmpty {
        problems.append(.required("\(path).name"))
      }
      if !(1...65535).contains(port["port"].int ?? 0) {
        problems.append(
          .invalid("\(path).port", port["port"], "must be between 1 and 65535, inclusive"))
      }
      let transports = ["SCTP", "TCP", "UDP"]
      if let transport = port["protocol"].string, !transports.contains(transport) {
        problems.append(.notSupported("\(path).protocol", .string(transport), transports))
      }
    }
    return problems
  }

  private static func ingress(_ spec: JSON) -> [FieldProblem] {
    var problems: [FieldProblem] = []
    if spec["rules"].elements.isEmpty, spec["defaultBackend"].isNull {
      problems.append(
        .invalid("spec", [], "either `defaultBackend` or `rules` must be specified"))
    }
    for (index, rule) in spec["rules"].elements.enumerated() {
      for (number, item) in rule["http"]["paths"].elements.enumerated() {
        let path = "spec.rules[\(index)].http.paths[\(number)]"
        let types = ["Exact", "ImplementationSpecific", "Prefix"]
        if item["pathType"].isNull {
          problems.append(.required("\(path).pathType", "pathType must be specified"))
        } else if let type = item["pathType"].string, !types.contains(type) {
          problems.append(.notSupported("\(path).pathType", .string(type), types))
        } else if item["pathType"] != "ImplementationSpecific",
          !(item["path"].string ?? "").hasPrefix("/")
        {
          problems.append(.invalid("\(path).path", item["path"], "must be an absolute path"))
        }
        let backend = item["backend"]
        if backend["service"].isNull, backend["resource"].isNull {
          problems.append(.required("\(path).backend", "must specify a service or a resource"))
        } else if backend["resource"].isNull, backend["service"]["name"].isNull {
          problems.append(.required("\(path).backend.service.name"))
        }
      }
    }
    return problems
  }

  private static func definition(_ object: JSON) -> [FieldProblem] {
    let spec = object["spec"]
    var problems: [FieldProblem] = []
    for field in ["spec.group", "spec.names.plural", "spec.names.kind", "spec.scope"]
    where (object.at(field).string ?? "").isEmpty {
      problems.append(.required(field))
    }
    let expected = "\(spec["names"]["plural"].string ?? "").\(spec["group"].string ?? "")"
    if object["metadata"]["name"].string != expected {
      problems.append(
        .invalid(
          "metadata.name", object["metadata"]["name"],
          "must be spec.names.plural+\".\"+spec.group"))
    }
    if let scope = spec["scope"].string, scope != "Cluster", scope != "Namespaced" {
      problems.append(.notSupported("spec.scope", .string(scope), ["Cluster", "Namespaced"]))
    }
    if spec["versions"].elements.isEmpty { problems.append(.required("spec.versions")) }
    if spec["versions"].elements.filter({ $0["storage"].bool == true }).count != 1 {
      problems.append(
        .invalid(
          "spec.versions", spec["versions"],
          "must have exactly one version marked as storage version"))
    }
    return problems
  }
}
