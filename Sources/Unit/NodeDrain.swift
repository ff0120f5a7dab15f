import KubeClient
import Kubernetes
import Linux
import NetTypes

/// Takes a node out of traffic without losing a request, and brings it back.
///
///     1. node    cordoned; the edge sends nothing new to its pods, its routes carry GRACEFUL_SHUTDOWN
///     2. flows   what is in flight to its pods ends
///     3. pods    deleted one after another, each when nothing is in flight to it, and the next when
///                its controller has one ready elsewhere
///     4. routes  its blocks are withdrawn, and gone from every router
///
/// Each step is kept in the cluster's objects: a drain that ran out of time goes on where it was.
@Loop package final class NodeDrain {
  private static let interval = Duration.milliseconds(50)
  /// What the edge counts in flight is looked at this often before it is believed to be over: its
  /// workers take a configuration a moment after its status shows it.
  private static let quietLooks = 3

  private let record: UnitRecord
  private let plan: UnitPlan
  private let client: KubeClient
  private let log: ProgressLog
  private let deadline: Instant
  private let hint: String

  package init(
    _ record: UnitRecord, wait: Duration, show: @escaping @Loop (Progress) -> Void
  ) throws {
    try Preflight.checkRoot()
    self.record = record
    plan = try UnitPlan(record.configuration)
    client = try KubeClient.of(record, plan)
    log = ProgressLog(show: show)
    deadline = Loop.now.advanced(by: wait)
    hint = "the node stays as it is: drain again with a longer --wait, or --undo"
  }

  /// - Throws: `UnitError` for what stands in the way, or has not happened in time.
  package func drain(_ name: String, force: Bool) async throws {
    let drain = try DrainPlan(
      node: name, unit: record.name, nodes: try await nodes(), pods: try await pods(), force: force)
    try await log.step("node") {
      try await mark(drain.node, .draining)
      return ((), "\(drain.node) is cordoned, its routes carry GRACEFUL_SHUTDOWN")
    }
    try await log.step("flows") { ((), try await flowsEnd(drain)) }
    try await log.step("pods") { ((), try await movePods(drain)) }
    try await log.step("routes") { ((), try await withdraw(drain.node)) }
    log.notice("node \(drain.node) is drained; --undo brings it back")
  }

  package func undo(_ name: String) async throws {
    let node = try DrainPlan.find(name, record.name, try await nodes())
    guard node.drain != nil || node.isUnschedulable else {
      throw UnitError("node \(node.name) is not drained")
    }
    try await log.step("node") {
      try await mark(node.name, nil)
      return ((), "\(node.name) takes pods")
    }
    try await log.step("routes") {
      let blocks = try await blocks(of: node.name)
      try await eachRouter { known in
        let missing = blocks.filter { !known.contains($0) }
        return missing.isEmpty ? nil : "no route to \(missing.joined(separator: ", ")) yet"
      }
      return ((), "\(blocks.joined(separator: ", ")) announced")
    }
  }

  // MARK: Steps

  /// Merge patches write null out: that removes the member.
  private func mark(_ node: String, _ drain: Node.Drain?) async throws {
    _ = try await client.patch(
      .nodes, ResourceName(name: node), .merge,
      .object([
        "metadata": .object([
          "annotations": .object([
            Node.Drain.annotation: drain.map { .string($0.rawValue) } ?? .null
          ])
        ]),
        "spec": .object(["unschedulable": drain == nil ? .null : true]),
      ]))
  }

  private func flowsEnd(_ drain: DrainPlan) async throws -> String {
    var alone: Set<String> = []
    var quiet = 0
    try await until("flows") {
      let traffic = try await traffic()
      alone = traffic.poolsOnly(of: drain.pods)
      if let busy = drain.pods.lazy.compactMap({ traffic.remainder(to: $0, passingOver: alone) })
        .first
      {
        quiet = 0
        return busy
      }
      quiet += 1
      return quiet < Self.quietLooks ? "not quiet for long enough" : nil
    }
    for pool in alone.sorted() {
      log.notice("\(pool): no other node serves it, so its first pod moves while it is in use")
    }
    return "nothing is in flight to \(drain.pods.count) pods"
  }

  private func movePods(_ drain: DrainPlan) async throws -> String {
    var left = drain.pods
    var begun: Set<String> = []
    while let pod = left.first {
      try await until("pods") {
        let traffic = try await traffic()
        let alone = traffic.poolsOnly(of: left)
        // Of a pool that only this node serves one pod goes first; the others wait for its successor.
        let reason = traffic.remainder(to: pod, passingOver: alone.subtracting(begun))
        if reason == nil { begun.formUnion(alone) }
        return reason
      }
      try await replace(pod)
      left.removeFirst()
    }
    return drain.pods.isEmpty ? "none to move" : "\(drain.pods.count) moved"
  }

  /// Deletes the pod, and waits until it is gone and its controller has as many ready as it wants.
  private func replace(_ pod: Pod) async throws {
    do {
      try await client.delete(
        .pods, pod.resourceName, options: ["preconditions": ["uid": .string(pod.uid)]])
    } catch let status as APIStatus where status.isNotFound || status.code == 409 {
      return
    }
    try await until("pods") {
      if try await pods().contains(where: { $0.uid == pod.uid }) {
        return "pod \(pod.resourceName) is still ending"
      }
      guard let owner = pod.controller, owner.kind == "ReplicaSet" else { return nil }
      let path = "/apis/apps/v1/namespaces/\(pod.namespace)/replicasets/\(owner.name)"
      let set = try await client.get(path)
      let ready = set["status"]["readyReplicas"].int ?? 0
      let wanted = set["spec"]["replicas"].int ?? 1
      return ready < wanted ? "\(owner.name): \(ready) of \(wanted) ready" : nil
    }
  }

  private func withdraw(_ node: String) async throws -> String {
    let blocks = try await blocks(of: node)
    try await mark(node, .withdrawn)
    try await eachRouter { known in
      let left = blocks.filter(known.contains)
      return left.isEmpty ? nil : "\(left.joined(separator: ", ")) still there"
    }
    return "\(blocks.joined(separator: ", ")) withdrawn"
  }

  // MARK: What is there

  private func nodes() async throws -> [Node] {
    try await client.list("/api/v1/nodes").map(Node.init(json:))
  }

  private func pods() async throws -> [Pod] {
    try await client.list("/api/v1/pods").map(Pod.init(json:))
  }

  private func traffic() async throws -> EdgeTraffic {
    EdgeTraffic(try await RouterControl(socket: record.directory.edgeSocket).status())
  }

  private func blocks(of node: String) async throws -> [String] {
    try await client.list("/apis/crd.projectcalico.org/v1/blockaffinities")
      .filter { $0["spec"]["node"].string == node }.compactMap { $0["spec"]["cidr"].string }
  }

  /// Waits until no router has an objection to the prefixes that it knows.
  private func eachRouter(_ objection: (Set<String>) -> String?) async throws {
    for router in plan.routers {
      let control = RouterControl(socket: record.directory.socket(of: router.role.name))
      try await until("routes") {
        let routes = try await control.status()["bgp"]["routes"].elements
        let reason = objection(Set(routes.compactMap { $0["prefix"].string }))
        return reason.map { "\(router.role.name): \($0)" }
      }
    }
  }

  private func until(_ what: String, _ missing: () async throws -> String?) async throws {
    while let reason = try await missing() {
      guard Loop.now < deadline else { throw UnitError("\(what): \(reason); \(hint)") }
      try await Loop.sleep(Self.interval)
    }
  }
}
