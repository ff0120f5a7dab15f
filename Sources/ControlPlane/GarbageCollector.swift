import KubeServer
import Kubernetes
import Linux

/// Deletes what has lost its last owner.
@Loop struct GarbageCollector {
  let store: Store

  /// What the deletion of an object of that uid leaves without an owner.
  func dependents(ofDeleted uid: String) -> [Write] {
    store.dependents(ofOwner: uid).compactMap { collect($0) }
  }

  /// A look at every object that names an owner, for what a crash may have left.
  func sweep() -> [Write] {
    store.resources.flatMap { resource in
      store.list(resource).filter { !$0["metadata"]["ownerReferences"].isNull }.compactMap { json in
        collect(
          ObjectKey(resource: resource, name: KubernetesObject(json: json).resourceName))
      }
    }
  }

  /// A deletion if every owner is gone; owners of kinds that are not served count as there.
  private func collect(_ key: ObjectKey) -> Write? {
    guard let json = store.get(key.resource, key.name) else { return nil }
    let object = KubernetesObject(json: json)
    let owners = object.ownerReferences
    guard !owners.isEmpty, !object.isDeleting else { return nil }
    let isOwned = owners.contains { owner in
      let kind = GroupVersionKind(apiVersion: owner.apiVersion, kind: owner.kind)
      guard let type = store.types.type(kind) else { return true }
      let name = ResourceName(
        namespace: type.isNamespaced ? key.name.namespace : "", name: owner.name)
      return store.get(type.storage, name)?["metadata"]["uid"].string == owner.uid
    }
    return isOwned ? nil : .delete(key.resource, key.name, uid: object.uid)
  }
}
