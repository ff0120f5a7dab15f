import Addressing
import Delivery
import Intent
import Kubernetes
import Linux
import Logging
import NetTypes

extension NodeAgent {
  func watchNetwork() {
    // Until the API answers, peers are those of the last time.
    if let saved = savedCalico, !addresses.blocks.isEmpty {
      _ = host.route(blocks: addresses.blocks, calico: saved)
    }
    let kinds: [(GroupResource, WritableKeyPath<CalicoObjects.Watched, [ResourceName: JSON]>)] = [
      (.ipPools, \.pools), (.bgpConfigurations, \.configurations), (.bgpPeers, \.peers),
      (.bgpFilters, \.filters), (.nodes, \.nodes),
    ]
    for (kind, cache) in kinds {
      watchRouting(kind, cache) { [weak self] change in
        guard let self else { return }
        if kind == .nodes { ownNodeMayHaveChanged(change) }
        if kind == .ipPools, !calico.pools.isEmpty {
          addresses.setPools(decodePools(Array(calico.pools.values)))
          rulesChanged()
        }
      }
    }
  }

  private func watchRouting(
    _ kind: GroupResource,
    _ cache: WritableKeyPath<CalicoObjects.Watched, [ResourceName: JSON]>,
    fieldSelector: String? = nil, _ handler: @escaping @Loop (WatchChange) -> Void = { _ in }
  ) {
    api.watch(kind, fieldSelector: fieldSelector) { [weak self] change in
      guard let self else { return }
      switch change {
      case .updated(let object): calico[keyPath: cache][ResourceName(of: object)] = object
      case .deleted(let object): calico[keyPath: cache][ResourceName(of: object)] = nil
      case .synced: routingSync.insert(kind)
      }
      handler(change)
      networkChanged()
    }
  }

  private func ownNodeMayHaveChanged(_ change: WatchChange) {
    switch change {
    case .updated(let object) where object.at("metadata.name").string == nodeName:
      ownNodeChanged(object)
    case .deleted(let object) where object.at("metadata.name").string == nodeName:
      ownNodeChanged(nil)
    case .updated, .deleted, .synced: break
    }
  }

  /// Services are announced, so that theirs are news for routing.
  var announcesServices: Bool {
    let fields = ["serviceClusterIPs", "serviceExternalIPs", "serviceLoadBalancerIPs"]
    return calico.configurations.values.contains { configuration in
      fields.contains { !configuration["spec"][$0].elements.isEmpty }
    }
  }

  /// Routes anew soon; a burst of changes makes one.
  func networkChanged() {
    guard !isRoutingDue else { return }
    isRoutingDue = true
    Loop.after(.milliseconds(2)) { [weak self] in
      guard let self, !isStopped else { return }
      isRoutingDue = false
      route()
    }
  }

  private func route() {
    // Half a picture would reset sessions that the other half keeps.
    guard
      routingSync.contains(.ipPools, .bgpConfigurations, .bgpPeers, .bgpFilters, .nodes),
      !addresses.blocks.isEmpty
    else { return }
    var state = calico.state
    if announcesServices {
      guard serviceSync.contains(.services, .endpointSlices) else { return }
      state.serviceRoutes = CalicoServiceRoutes.prefixes(
        configurations: state.configurations, services: services.values.map(Service.init(json:)),
        slices: slices.values.map(EndpointSlice.init(json:)),
        node: Node(json: calico.nodes[ResourceName(name: nodeName)] ?? .null))
    }
    let keys = state.passwordKeys
    if !keys.isEmpty {
      watchPasswords()
      guard routingSync.contains(.secrets) else { return }
      state.passwords = calico.passwords(keys)
    }
    tell(host.route(blocks: addresses.blocks, calico: state), of: state)
    guard state != savedCalico else { return }
    savedCalico = state
    // Passwords are inside.
    try? Files.write(state.json.bytes, to: calicoPath, mode: 0o600)
  }

  /// Secrets are watched from the first time that one is named.
  private func watchPasswords() {
    if isWatchingPasswords { return }
    isWatchingPasswords = true
    watchRouting(.secrets, \.secrets, fieldSelector: "metadata.namespace=kube-system")
  }

  /// What is newly wrong goes to the log, and as an Event to the object.
  private func tell(_ problems: [Problem], of state: CalicoState) {
    for problem in problems where !routingProblems.contains(problem) {
      log.warning("\(problem)", metadata: ["object": "\(problem.object)"])
      guard let object = state.reference(problem.object) else { continue }
      events.record(
        object,
        PodEvent(
          isWarning: true, reason: "InvalidRouting",
          message: "\(problem.field) is \(problem.found), expected \(problem.expected)"))
    }
    for problem in routingProblems where !problems.contains(problem) {
      log.notice("\(problem.object): \(problem.field) is right now")
    }
    routingProblems = problems
  }

  var calicoPath: String { options.stateDirectory + "/calico.json" }
}
