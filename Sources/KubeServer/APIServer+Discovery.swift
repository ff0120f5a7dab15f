import Kubernetes
import Linux

extension APIServer {
  /// Paths that are not resources: discovery, version, health, schemas.
  func nonResource(_ parts: [String], _ request: APIRequest) throws(APIStatus) -> APIResponse {
    guard request.method == "GET" || request.method == "HEAD" else { throw .methodNotAllowed() }
    switch parts.first {
    case nil:
      let paths = ["/api", "/api/v1", "/apis", "/healthz", "/livez", "/openapi/v2", "/openapi/v3"]
      return .json(["paths": JSON(paths + ["/readyz", "/version"])])
    case "healthz", "livez", "readyz": return .text("ok")
    case "version": return .json(Self.version)
    case "api" where parts.count == 1: return core(request)
    case "apis" where parts.count == 1: return groups(request)
    case "apis" where parts.count == 2:
      guard let group = group(parts[1]) else { throw .unknownResource }
      return .json(group)
    case "openapi": return try openAPI(parts, request)
    default: throw .unknownResource
    }
  }

  private static let version: JSON = [
    "major": "1", "minor": "32", "gitVersion": "v1.32.0+atoll", "gitCommit": "",
    "gitTreeState": "clean", "buildDate": "1970-01-01T00:00:00Z", "goVersion": "",
    "compiler": "swift", "platform": "linux/amd64",
  ]

  private static let aggregatedType =
    "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"

  private func wantsAggregated(_ request: APIRequest) -> Bool {
    let accept = (request.headers["accept"] ?? "").filter { $0 != " " }
    return accept.split(separator: ",").contains { range in
      range.hasPrefix("application/json") && range.contains("g=apidiscovery.k8s.io")
        && range.split(separator: ";").contains("v=v2")
    }
  }

  private func core(_ request: APIRequest) -> APIResponse {
    if wantsAggregated(request) { return aggregated { $0.isEmpty } }
    return .json(["kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": []])
  }

  private func groups(_ request: APIRequest) -> APIResponse {
    if wantsAggregated(request) { return aggregated { !$0.isEmpty } }
    let names = Self.unique(store.types.all.map(\.group)).filter { !$0.isEmpty }
    return .json([
      "kind": "APIGroupList", "apiVersion": "v1",
      "groups": .array(names.compactMap { group($0) }),
    ])
  }

  private static func unique(_ texts: [String]) -> [String] {
    var seen: Set<String> = []
    return texts.filter { seen.insert($0).inserted }
  }

  private func group(_ name: String) -> JSON? {
    let versions = Self.unique(store.types.all.filter { $0.group == name }.map(\.version))
    guard let preferred = versions.first, !name.isEmpty else { return nil }
    func entry(_ version: String) -> JSON {
      ["groupVersion": .string("\(name)/\(version)"), "version": .string(version)]
    }
    return [
      "kind": "APIGroup", "apiVersion": "v1", "name": .string(name),
      "versions": .array(versions.map(entry)), "preferredVersion": entry(preferred),
    ]
  }

  /// `v1` APIResourceList of one group and version.
  func resourceList(group: String, version: String) throws(APIStatus) -> JSON {
    let types = store.types.all.filter { $0.group == group && $0.version == version }
    guard let first = types.first else { throw .unknownResource }
    var resources: [JSON] = []
    for type in types {
      var resource: JSON = [
        "name": .string(type.plural), "singularName": .string(type.singular),
        "namespaced": .bool(type.isNamespaced), "kind": .string(type.kind),
        "verbs": JSON(ResourceType.allVerbs),
      ]
      if !type.shortNames.isEmpty { resource["shortNames"] = JSON(type.shortNames) }
      if !type.categories.isEmpty { resource["categories"] = JSON(type.categories) }
      resources.append(resource)
      for name in type.subresources.sorted() {
        let (kind, verbs) = Self.subresource(name, type)
        var entry: JSON = [
          "name": .string("\(type.plural)/\(name)"), "singularName": "",
          "namespaced": .bool(type.isNamespaced), "kind": .string(kind.kind),
          "verbs": JSON(verbs),
        ]
        if kind.group != type.group {
          entry["group"] = .string(kind.group)
          entry["version"] = .string(kind.version)
        }
        resources.append(entry)
      }
    }
    return [
      "kind": "APIResourceList", "apiVersion": "v1", "groupVersion": .string(first.apiVersion),
      "resources": .array(resources),
    ]
  }

  private static func subresource(
    _ name: String, _ type: ResourceType
  ) -> (GroupVersionKind, [String]) {
    switch name {
    case "scale":
      (
        GroupVersionKind(group: "autoscaling", version: "v1", kind: "Scale"),
        ["get", "patch", "update"]
      )
    case "binding": (GroupVersionKind(group: "", version: "v1", kind: "Binding"), ["create"])
    case "eviction":
      (GroupVersionKind(group: "policy", version: "v1", kind: "Eviction"), ["create"])
    case "log": (type.groupVersionKind, ["get"])
    case "finalize": (type.groupVersionKind, ["update"])
    default: (type.groupVersionKind, ["get", "patch", "update"])
    }
  }

