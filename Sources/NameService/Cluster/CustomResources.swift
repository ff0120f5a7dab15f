import KubeClient
import Kubernetes
import Linux

/// Objects of kinds that a cluster may have or not: followed while their definition is there.
@Loop final class CustomResources {
  private let client: KubeClient
  private let resources: Set<CustomResource>
  private let definitions: Informer<KubernetesObject>
  private var informers: [CustomResource: Informer<KubernetesObject>] = [:]
  private let onUpdate: @Loop () -> Void

  init(
    _ client: KubeClient, _ resources: Set<CustomResource>, onUpdate: @escaping @Loop () -> Void
  ) throws {
    self.client = client
    self.resources = resources
    self.onUpdate = onUpdate
    definitions = try Informer(client, .customResourceDefinitions)
  }

  func start() {
    definitions.onUpdate = { [weak self] in self?.follow() }
    definitions.start()
  }

  func stop() {
    definitions.stop()
    for informer in informers.values { informer.stop() }
  }

  /// Every kind that is defined has read its first list.
  var hasSynced: Bool {
    definitions.hasSynced && informers.values.allSatisfy(\.hasSynced)
  }

  func objects(_ resource: CustomResource) -> [KubernetesObject] { informers[resource]?.all ?? [] }

  private func follow() {
    guard definitions.hasSynced else { return }
    var defined: Set<CustomResource> = []
    for definition in definitions.all {
      for version in definition.spec["versions"].elements where version["served"].bool == true {
        defined.insert(
          CustomResource(
            group: definition.spec["group"].string ?? "", version: version["name"].string ?? "",
            plural: definition.spec["names"]["plural"].string ?? ""))
      }
    }
    for resource in resources {
      if defined.contains(resource), informers[resource] == nil {
        let informer = Informer<KubernetesObject>(client, path: resource.path)
        informer.onUpdate = onUpdate
        informers[resource] = informer
        informer.start()
      } else if !defined.contains(resource), let informer = informers.removeValue(forKey: resource)
      {
        informer.stop()
        onUpdate()
      }
    }
    onUpdate()
  }
}
