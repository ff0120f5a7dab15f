import Wire

/// Fills in what Kubernetes fills in where a field is not given.
package enum Defaulting {
  package static func apply(to object: inout JSON, _ resource: GroupResource) {
    switch resource {
    case .pods: podSpec(&object["spec"])
    case .services: service(&object["spec"])
    case .deployments:
      object["spec"].setDefault("replicas", 1)
      object["spec"].setDefault("revisionHistoryLimit", 10)
      object["spec"].setDefault("progressDeadlineSeconds", 600)
      object["spec"]["strategy"].setDefault("type", "RollingUpdate")
      if object["spec"]["strategy"]["type"] == "RollingUpdate" {
        object["spec"]["strategy"]["rollingUpdate"].setDefault("maxSurge", "25%")
        object["spec"]["strategy"]["rollingUpdate"].setDefault("maxUnavailable", "25%")
      }
      podSpec(&object["spec"]["template"]["spec"])
    case .replicaSets:
      object["spec"].setDefault("replicas", 1)
      podSpec(&object["spec"]["template"]["spec"])
    case .daemonSets:
      object["spec"].setDefault("revisionHistoryLimit", 10)
      object["spec"]["updateStrategy"].setDefault("type", "RollingUpdate")
      if object["spec"]["updateStrategy"]["type"] == "RollingUpdate" {
        object["spec"]["updateStrategy"]["rollingUpdate"].setDefault("maxSurge", 0)
        object["spec"]["updateStrategy"]["rollingUpdate"].setDefault("maxUnavailable", 1)
      }
      podSpec(&object["spec"]["template"]["spec"])
    case .secrets:
      object.setDefault("type", "Opaque")
      secret(&object)
    case .endpointSlices, .endpoints: endpointPorts(&object, resource)
    case .namespaces:
      object["spec"].setDefault("finalizers", ["kubernetes"])
      object["metadata"]["labels"]["kubernetes.io/metadata.name"] = object["metadata"]["name"]
    case .customResourceDefinitions: definition(&object["spec"])
    default: break
    }
  }

  private static func secret(_ object: inout JSON) {
    guard case .object(let plain) = object["stringData"] else { return }
    object["stringData"] = .null
    for (key, value) in plain {
      object["data"][key] = .string(Base64.encode(Array((value.string ?? "").utf8)))
    }
  }

  private static func endpointPorts(_ object: inout JSON, _ resource: GroupResource) {
    func ports(_ holder: inout JSON) {
      holder["ports"].mapElements { $0.setDefault("protocol", "TCP") }
    }
    if resource == .endpoints {
      object["subsets"].mapElements { ports(&$0) }
    } else {
      object["ports"].mapElements {
        $0.setDefault("name", "")
        $0.setDefault("protocol", "TCP")
      }
    }
  }

  private static func definition(_ spec: inout JSON) {
    let kind = spec["names"]["kind"].string ?? ""
    spec["names"].setDefault("singular", .string(kind.lowercased()))
    spec["names"].setDefault("listKind", .string(kind + "List"))
    spec["conversion"].setDefault("strategy", "None")
  }

  private static func service(_ spec: inout JSON) {
    spec.setDefault("type", "ClusterIP")
    spec.setDefault("sessionAffinity", "None")
    if spec["sessionAffinity"] == "ClientIP" {
      spec["sessionAffinityConfig"]["clientIP"].setDefault("timeoutSeconds", 10_800)
    }
    spec["ports"].mapElements { port in
      port.setDefault("protocol", "TCP")
      if port["targetPort"].isNull || port["targetPort"] == 0 || port["targetPort"] == "" {
        port["targetPort"] = port["port"]
      }
    }
    guard spec["type"] != "ExternalName" else { return }
    spec.setDefault("internalTrafficPolicy", "Cluster")
    if spec["type"] == "NodePort" || spec["type"] == "LoadBalancer" {
      spec.setDefault("externalTrafficPolicy", "Cluster")
    }
    if spec["type"] == "LoadBalancer" { spec.setDefault("allocateLoadBalancerNodePorts", true) }
    spec.setDefault("ipFamilies", ["IPv4"])
    spec.setDefault("ipFamilyPolicy", "SingleStack")
  }

  private static func podSpec(_ spec: inout JSON) {
    guard spec.object != nil else { return }
    spec.setDefault("restartPolicy", "Always")
    spec.setDefault("dnsPolicy", "ClusterFirst")
    spec.setDefault("schedulerName", "default-scheduler")
    spec.setDefault("terminationGracePeriodSeconds", 30)
    if spec["securityContext"].isNull { spec["securityContext"] = [:] }
    if let account = spec["serviceAccountName"].string { spec["serviceAccount"] = .string(account) }
    for list in ["containers", "initContainers"] where spec[list].array != nil {
      spec[list].mapElements { container(&$0) }
    }
    if spec["volumes"].array != nil { spec["volumes"].mapElements { volume(&$0) } }
  }

  private static func container(_ container: inout JSON) {
    container.setDefault("terminationMessagePath", "/dev/termination-log")
    container.setDefault("terminationMessagePolicy", "File")
    if container["imagePullPolicy"].isNull {
      let image = container["image"].string ?? ""
      let tag = image.split(separator: "/").last ?? ""
      let isLatest = !tag.contains(":") && !tag.contains("@") || tag.hasSuffix(":latest")
      container["imagePullPolicy"] = isLatest ? "Always" : "IfNotPresent"
    }
    if container["resources"].isNull { container["resources"] = [:] }
    if case .object(let limits) = container["resources"]["limits"] {
      for (key, value) in limits { container["resources"]["requests"].setDefault(key, value) }
    }
    if container["ports"].array != nil {
      container["ports"].mapElements { $0.setDefault("protocol", "TCP") }
    }
    for key in ["readinessProbe", "livenessProbe", "startupProbe"] where !container[key].isNull {
      probe(&container[key])
    }
    for key in ["postStart", "preStop"] where !container["lifecycle"][key]["httpGet"].isNull {
      httpGet(&container["lifecycle"][key]["httpGet"])
    }
    if container["env"].array != nil {
      container["env"].mapElements { variable in
        if !variable["valueFrom"]["fieldRef"].isNull {
          variable["valueFrom"]["fieldRef"].setDefault("apiVersion", "v1")
        }
      }
    }
  }

  private static func probe(_ probe: inout JSON) {
    probe.setDefault("timeoutSeconds", 1)
    probe.setDefault("periodSeconds", 10)
    probe.setDefault("successThreshold", 1)
    probe.setDefault("failureThreshold", 3)
    if !probe["httpGet"].isNull { httpGet(&probe["httpGet"]) }
    if !probe["grpc"].isNull { probe["grpc"].setDefault("service", "") }
  }

  private static func httpGet(_ action: inout JSON) {
    action.setDefault("path", "/")
    action.setDefault("scheme", "HTTP")
  }

  private static func volume(_ volume: inout JSON) {
    for key in ["configMap", "secret", "downwardAPI", "projected"] where !volume[key].isNull {
      volume[key].setDefault("defaultMode", 420)
    }
    if !volume["hostPath"].isNull { volume["hostPath"].setDefault("type", "") }
    if volume.object?.count == 1, !volume["name"].isNull { volume["emptyDir"] = [:] }
  }
}

extension JSON {
  /// Sets a member that is not there.
  package mutating func setDefault(_ key: String, _ value: @autoclosure () -> JSON) {
    if self[key].isNull { self[key] = value() }
  }

  /// Changes the elements of an array in place; anything else stays as it is.
  package mutating func mapElements(_ body: (inout JSON) -> Void) {
    guard case .array(var elements) = self else { return }
    self = .null
    for index in elements.indices { body(&elements[index]) }
    self = .array(elements)
  }
}
