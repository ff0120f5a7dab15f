/// A typed view of a JSON value: nothing is copied out, what the view does not know stays.
package protocol JSONView: Hashable, Sendable {
  var json: JSON { get set }
  init(json: JSON)
}

extension JSONView {
  package init(_ json: JSON) { self.init(json: json) }
}

/// A typed view of a Kubernetes object: metadata for all kinds.
package protocol ObjectView: JSONView {}

/// A Kubernetes object of any kind.
package struct KubernetesObject: ObjectView {
  package var json: JSON
  package init(json: JSON) { self.json = json }
}

extension ObjectView {
  package var apiVersion: String { json["apiVersion"].string ?? "" }
  package var kind: String { json["kind"].string ?? "" }
  package var groupVersionKind: GroupVersionKind {
    GroupVersionKind(apiVersion: apiVersion, kind: kind)
  }

  package var metadata: JSON {
    get { json["metadata"] }
    _modify { yield &json["metadata"] }
  }

  package var spec: JSON {
    get { json["spec"] }
    _modify { yield &json["spec"] }
  }

  package var status: JSON {
    get { json["status"] }
    _modify { yield &json["status"] }
  }

  package var name: String {
    get { metadata["name"].string ?? "" }
    set { metadata["name"] = .string(newValue) }
  }

  /// Empty for what has no namespace.
  package var namespace: String {
    get { metadata["namespace"].string ?? "" }
    set { metadata["namespace"] = newValue.isEmpty ? .null : .string(newValue) }
  }

  package var resourceName: ResourceName { ResourceName(namespace: namespace, name: name) }
  package var uid: String { metadata["uid"].string ?? "" }
  package var resourceVersion: String { metadata["resourceVersion"].string ?? "" }
  package var generation: Int { metadata["generation"].int ?? 0 }

  package var labels: [String: String] {
    get { metadata["labels"].strings }
    set { metadata["labels"] = newValue.isEmpty ? .null : JSON(newValue) }
  }

  package var annotations: [String: String] {
    get { metadata["annotations"].strings }
    set { metadata["annotations"] = newValue.isEmpty ? .null : JSON(newValue) }
  }

  package var ownerReferences: [OwnerReference] {
    get { metadata["ownerReferences"].elements.map(OwnerReference.init(json:)) }
    set { metadata["ownerReferences"] = newValue.isEmpty ? .null : .array(newValue.map(\.json)) }
  }

  /// The owner that manages this object, if it has one.
  package var controller: OwnerReference? { ownerReferences.first(where: \.isController) }

  package var finalizers: [String] {
    get { metadata["finalizers"].elements.compactMap(\.string) }
    set { metadata["finalizers"] = newValue.isEmpty ? .null : JSON(newValue) }
  }

  package var creationTimestamp: Timestamp? {
    metadata["creationTimestamp"].string.flatMap(Timestamp.init)
  }

  package var deletionTimestamp: Timestamp? {
    metadata["deletionTimestamp"].string.flatMap(Timestamp.init)
  }

  package var isDeleting: Bool { !metadata["deletionTimestamp"].isNull }

  package var conditions: [Condition] {
    get { status["conditions"].elements.map(Condition.init(json:)) }
    set { status["conditions"] = .array(newValue.map(\.json)) }
  }

  package func condition(_ type: String) -> Condition? {
    conditions.first { $0.type == type }
  }

  /// Sets or adds the condition of its type. The time of the last transition moves only when the
  /// status does, as Kubernetes has it.
  package mutating func setCondition(_ condition: Condition) {
    var all = conditions
    var condition = condition
    if let index = all.firstIndex(where: { $0.type == condition.type }) {
      if all[index].status == condition.status,
        !all[index].json["lastTransitionTime"].isNull
      {
        condition.json["lastTransitionTime"] = all[index].json["lastTransitionTime"]
      }
      all[index] = condition
    } else {
      all.append(condition)
    }
    conditions = all
  }

  /// A reference to this object, as Events and ObjectReference fields hold it.
  package var reference: ObjectReference {
    ObjectReference(
      groupVersionKind: groupVersionKind, namespace: namespace, name: name, uid: uid)
  }

  /// An owner reference to this object as its controller.
  package func controllerReference() -> OwnerReference {
    OwnerReference(json: [
      "apiVersion": .string(apiVersion), "kind": .string(kind), "name": .string(name),
      "uid": .string(uid), "controller": true, "blockOwnerDeletion": true,
    ])
  }
}

/// One element of `metadata.ownerReferences`.
package struct OwnerReference: JSONView {
  package var json: JSON
  package init(json: JSON) { self.json = json }

  package var apiVersion: String { json["apiVersion"].string ?? "" }
  package var kind: String { json["kind"].string ?? "" }
  package var name: String { json["name"].string ?? "" }
  package var uid: String { json["uid"].string ?? "" }
  package var isController: Bool { json["controller"].bool ?? false }
  package var blocksOwnerDeletion: Bool { json["blockOwnerDeletion"].bool ?? false }
}

/// One element of `status.conditions`.
package struct Condition: JSONView {
  package var json: JSON
  package init(json: JSON) { self.json = json }

  package init(
    type: String, status: Bool?, reason: String = "", message: String = "", at now: Timestamp,
    heartbeat: Bool = false
  ) {
    let word = status.map { $0 ? "True" : "False" } ?? "Unknown"
    json = [
      "type": .string(type), "status": .string(word),
      "lastTransitionTime": .string(now.description),
    ]
    if !reason.isEmpty { json["reason"] = .string(reason) }
    if !message.isEmpty { json["message"] = .string(message) }
    if heartbeat { json["lastHeartbeatTime"] = .string(now.description) }
  }

  package var type: String { json["type"].string ?? "" }
  /// `True`, `False` or `Unknown`.
  package var status: String { json["status"].string ?? "Unknown" }
  package var isTrue: Bool { status == "True" }
  package var reason: String { json["reason"].string ?? "" }
  package var message: String { json["message"].string ?? "" }
  package var lastTransitionTime: Timestamp? {
    json["lastTransitionTime"].string.flatMap(Timestamp.init)
  }
}
