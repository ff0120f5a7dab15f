import KubeClient
import Kubernetes
import Linux
import NetTypes

/// What a pod's worker needs of its node.
@Loop package protocol PodHost: AnyObject {
  var runtime: any PodRuntime { get }
  var network: any PodNetwork { get }
  var probes: any ProbeRunner { get }
  var files: PodFiles { get }
  var nodeName: String { get }
  var hostAddresses: [IPAddress] { get }
  /// The addresses of a pod: those it has, or new ones.
  func allocate(_ pod: PodSpecification) async throws -> [IPAddress]
  func release(_ pod: PodSpecification)
  /// A context with the ConfigMaps and Secrets that the pod names, as far as they are known.
  func context(of pod: PodSpecification) async -> PodContext
  func record(_ pod: PodSpecification, _ event: PodEvent)
  func publish(_ pod: PodSpecification, status: JSON)
  /// Deletes the object, whose containers are gone, and forgets the worker.
  func finalize(_ pod: PodSpecification, wasRemoved: Bool)
}

package struct PodEvent: Hashable, Sendable {
  package var isWarning: Bool
  package var reason: String
  package var message: String
  /// `spec.containers{web}`; nil for the pod itself.
  package var fieldPath: String?
}

/// One pod: drives its lifecycle, performs what it asks for, and tells the node what came of it.
@Loop package final class PodWorker {
  package private(set) var lifecycle: PodLifecycle
  unowned let host: any PodHost
  private var timer: Linux.Timer?
  private var queue: [PodLifecycle.Event] = []
  private var isHandling = false
  private var published: JSON = .null
  /// The running containers' ids, by name; a container keeps its last one until it starts again.
  var ids: [String: String] = [:]

  package init(_ specification: PodSpecification, host: any PodHost) {
    self.host = host
    lifecycle = PodLifecycle(specification, at: .now)
  }

  package var specification: PodSpecification { lifecycle.specification }

  /// Takes over what an earlier process of this node left: see `PodLifecycle.adopt`.
  package func adopt(
    _ containers: [RuntimeContainer], status: JSON, addresses: [IPAddress], hasVolumes: Bool
  ) {
    lifecycle.adopt(
      addresses: addresses, startTime: status["startTime"].string.flatMap { Timestamp($0) },
      volumesAreReady: hasVolumes)
    for container in lifecycle.containers {
      let found = containers.filter { $0.name == container.name }.max { $0.attempt < $1.attempt }
      let statuses =
        status["containerStatuses"].elements + status["initContainerStatuses"].elements
      let before = statuses.first { $0["name"].string == container.name } ?? .null
      guard let observation = ContainerObservation(found, before: before) else { continue }
      lifecycle.adopt(container: container.name, observation, at: .now)
      if let found { ids[container.name] = found.id }
    }
    // The dead leave nothing but their logs.
    let runtime = host.runtime
    for dead in containers where dead.exit != nil {
      Task { @Loop in await runtime.remove(dead.id) }
    }
  }

  /// Feeds an event in; its actions begin before this returns.
  package func send(_ event: PodLifecycle.Event) {
    queue.append(event)
    guard !isHandling else { return }
    isHandling = true
    while !queue.isEmpty {
      for action in lifecycle.handle(queue.removeFirst(), at: .now) { perform(action) }
    }
    isHandling = false
    if lifecycle.stage != .gone { publish() }
    timer?.cancel()
    timer = nil
    guard let deadline = lifecycle.nextDeadline else { return }
    let delay = Loop.now.duration(to: deadline)
    timer = Loop.after(max(delay, .zero)) { [weak self] in self?.send(.tick) }
  }

  /// A container exited; those of other pods and earlier attempts are not ours.
  package func exited(_ id: String, _ exit: ContainerExit) {
    guard let name = ids.first(where: { $0.value == id })?.key else { return }
    send(
      .exited(
        container: name, id: Self.statusID(id), code: exit.code, signal: exit.signal,
        outOfMemory: exit.isOutOfMemory))
    let runtime = host.runtime
    Task { @Loop in await runtime.remove(id) }
  }

  /// `runc://…`, as a container's id is printed in status.
  nonisolated static func statusID(_ id: String) -> String { "runc://\(id)" }

  func container(_ name: String) -> ContainerLifecycle? {
    lifecycle.containers.first { $0.name == name }
  }

  private func publish() {
    let status = lifecycle.status(hostAddresses: host.hostAddresses)
    guard status != published else { return }
    published = status
    host.publish(specification, status: status)
  }

  /// Status is sent again, as after the API lost it.
  package func republish() {
    published = .null
    publish()
  }

  package func stop() {
    timer?.cancel()
    timer = nil
  }
}

extension Moment {
  /// Both clocks of this machine.
  package static var now: Moment { Moment(instant: Loop.now, time: .now) }
}

extension ContainerObservation {
  /// What the runtime found of a container, together with the status written before. Nil if
  /// neither knows it: it never ran.
  init?(_ found: RuntimeContainer?, before: JSON) {
    let restarts = before["restartCount"].int ?? 0
    if let found {
      let id = PodWorker.statusID(found.id)
      let startedAt =
        found.startedAt ?? before.at("state.running.startedAt").string.flatMap { Timestamp($0) }
        ?? Timestamp.now
      if let exit = found.exit {
        self.init(
          state: .exited(
            ContainerLifecycle.Exit(
              id: id, exitCode: exit.code, signal: exit.signal,
              reason: exit.isOutOfMemory ? "OOMKilled" : exit.code == 0 ? "Completed" : "Error",
              startedAt: startedAt, finishedAt: exit.finishedAt ?? .now)))
      } else {
        self.init(state: .running(id: id, startedAt: startedAt))
      }
      restartCount = max(restarts, found.attempt)
    } else if let exit = ContainerLifecycle.Exit(json: before.at("state.terminated")) {
      self.init(state: .exited(exit))
      restartCount = restarts
    } else if let startedAt = before.at("state.running.startedAt").string.flatMap({ Timestamp($0) })
    {
      // It ran when the machine stopped.
      self.init(
        state: .exited(
          ContainerLifecycle.Exit(
            id: before["containerID"].string ?? "", exitCode: 255, reason: "Unknown",
            startedAt: startedAt, finishedAt: .now)))
      restartCount = restarts
    } else {
      return nil
    }
    imageID = before["imageID"].string ?? ""
    lastExit = ContainerLifecycle.Exit(json: before.at("lastState.terminated"))
    wasReady = before["ready"].bool
    wasStarted = before["started"].bool
  }
}
