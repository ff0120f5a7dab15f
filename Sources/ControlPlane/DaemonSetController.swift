import Kubernetes

/// Keeps one pod of a DaemonSet on every node that it fits.
package enum DaemonSetController {
  static let source = "daemonset-controller"

  package static func reconcile(
    _ set: DaemonSet, nodes: [Node], pods: [Pod], now: Timestamp
  ) -> [Write] {
    guard !set.isDeleting, let selector = set.selector else { return [] }
    let own = pods.filter { $0.isControlled(by: set) && selector.matches($0.labels) }
    let byNode = Dictionary(grouping: own) { node(of: $0) ?? "" }
    let hash = PodTemplating.hash(set.template.json)
    var writes: [Write] = []
    var stale: [Pod] = []
    var ready = 0
    let targets = nodes.filter { node in
      // A taint against scheduling keeps new pods away and lets those stay that are there.
      let isThere = byNode[node.name]?.contains(where: \.isActive) ?? false
      return fits(set, node, against: isThere ? ["NoExecute"] : ["NoSchedule", "NoExecute"])
    }
    for node in targets {
      let here = byNode[node.name] ?? []
      let active = here.filter(\.isActive).sorted { $0.name < $1.name }
      for pod in here where pod.isFinished && !pod.isDeleting { writes.append(delete(pod)) }
      for pod in active.dropFirst() { writes.append(delete(pod)) }
      guard let pod = active.first else {
        if here.allSatisfy(\.isFinished) { writes.append(create(set, on: node, hash)) }
        continue
      }
      if pod.isAvailable(for: set.minReadySeconds, at: now) { ready += 1 }
      if pod.labels["controller-revision-hash"] != hash { stale.append(pod) }
    }
    let names = Set(targets.map(\.name))
    let misplaced = own.filter { $0.isActive && !names.contains(node(of: $0) ?? "") }
    writes += misplaced.map(delete)
    if set.updateStrategy == "RollingUpdate" {
      let limit = max(1, set.maxUnavailable.scaled(of: targets.count, roundingUp: true) ?? 1)
      var room = limit - (targets.count - ready)
      for pod in stale {
        if !pod.isReady {
          writes.append(delete(pod))
        } else if room > 0 {
          writes.append(delete(pod))
          room -= 1
        }
      }
    }
    let updated = own.count { $0.isActive && $0.labels["controller-revision-hash"] == hash }
    if let status = status(
      set, targets.count, own.filter(\.isActive), misplaced.count, updated, ready)
    {
      writes.append(status)
    }
    return writes
  }

  /// The node a daemon's pod is for: the one it is on, or is pinned to.
  static func node(of pod: Pod) -> String? {
    if let name = pod.nodeName { return name }
    let required = pod.podSpec.affinity["nodeAffinity"][
      "requiredDuringSchedulingIgnoredDuringExecution"]
    let field = required["nodeSelectorTerms"][0]["matchFields"][0]
    return field["key"].string == "metadata.name" ? field["values"][0].string : nil
  }

  private static func fits(_ set: DaemonSet, _ node: Node, against effects: Set<String>) -> Bool {
    let spec = set.template.spec
    guard Scheduling.matchesSelector(spec, node) else { return false }
    return Scheduling.untolerated(node, spec.tolerations + tolerations, effects) == nil
  }

  /// What every daemon's pod tolerates, as Kubernetes has it: a node's troubles do not end it.
  private static let tolerations: [JSON] = [
    ("not-ready", "NoExecute"), ("unreachable", "NoExecute"), ("unschedulable", "NoSchedule"),
    ("disk-pressure", "NoSchedule"), ("memory-pressure", "NoSchedule"),
    ("pid-pressure", "NoSchedule"),
  ].map { name, effect in
    ["key": JSON("node.kubernetes.io/\(name)"), "operator": "Exists", "effect": JSON(effect)]
  }

  private static func create(_ set: DaemonSet, on node: Node, _ hash: String) -> Write {
    var pod = PodTemplating.pod(of: set, kind: "DaemonSet")
    pod["metadata"]["labels"]["controller-revision-hash"] = JSON(hash)
    pin(&pod["spec"], to: node.name)
    return .create(.pods, pod)
  }

  /// Ties a pod to its node by affinity, as Kubernetes does, so that the scheduler's other rules
  /// still hold for it.
  private static func pin(_ spec: inout JSON, to node: String) {
    spec["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"] = [
      "nodeSelectorTerms": [
        [
          "matchFields": [
            ["key": "metadata.name", "operator": "In", "values": [JSON(node)]]
          ]
        ]
      ]
    ]
    spec["tolerations"] = .array(spec["tolerations"].elements + tolerations)
  }

  private static func delete(_ pod: Pod) -> Write {
    .delete(.pods, pod.resourceName, uid: pod.uid)
  }

  private static func status(
    _ set: DaemonSet, _ desired: Int, _ active: [Pod], _ misplaced: Int, _ updated: Int,
    _ available: Int
  ) -> Write? {
    var status = set.status
    if status.isNull { status = [:] }
    status["desiredNumberScheduled"] = JSON(desired)
    status["currentNumberScheduled"] = JSON(active.count - misplaced)
    status["numberMisscheduled"] = JSON(misplaced)
    status["updatedNumberScheduled"] = JSON(updated)
    status["numberReady"] = JSON(active.count { $0.isReady })
    status["numberAvailable"] = JSON(available)
    status["numberUnavailable"] = desired == available ? .null : JSON(desired - available)
    status["observedGeneration"] = JSON(set.generation)
    guard status != set.status else { return nil }
    var json = set.json
    json["status"] = status
    return .updateStatus(.daemonSets, json)
  }
}
