import Kubernetes
import Linux

extension APIServer {
  /// GET, PUT, PATCH and DELETE of one object.
  func single(
    _ type: ResourceType, _ name: ResourceName, _ request: APIRequest
  ) throws(APIStatus) -> APIResponse {
    switch request.method {
    case "GET", "HEAD":
      if request.flag("watch") {
        var watch = request
        watch.query.append(("fieldSelector", "metadata.name=\(name.name)"))
        return try self.watch(type, namespace: name.namespace, watch)
      }
      return try respond(with: try stored(type, name).json, type, request)
    case "PUT":
      let object = try body(request, type, name)
      return try respond(with: try update(type, object, .main, request), type, request)
    case "PATCH":
      let (object, isNew) = try patch(type, name, .main, request)
      return try respond(with: object, type, request, status: isNew ? 201 : 200)
    case "DELETE":
      let (object, isGone) = try store.delete(type.storage, name, try deleteOptions(request))
      guard isGone, type.storage != .pods else {
        return try respond(with: object, type, request)
      }
      return .json(success(type, object))
    default: throw .methodNotAllowed()
    }
  }

  /// GET, POST and DELETE of all objects of a type.
  func collection(
    _ type: ResourceType, _ target: ResourcePath.Target, _ request: APIRequest
  ) throws(APIStatus) -> APIResponse {
    switch request.method {
    case "GET", "HEAD":
      return request.flag("watch")
        ? try watch(type, namespace: target.namespace, request)
        : try list(type, namespace: target.namespace, request)
    case "POST":
      if type.isNamespaced, target.namespace.isEmpty {
        throw .badRequest("an empty namespace may not be set during creation")
      }
      let place = ResourceName(namespace: target.namespace, name: "")
      var object = try body(request, type, place)
      recordManager(of: &object, from: .null, type, request)
      let dryRun = try isDryRun(request)
      let created = try store.create(type.storage, object, dryRun: dryRun)
      return try respond(with: created, type, request, status: 201)
    case "DELETE":
      let options = try deleteOptions(request)
      let filter = try ObjectFilter(request)
      let namespace = target.namespace.isEmpty ? nil : target.namespace
      for object in store.objects(type.storage, namespace: namespace)
      where filter.matches(object.json) {
        guard store.get(type.storage, object.key.name) != nil else { continue }
        try store.delete(type.storage, object.key.name, options)
      }
      return .json(success(type, .null))
    default: throw .methodNotAllowed()
    }
  }

  func stored(_ type: ResourceType, _ name: ResourceName) throws(APIStatus) -> StoredObject {
    guard let object = store.tables[type.storage]?[name] else {
      throw .notFound(type.groupResource, name.name)
    }
    return object
  }

  func update(
    _ type: ResourceType, _ object: JSON, _ part: WritePart, _ request: APIRequest
  ) throws(APIStatus) -> JSON {
    var object = object
    if part == .main {
      let old = store.get(type.storage, KubernetesObject(json: object).resourceName) ?? .null
      recordManager(of: &object, from: old, type, request)
    }
    return try store.update(type.storage, object, part: part, dryRun: try isDryRun(request))
  }

  func isDryRun(_ request: APIRequest) throws(APIStatus) -> Bool {
    guard let value = request.parameter("dryRun") else { return false }
    guard value == "All" else {
      throw .badRequest("Invalid value: \"\(value)\": supported values: \"All\"")
    }
    return true
  }

  func deleteOptions(_ request: APIRequest) throws(APIStatus) -> DeleteOptions {
    var options = DeleteOptions()
    let body = request.body.isEmpty ? JSON.object([:]) : try decode(request.body, request)
    func takePropagation(_ text: String?) throws(APIStatus) {
      guard let text else { return }
      guard let value = DeleteOptions.Propagation(rawValue: text) else {
        throw .badRequest("invalid propagationPolicy \"\(text)\"")
      }
      options.propagation = value
    }
    try takePropagation(body["propagationPolicy"].string ?? request.parameter("propagationPolicy"))
    if body["orphanDependents"].bool == true { options.propagation = .orphan }
    let grace = try request.number("gracePeriodSeconds")
    options.gracePeriodSeconds = body["gracePeriodSeconds"].int ?? grace
    options.uid = body["preconditions"]["uid"].string
    options.resourceVersion = body["preconditions"]["resourceVersion"].string
    let isDryBody = body["dryRun"].elements.contains("All")
    options.dryRun = try isDryRun(request) || isDryBody
    return options
  }

  private func success(_ type: ResourceType, _ object: JSON) -> JSON {
    var details: JSON = ["kind": .string(type.plural)]
    details["name"] = object["metadata"]["name"]
    details["uid"] = object["metadata"]["uid"]
    if !type.group.isEmpty { details["group"] = .string(type.group) }
    return [
      "kind": "Status", "apiVersion": "v1", "metadata": [:], "status": "Success",
      "details": details,
    ]
  }

  /// One object in the form that was asked for.
  func respond(
    with object: JSON, _ type: ResourceType, _ request: APIRequest, status: Int = 200
  ) throws(APIStatus) -> APIResponse {
    var response: APIResponse
    switch try ResponseForm(accept: request.headers["accept"]) {
    case .object: response = .json(Presentation.present(object, as: type), status: status)
    case .metadata: response = .json(PartialMetadata.of(object), status: status)
    case .table(let version):
      let table = Table(type)
      let row = table.row(
        Presentation.present(object, as: type), at: store.now, included(request))
      response = .json(
        [
          "kind": "Table", "apiVersion": .string("meta.k8s.io/\(version)"),
          "metadata": ["resourceVersion": object["metadata"]["resourceVersion"]],
          "columnDefinitions": table.columnDefinitions, "rows": [row],
        ], status: status)
    }
    return response
  }

  func included(_ request: APIRequest) -> Table.IncludedObject {
    request.parameter("includeObject").flatMap(Table.IncludedObject.init) ?? .metadata
  }
}

/// The selectors of a request.
struct ObjectFilter {
  private let labels: LabelSelector
  private let fields: FieldSelector

  init(_ request: APIRequest) throws(APIStatus) {
    do throws(SelectorError) {
      labels = try LabelSelector(parsing: request.parameter("labelSelector") ?? "")
      let text = request.query.filter { $0.name == "fieldSelector" }.map(\.value)
      fields = try FieldSelector(parsing: text.joined(separator: ","))
    } catch {
      throw .badRequest(error.description)
    }
  }

  var isEmpty: Bool { labels.requirements.isEmpty && fields.requirements.isEmpty }

  func matches(_ json: JSON) -> Bool {
    (labels.requirements.isEmpty || labels.matches(json["metadata"]["labels"].strings))
      && (fields.requirements.isEmpty || fields.matches(json))
  }
}
