import Kubernetes
import Linux

/// How an object is to go.
package struct DeleteOptions: Sendable {
  package enum Propagation: String, Sendable {
    case background = "Background"
    case foreground = "Foreground"
    case orphan = "Orphan"
  }
  /// What becomes of what it owns; nil is background.
  package var propagation: Propagation?
  /// Seconds a pod has to end; nil takes the pod's own.
  package var gracePeriodSeconds: Int?
  /// Delete only the object of this uid.
  package var uid: String?
  package var resourceVersion: String?
  package var dryRun = false

  package init(
    propagation: Propagation? = nil, gracePeriodSeconds: Int? = nil, uid: String? = nil
  ) {
    self.propagation = propagation
    self.gracePeriodSeconds = gracePeriodSeconds
    self.uid = uid
  }
}

extension Store {
  static let foregroundFinalizer = "foregroundDeletion"

  /// Deletes an object, or marks it as going: pods end first, finalizers have their turn.
  /// Returns its last state.
  @discardableResult
  package func delete(
    _ resource: GroupResource, _ name: ResourceName, _ options: DeleteOptions = DeleteOptions()
  ) throws(APIStatus) -> (object: JSON, isGone: Bool) {
    let current = try stored(resource, name)
    var object = current.json
    try checkPreconditions(options, object, resource, name)
    if resource == .namespaces {
      if ["default", "kube-system", "kube-public", "kube-node-lease"].contains(name.name) {
        throw .forbidden(resource, name.name, "this namespace may not be deleted")
      }
      return try delete(namespace: current, options)
    }
    if options.dryRun { return (object, false) }
    switch options.propagation {
    case .orphan: try orphanDependents(of: current)
    case .foreground:
      let blocking = blockingDependents(of: current)
      if !blocking.isEmpty, object["metadata"]["deletionTimestamp"].isNull {
        var finalizers = KubernetesObject(json: object).finalizers
        finalizers.append(Self.foregroundFinalizer)
        object["metadata"]["finalizers"] = JSON(finalizers)
      }
    default: break
    }
    let grace = gracePeriod(object, resource, options)
    let isLeaving = !object["metadata"]["deletionTimestamp"].isNull
    let left = object["metadata"]["deletionGracePeriodSeconds"].int ?? 0
    let hasFinalizers = !object["metadata"]["finalizers"].elements.isEmpty
    if grace == 0, !hasFinalizers { return (try finish(current, last: object), true) }
    if !isLeaving || grace < left {
      let deadline = Timestamp(unixSeconds: now.unixSeconds + Int64(grace))
      object["metadata"]["deletionTimestamp"] = .string(deadline.description)
      object["metadata"]["deletionGracePeriodSeconds"] = JSON(grace)
      if !object["metadata"]["generation"].isNull {
        object["metadata"]["generation"] = JSON((object["metadata"]["generation"].int ?? 0) + 1)
      }
    }
    let result = object == current.json ? object : try commit(current.key, object).json
    if options.propagation == .foreground { try deleteBlocking(of: current) }
    return (result, false)
  }

  private func checkPreconditions(
    _ options: DeleteOptions, _ object: JSON, _ resource: GroupResource, _ name: ResourceName
  ) throws(APIStatus) {
    for (field, word, wanted) in [
      ("uid", "UID", options.uid), ("resourceVersion", "ResourceVersion", options.resourceVersion),
    ] {
      let found = object["metadata"][field].string ?? ""
      guard let wanted, wanted != found else { continue }
      throw .conflict(
        resource, name.name,
        "Precondition failed: \(word) in precondition: \(wanted), \(word) in object meta: \(found)")
    }
  }

  /// Seconds until a pod must be gone; 0 for what goes at once.
  private func gracePeriod(
    _ object: JSON, _ resource: GroupResource, _ options: DeleteOptions
  ) -> Int {
    guard resource == .pods else { return 0 }
    let pod = Pod(json: object)
    if pod.nodeName == nil || pod.isFinished { return 0 }
    let seconds =
      options.gracePeriodSeconds ?? pod.metadata["deletionGracePeriodSeconds"].int
      ?? pod.podSpec.terminationGracePeriodSeconds
    return min(max(0, seconds), 86_400)
  }

  /// True for an object that is leaving and that nothing holds any more.
  static func mayGo(_ object: JSON) -> Bool {
    object["metadata"]["finalizers"].elements.isEmpty
      && (object["metadata"]["deletionGracePeriodSeconds"].int ?? 0) == 0
      && object["spec"]["finalizers"].elements.isEmpty
  }

  /// Removes the object and lets go what waited for that.
  func finish(_ current: StoredObject, last object: JSON) throws(APIStatus) -> JSON {
    let erased = try erase(
      StoredObject(
        key: current.key, json: object, revision: current.revision, bytes: current.bytes))
    if current.key.resource == .customResourceDefinitions {
      try eraseInstances(definition: object)
    }
    for owner in current.owners { try releaseForeground(owner) }
    if !current.key.name.namespace.isEmpty { try releaseNamespace(current.key.name.namespace) }
    return erased.json
  }

  // MARK: Dependents

  private func orphanDependents(of owner: StoredObject) throws(APIStatus) {
    let uid = owner.json["metadata"]["uid"].string ?? ""
    for key in dependents(ofOwner: uid) {
      try modify(key.resource, key.name) { object throws(APIStatus) in
        let kept = object["metadata"]["ownerReferences"].elements.filter {
          $0["uid"].string != uid
        }
        object["metadata"]["ownerReferences"] = kept.isEmpty ? .null : .array(kept)
      }
    }
  }

  private func blockingDependents(of owner: StoredObject) -> [ObjectKey] {
    let uid = owner.json["metadata"]["uid"].string ?? ""
    return dependents(ofOwner: uid).filter { key in
      let references = get(key.resource, key.name)?["metadata"]["ownerReferences"].elements ?? []
      return references.contains {
        $0["uid"].string == uid && $0["blockOwnerDeletion"].bool == true
      }
    }
  }

  private func deleteBlocking(of owner: StoredObject) throws(APIStatus) {
    for key in blockingDependents(of: owner) {
      guard let object = get(key.resource, key.name),
        object["metadata"]["deletionTimestamp"].isNull
      else { continue }
      try delete(key.resource, key.name, DeleteOptions(propagation: .foreground))
    }
  }

  /// Lets an owner go that waited for its dependents, once the last of them is gone.
  private func releaseForeground(_ uid: String) throws(APIStatus) {
    guard let owner = foregroundOwner(uid), blockingDependents(of: owner).isEmpty else { return }
    try modify(owner.key.resource, owner.key.name) { object throws(APIStatus) in
      let kept = object["metadata"]["finalizers"].elements.filter {
        $0.string != Self.foregroundFinalizer
      }
      object["metadata"]["finalizers"] = kept.isEmpty ? .null : .array(kept)
    }
  }

  private func foregroundOwner(_ uid: String) -> StoredObject? {
    for table in tables.values {
      for object in table.values
      where object.json["metadata"]["uid"].string == uid
        && object.json["metadata"]["finalizers"].elements
          .contains(.string(Self.foregroundFinalizer))
      {
        return object
      }
    }
    return nil
  }

  private func eraseInstances(definition: JSON) throws(APIStatus) {
    let resource = GroupResource(
      definition["spec"]["names"]["plural"].string ?? "",
      group: definition["spec"]["group"].string ?? "")
    guard types.stored(resource) == nil else { return }
    for object in objects(resource, namespace: nil) { try erase(object) }
  }
}
