import ControlPlane
import Kubernetes
import Testing

@Suite struct SchedulingTests {
  private func node(_ name: String, _ change: (inout JSON) -> Void = { _ in }) -> Node {
    var json: JSON = [
      "metadata": ["name": JSON(name), "labels": ["kubernetes.io/hostname": JSON(name)]],
      "status": [
        "allocatable": ["cpu": "2", "memory": "4Gi", "pods": "10"],
        "conditions": [["type": "Ready", "status": "True"]],
      ],
    ]
    change(&json)
    return Node(json: json)
  }

  private func pod(_ change: (inout JSON) -> Void = { _ in }) -> Pod {
    var json: JSON = [
      "metadata": ["name": "p", "namespace": "default"],
      "spec": ["containers": [["name": "c", "image": "i"]]],
    ]
    change(&json)
    return Pod(json: json)
  }

  @Test func `a node selector is heeded`() {
    let pod = pod { $0["spec"]["nodeSelector"] = ["kubernetes.io/hostname": "b"] }
    let decision = Scheduling.place(pod, nodes: [node("a"), node("b"), node("c")], placed: [:])
    #expect(decision == .node("b"))
  }

  @Test func `nobody fits: every reason is counted`() {
    let pod = pod {
      $0["spec"]["containers"][0]["resources"] = ["requests": ["cpu": "3"]]
    }
    let tainted = node("b") {
      $0["spec"]["taints"] = [["key": "k", "value": "v", "effect": "NoSchedule"]]
    }
    let decision = Scheduling.place(pod, nodes: [node("a"), tainted], placed: [:])
    #expect(
      decision
        == .unschedulable(
          "0/2 nodes are available: 1 Insufficient cpu, 1 node(s) had untolerated taint {k: v}."))
  }

  @Test func `pods of one owner spread before they pack`() {
    let owner: JSON = [
      ["apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "r", "uid": "u", "controller": true]
    ]
    let pod = pod { $0["metadata"]["ownerReferences"] = owner }
    let decision = Scheduling.place(
      pod, nodes: [node("a"), node("b")], placed: ["a": [pod], "b": [self.pod(), self.pod()]])
    #expect(decision == .node("b"))
  }

  @Test func `a node that is not ready, cordoned or full is passed over`() {
    let notReady = node("a") { $0["status"]["conditions"][0]["status"] = "Unknown" }
    let cordoned = node("b") { $0["spec"]["unschedulable"] = true }
    let full = node("c") { $0["status"]["allocatable"]["pods"] = "1" }
    let decision = Scheduling.place(
      pod(), nodes: [notReady, cordoned, full, node("d")], placed: ["c": [pod()]])
    #expect(decision == .node("d"))
  }
}
