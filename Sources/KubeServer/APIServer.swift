import Kubernetes
import Linux

/// The Kubernetes API over a store: requests in, responses out. Sockets are the listener's.
@Loop
package final class APIServer {
  package struct Limits: Sendable {
    /// Bytes of a request's body.
    package var body = 3 << 20
    package var watches = 2000
    /// Requests being answered, watches apart.
    package var inflight = 400

    package init() {}
  }

  package let store: Store
  let kubelet: (any KubeletProxy)?
  let authorizer = Authorizer()
  let limits: Limits
  let warnings = Warnings()
  var watches = 0
  private var inflight = 0

  package init(store: Store, kubelet: (any KubeletProxy)? = nil, limits: Limits = Limits()) {
    self.store = store
    self.kubelet = kubelet
    self.limits = limits
  }

  /// Answers a request; every failure becomes a Status object.
  package func handle(_ request: APIRequest) async -> APIResponse {
    guard request.body.count <= limits.body else {
      return .failure(
        APIStatus(
          code: 413, reason: "RequestEntityTooLarge",
          message: "Request entity too large: limit is \(limits.body)"))
    }
    guard inflight < limits.inflight else {
      return .failure(
        APIStatus(
          code: 429, reason: "TooManyRequests",
          message: "Too many requests, please try again later."))
    }
    inflight += 1
    defer { inflight -= 1 }
    _ = warnings.drain()
    var response: APIResponse
    do throws(APIStatus) {
      response = try await route(request)
    } catch {
      response = .failure(error)
    }
    for warning in warnings.drain() {
      let quoted = warning.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"")
      response.headers.append(("Warning", "299 - \"\(quoted)\""))
    }
    return response
  }

  private func route(_ request: APIRequest) async throws(APIStatus) -> APIResponse {
    switch ResourcePath(request.path) {
    case .other(let parts):
      try authorize(request, Authorizer.Attributes(verb: verb(request), path: request.path))
      return try nonResource(parts, request)
    case .groupVersion(let group, let version):
      try authorize(request, Authorizer.Attributes(verb: verb(request), path: request.path))
      guard request.method == "GET" else { throw .methodNotAllowed() }
      return .json(try resourceList(group: group, version: version))
    case .resource(let target):
      try authorize(
        request,
        Authorizer.Attributes(
          verb: verb(request, target), group: target.group, resource: target.plural,
          subresource: target.subresource ?? "", namespace: target.namespace,
          name: target.name ?? ""))
      if let review = try review(target, request) { return review }
      return try await resource(target, request)
    }
  }

  private func authorize(
    _ request: APIRequest, _ attributes: Authorizer.Attributes
  ) throws(APIStatus) {
    guard authorizer.allows(request.user, attributes) else {
      throw authorizer.refusal(request.user, attributes)
    }
  }

  private func verb(_ request: APIRequest, _ target: ResourcePath.Target? = nil) -> String {
    let isOne = target?.name != nil
    switch request.method {
    case "GET", "HEAD":
      if target == nil || isOne { return "get" }
      return request.flag("watch") ? "watch" : "list"
    case "POST": return "create"
    case "PUT": return "update"
    case "PATCH": return "patch"
    case "DELETE": return isOne ? "delete" : "deletecollection"
    default: return request.method.lowercased()
    }
  }

  private func resource(
    _ target: ResourcePath.Target, _ request: APIRequest
  ) async throws(APIStatus) -> APIResponse {
    guard
      let type = store.types.type(
        group: target.group, version: target.version, plural: target.plural)
    else { throw .unknownResource }
    if !type.isNamespaced, !target.namespace.isEmpty { throw .unknownResource }
    guard let name = target.name else { return try collection(type, target, request) }
    if type.isNamespaced, target.namespace.isEmpty { throw .unknownResource }
    let object = ResourceName(namespace: target.namespace, name: name)
    if let subresource = target.subresource {
      return try await self.subresource(subresource, type, object, target, request)
    }
    return try single(type, object, request)
  }
}
