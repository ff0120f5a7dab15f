import Kubernetes
import Linux

extension APIServer {
  func subresource(
    _ name: String, _ type: ResourceType, _ object: ResourceName,
    _ target: ResourcePath.Target, _ request: APIRequest
  ) async throws(APIStatus) -> APIResponse {
    guard type.subresources.contains(name) else { throw .unknownResource }
    switch (name, request.method) {
    case ("status", "GET"):
      return try respond(with: try stored(type, object).json, type, request)
    case ("status", "PUT"):
      let body = try body(request, type, object)
      return try respond(with: try update(type, body, .status, request), type, request)
    case ("status", "PATCH"):
      return try respond(with: try patch(type, object, .status, request).object, type, request)
    case ("scale", _): return try scale(type, object, request)
    case ("finalize", "PUT"):
      let body = try body(request, type, object)
      let changed = try store.modify(type.storage, object) { namespace throws(APIStatus) in
        namespace["spec"]["finalizers"] = body["spec"]["finalizers"]
      }
      return try respond(with: changed, type, request)
    case ("binding", "POST"):
      let binding = try decode(request.body, request)
      try store.bind(object, toNode: binding["target"]["name"].string ?? "")
      return .json(created, status: 201)
    case ("eviction", "POST"):
      let eviction = try decode(request.body, request)
      var options = DeleteOptions()
      options.gracePeriodSeconds = eviction["deleteOptions"]["gracePeriodSeconds"].int
      options.dryRun = try isDryRun(request)
      try store.delete(.pods, object, options)
      return .json(created, status: 201)
    case ("log", "GET"): return try await log(object, request)
    default: throw .methodNotAllowed()
    }
  }

  private var created: JSON {
    ["kind": "Status", "apiVersion": "v1", "metadata": [:], "status": "Success", "code": 201]
  }

  // MARK: Scale

  private func scale(
    _ type: ResourceType, _ name: ResourceName, _ request: APIRequest
  ) throws(APIStatus) -> APIResponse {
    let paths = ScalePaths(type)
    let current = try stored(type, name).json
    let wanted: JSON
    switch request.method {
    case "GET": return .json(paths.scale(of: current))
    case "PUT": wanted = try decode(request.body, request)
    case "PATCH":
      var scale = paths.scale(of: current)
      let body = try decode(request.body, request)
      if request.contentType == "application/json-patch+json" {
        try apply(jsonPatch: body, to: &scale)
      } else {
        scale.merge(body)
      }
      wanted = scale
    default: throw .methodNotAllowed()
    }
    let version = wanted["metadata"]["resourceVersion"].string ?? ""
    guard version.isEmpty || version == current["metadata"]["resourceVersion"].string else {
      throw .conflict(type.groupResource, name.name)
    }
    guard let replicas = wanted["spec"]["replicas"].int ?? (wanted["spec"].isNull ? nil : 0),
      replicas >= 0
    else {
      throw .invalid(
        GroupVersionKind(group: "autoscaling", version: "v1", kind: "Scale"), name.name,
        [
          .invalid(
            "spec.replicas", wanted["spec"]["replicas"], "must be greater than or equal to 0")
        ])
    }
    var changed = current
    changed.set(at: paths.replicas, JSON(replicas))
    recordManager(of: &changed, from: current, type, request, subresource: "scale")
    changed = try store.update(type.storage, changed, dryRun: try isDryRun(request))
    return .json(paths.scale(of: changed))
  }

  // MARK: Logs

  private func log(
    _ name: ResourceName, _ request: APIRequest
  ) async throws(APIStatus) -> APIResponse {
    guard let json = store.get(.pods, name) else { throw .notFound(.pods, name.name) }
    let pod = Pod(json: json)
    let container = try logContainer(pod, request)
    guard let node = pod.nodeName else {
      throw .badRequest("pod \(name.name) does not have a host assigned")
    }
    guard let host = store.get(.nodes, name: node).map(Node.init(json:)),
      let address = host.internalIP
    else { throw .internalError("node \(node) of pod \(name.name) has no address") }
    guard let kubelet else { throw .internalError("no way to the nodes' kubelets is set up") }
    let query = request.query.filter { $0.name != "container" }
    do {
      let response = try await kubelet.request(
        node: node, address: "\(address):\(host.kubeletPort)",
        path: "/containerLogs/\(name.namespace)/\(name.name)/\(container)", query: query)
      guard response.status == 200 else { return try await refusal(response) }
      return APIResponse(
        status: 200, headers: [("Content-Type", "text/plain")], body: .stream(response.body))
    } catch let status as APIStatus {
      throw status
    } catch {
      throw .internalError("the kubelet of node \(node) at \(address) did not answer: \(error)")
    }
  }

