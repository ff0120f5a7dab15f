import Kubernetes

/// Who may do what. The rules are few and fixed: administrators, nodes, the edge, the name service.
struct Authorizer: Sendable {
  struct Attributes: Equatable, Sendable {
    /// `get`, `list`, `watch`, `create`, `update`, `patch`, `delete`, `deletecollection`.
    var verb: String
    var group = ""
    var resource = ""
    var subresource = ""
    var namespace = ""
    var name = ""
    /// Set for what is not a resource.
    var path = ""
  }

  private struct Rule: Sendable {
    let verbs: Set<String>
    let resources: Set<String>

    func allows(_ verb: String, _ resource: String) -> Bool {
      (verbs.contains("*") || verbs.contains(verb)) && resources.contains(resource)
    }
  }

  private static let read: Set<String> = ["get", "list", "watch"]
  private static let calico = GroupResource.calicoGroup
  private static let calicoReadable: Set<String> = Set(
    [calico, "projectcalico.org"].flatMap { group in
      ["bgpconfigurations", "bgppeers", "ippools", "bgpfilters"].map { "\($0).\(group)" }
    } + ["blockaffinities.\(calico)", "ipamblocks.\(calico)", "ipamhandles.\(calico)"])
  private static let readable = calicoReadable.union([
    "nodes", "pods", "services", "endpoints", "endpointslices.discovery.k8s.io", "configmaps",
    "secrets", "namespaces", "serviceaccounts", "ingresses.networking.k8s.io",
    "ingressclasses.networking.k8s.io", "leases.coordination.k8s.io",
    "customresourcedefinitions.apiextensions.k8s.io",
  ])
  private static let reporting = [
    Rule(verbs: ["create", "patch", "update"], resources: ["events", "events.events.k8s.io"]),
    Rule(verbs: ["*"], resources: ["leases.coordination.k8s.io"]),
  ]
  private static let nodeRules =
    reporting + [
      Rule(verbs: read, resources: readable),
      Rule(verbs: ["create"], resources: ["nodes"]),
      Rule(verbs: ["update", "patch"], resources: ["pods/status"]),
      Rule(verbs: ["delete"], resources: ["pods"]),
      Rule(
        verbs: ["*"],
        resources: [
          "blockaffinities.\(calico)", "ipamblocks.\(calico)", "ipamhandles.\(calico)",
        ]),
    ]
  private static let edgeRules =
    reporting + [
      Rule(verbs: read, resources: readable),
      Rule(
        verbs: ["update", "patch"],
        resources: [
          "services/status", "ingresses/status.networking.k8s.io", "services",
          "ingresses.networking.k8s.io",
        ]),
    ]

  /// Objects that say what names a unit serves.
  private static let names = [
    ("gslbs", "k8gb.io"), ("externaldnses", "cis.f5.com"), ("dnsendpoints", "externaldns.k8s.io"),
  ]
  private static let nameRules =
    reporting + [
      Rule(
        verbs: read,
        resources: readable.subtracting(["secrets", "configmaps"]).union(
          names.map { "\($0).\($1)" })),
      Rule(verbs: ["update", "patch"], resources: Set(names.map { "\($0)/status.\($1)" })),
      // A Gslb may bring its Ingress with it.
      Rule(verbs: ["create"], resources: ["ingresses.networking.k8s.io"]),
    ]

  func allows(_ user: UserInfo, _ attributes: Attributes) -> Bool {
    if user.groups.contains("system:masters") { return true }
    if !attributes.path.isEmpty { return allowsPath(user, attributes) }
    let reviews = ["selfsubjectaccessreviews", "selfsubjectrulesreviews", "selfsubjectreviews"]
    if reviews.contains(attributes.resource) { return user != .anonymous }
    let slash = attributes.subresource.isEmpty ? "" : "/\(attributes.subresource)"
    let group = attributes.group.isEmpty ? "" : ".\(attributes.group)"
    let resource = attributes.resource + slash + group
    if user.groups.contains("system:nodes"), user.name.hasPrefix("system:node:") {
      if ["nodes", "nodes/status"].contains(resource),
        ["update", "patch"].contains(attributes.verb)
      {
        return user.name == "system:node:\(attributes.name)"
      }
      return Self.nodeRules.contains { $0.allows(attributes.verb, resource) }
    }
    if user.name == "atoll:edge" {
      return Self.edgeRules.contains { $0.allows(attributes.verb, resource) }
    }
    if user.name == "atoll:dns" {
      return Self.nameRules.contains { $0.allows(attributes.verb, resource) }
    }
    return false
  }

  private func allowsPath(_ user: UserInfo, _ attributes: Attributes) -> Bool {
    guard attributes.verb == "get" else { return false }
    let open = ["/healthz", "/livez", "/readyz", "/version"]
    if open.contains(where: { attributes.path == $0 || attributes.path.hasPrefix($0 + "/") }) {
      return true
    }
    return user != .anonymous
  }

  /// The text of a refusal, as Kubernetes words it.
  func refusal(_ user: UserInfo, _ attributes: Attributes) -> APIStatus {
    guard attributes.path.isEmpty else {
      return APIStatus(
        code: 403, reason: "Forbidden",
        message: "forbidden: User \"\(user.name)\" cannot \(attributes.verb) path"
          + " \"\(attributes.path)\"", details: [:])
    }
    let resource = GroupResource(attributes.resource, group: attributes.group)
    let slash = attributes.subresource.isEmpty ? "" : "/\(attributes.subresource)"
    let place =
      attributes.namespace.isEmpty
      ? "at the cluster scope" : "in the namespace \"\(attributes.namespace)\""
    let text =
      "User \"\(user.name)\" cannot \(attributes.verb) resource"
      + " \"\(attributes.resource)\(slash)\" in API group \"\(attributes.group)\" \(place)"
    if attributes.name.isEmpty {
      return APIStatus(
        code: 403, reason: "Forbidden", message: "\(resource) is forbidden: \(text)",
        details: ["kind": .string(attributes.resource)])
    }
    return .forbidden(resource, attributes.name, text)
  }
}
