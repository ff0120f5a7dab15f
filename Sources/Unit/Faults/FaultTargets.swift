import Glibc
import KubeClient
import Kubernetes
import Linux
import NetTypes

/// What the words of a fault mean on this machine.
@Loop struct FaultTargets {
  /// Chooses where the words leave a choice.
  var random: SeededRandom

  func record(_ name: String) throws -> UnitRecord { try UnitRegistry.find(name) }

  /// Unit and role of a node.
  func node(_ name: String, in unit: String?) throws -> (UnitRecord, Role) {
    for record in try UnitRegistry.all() where unit == nil || record.name == unit {
      let nodes = try UnitPlan(record.configuration).nodes
      if let role = nodes.first(where: { $0.nodeName == name || (unit != nil && $0.name == name) })
      {
        return (record, role)
      }
    }
    let all = try UnitRegistry.all().flatMap { try UnitPlan($0.configuration).nodes }
    throw UnitError(
      "node \"\(name)\": there are \(all.map(\.nodeName).joined(separator: ", "))")
  }

  /// A running pod of that name, or one whose name begins so.
  mutating func pod(_ name: String, in unit: String?) async throws -> (UnitRecord, Pod) {
    var found: [(UnitRecord, Pod)] = []
    for record in try UnitRegistry.all() where unit == nil || record.name == unit {
      let client = try KubeClient.of(record, try UnitPlan(record.configuration))
      let pods = try await client.list("/api/v1/pods").map(Pod.init(json:))
      found += pods.filter { pod in
        !pod.isDeleting && (pod.name == name || pod.name.hasPrefix(name + "-"))
          && pod.status["phase"].string == "Running"
      }.map { (record, $0) }
    }
    guard let chosen = found.randomElement(using: &random) else {
      throw UnitError("pod \"\(name)\": no running pod's name begins so")
    }
    return chosen
  }

  /// Processes of a pod's containers, by their control groups.
  func processes(of pod: Pod) -> [Int32] {
    let ids = pod.status["containerStatuses"].elements.compactMap { status in
      status["containerID"].string?.split(separator: "/").last.map(String.init)
    }
    return processes { group in ids.contains { group.contains($0) } }
  }

  /// Processes of all containers of a node.
  func processes(of node: Role) -> [Int32] {
    processes { $0.contains("/atoll/\(node.unit)/\(node.nodeName)/") }
  }

  private func processes(_ isWanted: (String) -> Bool) -> [Int32] {
    ((try? FileSystem.list("/proc")) ?? []).compactMap { Int32($0) }.filter { pid in
      (try? FileSystem.readText("/proc/\(pid)/cgroup")).map(isWanted) ?? false
    }
  }

  /// Where an application's ready pods answer, by its Service's name.
  func endpoints(of application: String, _ record: UnitRecord) async throws -> [SocketAddress] {
    let client = try KubeClient.of(record, try UnitPlan(record.configuration))
    let slices = try await client.list("/apis/discovery.k8s.io/v1/endpointslices").filter {
      $0["metadata"]["labels"]["kubernetes.io/service-name"].string == application
    }
    return slices.flatMap { slice -> [SocketAddress] in
      guard let port = slice["ports"][0]["port"].int.flatMap({ UInt16(exactly: $0) }) else {
        return []
      }
      return slice["endpoints"].elements.flatMap { $0["addresses"].elements }
        .compactMap { $0.string.flatMap { IPAddress($0) } }.map { SocketAddress($0, port: port) }
    }
  }
}
