import Kubernetes
import Linux
import NetTypes

extension Store {
  static let standardNamespaces = ["default", "kube-system", "kube-public", "kube-node-lease"]

  /// Makes what every cluster has: its namespaces and the service `kubernetes`.
  func bootstrap() throws {
    for name in Self.standardNamespaces where get(.namespaces, name: name) == nil {
      try create(
        .namespaces,
        ["apiVersion": "v1", "kind": "Namespace", "metadata": ["name": .string(name)]])
    }
    if get(.services, namespace: "default", name: "kubernetes") == nil {
      try create(
        .services,
        [
          "metadata": [
            "name": "kubernetes", "namespace": "default",
            "labels": ["component": "apiserver", "provider": "kubernetes"],
          ],
          "spec": [
            "type": "ClusterIP",
            "clusterIP": .string(configuration.serviceCIDR[1].description),
            "ports": [["name": "https", "port": 443, "protocol": "TCP", "targetPort": 6443]],
          ],
        ])
    }
  }

  /// What is made in every new namespace.
  func furnish(namespace: String) throws(APIStatus) {
    try create(
      .serviceAccounts,
      ["metadata": ["name": "default", "namespace": .string(namespace)]])
  }

  /// Marks a namespace as leaving and deletes all that is in it.
  func delete(
    namespace current: StoredObject, _ options: DeleteOptions
  ) throws(APIStatus) -> (object: JSON, isGone: Bool) {
    var object = current.json
    if options.dryRun { return (object, false) }
    let name = current.key.name.name
    if object["metadata"]["deletionTimestamp"].isNull {
      object["metadata"]["deletionTimestamp"] = .string(now.description)
      object["status"]["phase"] = "Terminating"
      object = try commit(current.key, object).json
    }
    for resource in resources {
      for object in objects(resource, namespace: name) {
        // Deleting one object may have taken others of the list with it.
        guard get(resource, object.key.name) != nil else { continue }
        try delete(resource, object.key.name)
      }
    }
    try releaseNamespace(name)
    let last = get(.namespaces, name: name)
    return (last ?? object, last == nil)
  }

  /// Removes a leaving namespace once nothing is left in it.
  func releaseNamespace(_ name: String) throws(APIStatus) {
    guard let namespace = tables[.namespaces]?[ResourceName(name: name)],
      !namespace.json["metadata"]["deletionTimestamp"].isNull,
      namespace.json["metadata"]["finalizers"].elements.isEmpty,
      !tables.values.contains(where: { $0.keys.contains { $0.namespace == name } })
    else { return }
    try erase(namespace)
  }
}
