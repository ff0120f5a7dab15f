import Kubernetes
import Linux

/// What kind of patch a document is.
package enum PatchKind: Sendable, Equatable {
  /// RFC 6902.
  case json
  /// RFC 7386.
  case merge
  case strategic
  /// Server-side apply.
  case apply(fieldManager: String, force: Bool)

  var contentType: String {
    switch self {
    case .json: "application/json-patch+json"
    case .merge: "application/merge-patch+json"
    case .strategic: "application/strategic-merge-patch+json"
    case .apply: "application/apply-patch+yaml"
    }
  }

  var query: [(String, String)] {
    guard case .apply(let manager, let force) = self else { return [] }
    return [("fieldManager", manager), ("force", force ? "true" : "false")]
  }
}

/// One consistent read of a collection.
package struct ObjectList: Sendable {
  package var items: [JSON]
  package var resourceVersion: String
}

extension KubeClient {
  /// A path as it is: `/api/v1/nodes`, `/readyz`.
  package func get(_ path: String) async throws -> JSON { try await request("GET", path) }

  package func post(_ path: String, _ object: JSON) async throws -> JSON {
    try await request("POST", path, body: object)
  }

  package func get(_ resource: GroupResource, _ name: ResourceName) async throws -> JSON {
    try await request("GET", Self.path(resource, name))
  }

  package func get<View: ObjectView>(
    _ type: View.Type, _ resource: GroupResource, _ name: ResourceName
  ) async throws -> View {
    View(try await get(resource, name))
  }

  /// The objects of one namespace, or of all.
  package func list(
    _ resource: GroupResource, namespace: String? = nil, labels: String? = nil,
    fields: String? = nil
  ) async throws -> ObjectList {
    try await list(
      path: Self.path(resource, namespace: namespace), labels: labels, fields: fields)
  }

  /// The objects of the collection at `path`, read in pages.
  /// - Throws: `protocolError` for an answer that is not a list: an error is never an empty list.
  package func list(
    path: String, labels: String? = nil, fields: String? = nil
  ) async throws -> ObjectList {
    var items: [JSON] = []
    var next: String?
    while true {
      var query = Self.selectors(labels, fields) + [("limit", "500")]
      if let next { query.append(("continue", next)) }
      let page = try await request("GET", path, query: query)
      guard page["kind"].string?.hasSuffix("List") == true,
        let version = page["metadata"]["resourceVersion"].string,
        let members = page["items"].array ?? (page["items"].isNull ? [] : nil)
      else { throw NotAList(path: path) }
      // Items of a typed list carry neither apiVersion nor kind.
      let apiVersion = page["apiVersion"]
      let kind = JSON(page["kind"].string.map { String($0.dropLast(4)) })
      items += members.map { item in
        guard item["kind"].isNull else { return item }
        var item = item
        item["apiVersion"] = apiVersion
        item["kind"] = kind
        return item
      }
      next = page["metadata"]["continue"].string.flatMap { $0.isEmpty ? nil : $0 }
      if next == nil { return ObjectList(items: items, resourceVersion: version) }
    }
  }

  static func selectors(_ labels: String?, _ fields: String?) -> [(String, String)] {
    [("labelSelector", labels), ("fieldSelector", fields)].compactMap { name, value in
      value.flatMap { $0.isEmpty ? nil : (name, $0) }
    }
  }

  package func create(_ resource: GroupResource, _ object: JSON) async throws -> JSON {
    let namespace = object["metadata"]["namespace"].string
    return try await request("POST", Self.path(resource, namespace: namespace), body: object)
  }

  /// Replaces an object, or its `subresource`. With a resource version inside, only if it is the
  /// current one.
  package func update(
    _ resource: GroupResource, _ object: JSON, subresource: String? = nil
  ) async throws -> JSON {
    let name = KubernetesObject(object).resourceName
    return try await request("PUT", Self.path(resource, name, subresource), body: object)
  }

  package func updateStatus(_ resource: GroupResource, _ object: JSON) async throws -> JSON {
    try await update(resource, object, subresource: "status")
  }

  package func patch(
    _ resource: GroupResource, _ name: ResourceName, subresource: String? = nil,
    _ kind: PatchKind, _ patch: JSON
  ) async throws -> JSON {
    try await request(
      "PATCH", Self.path(resource, name, subresource), query: kind.query, body: patch,
      contentType: kind.contentType)
  }

  /// - Parameter options: A DeleteOptions object.
  package func delete(
    _ resource: GroupResource, _ name: ResourceName, options: JSON? = nil
  ) async throws {
    _ = try await request("DELETE", Self.path(resource, name), body: options)
  }
}

/// An answer to a list request that is no list.
package struct NotAList: Error, Equatable, CustomStringConvertible {
  package let path: String
  package var description: String { "GET \(path): the answer is not a list" }
}
