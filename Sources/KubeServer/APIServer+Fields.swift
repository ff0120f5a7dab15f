import Kubernetes
import Linux

extension APIServer {
  /// Refuses values of the wrong type; refuses, warns of or ignores unknown fields, as
  /// `fieldValidation` asks.
  func checkFields(
    _ object: JSON, _ type: ResourceType, _ request: APIRequest
  ) throws(APIStatus) {
    let mode = request.parameter("fieldValidation") ?? "Warn"
    guard ["Strict", "Warn", "Ignore"].contains(mode) else {
      throw .badRequest(
        "fieldValidation: Unsupported value: \"\(mode)\": supported values: \"Ignore\", \"Strict\","
          + " \"Warn\"")
    }
    var findings = Schema.Findings()
    if let custom = type.custom {
      if !custom.schema.isNull {
        var copy = object
        findings.unknown = StructuralSchema(custom.schema).prune(&copy)
      }
    } else {
      findings = Schema.check(object, type.groupVersionKind)
    }
    let prefix =
      "\(type.kind) in version \"\(type.version)\" cannot be handled as a \(type.kind): "
    if let first = findings.mistyped.first { throw .badRequest(prefix + first) }
    let texts = findings.unknown.map { "unknown field \"\($0)\"" }
    if mode == "Strict", !texts.isEmpty {
      throw .badRequest(prefix + "strict decoding error: " + texts.joined(separator: ", "))
    }
    if mode == "Warn" { for text in texts { warnings.add(text) } }
  }

  func shape(_ type: ResourceType) -> Shape {
    if let custom = type.custom {
      guard !custom.schema.isNull else { return .any }
      var schema = custom.schema
      schema["properties"]["metadata"] = .null
      let shape = Shape(openAPI: schema)
      guard case .fields(var fields, let isOpen) = shape else { return shape }
      fields["metadata"] = .named("ObjectMeta")
      return .fields(fields, isOpen: isOpen)
    }
    return Schema.shape(of: type.groupVersionKind)
  }

  private func manager(_ request: APIRequest) -> String {
    if let name = request.parameter("fieldManager") { return String(name.prefix(128)) }
    let agent = request.headers["user-agent"] ?? "unknown"
    return String((agent.split(separator: "/").first ?? "unknown").prefix(128))
  }

  private func entry(
    _ request: APIRequest, _ operation: String, _ type: ResourceType, _ part: WritePart
  ) -> ManagedFields.Entry {
    ManagedFields.Entry(
      manager: manager(request), operation: operation, apiVersion: type.apiVersion,
      subresource: part == .status ? "status" : "", time: store.now.description)
  }

  /// Notes in `metadata.managedFields` who changed what. Events, leases and the like, which one
  /// hand writes, go without.
  func recordManager(
    of object: inout JSON, from old: JSON, _ type: ResourceType, _ request: APIRequest,
    subresource: String = ""
  ) {
    let unmanaged: Set<GroupResource> = [
      .events, .leases, .endpointSlices, .endpoints, .ipamBlocks,
    ]
    guard !unmanaged.contains(type.storage) else { return }
    if object["metadata"]["managedFields"].isNull {
      object["metadata"]["managedFields"] = old["metadata"]["managedFields"]
    }
    var managed = ManagedFields(of: object)
    var entry = entry(request, "Update", type, .main)
    entry.subresource = subresource
    managed.recordUpdate(
      by: entry, from: old, to: object, shape(type))
    managed.write(to: &object)
  }

  /// Server-side apply: creates what is not there.
  func apply(
    _ configuration: JSON, _ type: ResourceType, _ name: ResourceName, _ part: WritePart,
    _ request: APIRequest
  ) throws(APIStatus) -> (object: JSON, isNew: Bool) {
    guard request.parameter("fieldManager") != nil else {
      throw .badRequest("PatchOptions.meta.k8s.io \"\" is invalid: fieldManager: Required value")
    }
    guard configuration["metadata"]["managedFields"].isNull else {
      throw .badRequest("metadata.managedFields must be nil")
    }
    let applied = try admit(configuration, type, name, request)
    let force = request.flag("force")
    let entry = entry(request, "Apply", type, part)
    if let current = store.tables[type.storage]?[name] {
      var managed = ManagedFields(of: current.json)
      var object = try managed.apply(
        applied, to: current.json, by: entry, force: force, shape(type))
      managed.write(to: &object)
      object["metadata"]["resourceVersion"] =
        applied["metadata"]["resourceVersion"].isNull
        ? current.json["metadata"]["resourceVersion"] : applied["metadata"]["resourceVersion"]
      let dryRun = try isDryRun(request)
      return (try store.update(type.storage, object, part: part, dryRun: dryRun), false)
    }
    guard part == .main else { throw .notFound(type.groupResource, name.name) }
    var object = applied
    var managed = ManagedFields(of: .null)
    _ = try managed.apply(applied, to: .null, by: entry, force: force, shape(type))
    managed.write(to: &object)
    return (try store.create(type.storage, object, dryRun: try isDryRun(request)), true)
  }
}
