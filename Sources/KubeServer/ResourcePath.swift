import Kubernetes

/// What the path of a request names.
enum ResourcePath: Equatable {
  /// A resource, or one object of it.
  struct Target: Equatable {
    var group: String
    var version: String
    /// Empty for all namespaces, and for what has none.
    var namespace = ""
    var plural: String
    var name: String?
    var subresource: String?
    /// What follows the subresource, as a proxied path.
    var rest: [String] = []
  }
  case resource(Target)
  /// The resources of one version of a group.
  case groupVersion(group: String, version: String)
  case other([String])

  init(_ path: String) {
    let parts = path.split(separator: "/").map(String.init)
    let head: (group: String, version: String, rest: ArraySlice<String>)
    if parts.first == "api", parts.count >= 2 {
      head = ("", parts[1], parts[2...])
    } else if parts.first == "apis", parts.count >= 3 {
      head = (parts[1], parts[2], parts[3...])
    } else {
      self = .other(parts)
      return
    }
    guard !head.rest.isEmpty else {
      self = .groupVersion(group: head.group, version: head.version)
      return
    }
    var rest = Array(head.rest)
    var namespace = ""
    // namespaces/x and its subresources are the namespace itself; all else below is in it.
    if rest[0] == "namespaces", rest.count >= 3,
      !(head.group.isEmpty && rest.count == 3 && ["status", "finalize"].contains(rest[2]))
    {
      namespace = rest[1]
      rest.removeFirst(2)
    }
    self = .resource(
      Target(
        group: head.group, version: head.version, namespace: namespace, plural: rest[0],
        name: rest.count > 1 ? rest[1] : nil, subresource: rest.count > 2 ? rest[2] : nil,
        rest: Array(rest.dropFirst(3))))
  }
}
