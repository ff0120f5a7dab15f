import Kubernetes

/// Where a pod may run, and where it runs best.
package enum Scheduling {
  package enum Decision: Equatable, Sendable {
    case node(String)
    /// Nobody fits: the reason as Kubernetes words it.
    case unschedulable(String)
  }

  /// - Parameter placed: The pods that have a node and have not ended, by node.
  package static func place(
    _ pod: Pod, nodes: [Node], placed: [String: [Pod]]
  ) -> Decision {
    var reasons: [String: Int] = [:]
    var best: (node: String, score: Double)?
    for node in nodes.sorted(by: { $0.name < $1.name }) {
      let here = placed[node.name] ?? []
      if let reason = obstacle(pod, node, here) {
        reasons[reason, default: 0] += 1
        continue
      }
      let value = score(pod, node, here)
      if value > best?.score ?? -.infinity { best = (node.name, value) }
    }
    if let best { return .node(best.node) }
    guard !nodes.isEmpty else { return .unschedulable("no nodes available to schedule pods") }
    let list = reasons.sorted { $0.key < $1.key }.map { "\($0.value) \($0.key)" }
    return .unschedulable(
      "0/\(nodes.count) nodes are available: \(list.joined(separator: ", ")).")
  }

  /// Why the pod cannot run there; nil if it can.
  static func obstacle(_ pod: Pod, _ node: Node, _ here: [Pod]) -> String? {
    let spec = pod.podSpec
    if node.isUnschedulable, !toleratesUnschedulable(spec) { return "node(s) were unschedulable" }
    if let taint = untolerated(node, spec.tolerations) {
      return "node(s) had untolerated taint {\(taint)}"
    }
    guard matchesSelector(spec, node) else {
      return "node(s) didn't match Pod's node affinity/selector"
    }
    if !node.isReady, DaemonSetController.node(of: pod) == nil { return "node(s) were not ready" }
    if let limit = node.allocatable("pods"), here.count >= limit.value { return "Too many pods" }
    for resource in ["cpu", "memory"] {
      let wanted = spec.request(resource)
      guard wanted > .zero, let capacity = node.allocatable(resource) else { continue }
      let used = here.reduce(Quantity.zero) { $0 + $1.podSpec.request(resource) }
      if used + wanted > capacity { return "Insufficient \(resource)" }
    }
    let ports = hostPorts(spec)
    if !ports.isEmpty, here.contains(where: { !hostPorts($0.podSpec).isDisjoint(with: ports) }) {
      return "node(s) didn't have free ports for the requested pod ports"
    }
    return nil
  }

  private static func hostPorts(_ spec: PodSpec) -> Set<String> {
    Set(
      spec.containers.flatMap(\.ports).compactMap { port in
        port.hostPort.map { "\(port.transport)/\($0)" }
      })
  }

  /// Spread pods of one owner, then prefer the emptier node.
  private static func score(_ pod: Pod, _ node: Node, _ here: [Pod]) -> Double {
    var score = 0.0
    if let owner = pod.controller?.uid {
      score -= Double(here.count { $0.controller?.uid == owner }) * 100
    }
    for resource in ["cpu", "memory"] {
      guard let capacity = node.allocatable(resource), capacity > .zero else { continue }
      let used = here.reduce(Quantity.zero) { $0 + $1.podSpec.request(resource) }
      score += 10 * (1 - Double(used.milli) / Double(capacity.milli))
    }
    return score - Double(here.count)
  }

  private static func toleratesUnschedulable(_ spec: PodSpec) -> Bool {
    let taint: JSON = ["key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule"]
    return spec.tolerations.contains { tolerates($0, taint) }
  }

  /// The first taint of those effects that is not tolerated, as `key: value`.
  static func untolerated(
    _ node: Node, _ tolerations: [JSON], _ effects: Set<String> = ["NoSchedule", "NoExecute"]
  ) -> String? {
    let taint = node.taints.first { taint in
      effects.contains(taint["effect"].string ?? "")
        && !tolerations.contains { tolerates($0, taint) }
    }
    return taint.map { "\($0["key"].string ?? ""): \($0["value"].string ?? "")" }
  }

  static func tolerates(_ toleration: JSON, _ taint: JSON) -> Bool {
    let effect = toleration["effect"].string ?? ""
    if !effect.isEmpty, effect != taint["effect"].string { return false }
    let key = toleration["key"].string ?? ""
    if toleration["operator"].string == "Exists" {
      return key.isEmpty || key == taint["key"].string
    }
    return key == taint["key"].string
      && (toleration["value"].string ?? "") == (taint["value"].string ?? "")
  }

  /// `nodeSelector` and the required node affinity.
  static func matchesSelector(_ spec: PodSpec, _ node: Node) -> Bool {
    guard spec.nodeSelector.allSatisfy({ node.labels[$0.key] == $0.value }) else { return false }
    let required = spec.affinity["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]
    let terms = required["nodeSelectorTerms"].elements
    if terms.isEmpty { return true }
    return terms.contains { term in
      let expressions = term["matchExpressions"].elements
      let fields = term["matchFields"].elements
      if expressions.isEmpty, fields.isEmpty { return false }
      return expressions.allSatisfy { holds($0, node.labels[$0["key"].string ?? ""]) }
        && fields.allSatisfy {
          $0["key"].string == "metadata.name" && holds($0, node.name)
        }
    }
  }

  private static func holds(_ requirement: JSON, _ value: String?) -> Bool {
    let values = requirement["values"].elements.compactMap(\.string)
    switch requirement["operator"].string {
    case "In": return value.map(values.contains) ?? false
    case "NotIn": return value.map { !values.contains($0) } ?? true
    case "Exists": return value != nil
    case "DoesNotExist": return value == nil
    case "Gt": return compare(value, values.first) { $0 > $1 }
    case "Lt": return compare(value, values.first) { $0 < $1 }
    default: return false
    }
  }

  private static func compare(
    _ value: String?, _ bound: String?, _ holds: (Int64, Int64) -> Bool
  ) -> Bool {
    guard let value = value.flatMap(Int64.init), let bound = bound.flatMap(Int64.init) else {
      return false
    }
    return holds(value, bound)
  }
}
