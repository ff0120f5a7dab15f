import Kubernetes

/// What draining a node comes to, worked out from the cluster's objects.
package struct DrainPlan: Sendable {
  package let node: String
  /// Pods that their controllers make anew elsewhere, by name.
  package let pods: [Pod]

  /// - Parameters:
  ///   - name: A node's name; without the unit's name in front it is a role's.
  ///   - force: Also pods that no controller makes anew.
  /// - Throws: `UnitError` for a node that is not there or drained already, and where its pods could
  ///   not go.
  package init(
    node name: String, unit: String, nodes: [Node], pods: [Pod], force: Bool
  ) throws(UnitError) {
    let node = try Self.find(name, unit, nodes)
    if node.drain == .withdrawn {
      throw UnitError("node \(node.name) is drained already: --undo brings it back")
    }
    let here = pods.filter { pod in
      pod.spec["nodeName"].string == node.name && !pod.isDeleting
        && pod.controller?.kind != "DaemonSet"
        && !["Succeeded", "Failed"].contains(pod.status["phase"].string ?? "")
    }
    let alone = here.filter { $0.controller == nil }.map { "\($0.resourceName)" }
    guard alone.isEmpty || force else {
      throw UnitError(
        "node \(node.name): no controller would make these pods anew: \(alone.joined(separator: ", "));"
          + " --force deletes them")
    }
    let obstacles = nodes.filter { $0.name != node.name }.map { ($0.name, Self.obstacle($0)) }
    guard here.isEmpty || obstacles.contains(where: { $0.1 == nil }) else {
      let reasons = obstacles.map { "\($0.0) is \($0.1 ?? "")" }
      throw UnitError(
        "node \(node.name): no other node can take its \(here.count) pods: "
          + (reasons.isEmpty ? "it is the only one" : reasons.joined(separator: ", ")))
    }
    self.node = node.name
    self.pods = here.sorted { $0.resourceName < $1.resourceName }
  }

  /// The node of that name, or of that role.
  static func find(_ name: String, _ unit: String, _ nodes: [Node]) throws(UnitError) -> Node {
    if let node = nodes.first(where: { $0.name == name || $0.name == "\(unit)-\(name)" }) {
      return node
    }
    let known = nodes.map(\.name).sorted().joined(separator: ", ")
    throw UnitError("node \"\(name)\": unit \(unit) has \(known.isEmpty ? "none" : known)")
  }

  /// Why pods cannot go to a node; nil if they can.
  private static func obstacle(_ node: Node) -> String? {
    if node.drain != nil { return "draining" }
    if node.isUnschedulable { return "cordoned" }
    return node.isReady ? nil : "not Ready"
  }
}

/// What the edge sends to pods, as its status tells.
package struct EdgeTraffic: Sendable {
  package struct Member: Equatable, Sendable {
    package var pool: String
    /// `pod default/web-1`.
    package var label: String
    package var isEnabled: Bool
    /// Requests or connections in flight.
    package var active: Int
  }

  package var members: [Member] = []

  package init(_ status: JSON) {
    var seen: Set<String> = []
    for server in status["virtualServers"].elements {
      for pool in server["pools"].elements {
        let name = pool["name"].string ?? ""
        guard seen.insert(name).inserted else { continue }
        members += pool["members"].elements.map { member in
          Member(
            pool: name, label: member["label"].string ?? "",
            isEnabled: member["state"].string == "enabled",
            active: member["activeConnections"].int ?? 0)
        }
      }
    }
  }

  private static func label(_ pod: Pod) -> String { "pod \(pod.resourceName)" }

  /// Pools that have no other members than these pods, and so go on sending to them.
  package func poolsOnly(of pods: [Pod]) -> Set<String> {
    let labels = Set(pods.map(Self.label))
    let pools = Set(members.filter { labels.contains($0.label) }.map(\.pool))
    return pools.filter { pool in
      !members.contains { $0.pool == pool && $0.isEnabled && !labels.contains($0.label) }
    }
  }

  /// What is still sent to the pod, or in flight to it; nil: nothing.
  /// - Parameter passingOver: Pools that nobody else serves.
  package func remainder(to pod: Pod, passingOver: Set<String>) -> String? {
    for member in members
    where member.label == Self.label(pod) && !passingOver.contains(member.pool) {
      if member.isEnabled { return "the edge still sends to \(member.label)" }
      if member.active > 0 { return "\(member.active) in flight to \(member.label)" }
    }
    return nil
  }
}
