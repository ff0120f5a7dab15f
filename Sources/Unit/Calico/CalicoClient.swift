import Intent
import KubeClient
import Kubernetes
import Linux

/// Calico's objects through the Kubernetes API, as calicoctl manages them.
@Loop package struct CalicoClient {
  let api: KubeClient
  private static let attempts = 5

  /// One object, as calicoctl shows it.
  package func get(_ kind: CalicoKind, _ name: String) async throws(CalicoError) -> JSON {
    view(kind, try await stored(kind, name))
  }

  /// Every object of a kind, as a list object.
  package func list(_ kind: CalicoKind) async throws(CalicoError) -> JSON {
    let list = try await asking(kind, "") { try await api.list(kind.resource) }
    return [
      "apiVersion": .string(CalicoKind.apiVersion), "kind": .string(kind.rawValue + "List"),
      "metadata": ["resourceVersion": .string(list.resourceVersion)],
      "items": .array(
        list.items.sorted { ResourceName($0) < ResourceName($1) }.map { view(kind, $0) }),
    ]
  }

  /// The AS number of nodes that have none of their own; Calico's default where nothing says one.
  package func clusterAS() async -> String {
    guard let number = try? await get(.bgpConfiguration, "default").at("spec.asNumber") else {
      return "64512"
    }
    return number.isNull ? "64512" : number.string ?? number.text
  }

  package func clusterVersion() async throws -> String {
    try await api.get("/version")["gitVersion"].string ?? "unknown"
  }

  /// Makes an object. One that a unit generated makes way: what its user writes is meant to take
  /// its place.
  package func create(_ object: JSON) async throws(CalicoError) {
    let (kind, name) = try check(object)
    if kind == .node {
      throw .unsupported(
        operation: "Create", kind, name, reason: "nodes are made by the cluster itself")
    }
    do {
      _ = try await asking(kind, name) { try await api.create(kind.resource, storable(object)) }
    } catch {
      guard case .alreadyExists = error, try await isGenerated(kind, name) else { throw error }
      try await replace(object)
    }
  }

  /// Puts an object in the place of the one of its name.
  package func replace(_ object: JSON) async throws(CalicoError) {
    let (kind, name) = try check(object)
    let version = object["metadata"]["resourceVersion"].string
    for attempt in 1... {
      let current = try await stored(kind, name)
      if let version, version != current["metadata"]["resourceVersion"].string {
        throw .updateConflict(kind, name)
      }
      do {
        _ = try await asking(kind, name) { try await write(kind, object, over: current) }
        return
      } catch .updateConflict where version == nil && attempt < Self.attempts {
        continue
      }
    }
  }

  /// Makes an object, or puts it in the place of the one of its name.
  package func apply(_ object: JSON) async throws(CalicoError) {
    let (kind, _) = try check(object)
    if kind == .node { return try await replace(object) }
    do throws(CalicoError) {
      try await create(object)
    } catch .alreadyExists {
      try await replace(object)
    }
  }

  package func delete(_ kind: CalicoKind, _ name: String) async throws(CalicoError) {
    if kind == .node {
      throw .unsupported(
        operation: "Delete", kind, name, reason: "nodes are removed by the cluster itself")
    }
    try await asking(kind, name) {
      try await api.delete(kind.resource, ResourceName(name: name))
    }
  }

  /// Changes some fields, the way of a JSON merge patch (RFC 7386).
  package func patch(
    _ kind: CalicoKind, _ name: String, _ patch: JSON
  ) async throws(CalicoError) {
    var object = try await get(kind, name)
    object.merge(patch)
    try await replace(object)
  }

  // MARK: Between calicoctl's form and the stored one

  private func view(_ kind: CalicoKind, _ stored: JSON) -> JSON {
    if kind == .node { return CalicoNode.view(of: stored) }
    var object = stored
    object["apiVersion"] = .string(CalicoKind.apiVersion)
    object["metadata"]["managedFields"] = .null
    object["metadata"]["generation"] = .null
    return object
  }

  private func storable(_ object: JSON) -> JSON {
    var object = object
    object["apiVersion"] = .string("\(GroupResource.calicoGroup)/v1")
    return object
  }

  private func write(_ kind: CalicoKind, _ object: JSON, over current: JSON) async throws -> JSON {
    if kind == .node {
      return try await api.patch(
        .nodes, ResourceName(current), .merge, CalicoNode.patch(to: object, from: current))
    }
    var object = storable(object)
    for field in ["resourceVersion", "uid", "creationTimestamp"] {
      object["metadata"][field] = current["metadata"][field]
    }
    return try await api.update(kind.resource, object)
  }

  private func stored(_ kind: CalicoKind, _ name: String) async throws(CalicoError) -> JSON {
    try await asking(kind, name) { try await api.get(kind.resource, ResourceName(name: name)) }
  }

  private func isGenerated(_ kind: CalicoKind, _ name: String) async throws(CalicoError) -> Bool {
    CalicoTranslation.isGenerated(try await stored(kind, name))
  }

  /// What is wrong with an object is told before anything is sent.
  private func check(_ object: JSON) throws(CalicoError) -> (CalicoKind, String) {
    guard let kind = object["kind"].string.flatMap(CalicoKind.init(rawValue:)) else {
      throw .datastore("resource type \(object["kind"].text) is not supported")
    }
    guard let name = object["metadata"]["name"].string, !name.isEmpty else { throw .nameless }
    if object["metadata"]["namespace"].string?.isEmpty == false { throw .namespaced(kind) }
    return (kind, name)
  }

  private func asking<Answer>(
    _ kind: CalicoKind, _ name: String, _ body: () async throws -> Answer
  ) async throws(CalicoError) -> Answer {
    do {
      return try await body()
    } catch let status as APIStatus where status.isAlreadyExists {
      throw .alreadyExists(kind, name)
    } catch let status as APIStatus where status.isConflict {
      throw .updateConflict(kind, name)
    } catch let status as APIStatus where status.isNotFound && !name.isEmpty {
      throw .doesNotExist(kind, name, reason: status.message)
    } catch {
      throw .datastore("\(error)")
    }
  }
}

extension ResourceName {
  init(_ object: JSON) {
    self.init(name: object["metadata"]["name"].string ?? "")
  }
}
