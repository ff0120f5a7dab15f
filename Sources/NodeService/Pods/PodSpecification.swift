import Kubernetes
import NetTypes

/// What a node must know of a Pod object, decoded once; the object itself stays for the downward API.
package struct PodSpecification: Hashable, Sendable {
  package enum RestartPolicy: String, Sendable {
    case always = "Always"
    case onFailure = "OnFailure"
    case never = "Never"
  }

  package let object: JSON
  package let uid: String
  package let namespace: String
  package let name: String
  package let restartPolicy: RestartPolicy
  package let isHostNetwork: Bool
  package let initContainers: [ContainerSpecification]
  package let containers: [ContainerSpecification]
  /// Time between the first signal and the last when the pod is deleted.
  package let terminationGrace: Duration
  /// Set once the object carries a deletion timestamp: the grace the deletion asked for.
  package let deletionGrace: Duration?

  package init(object: JSON) {
    let metadata = object["metadata"]
    let spec = object["spec"]
    self.object = object
    uid = metadata["uid"].string ?? ""
    namespace = metadata["namespace"].string ?? "default"
    name = metadata["name"].string ?? ""
    restartPolicy = RestartPolicy(rawValue: spec["restartPolicy"].string ?? "") ?? .always
    isHostNetwork = spec["hostNetwork"].bool ?? false
    initContainers = spec["initContainers"].elements.map {
      ContainerSpecification(json: $0, isInit: true)
    }
    containers = spec["containers"].elements.map { ContainerSpecification(json: $0, isInit: false) }
    terminationGrace = .seconds(json: spec["terminationGracePeriodSeconds"]) ?? .seconds(30)
    if metadata["deletionTimestamp"].isNull {
      deletionGrace = nil
    } else {
      deletionGrace =
        .seconds(json: metadata["deletionGracePeriodSeconds"]) ?? terminationGrace
    }
  }

  /// `web-abc_default(uid)`, as event and status texts name a pod.
  package var fullName: String { "\(name)_\(namespace)(\(uid))" }

  package var spec: JSON { object["spec"] }

  /// Pods that the API server never gave a uid of their own are static; none here.
  package var reference: ObjectReference {
    ObjectReference(
      groupVersionKind: GroupVersionKind(group: "", version: "v1", kind: "Pod"),
      namespace: namespace, name: name, uid: uid)
  }

  /// `Guaranteed`, `Burstable` or `BestEffort`, from requests and limits of cpu and memory.
  package var qosClass: String {
    var isEmpty = true
    var isGuaranteed = true
    for container in initContainers + containers {
      for resource in ["cpu", "memory"] {
        let limit = Quantity(json: container.json.at("resources.limits")[resource])
        let request = Quantity(json: container.json.at("resources.requests")[resource]) ?? limit
        if limit != nil || request != nil { isEmpty = false }
        if limit == nil || request != limit { isGuaranteed = false }
      }
    }
    return isEmpty ? "BestEffort" : isGuaranteed ? "Guaranteed" : "Burstable"
  }
}

/// One container of a pod, decoded.
package struct ContainerSpecification: Hashable, Sendable {
  package enum PullPolicy: String, Sendable {
    case always = "Always"
    case ifNotPresent = "IfNotPresent"
    case never = "Never"
  }

  package struct Port: Hashable, Sendable {
    package let name: String?
    package let number: UInt16
  }

  package let json: JSON
  package let name: String
  package let image: String
  package let pullPolicy: PullPolicy
  package let isInit: Bool
  /// An init container that keeps running beside the others (`restartPolicy: Always`).
  package let isSidecar: Bool
  package let ports: [Port]
  package let probes: [ProbeSpecification.Kind: ProbeSpecification]
  package let preStop: LifecycleHandler?

  package init(json: JSON, isInit: Bool) {
    self.json = json
    self.isInit = isInit
    name = json["name"].string ?? ""
    let image = json["image"].string ?? ""
    self.image = image
    isSidecar = isInit && json["restartPolicy"].string == "Always"
    pullPolicy =
      PullPolicy(rawValue: json["imagePullPolicy"].string ?? "")
      ?? (Self.isLatest(image) ? .always : .ifNotPresent)
    let ports = json["ports"].elements.compactMap { port -> Port? in
      guard let number = port["containerPort"].int.flatMap({ UInt16(exactly: $0) }) else {
        return nil
      }
      return Port(name: port["name"].string, number: number)
    }
    self.ports = ports
    var probes: [ProbeSpecification.Kind: ProbeSpecification] = [:]
    for kind in ProbeSpecification.Kind.allCases {
      probes[kind] = ProbeSpecification(json: json["\(kind)Probe"], ports: ports)
    }
    self.probes = probes
    preStop = LifecycleHandler(json: json.at("lifecycle.preStop"), ports: ports)
  }

  /// Whether the reference names the tag `latest`, or no tag and no digest at all.
  private static func isLatest(_ image: String) -> Bool {
    if image.contains("@") { return false }
    let last = image.split(separator: "/").last ?? ""
    guard let colon = last.lastIndex(of: ":") else { return true }
    return last[last.index(after: colon)...] == "latest"
  }

  /// `spec.containers{web}`, as events name a container.
  package var fieldPath: String { "spec.\(isInit ? "initContainers" : "containers"){\(name)}" }
}

extension Duration {
  /// Whole seconds from a JSON number; nil if it is absent, negative or beyond a century.
  static func seconds(json: JSON) -> Duration? {
    guard let value = json.int, (0...3_153_600_000).contains(value) else { return nil }
    return .seconds(value)
  }

  /// `10s`, `1m20s`, `5m0s`: whole seconds as Go prints a duration.
  var goText: String {
    let total = components.seconds
    let (hours, minutes, seconds) = (total / 3600, total / 60 % 60, total % 60)
    if hours > 0 { return "\(hours)h\(minutes)m\(seconds)s" }
    return minutes > 0 ? "\(minutes)m\(seconds)s" : "\(seconds)s"
  }
}
