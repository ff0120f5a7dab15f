import Kubernetes
import Linux

/// Which part of an object a write may change.
package enum WritePart: Sendable {
  /// All but status, where status is a subresource.
  case main
  case status
}

extension Store {
  /// Stores a new object: name generated if asked for, defaults filled in, checked, addresses
  /// allocated.
  /// - Throws: 404 or 403 for the namespace, 409 if it is there already, 422 if it is invalid.
  @discardableResult
  package func create(
    _ resource: GroupResource, _ object: JSON, dryRun: Bool = false
  ) throws(APIStatus) -> JSON {
    let type = try type(of: resource)
    var object = object
    object["apiVersion"] = .string(type.apiVersion)
    object["kind"] = .string(type.kind)
    if object["metadata"]["name"].isNull, let prefix = object["metadata"]["generateName"].string {
      object["metadata"]["name"] = .string(prefix.prefix(58) + Self.randomSuffix())
    }
    let name = try objectName(object, type)
    try checkNamespace(name, resource)
    guard tables[resource]?[name] == nil else { throw .alreadyExists(resource, name.name) }
    Defaulting.apply(to: &object, resource)
    if let custom = type.custom { try prepare(custom: custom, &object, type) }
    object["metadata"]["uid"] = .string(Self.randomUID())
    object["metadata"]["creationTimestamp"] = .string(now.description)
    object["metadata"]["generation"] = type.hasGeneration ? 1 : .null
    for key in ["deletionTimestamp", "deletionGracePeriodSeconds", "selfLink", "resourceVersion"] {
      object["metadata"][key] = .null
    }
    setInitialStatus(&object, type)
    let problems = Validation.problems(creating: object, resource)
    guard problems.isEmpty else { throw .invalid(type.groupVersionKind, name.name, problems) }
    if resource == .services { try assignService(&object, old: nil, name) }
    if dryRun { return object }
    let stored = try commit(ObjectKey(resource: resource, name: name), object)
    if resource == .namespaces { try furnish(namespace: name.name) }
    if resource == .events { try expireEvents() }
    return stored.json
  }

  /// Replaces an object, or its status only. With a `resourceVersion` in it, only that state is
  /// replaced. A change of nothing writes nothing.
  /// - Throws: 404, 409 if it changed meanwhile, 422 if it is invalid.
  @discardableResult
  package func update(
    _ resource: GroupResource, _ object: JSON, part: WritePart = .main, dryRun: Bool = false
  ) throws(APIStatus) -> JSON {
    let type = try type(of: resource)
    let name = try objectName(object, type)
    let current = try stored(resource, name)
    let old = current.json
    var object = object
    let version = object["metadata"]["resourceVersion"].string ?? ""
    guard version.isEmpty || version == "0" || version == String(current.revision) else {
      throw .conflict(resource, name.name)
    }
    if let uid = object["metadata"]["uid"].string, uid != old["metadata"]["uid"].string {
      throw .conflict(
        resource, name.name,
        "Precondition failed: UID in precondition: \(uid), UID in object meta:"
          + " \(old["metadata"]["uid"].string ?? "")")
    }
    switch part {
    case .status:
      var changed = old
      changed["status"] = object["status"]
      if !object["metadata"]["managedFields"].isNull {
        changed["metadata"]["managedFields"] = object["metadata"]["managedFields"]
      }
      if resource == .nodes {
        // A kubelet keeps labels and annotations of its node through the status as well.
        for key in ["labels", "annotations"] where !object["metadata"][key].isNull {
          changed["metadata"][key] = object["metadata"][key]
        }
      }
      object = changed
    case .main:
      if type.hasStatus { object["status"] = old["status"] }
      object["apiVersion"] = old["apiVersion"]
      object["kind"] = old["kind"]
      for key in ["uid", "creationTimestamp", "generation", "generateName", "deletionTimestamp"]
        + ["deletionGracePeriodSeconds"]
      {
        object["metadata"][key] = old["metadata"][key]
      }
      if resource == .services { carryAllocations(from: old, to: &object) }
      Defaulting.apply(to: &object, resource)
    }
    if let custom = type.custom { try prepare(custom: custom, &object, type) }
    object["metadata"]["resourceVersion"] = old["metadata"]["resourceVersion"]
    let problems =
      part == .main ? Validation.problems(updating: object, from: old, resource) : []
    guard problems.isEmpty else { throw .invalid(type.groupVersionKind, name.name, problems) }
    if part == .main, resource == .services { try assignService(&object, old: old, name) }
    if object == old { return old }
    if type.hasGeneration, part == .main, Self.content(object) != Self.content(old) {
      object["metadata"]["generation"] = JSON((old["metadata"]["generation"].int ?? 0) + 1)
    }
    if dryRun { return object }
    if object["metadata"]["deletionTimestamp"] != .null, Self.mayGo(object) {
      return try finish(current, last: object)
    }
    return try commit(current.key, object).json
  }