  /// A kubelet's error text becomes a Status, as kubectl expects it.
  private func refusal(_ response: KubeletResponse) async throws(APIStatus) -> APIResponse {
    var bytes: [UInt8] = []
    for await chunk in response.body where bytes.count < 4096 { bytes += chunk }
    let text = String(decoding: bytes, as: UTF8.self)
    let code = (400..<600).contains(response.status) ? response.status : 500
    throw APIStatus(
      code: code, reason: code == 404 ? "NotFound" : "BadRequest",
      message: text.isEmpty ? "the kubelet answered with status \(response.status)" : text)
  }

  private func logContainer(_ pod: Pod, _ request: APIRequest) throws(APIStatus) -> String {
    let names = pod.podSpec.containers.map(\.name)
    let all = pod.podSpec.initContainers.map(\.name) + names
    if let wanted = request.parameter("container") {
      guard all.contains(wanted) else {
        throw .badRequest("container \(wanted) is not valid for pod \(pod.name)")
      }
      return wanted
    }
    guard names.count == 1, let only = names.first else {
      throw .badRequest(
        "a container name must be specified for pod \(pod.name), choose one of:"
          + " [\(names.joined(separator: " "))]")
    }
    return only
  }
}

/// Where an object keeps what its Scale shows.
struct ScalePaths {
  let replicas: String
  private let status: String
  private let selector: String?

  init(_ type: ResourceType) {
    func path(_ value: JSON) -> String? {
      value.string.map { String($0.drop { $0 == "." }) }
    }
    let scale = type.custom?.scale ?? .null
    replicas = path(scale["specReplicasPath"]) ?? "spec.replicas"
    status = path(scale["statusReplicasPath"]) ?? "status.replicas"
    selector = type.custom == nil ? nil : path(scale["labelSelectorPath"])
  }

  /// autoscaling/v1 Scale.
  func scale(of object: JSON) -> JSON {
    var metadata = JSON.object([:])
    for key in ["name", "namespace", "uid", "resourceVersion", "creationTimestamp"] {
      metadata[key] = object["metadata"][key]
    }
    var scaleStatus: JSON = ["replicas": JSON(object.at(status).int ?? 0)]
    if let selector {
      scaleStatus["selector"] = object.at(selector)
    } else if let labels = try? LabelSelector(json: object["spec"]["selector"]) {
      scaleStatus["selector"] = .string(labels.text)
    }
    return [
      "kind": "Scale", "apiVersion": "autoscaling/v1", "metadata": metadata,
      "spec": ["replicas": JSON(object.at(replicas).int ?? 0)], "status": scaleStatus,
    ]
  }
}

extension JSON {
  /// Sets the value at a path of member names.
  mutating func set(at path: String, _ value: JSON) {
    let steps = path.split(separator: ".", maxSplits: 1).map(String.init)
    guard let first = steps.first else { return }
    if steps.count == 1 {
      self[first] = value
    } else {
      self[first].set(at: steps[1], value)
    }
  }
}

extension Store {
  /// Places a pod on a node.
  /// - Throws: 404, or 409 if it is placed already.
  package func bind(_ name: ResourceName, toNode node: String) throws(APIStatus) {
    guard !node.isEmpty else { throw .badRequest("a binding names its target node") }
    let time = now
    try modify(.pods, name) { pod throws(APIStatus) in
      if let placed = pod["spec"]["nodeName"].string, !placed.isEmpty {
        throw .conflict(
          .pods, name.name, "pod \(name.name) is already assigned to node \"\(placed)\"")
      }
      pod["spec"]["nodeName"] = .string(node)
    }
    try modify(.pods, name, part: .status) { json throws(APIStatus) in
      var pod = Pod(json: json)
      pod.setCondition(Condition(type: "PodScheduled", status: true, at: time))
      json = pod.json
    }
  }
}
