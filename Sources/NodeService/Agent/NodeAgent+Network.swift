import Addressing
import Kubernetes
import Linux
import Logging
import NetTypes

extension NodeAgent {
  func watchServices() {
    func watch(
      _ kind: GroupResource, _ cache: ReferenceWritableKeyPath<NodeAgent, [ResourceName: JSON]>
    ) {
      api.watch(kind, fieldSelector: nil) { [weak self] change in
        guard let self else { return }
        switch change {
        case .updated(let object): self[keyPath: cache][ResourceName(of: object)] = object
        case .deleted(let object): self[keyPath: cache][ResourceName(of: object)] = nil
        case .synced: serviceSync.insert(kind)
        }
        rulesChanged()
      }
    }
    watch(.services, \.services)
    watch(.endpointSlices, \.slices)
  }

  /// Applies the rules soon: a burst of changes makes one transaction.
  private func rulesChanged() {
    guard serviceSync.contains(.services, .endpointSlices), !isApplyingRules else { return }
    isApplyingRules = true
    Task { @Loop in
      try? await Loop.sleep(.milliseconds(2))
      isApplyingRules = false
      await applyRules()
    }
  }

  private func applyRules() async {
    let table = ServiceTable(
      services: Array(services.values), slices: Array(slices.values), nodeName: nodeName)
    let rules = ServiceRules(
      table: table, natOutgoing: addresses.pools.filter(\.natOutgoing).map(\.cidr),
      routed: [options.address.prefix])
    let script = rules.script
    guard script != appliedRules else { return }
    isApplyingRules = true
    do {
      try await host.applyRules(script)
      appliedRules = script
    } catch {
      log.error("service rules not applied: \(error)")
      try? await Loop.sleep(.seconds(1))
    }
    isApplyingRules = false
    // What changed meanwhile, or failed, is applied now.
    if script != appliedRules || serviceTableMoved(since: script) { rulesChanged() }
  }

  private func serviceTableMoved(since script: String) -> Bool {
    let table = ServiceTable(
      services: Array(services.values), slices: Array(slices.values), nodeName: nodeName)
    return ServiceRules(
      table: table, natOutgoing: addresses.pools.filter(\.natOutgoing).map(\.cidr),
      routed: [options.address.prefix]
    ).script != script
  }

  // MARK: Routing

  func watchNetwork() {
    // Until the API answers, peers are those of the last time.
    if let saved = savedCalico, !addresses.blocks.isEmpty {
      host.route(blocks: addresses.blocks, calico: saved)
    }
    let kinds: [(GroupResource, WritableKeyPath<CalicoObjectsByKind, [ResourceName: JSON]>)] = [
      (.ipPools, \.pools), (.bgpConfigurations, \.configurations), (.bgpPeers, \.peers),
      (.bgpFilters, \.filters), (.nodes, \.nodes),
    ]
    for (kind, cache) in kinds {
      api.watch(kind, fieldSelector: nil) { [weak self] change in
        guard let self else { return }
        switch change {
        case .updated(let object): calico[keyPath: cache][ResourceName(of: object)] = object
        case .deleted(let object): calico[keyPath: cache][ResourceName(of: object)] = nil
        case .synced: routingSync.insert(kind)
        }
        if kind == .nodes { ownNodeMayHaveChanged(change) }
        if kind == .ipPools, !calico.pools.isEmpty {
          addresses.setPools(decodePools(Array(calico.pools.values)))
          rulesChanged()
        }
        networkChanged()
      }
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

  /// Routes anew soon; a burst of changes makes one.
  func networkChanged() {
    guard !isRoutingDue else { return }
    isRoutingDue = true
    Loop.after(.milliseconds(2)) { [weak self] in
      guard let self, !isStopped else { return }
      isRoutingDue = false
      // Half a picture would reset sessions that the other half keeps.
      guard
        routingSync.contains(.ipPools, .bgpConfigurations, .bgpPeers, .bgpFilters, .nodes),
        !addresses.blocks.isEmpty
      else { return }
      let state = calico.state
      host.route(blocks: addresses.blocks, calico: state)
      guard state != savedCalico else { return }
      savedCalico = state
      try? Files.write(state.json.bytes, to: calicoPath)
    }
  }

  var calicoPath: String { options.stateDirectory + "/calico.json" }
}

extension CalicoState {
  var json: JSON {
    [
      "configurations": .array(configurations), "peers": .array(peers),
      "filters": .array(filters), "pools": .array(pools), "nodes": .array(nodes),
    ]
  }

  init(json: JSON) {
    self.init()
    configurations = json["configurations"].elements
    peers = json["peers"].elements
    filters = json["filters"].elements
    pools = json["pools"].elements
    nodes = json["nodes"].elements
  }
}

/// Calico's objects, and nodes, as the watches have them.
struct CalicoObjectsByKind {
  var pools: [ResourceName: JSON] = [:]
  var configurations: [ResourceName: JSON] = [:]
  var peers: [ResourceName: JSON] = [:]
  var filters: [ResourceName: JSON] = [:]
  var nodes: [ResourceName: JSON] = [:]

  /// In order of names. Of a node only what routing reads, so that its heartbeats change nothing.
  var state: CalicoState {
    func sorted(_ objects: [ResourceName: JSON]) -> [JSON] {
      objects.sorted { $0.key < $1.key }.map(\.value)
    }
    var state = CalicoState()
    state.pools = sorted(pools)
    state.configurations = sorted(configurations)
    state.peers = sorted(peers)
    state.filters = sorted(filters)
    state.nodes = sorted(nodes).map { node in
      [
        "apiVersion": "v1", "kind": "Node",
        "metadata": [
          "name": node.at("metadata.name"), "labels": node.at("metadata.labels"),
          "annotations": node.at("metadata.annotations"),
        ],
        "spec": node["spec"], "status": ["addresses": node.at("status.addresses")],
      ]
    }
    return state
  }
}
