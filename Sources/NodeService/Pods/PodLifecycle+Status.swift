import Kubernetes
import NetTypes

/// The pod's status, exactly as Kubernetes prints it.
extension PodLifecycle {
  package enum Phase: String, Sendable {
    case pending = "Pending"
    case running = "Running"
    case succeeded = "Succeeded"
    case failed = "Failed"
  }

  private var regular: ArraySlice<ContainerLifecycle> {
    containers.dropFirst(specification.initContainers.count)
  }

  package var phase: Phase {
    if failedInit != nil { return .failed }
    guard isInitialized else { return .pending }
    var (running, exited, failed) = (0, 0, 0)
    for container in regular {
      switch container.state {
      case .running, .stopping: running += 1
      case .exited(let exit), .backingOff(let exit, _, _):
        exited += 1
        if exit.exitCode != 0 { failed += 1 }
      case .waiting, .failedToCreate, .creating:
        // One that ran before counts as between two runs.
        guard container.lastExit != nil else { return .pending }
        exited += 1
        failed += 1
      }
    }
    if running > 0 { return .running }
    let mayRestart =
      stage == .active
      && regular.contains { container in
        guard let exit = container.exit else { return container.lastExit != nil }
        return effectivePolicy(container).restarts(after: exit)
      }
    if mayRestart { return .running }
    return failed > 0 ? .failed : exited > 0 ? .succeeded : .pending
  }

  /// Ready, and every container of it.
  package var isReady: Bool {
    guard phase == .running else { return false }
    return regular.allSatisfy(\.isReady)
      && containers.allSatisfy { !$0.specification.isSidecar || $0.isReady }
  }

  private var conditionValues: [(type: String, isTrue: Bool)] {
    [
      ("PodReadyToStartContainers", network == .done && stage != .gone),
      ("Initialized", isInitialized), ("Ready", isReady), ("ContainersReady", isReady),
      ("PodScheduled", true),
    ]
  }

  /// Remembers when each condition last changed.
  mutating func noteTransitions(at time: Timestamp) {
    for (type, isTrue) in conditionValues where transitions[type]?.isTrue != isTrue {
      transitions[type] = Transition(isTrue: isTrue, time: time)
    }
  }

  private func conditionReason(_ type: String) -> (reason: String, message: String)? {
    switch type {
    case "Initialized":
      let names = containers.filter { $0.specification.isInit && !$0.isInitDone }.map(\.name)
      return (
        "ContainersNotInitialized",
        "containers with incomplete status: [\(names.joined(separator: " "))]"
      )
    case "Ready", "ContainersReady":
      switch phase {
      case .succeeded: return ("PodCompleted", "")
      case .failed: return ("PodFailed", "")
      case .pending, .running:
        let names = containers.filter {
          !$0.isReady && (!$0.specification.isInit || $0.specification.isSidecar)
        }.map(\.name)
        return (
          "ContainersNotReady",
          "containers with unready status: [\(names.joined(separator: " "))]"
        )
      }
    default: return nil
    }
  }

  private var conditions: JSON {
    .array(
      conditionValues.map { type, isTrue in
        var json: JSON = [
          "type": .string(type), "status": isTrue ? "True" : "False", "lastProbeTime": .null,
          "lastTransitionTime": .string((transitions[type]?.time ?? startTime).description),
        ]
        if !isTrue, let (reason, message) = conditionReason(type) {
          json["reason"] = .string(reason)
          if !message.isEmpty { json["message"] = .string(message) }
        }
        return json
      })
  }