  /// All groups at once (apidiscovery.k8s.io/v2), which saves clients a request per group.
  private func aggregated(_ isWanted: (String) -> Bool) -> APIResponse {
    let types = store.types.all
    let groups = Self.unique(types.map(\.group)).filter(isWanted)
    let items: [JSON] = groups.map { group in
      let versions = Self.unique(types.filter { $0.group == group }.map(\.version))
      return [
        "metadata": group.isEmpty ? [:] : ["name": .string(group)],
        "versions": .array(
          versions.map { version in
            [
              "version": .string(version), "freshness": "Current",
              "resources": .array(
                types.filter { $0.group == group && $0.version == version }
                  .map(Self.aggregatedResource)),
            ]
          }),
      ]
    }
    let list: JSON = [
      "kind": "APIGroupDiscoveryList", "apiVersion": "apidiscovery.k8s.io/v2", "metadata": [:],
      "items": .array(items),
    ]
    return .bytes(list.bytes, type: Self.aggregatedType)
  }

  private static func json(_ kind: GroupVersionKind) -> JSON {
    [
      "group": .string(kind.group), "version": .string(kind.version), "kind": .string(kind.kind),
    ]
  }

  private static func aggregatedResource(_ type: ResourceType) -> JSON {
    var resource: JSON = [
      "resource": .string(type.plural), "singularResource": .string(type.singular),
      "responseKind": json(type.groupVersionKind),
      "scope": type.isNamespaced ? "Namespaced" : "Cluster",
      "verbs": JSON(ResourceType.allVerbs),
    ]
    if !type.shortNames.isEmpty { resource["shortNames"] = JSON(type.shortNames) }
    if !type.categories.isEmpty { resource["categories"] = JSON(type.categories) }
    if !type.subresources.isEmpty {
      resource["subresources"] = .array(
        type.subresources.sorted().map { name in
          let (kind, verbs) = subresource(name, type)
          return [
            "subresource": .string(name), "responseKind": json(kind), "verbs": JSON(verbs),
          ]
        })
    }
    return resource
  }

  // MARK: Schemas

  /// Enough of OpenAPI that clients leave the checking of fields to the server: each PATCH says
  /// that it takes `fieldValidation`.
  private func openAPI(_ parts: [String], _ request: APIRequest) throws(APIStatus) -> APIResponse {
    if parts == ["openapi", "v2"] { return openAPIv2(request) }
    guard parts.count >= 2, parts[1] == "v3" else { throw .unknownResource }
    if parts.count == 2 {
      let versions = Self.unique(
        store.types.all.map { $0.group.isEmpty ? "api/v1" : "apis/\($0.apiVersion)" })
      let paths = versions.map {
        ($0, ["serverRelativeURL": .string("/openapi/v3/\($0)")] as JSON)
      }
      return .json(["paths": .object(Dictionary(paths, uniquingKeysWith: { first, _ in first }))])
    }
    let path = parts.dropFirst(2).joined(separator: "/")
    let types = store.types.all.filter {
      ($0.group.isEmpty ? "api/v1" : "apis/\($0.apiVersion)") == path
    }
    guard !types.isEmpty else { throw .unknownResource }
    var paths: [String: JSON] = [:]
    for type in types {
      let namespace = type.isNamespaced ? "/namespaces/{namespace}" : ""
      paths["/\(path)\(namespace)/\(type.plural)/{name}"] = [
        "patch": [
          "x-kubernetes-action": "patch",
          "x-kubernetes-group-version-kind": Self.json(type.groupVersionKind),
          "parameters": [
            ["name": "dryRun", "in": "query", "schema": ["type": "string"]],
            ["name": "fieldValidation", "in": "query", "schema": ["type": "string"]],
            ["name": "force", "in": "query", "schema": ["type": "boolean"]],
          ],
          "responses": ["200": ["description": "OK"]],
        ]
      ]
    }
    return .json([
      "openapi": "3.0.0", "info": ["title": "Kubernetes", "version": "v1.32.0+atoll"],
      "paths": .object(paths), "components": ["schemas": [:]],
    ])
  }

  /// An empty document; older clients then check nothing themselves.
  private func openAPIv2(_ request: APIRequest) -> APIResponse {
    if (request.headers["accept"] ?? "").contains("proto-openapi") {
      return .bytes(
        Array("\n\u{3}2.0".utf8),
        type: "application/com.github.proto-openapi.spec.v2.v1.0+protobuf")
    }
    return .json([
      "swagger": "2.0", "info": ["title": "Kubernetes", "version": "v1.32.0+atoll"],
      "paths": [:], "definitions": [:],
    ])
  }
}
