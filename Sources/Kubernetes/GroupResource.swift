/// A kind of stored object, by group and plural name: `deployments.apps`.
package struct GroupResource: Hashable, Sendable, CustomStringConvertible {
  package let group: String
  package let resource: String

  package init(_ resource: String, group: String = "") {
    self.group = group
    self.resource = resource
  }

  /// As error texts name it: `pods`, `deployments.apps`.
  package var description: String { group.isEmpty ? resource : "\(resource).\(group)" }
}

extension GroupResource {
  package static let namespaces = GroupResource("namespaces")
  package static let nodes = GroupResource("nodes")
  package static let pods = GroupResource("pods")
  package static let services = GroupResource("services")
  package static let endpoints = GroupResource("endpoints")
  package static let configMaps = GroupResource("configmaps")
  package static let secrets = GroupResource("secrets")
  package static let serviceAccounts = GroupResource("serviceaccounts")
  package static let events = GroupResource("events")
  package static let endpointSlices = GroupResource("endpointslices", group: "discovery.k8s.io")
  package static let leases = GroupResource("leases", group: "coordination.k8s.io")
  package static let deployments = GroupResource("deployments", group: "apps")
  package static let replicaSets = GroupResource("replicasets", group: "apps")
  package static let daemonSets = GroupResource("daemonsets", group: "apps")
  package static let ingresses = GroupResource("ingresses", group: "networking.k8s.io")
  package static let ingressClasses = GroupResource("ingressclasses", group: "networking.k8s.io")
  package static let customResourceDefinitions = GroupResource(
    "customresourcedefinitions", group: "apiextensions.k8s.io")

  /// Calico's kinds are stored under this group whichever group they are written by.
  package static let calicoGroup = "crd.projectcalico.org"
  package static let ipPools = GroupResource("ippools", group: calicoGroup)
  package static let blockAffinities = GroupResource("blockaffinities", group: calicoGroup)
  package static let ipamBlocks = GroupResource("ipamblocks", group: calicoGroup)
  package static let ipamHandles = GroupResource("ipamhandles", group: calicoGroup)
  package static let bgpConfigurations = GroupResource("bgpconfigurations", group: calicoGroup)
  package static let bgpPeers = GroupResource("bgppeers", group: calicoGroup)
  package static let bgpFilters = GroupResource("bgpfilters", group: calicoGroup)
}
