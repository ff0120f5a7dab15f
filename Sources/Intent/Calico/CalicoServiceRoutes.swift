import Kubernetes
import NetTypes

/// What a node announces for Services.
///
/// Prefixes of several addresses are announced whole by every node. A single address is announced
/// while a Service has it; that of a Service with `externalTrafficPolicy: Local`, wherever it lies,
/// by the nodes with a ready endpoint, as a host route.
package enum CalicoServiceRoutes {
  /// A node with this label takes no traffic of Services from outside.
  static let exclusion = "node.kubernetes.io/exclude-from-external-load-balancers"

  /// - Parameter configurations: BGPConfiguration objects.
  package static func prefixes(
    configurations: [JSON], services: some Sequence<Service>,
    slices: some Sequence<EndpointSlice>, node: Node
  ) -> [IPPrefix] {
    let settings = CalicoConfiguration(configurations, nodeName: node.name)
    if settings.servicePrefixes.isEmpty || node.labels[exclusion] == "true" { return [] }
    var prefixes = Set(settings.servicePrefixes.filter { !$0.isSingle })
    let local = servicesWithEndpoints(on: node.name, slices)
    for service in services where ["ClusterIP", "NodePort", "LoadBalancer"].contains(service.type) {
      guard let clusterIP = service.clusterIP else { continue }
      let isLocal = service.externalTrafficPolicy == "Local"
      if isLocal, !local.contains(service.resourceName) { continue }
      let claims: [([String], [IPPrefix])] = [
        ([clusterIP], isLocal ? settings.serviceClusterPrefixes : []),
        (service.externalIPs, settings.serviceExternalPrefixes),
        (service.loadBalancerAddresses, settings.serviceLoadBalancerPrefixes),
      ]
      for (texts, allowed) in claims {
        for address in texts.compactMap({ IPAddress($0) }) {
          let allowing = allowed.filter { $0.contains(address) }
          // Elsewhere the whole prefix is announced, and leads here too.
          if isLocal ? !allowing.isEmpty : allowing.contains(where: \.isSingle) {
            prefixes.insert(IPPrefix(host: address))
          }
        }
      }
    }
    return prefixes.sorted()
  }

  private static func servicesWithEndpoints(
    on node: String, _ slices: some Sequence<EndpointSlice>
  ) -> Set<ResourceName> {
    var names: Set<ResourceName> = []
    for slice in slices {
      guard let service = slice.serviceName else { continue }
      let isHere = slice.endpoints.contains { endpoint in
        endpoint.json["nodeName"].string == node
          && endpoint.json["conditions"]["ready"].bool ?? true
      }
      if isHere { names.insert(ResourceName(namespace: slice.namespace, name: service)) }
    }
    return names
  }
}

extension IPPrefix {
  fileprivate var isSingle: Bool { Int(length) == address.bitWidth }
}
