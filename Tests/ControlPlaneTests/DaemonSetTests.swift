import ControlPlane
import Kubernetes
import Testing

@Suite struct DaemonSetTests {
  private let now = Timestamp(unixSeconds: 1_000_000)

  private func node(_ name: String, _ taints: JSON = .null) -> Node {
    Node(
      json: [
        "metadata": ["name": JSON(name)], "spec": ["taints": taints],
        "status": ["conditions": [["type": "Ready", "status": "True"]]],
      ])
  }

  private let set = DaemonSet(
    json: [
      "metadata": ["name": "d", "namespace": "default", "uid": "u"],
      "spec": [
        "selector": ["matchLabels": ["app": "d"]],
        "template": [
          "metadata": ["labels": ["app": "d"]],
          "spec": ["containers": [["name": "c", "image": "i"]]],
        ],
      ],
    ])

  /// The pods that the set asks for, as the store would hold them, bound and ready.
  private func running(on nodes: [Node]) -> [Pod] {
    let writes = DaemonSetController.reconcile(set, nodes: nodes, pods: [], now: now)
    return writes.enumerated().compactMap { index, write in
      guard case .create(.pods, var json) = write else { return nil }
      json["metadata"]["name"] = JSON("d-\(index)")
      json["metadata"]["uid"] = JSON("p\(index)")
      let field = json["spec"]["affinity"]["nodeAffinity"][
        "requiredDuringSchedulingIgnoredDuringExecution"]["nodeSelectorTerms"][0]["matchFields"][0]
      json["spec"]["nodeName"] = field["values"][0]
      json["status"] = [
        "phase": "Running", "conditions": [["type": "Ready", "status": "True"]],
      ]
      return Pod(json: json)
    }
  }

  private func deletions(_ writes: [Write]) -> Int {
    writes.count { if case .delete = $0 { true } else { false } }
  }

  private func creations(_ writes: [Write]) -> Int {
    writes.count { if case .create = $0 { true } else { false } }
  }

  @Test func `every node that fits gets one pod`() {
    #expect(running(on: [node("a"), node("b")]).compactMap(\.nodeName) == ["a", "b"])
  }

  @Test(arguments: [
    ("NoSchedule", 0, 1), ("NoExecute", 1, 1), ("PreferNoSchedule", 0, 2),
  ])
  func `a taint keeps new pods away, and ends running ones only when it says so`(
    _ effect: String, _ ended: Int, _ made: Int
  ) {
    let pods = running(on: [node("a"), node("b")])
    let tainted = node("a", [["key": "k", "effect": JSON(effect)]])
    let after = DaemonSetController.reconcile(
      set, nodes: [tainted, node("b")], pods: pods, now: now)
    #expect(deletions(after) == ended)
    let fresh = DaemonSetController.reconcile(set, nodes: [tainted, node("b")], pods: [], now: now)
    #expect(creations(fresh) == made)
  }

  @Test(arguments: [
    ("node.kubernetes.io/unreachable", "NoExecute"), ("node.kubernetes.io/not-ready", "NoExecute"),
    ("node.kubernetes.io/unschedulable", "NoSchedule"),
    ("node.kubernetes.io/disk-pressure", "NoSchedule"),
  ])
  func `a node's own troubles do not move its daemons`(_ key: String, _ effect: String) {
    let troubled = node("a", [["key": JSON(key), "effect": JSON(effect)]])
    let pods = running(on: [troubled])
    #expect(pods.count == 1)
    #expect(
      deletions(DaemonSetController.reconcile(set, nodes: [troubled], pods: pods, now: now)) == 0)
  }

  @Test func `a pod whose node is gone is deleted`() {
    let pods = running(on: [node("a"), node("b")])
    #expect(
      deletions(DaemonSetController.reconcile(set, nodes: [node("a")], pods: pods, now: now)) == 1)
  }
}
