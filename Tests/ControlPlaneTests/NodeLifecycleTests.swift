import ControlPlane
import Kubernetes
import Testing

@Suite struct NodeLifecycleTests {
  private let start = Timestamp(unixSeconds: 1_000_000)

  private func at(_ seconds: Int64) -> Timestamp {
    Timestamp(unixSeconds: start.unixSeconds + seconds)
  }

  private func node(_ taints: JSON = .null) -> Node {
    var node = Node(
      json: [
        "metadata": ["name": "n", "creationTimestamp": .string(start.description)], "spec": [:],
      ])
    node.json["spec"]["taints"] = taints
    node.setCondition(Condition(type: "Ready", status: true, at: start))
    return node
  }

  private func lease(_ seconds: Int64) -> Lease {
    Lease(json: ["spec": ["renewTime": .string(at(seconds).description)]])
  }

  private func pod(_ name: String, _ tolerations: JSON = .null) -> Pod {
    Pod(
      json: [
        "metadata": ["name": JSON(name), "namespace": "default", "uid": JSON(name)],
        "spec": ["nodeName": "n", "tolerations": tolerations],
        "status": ["phase": "Running", "conditions": [["type": "Ready", "status": "True"]]],
      ])
  }

  private func deleted(_ writes: [Write]) -> [String] {
    writes.compactMap { if case .delete(.pods, let name, _, _) = $0 { name.name } else { nil } }
  }

  private func updated(_ writes: [Write], _ resource: GroupResource) -> JSON? {
    writes.lazy.compactMap {
      switch $0 {
      case .update(resource, let json), .updateStatus(resource, let json): json
      default: nil
      }
    }.first
  }

  @Test func `a node that renews is left alone`() {
    let writes = NodeLifecycleController.reconcile(
      node(), lease: lease(100), pods: [pod("p")], listening: start, now: at(105))
    #expect(writes.isEmpty)
  }

  @Test func `a silent node is unknown, tainted, and its pods are not ready`() throws {
    let writes = NodeLifecycleController.reconcile(
      node(), lease: lease(0), pods: [pod("p")], listening: start, now: at(11))
    let status = try #require(
      writes.lazy.compactMap {
        if case .updateStatus(.nodes, let json) = $0 { Node(json: json) } else { nil }
      }.first)
    #expect(status.condition("Ready")?.status == "Unknown")
    let tainted = try #require(
      writes.lazy.compactMap {
        if case .update(.nodes, let json) = $0 { Node(json: json) } else { nil }
      }.first)
    #expect(tainted.taints.compactMap { $0["effect"].string } == ["NoSchedule", "NoExecute"])
    #expect(updated(writes, .pods).map { Pod(json: $0).isReady } == false)
    #expect(deleted(writes).isEmpty)
  }

  @Test func `silence from before anybody listened is not the node's`() {
    let restarted = at(1000)
    let early = NodeLifecycleController.reconcile(
      node(), lease: lease(0), pods: [pod("p")], listening: restarted, now: at(1009))
    #expect(early.isEmpty)
    let late = NodeLifecycleController.reconcile(
      node(), lease: lease(0), pods: [pod("p")], listening: restarted, now: at(1011))
    #expect(!late.isEmpty)
  }

  @Test func `a NoExecute taint ends the pods that do not tolerate it, in their own time`() {
    let taint: JSON = [
      ["key": "k", "effect": "NoExecute", "timeAdded": .string(start.description)]
    ]
    let pods = [
      pod("none"), pod("ever", [["key": "k", "operator": "Exists"]]),
      pod("while", [["key": "k", "operator": "Exists", "tolerationSeconds": 60]]),
    ]
    for (second, gone) in [(Int64(1), ["none"]), (59, ["none"]), (60, ["none", "while"])] {
      let writes = NodeLifecycleController.reconcile(
        node(taint), lease: lease(second), pods: pods, listening: start, now: at(second))
      #expect(deleted(writes) == gone, "after \(second) s")
    }
  }

  @Test func `a silent node's pods are given up after the delay`() {
    let taint: JSON = [
      [
        "key": "node.kubernetes.io/unreachable", "effect": "NoExecute",
        "timeAdded": .string(start.description),
      ]
    ]
    for (second, gone) in [(Int64(299), []), (300, ["p"])] {
      let writes = NodeLifecycleController.reconcile(
        node(taint), lease: lease(-100), pods: [pod("p")], listening: start, now: at(second))
      #expect(deleted(writes) == gone, "after \(second) s")
    }
  }

  @Test func `a taint without a time gets one, so that toleration can count`() throws {
    let writes = NodeLifecycleController.reconcile(
      node([["key": "k", "effect": "NoExecute"]]), lease: lease(5), pods: [pod("p")],
      listening: start, now: at(5))
    let json = try #require(updated(writes, .nodes))
    let taints = json["spec"]["taints"].elements
    #expect(taints.first?["timeAdded"].string == at(5).description)
    #expect(deleted(writes).isEmpty)
  }
}
