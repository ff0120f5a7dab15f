extension Table {
  static let pods = Table([
    .name, Column("Ready"), Column("Status"), Column("Restarts"), .age,
    Column("IP", wide: true), Column("Node", wide: true), Column("Nominated Node", wide: true),
    Column("Readiness Gates", wide: true),
  ]) { object, now in
    let pod = Pod(json: object)
    let summary = PodSummary(pod)
    var restarts = "\(summary.restarts)"
    if summary.restarts > 0, let last = summary.lastRestart {
      restarts += " (\(Age.text(from: last, to: now)) ago)"
    }
    let gates = object["spec"]["readinessGates"].elements
    let passed = gates.filter { gate in
      gate["conditionType"].string.flatMap { pod.condition($0)?.isTrue } ?? false
    }
    return [
      object.name, .string("\(summary.ready)/\(summary.total)"), .string(summary.status),
      .string(restarts), object.age(at: now), .string(pod.podIP ?? "<none>"),
      .string(pod.nodeName ?? "<none>"),
      .string(object["status"]["nominatedNodeName"].string ?? "<none>"),
      .string(gates.isEmpty ? "<none>" : "\(passed.count)/\(gates.count)"),
    ]
  }
}

/// What `kubectl get pods` says of a pod in a word.
package struct PodSummary: Equatable, Sendable {
  package private(set) var status: String
  package private(set) var ready = 0
  package private(set) var total: Int
  package private(set) var restarts = 0
  private(set) var lastRestart: Timestamp?

  package init(_ pod: Pod) {
    status = pod.status["reason"].string ?? pod.phase
    total = pod.podSpec.containers.count
    let isInitializing = addInitContainers(pod)
    if !isInitializing || pod.condition("Initialized")?.isTrue == true { addContainers(pod) }
    if pod.isDeleting {
      status = pod.status["reason"].string == "NodeLost" ? "Unknown" : "Terminating"
    }
  }

  private mutating func count(_ container: ContainerStatus) {
    restarts += container.restartCount
    if let end = container.json["lastState"]["terminated"]["finishedAt"].string
      .flatMap(Timestamp.init), lastRestart.map({ $0 < end }) ?? true
    {
      lastRestart = end
    }
  }

  /// True while one of them has not ended well.
  private mutating func addInitContainers(_ pod: Pod) -> Bool {
    let count = pod.podSpec.initContainers.count
    for (index, container) in pod.initContainerStatuses.enumerated() {
      self.count(container)
      if let end = container.terminated, end["exitCode"].int == 0 { continue }
      if let end = container.terminated {
        status = "Init:" + Self.reason(end)
      } else if let reason = container.waitingReason, !reason.isEmpty,
        reason != "PodInitializing"
      {
        status = "Init:\(reason)"
      } else {
        status = "Init:\(index)/\(count)"
      }
      return true
    }
    return false
  }

  private static func reason(_ end: JSON) -> String {
    if let reason = end["reason"].string, !reason.isEmpty { return reason }
    if let signal = end["signal"].int, signal != 0 { return "Signal:\(signal)" }
    return "ExitCode:\(end["exitCode"].int ?? 0)"
  }

  private mutating func addContainers(_ pod: Pod) {
    restarts = 0
    var isRunning = false
    for container in pod.containerStatuses.reversed() {
      count(container)
      if let reason = container.waitingReason, !reason.isEmpty {
        status = reason
      } else if let end = container.terminated {
        status = Self.reason(end)
      } else if container.ready, container.isRunning {
        isRunning = true
        ready += 1
      }
    }
    if status == "Completed", isRunning { status = pod.isReady ? "Running" : "NotReady" }
  }
}
