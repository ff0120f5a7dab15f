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
        if announcesServices { networkChanged() }
      }
    }
    watch(.services, \.services)
    watch(.endpointSlices, \.slices)
  }

  /// Applies the rules soon: a burst of changes makes one transaction.
  func rulesChanged() {
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
}
