import Kubernetes

/// Keeps a ReplicaSet's number of pods.
package enum ReplicaSetController {
  static let source = "replicaset-controller"
  /// Pods made in one step; more follow when these are there.
  static let burst = 500

  /// - Parameter pods: The pods of the set's namespace.
  package static func reconcile(_ set: ReplicaSet, pods: [Pod], now: Timestamp) -> [Write] {
    guard let selector = set.selector else { return [] }
    let own = pods.filter { $0.isControlled(by: set) && selector.matches($0.labels) }
    let active = own.filter(\.isActive)
    var writes: [Write] = []
    if !set.isDeleting {
      writes += adopt(set, pods.filter { $0.controller == nil && selector.matches($0.labels) })
      let difference = set.replicas - active.count
      if difference > 0 {
        let pod = PodTemplating.pod(of: set, kind: "ReplicaSet")
        writes += Array(repeating: .create(.pods, pod), count: min(difference, burst))
      } else if difference < 0 {
        writes += victims(active, count: -difference, now: now).map { delete($0, of: set) }.joined()
      }
    }
    if let status = status(of: set, active: active, now: now) { writes.append(status) }
    return writes
  }

  private static func delete(_ pod: Pod, of set: ReplicaSet) -> [Write] {
    [
      .delete(.pods, pod.resourceName, uid: pod.uid),
      .event(
        EventNote(
          set.reference, "SuccessfulDelete", "Deleted pod: \(pod.name)", source: source)),
    ]
  }

  /// Pods that match and belong to nobody.
  private static func adopt(_ set: ReplicaSet, _ orphans: [Pod]) -> [Write] {
    orphans.filter(\.isActive).map { pod in
      var json = pod.json
      json["metadata"]["ownerReferences"] = .array(
        pod.json["metadata"]["ownerReferences"].elements
          + [PodTemplating.reference(to: set, kind: "ReplicaSet")])
      return .update(.pods, json)
    }
  }

  /// Which pods to give up, in Kubernetes' order: unassigned before assigned, pending before running,
  /// not ready before ready, lower deletion cost, ready for less time, more restarts, younger.
  static func victims(_ pods: [Pod], count: Int, now: Timestamp) -> [Pod] {
    func rank(_ pod: Pod) -> [Int64] {
      let cost = pod.annotations["controller.kubernetes.io/pod-deletion-cost"].flatMap(Int64.init)
      let readySince = pod.condition("Ready")?.lastTransitionTime?.unixSeconds ?? 0
      let restarts = pod.containerStatuses.reduce(0) { $0 + $1.restartCount }
      return [
        pod.nodeName == nil ? 0 : 1, ["Pending": 0, "Unknown": 1][pod.phase] ?? 2,
        pod.isReady ? 1 : 0, cost ?? 0, pod.isReady ? -readySince : 0, -Int64(restarts),
        -(pod.creationTimestamp?.unixSeconds ?? 0),
      ]
    }
    let ordered = pods.map { (rank($0), $0) }.sorted { a, b in
      a.0 == b.0 ? a.1.name < b.1.name : a.0.lexicographicallyPrecedes(b.0)
    }
    return ordered.prefix(count).map(\.1)
  }

  private static func status(of set: ReplicaSet, active: [Pod], now: Timestamp) -> Write? {
    let labels = set.template.labels
    let available = active.count { $0.isAvailable(for: set.minReadySeconds, at: now) }
    var status = set.status
    if status.isNull { status = [:] }
    status["replicas"] = JSON(active.count)
    status["fullyLabeledReplicas"] = nonZero(
      active.count { pod in labels.allSatisfy { pod.labels[$0.key] == $0.value } })
    status["readyReplicas"] = nonZero(active.count { $0.isReady })
    status["availableReplicas"] = nonZero(available)
    status["observedGeneration"] = JSON(set.generation)
    guard status != set.status else { return nil }
    var json = set.json
    json["status"] = status
    return .updateStatus(.replicaSets, json)
  }

  private static func nonZero(_ count: Int) -> JSON { count == 0 ? .null : JSON(count) }
}
