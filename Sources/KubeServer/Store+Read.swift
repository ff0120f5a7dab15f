import Kubernetes
import Linux

extension Store {
  package func get(_ resource: GroupResource, _ name: ResourceName) -> JSON? {
    tables[resource]?[name]?.json
  }

  package func get(
    _ resource: GroupResource, namespace: String = "", name: String
  ) -> JSON? {
    get(resource, ResourceName(namespace: namespace, name: name))
  }

  /// In the order of namespace and name. A nil namespace means all.
  package func list(
    _ resource: GroupResource, namespace: String? = nil, selector: LabelSelector = LabelSelector()
  ) -> [JSON] {
    objects(resource, namespace: namespace).map(\.json).filter { json in
      selector.requirements.isEmpty || selector.matches(json["metadata"]["labels"].strings)
    }
  }

  /// The objects that name `uid` as an owner.
  package func dependents(ofOwner uid: String) -> [ObjectKey] {
    (dependents[uid] ?? []).sorted {
      ($0.resource.resource, $0.name) < ($1.resource.resource, $1.name)
    }
  }

  /// Resources that hold at least one object.
  package var resources: [GroupResource] {
    tables.filter { !$0.value.isEmpty }.keys.sorted { $0.description < $1.description }
  }

  func objects(_ resource: GroupResource, namespace: String?) -> [StoredObject] {
    guard let table = tables[resource] else { return [] }
    let objects =
      namespace.map { namespace in table.values.filter { $0.key.name.namespace == namespace } }
      ?? Array(table.values)
    return objects.sorted { $0.key.name < $1.key.name }
  }

  func stored(_ resource: GroupResource, _ name: ResourceName) throws(APIStatus) -> StoredObject {
    guard let object = tables[resource]?[name] else { throw .notFound(resource, name.name) }
    return object
  }
}
