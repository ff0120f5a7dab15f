import Kubernetes
import Testing
import Unit

@Suite struct DrainPlanTests {
  private func node(
    _ name: String, ready: Bool = true, cordoned: Bool = false, drain: String? = nil
  ) -> Node {
    var json: JSON = [
      "metadata": ["name": .string(name)],
      "spec": ["unschedulable": JSON(cordoned)],
      "status": [
        "conditions": [["type": "Ready", "status": .string(ready ? "True" : "False")]]
      ],
    ]
    if let drain { json["metadata"]["annotations"] = ["atoll.dev/drain": .string(drain)] }
    return Node(json: json)
  }

  private func pod(_ name: String, on node: String, owner: String? = "ReplicaSet") -> Pod {
    var json: JSON = [
      "metadata": ["name": .string(name), "namespace": "default", "uid": .string(name)],
      "spec": ["nodeName": .string(node)], "status": ["phase": "Running"],
    ]
    if let owner {
      json["metadata"]["ownerReferences"] = [
        ["kind": .string(owner), "name": "web", "uid": "1", "controller": true]
      ]
    }
    return Pod(json: json)
  }

  private func plan(
    _ name: String, _ nodes: [Node], _ pods: [Pod], force: Bool = false
  ) throws(UnitError) -> DrainPlan {
    try DrainPlan(node: name, unit: "u", nodes: nodes, pods: pods, force: force)
  }

  @Test func `a node is known by its role too, and only its own pods move`() throws {
    let pods = [
      pod("b", on: "u-agent-0"), pod("a", on: "u-agent-0"), pod("c", on: "u-agent-1"),
      pod("d", on: "u-agent-0", owner: "DaemonSet"),
    ]
    let plan = try plan("agent-0", [node("u-agent-0"), node("u-agent-1")], pods)
    #expect(plan.node == "u-agent-0")
    #expect(plan.pods.map(\.name) == ["a", "b"])
  }

  @Test func `a node that is not there is refused with those that are`() {
    let error = #expect(throws: UnitError.self) { try plan("x", [node("u-b"), node("u-a")], []) }
    #expect(error?.description == "node \"x\": unit u has u-a, u-b")
  }

  @Test func `a node that is drained already is told so`() {
    let error = #expect(throws: UnitError.self) {
      try plan("u-a", [node("u-a", drain: "withdrawn"), node("u-b")], [])
    }
    #expect(error?.description == "node u-a is drained already: --undo brings it back")
  }

  @Test func `the last node that can take pods is not drained, and why the others cannot is said`()
  {
    let nodes = [
      node("u-a"), node("u-b", ready: false), node("u-c", cordoned: true),
      node("u-d", cordoned: true, drain: "draining"),
    ]
    let error = #expect(throws: UnitError.self) { try plan("u-a", nodes, [pod("p", on: "u-a")]) }
    #expect(
      error?.description
        == "node u-a: no other node can take its 1 pods: u-b is not Ready, u-c is cordoned, "
        + "u-d is draining")
    let alone = #expect(throws: UnitError.self) {
      try plan("u-a", [node("u-a")], [pod("p", on: "u-a")])
    }
    #expect(alone?.description.hasSuffix("it is the only one") == true)
  }

  @Test func `a pod that nobody makes anew goes only by force`() throws {
    let nodes = [node("u-a"), node("u-b")]
    let pods = [pod("p", on: "u-a", owner: nil)]
    let error = #expect(throws: UnitError.self) { try plan("u-a", nodes, pods) }
    #expect(error?.description.contains("default/p; --force deletes them") == true)
    #expect(try plan("u-a", nodes, pods, force: true).pods.count == 1)
  }

  @Test func `a pod is left alone once nothing new is sent and nothing is in flight`() {
    func status(_ state: String, _ active: Int, other: String = "enabled") -> JSON {
      let members: JSON = [
        ["label": "pod default/p", "state": .string(state), "activeConnections": JSON(active)],
        ["label": "pod default/q", "state": .string(other), "activeConnections": 9],
      ]
      return ["virtualServers": [["pools": [["name": "web", "members": members]]]]]
    }
    let pod = pod("p", on: "u-a")
    #expect(
      EdgeTraffic(status("enabled", 0)).remainder(to: pod, passingOver: [])
        == "the edge still sends to pod default/p")
    #expect(
      EdgeTraffic(status("draining", 2)).remainder(to: pod, passingOver: [])
        == "2 in flight to pod default/p")
    #expect(EdgeTraffic(status("draining", 0)).remainder(to: pod, passingOver: []) == nil)
    #expect(EdgeTraffic(status("draining", 0)).poolsOnly(of: [pod]) == [])
    // Nobody else serves the pool: it cannot become quiet.
    let alone = EdgeTraffic(status("enabled", 2, other: "draining"))
    #expect(alone.poolsOnly(of: [pod]) == ["web"])
    #expect(alone.remainder(to: pod, passingOver: ["web"]) == nil)
  }
}
