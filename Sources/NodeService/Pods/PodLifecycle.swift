import Kubernetes
import NetTypes

/// One pod on its node, sans I/O: what happened goes in, what to do comes out.
///
///     active ──────▶ completed (every container is done for good) ──┐ deletion
///       │ deletion or removal                                      ▼
///       └───────────────▶ terminating ─ all quiet ─▶ tearingDown ─▶ gone
///
/// Steps while active, in `advance`:
/// 1. network and volumes are set up beside each other, images are pulled meanwhile;
/// 2. init containers run one after the other;
/// 3. the other containers start together; those that exit start again as the restart policy says;
/// 4. probes run as they fall due.
/// Every action answers with one event; until then nothing of its kind is asked for again.
package struct PodLifecycle: Hashable, Sendable {
  package enum Event: Hashable, Sendable {
    /// The object changed: a deletion timestamp, labels. Containers of a pod do not.
    case specification(PodSpecification)
    /// The object is no longer in the API.
    case removed
    case network(Result<[IPAddress], SetupFailure>)
    case volumes(Result<Nothing, SetupFailure>)
    /// A ConfigMap or Secret that the pod uses came or changed.
    case configurationChanged
    case image(container: String, Result<String, ImageFailure>)
    case started(container: String, id: String)
    case startFailed(container: String, StartFailure)
    case exited(container: String, id: String, code: Int, signal: Int?, outOfMemory: Bool)
    case probed(container: String, ProbeSpecification.Kind, ProbeResult)
    case preStopEnded(container: String, failure: String?)
    case tornDown
    case tick
  }

  package enum Action: Hashable, Sendable {
    case setUpNetwork
    case prepareVolumes
    case ensureImage(container: String)
    /// `attempt` is the restart count: it makes the container's identity unique.
    case start(container: String, attempt: Int)
    case runPreStop(container: String, LifecycleHandler, limit: Duration)
    case signal(container: String)
    case kill(container: String)
    case probe(container: String, ProbeSpecification.Kind, ProbeSpecification)
    /// Free the network and volumes; the containers are dead.
    case tearDown
    /// Delete the object from the API with no grace left, if it is still there.
    case finalize
    case record(isWarning: Bool, reason: String, message: String, container: String?)
  }

  package struct Nothing: Hashable, Sendable { package init() {} }

  package struct SetupFailure: Error, Hashable, Sendable {
    package var reason: String
    package var message: String
    package init(reason: String, message: String) {
      self.reason = reason
      self.message = message
    }
  }

  package enum ImageFailure: Error, Hashable, Sendable {
    case pull(String)
    /// The policy is Never and the image is not here.
    case absent
    case invalidName(String)
  }

  package enum StartFailure: Error, Hashable, Sendable {
    /// A reference cannot be resolved: `configmap "x" not found`.
    case configuration(String)
    /// The container could not be made.
    case create(String)
    /// It was made but its process could not be run.
    case run(String)
  }

  package enum Stage: Hashable, Sendable {
    case active
    case terminating(killAt: Instant)
    /// Finished for good, its network freed, the object still there.
    case completed
    case tearingDown
    case gone
  }

  enum Setup: Hashable, Sendable {
    case needed
    case running
    case failed(SetupFailure, retryAt: Instant)
    case done
  }

  package internal(set) var specification: PodSpecification
  package internal(set) var stage = Stage.active
  /// Init containers first.
  package internal(set) var containers: [ContainerLifecycle]
  package internal(set) var addresses: [IPAddress] = []
  package internal(set) var startTime: Timestamp
  var network = Setup.needed
  var volumes = Setup.needed
  /// Status and time of the last transition, by condition type.
  var transitions: [String: Transition] = [:]
  var isRemoved = false

  struct Transition: Hashable, Sendable {
    var isTrue: Bool
    var time: Timestamp
  }

  package init(_ specification: PodSpecification, at now: Moment) {
    self.specification = specification
    startTime = now.time
    containers = (specification.initContainers + specification.containers).map {
      ContainerLifecycle($0)
    }
    if let scheduled = specification.object.at("status.conditions").elements.first(where: {
      $0["type"].string == "PodScheduled"
    }), let time = scheduled["lastTransitionTime"].string.flatMap({ Timestamp($0) }) {
      transitions["PodScheduled"] = Transition(isTrue: true, time: time)
    }
    if specification.isHostNetwork { network = .done }
  }

  /// Feeds one event in; the actions are to be carried out in order.
  package mutating func handle(_ event: Event, at now: Moment) -> [Action] {
    var actions: [Action] = []
    apply(event, at: now, &actions)
    advance(at: now, &actions)
    noteTransitions(at: now.time)
    return actions
  }

  private mutating func apply(_ event: Event, at now: Moment, _ actions: inout [Action]) {
    switch event {
    case .specification(let specification):
      self.specification = specification
      if let grace = specification.deletionGrace { terminate(grace: grace, at: now, &actions) }
    case .removed:
      isRemoved = true
      // The object went without waiting for us: what is left has little time.
      terminate(grace: min(specification.terminationGrace, .seconds(2)), at: now, &actions)
    case .network(.success(let addresses)):
      self.addresses = addresses
      network = .done
    case .network(.failure(let failure)):
      network = .failed(failure, retryAt: now.instant.advanced(by: .seconds(1)))
      actions.append(
        .record(
          isWarning: true, reason: "FailedCreatePodSandBox",
          message: "Failed to create pod sandbox: \(failure.message)", container: nil))
    case .volumes(.success): volumes = .done
    case .volumes(.failure(let failure)):
      volumes = .failed(failure, retryAt: now.instant.advanced(by: .seconds(2)))
      actions.append(
        .record(
          isWarning: true, reason: failure.reason, message: failure.message, container: nil))
    case .configurationChanged:
      if case .failed(let failure, _) = volumes { volumes = .failed(failure, retryAt: now.instant) }
      for index in containers.indices {
        if case .failedToCreate(let reason, let message, _) = containers[index].state {
          containers[index].state = .failedToCreate(
            reason: reason, message: message, retryAt: now.instant)
        }
      }
    case .image(let name, let result):
      update(name) { $0.imageArrived(result, at: now.instant, &actions) }
    case .started(let name, let id):
      let stage = stage
      update(name) { $0.started(id: id, at: now, stage: stage, &actions) }
    case .startFailed(let name, let failure):
      update(name) { $0.startFailed(failure, at: now, &actions) }
    case .exited(let name, let id, let code, let signal, let outOfMemory):
      update(name) {
        $0.exited(id: id, code: code, signal: signal, outOfMemory: outOfMemory, at: now.time)
      }
    case .probed(let name, let kind, let result):
      probeEnded(name, kind, result, at: now, &actions)
    case .preStopEnded(let name, let failure):
      update(name) { $0.preStopEnded(failure: failure, &actions) }
    case .tornDown:
      if stage == .tearingDown {
        stage = .gone
        actions.append(.finalize)
      }
    case .tick: break
    }
  }

  mutating func update(_ name: String, _ body: (inout ContainerLifecycle) -> Void) {
    guard let index = containers.firstIndex(where: { $0.name == name }) else { return }
    body(&containers[index])
  }

  /// Takes over a container that an earlier process of this node left. Call before the first event.
  package mutating func adopt(
    container name: String, _ observed: ContainerObservation, at now: Moment
  ) {
    update(name) { container in
      container.restartCount = observed.restartCount
      container.lastExit = observed.lastExit
      container.imageID = observed.imageID
      container.image = observed.imageID.isEmpty ? .unknown : .ready(id: observed.imageID)
      switch observed.state {
      case .running(let id, let startedAt):
        container.state = .running(id: id, startedAt: startedAt)
        container.makeProbes(
          startedAt: now.instant, wasReady: observed.wasReady, wasStarted: observed.wasStarted)
      case .exited(let exit): container.state = .exited(exit)
      }
    }
  }

  /// Keeps what an earlier process knew: addresses still set up, and when the pod began.
  package mutating func adopt(addresses: [IPAddress], startTime: Timestamp?, volumesAreReady: Bool)
  {
    if !addresses.isEmpty {
      self.addresses = addresses
      network = .done
    }
    if volumesAreReady { volumes = .done }
    if let startTime { self.startTime = startTime }
  }
}

/// What is found of a container after a restart of the node's own process.
package struct ContainerObservation: Hashable, Sendable {
  package enum State: Hashable, Sendable {
    case running(id: String, startedAt: Timestamp)
    case exited(ContainerLifecycle.Exit)
  }
  package var state: State
  package var restartCount = 0
  package var lastExit: ContainerLifecycle.Exit?
  package var imageID = ""
  package var wasReady: Bool?
  package var wasStarted: Bool?

  package init(state: State) { self.state = state }
}
