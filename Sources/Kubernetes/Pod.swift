/// v1 Pod.
package struct Pod: ObjectView {
  package var json: JSON
  package init(json: JSON) { self.json = json }

  package var podSpec: PodSpec {
    get { PodSpec(json: spec) }
    set { spec = newValue.json }
  }

  /// The node it is bound to; nil until the scheduler has placed it.
  package var nodeName: String? { spec["nodeName"].string.flatMap { $0.isEmpty ? nil : $0 } }

  /// `Pending`, `Running`, `Succeeded`, `Failed` or `Unknown`.
  package var phase: String {
    get { status["phase"].string ?? "Pending" }
    set { status["phase"] = .string(newValue) }
  }

  package var isFinished: Bool { phase == "Succeeded" || phase == "Failed" }
  package var isReady: Bool { condition("Ready")?.isTrue ?? false }

  package var podIP: String? { status["podIP"].string.flatMap { $0.isEmpty ? nil : $0 } }
  package var podIPs: [String] { status["podIPs"].elements.compactMap { $0["ip"].string } }
  package var hostIP: String? { status["hostIP"].string }

  package var containerStatuses: [ContainerStatus] {
    get { status["containerStatuses"].elements.map(ContainerStatus.init(json:)) }
    set { status["containerStatuses"] = .array(newValue.map(\.json)) }
  }

  package var initContainerStatuses: [ContainerStatus] {
    get { status["initContainerStatuses"].elements.map(ContainerStatus.init(json:)) }
    set { status["initContainerStatuses"] = .array(newValue.map(\.json)) }
  }
}

/// The spec of a Pod, also of a pod template.
package struct PodSpec: JSONView {
  package var json: JSON
  package init(json: JSON) { self.json = json }

  package var containers: [Container] { json["containers"].elements.map(Container.init(json:)) }
  package var initContainers: [Container] {
    json["initContainers"].elements.map(Container.init(json:))
  }
  package var volumes: [JSON] { json["volumes"].elements }
  package var nodeName: String? { json["nodeName"].string }
  package var nodeSelector: [String: String] { json["nodeSelector"].strings }
  package var tolerations: [JSON] { json["tolerations"].elements }
  package var affinity: JSON { json["affinity"] }
  package var hostNetwork: Bool { json["hostNetwork"].bool ?? false }
  /// `Always`, `OnFailure` or `Never`.
  package var restartPolicy: String { json["restartPolicy"].string ?? "Always" }
  /// Seconds.
  package var terminationGracePeriodSeconds: Int {
    json["terminationGracePeriodSeconds"].int ?? 30
  }
  package var serviceAccountName: String { json["serviceAccountName"].string ?? "default" }
  package var priority: Int { json["priority"].int ?? 0 }

  /// What the pod asks for: the sum of its containers, or its largest init container if that is
  /// more.
  package func request(_ resource: String) -> Quantity {
    let sum = containers.reduce(Quantity.zero) { $0 + $1.request(resource) }
    return initContainers.reduce(sum) { max($0, $1.request(resource)) }
  }
}

/// One container of a pod spec.
package struct Container: JSONView {
  package var json: JSON
  package init(json: JSON) { self.json = json }

  package var name: String { json["name"].string ?? "" }
  package var image: String { json["image"].string ?? "" }
  package var imagePullPolicy: String { json["imagePullPolicy"].string ?? "IfNotPresent" }
  package var command: [String] { json["command"].elements.compactMap(\.string) }
  package var args: [String] { json["args"].elements.compactMap(\.string) }
  package var workingDir: String? { json["workingDir"].string }
  package var env: [JSON] { json["env"].elements }
  package var envFrom: [JSON] { json["envFrom"].elements }
  package var volumeMounts: [JSON] { json["volumeMounts"].elements }
  package var ports: [ContainerPort] { json["ports"].elements.map(ContainerPort.init(json:)) }
  package var readinessProbe: JSON? { probe("readinessProbe") }
  package var livenessProbe: JSON? { probe("livenessProbe") }
  package var startupProbe: JSON? { probe("startupProbe") }
  package var lifecycle: JSON { json["lifecycle"] }
  package var securityContext: JSON { json["securityContext"] }

  private func probe(_ key: String) -> JSON? { json[key].isNull ? nil : json[key] }

  /// A limit stands for a request that is not given.
  package func request(_ resource: String) -> Quantity {
    Quantity(json: json["resources"]["requests"][resource]) ?? limit(resource) ?? .zero
  }

  package func limit(_ resource: String) -> Quantity? {
    Quantity(json: json["resources"]["limits"][resource])
  }
}

/// One port of a container.
package struct ContainerPort: JSONView {
  package var json: JSON
  package init(json: JSON) { self.json = json }

  package var name: String { json["name"].string ?? "" }
  package var containerPort: Int { json["containerPort"].int ?? 0 }
  package var hostPort: Int? { json["hostPort"].int }
  /// `TCP`, `UDP` or `SCTP`.
  package var transport: String { json["protocol"].string ?? "TCP" }
}

/// One element of `status.containerStatuses`.
package struct ContainerStatus: JSONView {
  package var json: JSON
  package init(json: JSON) { self.json = json }

  package var name: String { json["name"].string ?? "" }
  package var ready: Bool { json["ready"].bool ?? false }
  package var started: Bool { json["started"].bool ?? false }
  package var restartCount: Int { json["restartCount"].int ?? 0 }
  package var containerID: String { json["containerID"].string ?? "" }
  package var state: JSON { json["state"] }
  package var isRunning: Bool { !json["state"]["running"].isNull }
  package var waitingReason: String? { json["state"]["waiting"]["reason"].string }
  package var terminated: JSON? {
    json["state"]["terminated"].isNull ? nil : json["state"]["terminated"]
  }
}