  /// `status` of the Pod object.
  package func status(hostAddresses: [IPAddress]) -> JSON {
    var json: JSON = [
      "phase": .string(phase.rawValue), "conditions": conditions,
      "startTime": .string(startTime.description), "qosClass": .string(specification.qosClass),
      "containerStatuses": .array(regular.map(status)),
    ]
    if let generation = specification.object.at("metadata.generation").int {
      json["observedGeneration"] = JSON(generation)
    }
    if !specification.initContainers.isEmpty {
      json["initContainerStatuses"] = .array(
        containers.prefix(specification.initContainers.count).map(status))
    }
    if let host = hostAddresses.first {
      json["hostIP"] = .string(host.description)
      json["hostIPs"] = .array(hostAddresses.map { ["ip": .string($0.description)] })
    }
    let own = specification.isHostNetwork ? hostAddresses : addresses
    if let address = own.first {
      json["podIP"] = .string(address.description)
      json["podIPs"] = .array(own.map { ["ip": .string($0.description)] })
    }
    return json
  }

  private func status(of container: ContainerLifecycle) -> JSON {
    var json: JSON = [
      "name": .string(container.name), "image": .string(container.specification.image),
      "imageID": .string(container.imageID), "ready": .bool(container.isReady),
      "started": .bool(container.isStarted), "restartCount": JSON(container.restartCount),
      "state": state(of: container), "lastState": [:],
    ]
    switch container.state {
    case .running(let id, _), .stopping(let id, _, _, _):
      json["containerID"] = .string(id)
    case .exited(let exit), .backingOff(let exit, _, _):
      if !exit.id.isEmpty { json["containerID"] = .string(exit.id) }
    case .waiting, .failedToCreate, .creating:
      if let id = container.lastExit?.id, !id.isEmpty { json["containerID"] = .string(id) }
    }
    if case .backingOff(let exit, _, _) = container.state {
      json["lastState"] = ["terminated": exit.json]
    } else if let exit = container.lastExit {
      json["lastState"] = ["terminated": exit.json]
    }
    return json
  }

  private func state(of container: ContainerLifecycle) -> JSON {
    switch container.state {
    case .running(_, let startedAt), .stopping(_, let startedAt, _, _):
      return ["running": ["startedAt": .string(startedAt.description)]]
    case .exited(let exit):
      return ["terminated": exit.json]
    case .backingOff(_, _, let delay):
      return waiting(
        "CrashLoopBackOff",
        "back-off \(delay.goText) restarting failed container=\(container.name) "
          + "pod=\(specification.fullName)")
    case .failedToCreate(let reason, let message, _):
      return waiting(reason, message)
    case .waiting, .creating:
      if case .failed(let reason, let message, _, _) = container.image {
        return waiting(reason, message)
      }
      let isBehindInit = !specification.initContainers.isEmpty && !isInitialized
      return waiting(isBehindInit ? "PodInitializing" : "ContainerCreating")
    }
  }

  private func waiting(_ reason: String, _ message: String = "") -> JSON {
    var json: JSON = ["reason": .string(reason)]
    if !message.isEmpty { json["message"] = .string(message) }
    return ["waiting": json]
  }
}

extension ContainerLifecycle.Exit {
  var json: JSON {
    var json: JSON = [
      "exitCode": JSON(exitCode), "reason": .string(reason),
      "finishedAt": .string(finishedAt.description),
      // A process that never ran prints the epoch, as Kubernetes does.
      "startedAt": .string((startedAt ?? Timestamp(unixSeconds: 0)).description),
    ]
    if let signal { json["signal"] = JSON(signal) }
    if !message.isEmpty { json["message"] = .string(message) }
    if !id.isEmpty { json["containerID"] = .string(id) }
    return json
  }

  /// From `state.terminated` of an earlier status.
  init?(json: JSON) {
    guard let code = json["exitCode"].int else { return nil }
    self.init(
      id: json["containerID"].string ?? "", exitCode: code, signal: json["signal"].int,
      reason: json["reason"].string ?? "Error", message: json["message"].string ?? "",
      startedAt: json["startedAt"].string.flatMap { Timestamp($0) },
      finishedAt: json["finishedAt"].string.flatMap { Timestamp($0) }
        ?? Timestamp(unixSeconds: 0))
  }
}
