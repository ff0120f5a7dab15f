/// What an object is: `apps/v1, Kind=Deployment`. The core group is the empty one.
package struct GroupVersionKind: Hashable, Sendable, CustomStringConvertible {
  package var group: String
  package var version: String
  package var kind: String

  package init(group: String, version: String, kind: String) {
    self.group = group
    self.version = version
    self.kind = kind
  }

  package init(apiVersion: String, kind: String) {
    if let slash = apiVersion.firstIndex(of: "/") {
      group = String(apiVersion[..<slash])
      version = String(apiVersion[apiVersion.index(after: slash)...])
    } else {
      group = ""
      version = apiVersion
    }
    self.kind = kind
  }

  package var apiVersion: String { group.isEmpty ? version : "\(group)/\(version)" }
  package var description: String { "\(apiVersion), Kind=\(kind)" }
}

/// `namespace/name`; the namespace is empty for what has none.
package struct ResourceName: Hashable, Comparable, Sendable, CustomStringConvertible {
  package var namespace: String
  package var name: String

  package init(namespace: String = "", name: String) {
    self.namespace = namespace
    self.name = name
  }

  package static func < (left: ResourceName, right: ResourceName) -> Bool {
    (left.namespace, left.name) < (right.namespace, right.name)
  }

  package var description: String { namespace.isEmpty ? name : "\(namespace)/\(name)" }
}

/// Names one object, as `involvedObject` of an Event does.
package struct ObjectReference: Hashable, Sendable {
  package var groupVersionKind: GroupVersionKind
  package var namespace: String
  package var name: String
  package var uid: String

  package init(
    groupVersionKind: GroupVersionKind, namespace: String = "", name: String, uid: String = ""
  ) {
    self.groupVersionKind = groupVersionKind
    self.namespace = namespace
    self.name = name
    self.uid = uid
  }

  package init(json: JSON) {
    self.init(
      groupVersionKind: GroupVersionKind(
        apiVersion: json["apiVersion"].string ?? "", kind: json["kind"].string ?? ""),
      namespace: json["namespace"].string ?? "", name: json["name"].string ?? "",
      uid: json["uid"].string ?? "")
  }

  package var resourceName: ResourceName { ResourceName(namespace: namespace, name: name) }

  package var json: JSON {
    var json: JSON = [
      "apiVersion": .string(groupVersionKind.apiVersion), "kind": .string(groupVersionKind.kind),
      "name": .string(name),
    ]
    if !namespace.isEmpty { json["namespace"] = .string(namespace) }
    if !uid.isEmpty { json["uid"] = .string(uid) }
    return json
  }
}