  @discardableResult
  package func updateStatus(
    _ resource: GroupResource, _ object: JSON
  ) throws(APIStatus) -> JSON {
    try update(resource, object, part: .status)
  }

  /// Reads, changes and writes back an object in one step.
  /// - Throws: 404, 422, and what `body` throws.
  @discardableResult
  package func modify(
    _ resource: GroupResource, _ name: ResourceName, part: WritePart = .main,
    _ body: (inout JSON) throws(APIStatus) -> Void
  ) throws(APIStatus) -> JSON {
    var object = try stored(resource, name).json
    try body(&object)
    return try update(resource, object, part: part)
  }

  /// Applies a JSON merge patch.
  @discardableResult
  package func patch(
    _ resource: GroupResource, _ name: ResourceName, merge patch: JSON, part: WritePart = .main
  ) throws(APIStatus) -> JSON {
    var object = try stored(resource, name).json
    object.merge(patch)
    return try update(resource, object, part: part)
  }

  func type(of resource: GroupResource) throws(APIStatus) -> ResourceType {
    guard let type = types.stored(resource) else { throw .unknownResource }
    return type
  }

  private func objectName(_ object: JSON, _ type: ResourceType) throws(APIStatus) -> ResourceName {
    let name = object["metadata"]["name"].string ?? ""
    let namespace = object["metadata"]["namespace"].string ?? ""
    if !type.isNamespaced, !namespace.isEmpty {
      throw .badRequest("namespace is not allowed on this type")
    }
    if name.isEmpty {
      throw .invalid(
        type.groupVersionKind, name,
        [.required("metadata.name", "name or generateName is required")])
    }
    return ResourceName(
      namespace: type.isNamespaced ? (namespace.isEmpty ? "default" : namespace) : "", name: name)
  }

  private func checkNamespace(
    _ name: ResourceName, _ resource: GroupResource
  ) throws(APIStatus) {
    guard !name.namespace.isEmpty else { return }
    guard let namespace = get(.namespaces, name: name.namespace) else {
      throw .notFound(.namespaces, name.namespace)
    }
    if !namespace["metadata"]["deletionTimestamp"].isNull {
      throw .forbidden(
        resource, name.name,
        "unable to create new content in namespace \(name.namespace) because it is being"
          + " terminated")
    }
  }

  /// What a new generation counts: everything but metadata and status.
  private static func content(_ object: JSON) -> [String: JSON] {
    object.members.filter { $0.key != "metadata" && $0.key != "status" }
  }

  private func setInitialStatus(_ object: inout JSON, _ type: ResourceType) {
    switch type.storage {
    case .pods:
      object["status"] = ["phase": "Pending", "qosClass": .string(Self.qualityOfService(object))]
    case .services: object["status"] = ["loadBalancer": [:]]
    case .ingresses: object["status"] = ["loadBalancer": [:]]
    case .namespaces: object["status"] = ["phase": "Active"]
    // A kubelet registers its node with the status in place.
    case .nodes: break
    case .customResourceDefinitions: object["status"] = establishedStatus(object)
    default: if type.hasStatus { object["status"] = .null }
    }
  }

  /// `Guaranteed`, `Burstable` or `BestEffort`.
  private static func qualityOfService(_ pod: JSON) -> String {
    let containers = PodSpec(json: pod["spec"]).containers
    let isBestEffort = containers.allSatisfy { container in
      container.json["resources"].members.values.allSatisfy(\.members.isEmpty)
    }
    if isBestEffort { return "BestEffort" }
    let isGuaranteed = containers.allSatisfy { container in
      ["cpu", "memory"].allSatisfy { name in
        container.limit(name).map { $0 == container.request(name) } ?? false
      }
    }
    return isGuaranteed ? "Guaranteed" : "Burstable"
  }

  private static let suffixLetters = Array("bcdfghjklmnpqrstvwxz2456789")

  /// Five letters that spell no word, as Kubernetes adds to `generateName`.
  package static func randomSuffix(_ count: Int = 5) -> String {
    String((0..<count).map { _ in suffixLetters.randomElement() ?? "x" })
  }

  /// A random UUID (RFC 9562 §5.4).
  package static func randomUID() -> String {
    let high = UInt64.random(in: .min ... .max) & ~0xF000 | 0x4000
    let low = UInt64.random(in: .min ... .max) & ~(0xC0 << 56) | (0x80 << 56)
    let digits = [high, low].map { value in
      let text = String(value, radix: 16)
      return String(repeating: "0", count: 16 - text.count) + text
    }.joined()
    var text = ""
    for (index, digit) in digits.enumerated() {
      if [8, 12, 16, 20].contains(index) { text.append("-") }
      text.append(digit)
    }
    return text
  }
}
