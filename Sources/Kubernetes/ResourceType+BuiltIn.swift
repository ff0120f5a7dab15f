extension ResourceType {
  /// The kinds that are always served.
  package static let builtIn: [ResourceType] = core + grouped + calico

  private static func make(
    _ group: String, _ version: String, _ kind: String, _ plural: String, _ shortNames: [String],
    namespaced: Bool = true, _ subresources: Set<String> = [], generation: Bool = false,
    all: Bool = false
  ) -> ResourceType {
    ResourceType(
      group: group, version: version, kind: kind, plural: plural, singular: kind.lowercased(),
      shortNames: shortNames, categories: all ? ["all"] : [], isNamespaced: namespaced,
      subresources: subresources, storage: GroupResource(plural, group: group),
      hasGeneration: generation)
  }

  private static let core: [ResourceType] = [
    make("", "v1", "ConfigMap", "configmaps", ["cm"]),
    make("", "v1", "Endpoints", "endpoints", ["ep"]),
    make("", "v1", "Event", "events", ["ev"]),
    make("", "v1", "Namespace", "namespaces", ["ns"], namespaced: false, ["status", "finalize"]),
    make("", "v1", "Node", "nodes", ["no"], namespaced: false, ["status"]),
    make(
      "", "v1", "Pod", "pods", ["po"], ["status", "log", "binding", "eviction"], all: true),
    make("", "v1", "Secret", "secrets", []),
    make("", "v1", "Service", "services", ["svc"], ["status"], all: true),
    make("", "v1", "ServiceAccount", "serviceaccounts", ["sa"]),
  ]

  private static let grouped: [ResourceType] = [
    make(
      "apps", "v1", "Deployment", "deployments", ["deploy"], ["status", "scale"],
      generation: true, all: true),
    make(
      "apps", "v1", "ReplicaSet", "replicasets", ["rs"], ["status", "scale"],
      generation: true, all: true),
    make(
      "apps", "v1", "DaemonSet", "daemonsets", ["ds"], ["status"], generation: true, all: true),
    make("coordination.k8s.io", "v1", "Lease", "leases", []),
    make("discovery.k8s.io", "v1", "EndpointSlice", "endpointslices", [], generation: true),
    make(
      "networking.k8s.io", "v1", "Ingress", "ingresses", ["ing"], ["status"], generation: true),
    make(
      "networking.k8s.io", "v1", "IngressClass", "ingressclasses", [], namespaced: false,
      generation: true),
    make(
      "apiextensions.k8s.io", "v1", "CustomResourceDefinition", "customresourcedefinitions",
      ["crd", "crds"], namespaced: false, ["status"], generation: true),
    events,
  ]

  /// events.k8s.io is a view of the core events.
  private static var events: ResourceType {
    var type = make("events.k8s.io", "v1", "Event", "events", ["ev"])
    type.storage = .events
    return type
  }

  /// Calico's kinds under both of its groups, one storage behind them.
  private static let calico: [ResourceType] = {
    let both = [
      ("BGPConfiguration", "bgpconfigurations"), ("BGPPeer", "bgppeers"), ("IPPool", "ippools"),
      ("BGPFilter", "bgpfilters"),
    ]
    let stored = [
      ("BlockAffinity", "blockaffinities"), ("IPAMBlock", "ipamblocks"),
      ("IPAMHandle", "ipamhandles"),
    ]
    func type(_ group: String, _ version: String, _ kind: String, _ plural: String) -> ResourceType
    {
      var type = make(group, version, kind, plural, [], namespaced: false, generation: true)
      type.custom = CustomVersion()
      type.storage = GroupResource(plural, group: GroupResource.calicoGroup)
      return type
    }
    return (both + stored).map { type(GroupResource.calicoGroup, "v1", $0.0, $0.1) }
      + both.map { type("projectcalico.org", "v3", $0.0, $0.1) }
  }()
}
