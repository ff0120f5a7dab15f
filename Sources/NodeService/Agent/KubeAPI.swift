import KubeClient
import Kubernetes
import Linux

/// The Kubernetes API over the network.
@Loop package final class KubeAPI: ClusterAPI {
  private let client: KubeClient
  private var informers: [Informer<KubernetesObject>] = []

  package init(_ client: KubeClient) { self.client = client }

  package func list(_ resource: GroupResource) async throws -> [JSON] {
    try await client.list(resource).items
  }

  package func get(_ resource: GroupResource, _ name: ResourceName) async throws -> JSON {
    try await client.get(resource, name)
  }

  package func create(_ resource: GroupResource, _ object: JSON) async throws -> JSON {
    try await client.create(resource, object)
  }

  package func merge(
    _ resource: GroupResource, _ name: ResourceName, subresource: String?, _ patch: JSON
  ) async throws -> JSON {
    try await client.patch(resource, name, subresource: subresource, .merge, patch)
  }

  package func delete(
    _ resource: GroupResource, _ name: ResourceName, options: JSON
  ) async throws {
    try await client.delete(resource, name, options: options)
  }

  package func watch(
    _ resource: GroupResource, fieldSelector: String?,
    _ handler: @escaping @Loop (WatchChange) -> Void
  ) {
    let informer: Informer<KubernetesObject>
    do {
      informer = try Informer(client, resource, fields: fieldSelector) { change in
        switch change {
        case .added(let object), .modified(_, let object): handler(.updated(object.json))
        case .deleted(let object): handler(.deleted(object.json))
        }
      }
    } catch {
      // Only a kind that is not built in has no path; every kind that a node watches is.
      preconditionFailure("\(resource): \(error)")
    }
    informers.append(informer)
    informer.start()
    Task { @Loop in
      try? await informer.waitForSync()
      handler(.synced)
    }
  }

  package func stop() {
    for informer in informers { informer.stop() }
    informers = []
  }
}
