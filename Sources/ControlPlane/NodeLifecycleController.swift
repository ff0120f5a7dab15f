import Kubernetes

/// Believes a node while it renews its Lease; marks it and its pods when it does not.
package enum NodeLifecycleController {
  static let source = "node-controller"
  static let unreachable = "node.kubernetes.io/unreachable"
  static let notReady = "node.kubernetes.io/not-ready"

  package struct Options: Sendable {
    /// Without a renewal for so many seconds a node counts as gone. Kubernetes' default is 40.
    package var gracePeriod: Int64 = 10
    /// Pods that say nothing of it are given up after so many seconds.
    package var evictionDelay: Int64 = 300

    package init() {}
  }

  /// - Parameters:
  ///   - pods: Those bound to the node.
  ///   - listening: Since when renewals could arrive. Silence before that is not the node's.
  package static func reconcile(
    _ node: Node, lease: Lease?, pods: [Pod], listening: Timestamp, now: Timestamp,
    _ options: Options = Options()
  ) -> [Write] {
    let renewed = (lease?.renewTime ?? node.creationTimestamp)?.unixSeconds ?? 0
    let isSilent = max(renewed, listening.unixSeconds) + options.gracePeriod < now.unixSeconds
    let ready = node.condition("Ready")
    var writes: [Write] = []
    if isSilent, ready?.status != "Unknown" {
      var view = node
      for type in ["Ready", "MemoryPressure", "DiskPressure", "PIDPressure"] {
        view.setCondition(
          Condition(
            type: type, status: nil, reason: "NodeStatusUnknown",
            message: "Kubelet stopped posting node status.", at: now))
      }
      writes.append(.updateStatus(.nodes, view.json))
      writes.append(
        .event(
          EventNote(
            node.reference, "NodeNotReady", "Node \(node.name) status is now: NodeNotReady",
            source: source)))
    }
    let status = isSilent ? "Unknown" : ready?.status ?? "Unknown"
    writes += taint(node, status, now)
    if status != "True" { writes += pods.compactMap { unready($0, now) } }
    return writes + evictions(node, pods, now, options)
  }

  /// One taint for a node that is silent, another for one that says it is not ready.
  private static func taint(_ node: Node, _ status: String, _ now: Timestamp) -> [Write] {
    let key = status == "Unknown" ? unreachable : status == "False" ? notReady : nil
    let others = node.taints.filter {
      $0["key"].string != unreachable && $0["key"].string != notReady
    }
    let own = node.taints.filter { $0["key"].string == key }
    var taints = others + own
    if let key, own.isEmpty {
      taints += ["NoSchedule", "NoExecute"].map { ["key": JSON(key), "effect": JSON($0)] }
    }
    // What says how long it is tolerated counts from here.
    for index in taints.indices
    where taints[index]["effect"].string == "NoExecute" && taints[index]["timeAdded"].isNull {
      taints[index]["timeAdded"] = .string(now.description)
    }
    guard taints != node.taints else { return [] }
    var json = node.json
    json["spec"]["taints"] = taints.isEmpty ? .null : .array(taints)
    return [.update(.nodes, json)]
  }

  /// A pod nobody can vouch for is not ready, so that nothing is sent to it.
  private static func unready(_ pod: Pod, _ now: Timestamp) -> Write? {
    guard pod.isReady, !pod.isFinished else { return nil }
    var view = pod
    view.setCondition(
      Condition(type: "Ready", status: false, reason: "NodeNotReady", at: now))
    return .updateStatus(.pods, view.json)
  }

  /// Pods that do not tolerate a NoExecute taint, or have tolerated it for as long as they say.
  private static func evictions(
    _ node: Node, _ pods: [Pod], _ now: Timestamp, _ options: Options
  ) -> [Write] {
    let taints = node.taints.filter { $0["effect"].string == "NoExecute" }
    if taints.isEmpty { return [] }
    return pods.filter { !$0.isDeleting }.compactMap { pod in
      let isOver = taints.contains { taint in
        guard let since = taint["timeAdded"].string.flatMap(Timestamp.init),
          let limit = tolerated(taint, by: pod, options)
        else { return false }
        return since.unixSeconds + limit <= now.unixSeconds
      }
      return isOver ? .delete(.pods, pod.resourceName, uid: pod.uid) : nil
    }
  }

  /// Seconds for which a pod bears a taint; nil is for ever.
  private static func tolerated(_ taint: JSON, by pod: Pod, _ options: Options) -> Int64? {
    let matching = pod.podSpec.tolerations.filter { Scheduling.tolerates($0, taint) }
    if matching.contains(where: { $0["tolerationSeconds"].isNull }) { return nil }
    if let least = matching.compactMap({ $0["tolerationSeconds"].int }).min() {
      return Int64(least)
    }
    let isOurs = taint["key"].string == unreachable || taint["key"].string == notReady
    return isOurs ? options.evictionDelay : 0
  }
}
