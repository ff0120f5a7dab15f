import Kubernetes
import NetTypes

extension ContainerLifecycle {
  typealias Action = PodLifecycle.Action

  // MARK: The image

  mutating func ensureImage(at now: Instant, _ actions: inout [Action]) {
    switch image {
    case .unknown:
      image = .pulling
      actions.append(.ensureImage(container: name))
    case .failed(_, _, let retryAt, _) where retryAt <= now:
      image = .pulling
      actions.append(.ensureImage(container: name))
    case .failed(let reason, let message, let retryAt, let shownAt?) where shownAt <= now:
      let text = "Back-off pulling image \"\(specification.image)\""
      image = .failed(
        reason: "ImagePullBackOff", message: "\(text): \(reason): \(message)", retryAt: retryAt,
        backOffShownAt: nil)
      actions.append(
        .record(isWarning: false, reason: "BackOff", message: text, container: name))
      actions.append(
        .record(
          isWarning: true, reason: "Failed", message: "Error: ImagePullBackOff", container: name))
    case .pulling, .ready, .failed: break
    }
  }

  mutating func imageArrived(
    _ result: Result<String, PodLifecycle.ImageFailure>, at now: Instant,
    _ actions: inout [Action]
  ) {
    guard image == .pulling else { return }
    switch result {
    case .success(let id):
      image = .ready(id: id)
      imageID = id
    case .failure(let failure):
      pulls.step(at: now)
      let retryAt = now.advanced(by: pulls.current(at: now) ?? Backoff.initial)
      // As kubelet does, the failure shows as it is before it shows as waiting.
      var shownAt: Instant?
      if case .pull = failure { shownAt = now.advanced(by: .seconds(1)) }
      let (reason, message, event): (String, String, String) =
        switch failure {
        case .pull(let text):
          ("ErrImagePull", text, "Failed to pull image \"\(specification.image)\": \(text)")
        case .absent:
          (
            "ErrImageNeverPull",
            "Container image \"\(specification.image)\" is not present with pull policy of Never",
            "Container image \"\(specification.image)\" is not present with pull policy of Never"
          )
        case .invalidName(let text):
          (
            "InvalidImageName", text,
            "Failed to apply default image tag \"\(specification.image)\": \(text)"
          )
        }
      image = .failed(reason: reason, message: message, retryAt: retryAt, backOffShownAt: shownAt)
      actions.append(.record(isWarning: true, reason: "Failed", message: event, container: name))
      actions.append(
        .record(isWarning: true, reason: "Failed", message: "Error: \(reason)", container: name))
    }
  }

  // MARK: Starting

  mutating func run(
    policy: PodSpecification.RestartPolicy, pod: String, at now: Moment,
    _ actions: inout [Action]
  ) {
    switch state {
    case .waiting: create(&actions)
    case .failedToCreate(_, _, let retryAt) where retryAt <= now.instant: create(&actions)
    case .exited(let exit):
      guard policy.restarts(after: exit) else { return }
      if let delay = crashes.current(at: now.instant) {
        state = .backingOff(exit, until: now.instant.advanced(by: delay), delay: delay)
        actions.append(
          .record(
            isWarning: true, reason: "BackOff",
            message: "Back-off restarting failed container \(name) in pod \(pod)",
            container: name))
      } else {
        restart(exit, at: now.instant, &actions)
      }
    case .backingOff(let exit, let until, _) where until <= now.instant:
      restart(exit, at: now.instant, &actions)
    case .failedToCreate, .creating, .running, .stopping, .backingOff:
      break
    }
  }

  private mutating func restart(_ exit: Exit, at now: Instant, _ actions: inout [Action]) {
    crashes.step(at: now)
    lastExit = exit
    restartCount += 1
    probes = [:]
    state = .waiting
    create(&actions)
  }

  private mutating func create(_ actions: inout [Action]) {
    guard case .ready = image else { return }
    state = .creating
    actions.append(.start(container: name, attempt: restartCount))
  }

  mutating func started(
    id: String, at now: Moment, stage: PodLifecycle.Stage, _ actions: inout [Action]
  ) {
    guard state == .creating else { return }
    state = .running(id: id, startedAt: now.time)
    creationFailures = Backoff()
    actions.append(
      .record(
        isWarning: false, reason: "Started", message: "Started container \(name)",
        container: name))
    if case .terminating(let killAt) = stage {
      stop(killAt: killAt, at: now.instant, &actions)
    } else {
      makeProbes(startedAt: now.instant)
    }
  }

  mutating func startFailed(
    _ failure: PodLifecycle.StartFailure, at now: Moment, _ actions: inout [Action]
  ) {
    guard state == .creating else { return }
    let message: String
    switch failure {
    case .configuration(let text):
      message = text
      state = .failedToCreate(
        reason: "CreateContainerConfigError", message: text,
        retryAt: now.instant.advanced(by: .seconds(10)))
    case .create(let text):
      message = text
      creationFailures.step(at: now.instant)
      state = .failedToCreate(
        reason: "CreateContainerError", message: text,
        retryAt: now.instant.advanced(
          by: creationFailures.current(at: now.instant) ?? Backoff.initial))
    case .run(let text):
      message = text
      state = .exited(
        Exit(
          id: "", exitCode: 128, reason: "StartError", message: text, startedAt: nil,
          finishedAt: now.time))
    }
    actions.append(
      .record(isWarning: true, reason: "Failed", message: "Error: \(message)", container: name))
  }

  mutating func exited(id: String, code: Int, signal: Int?, outOfMemory: Bool, at time: Timestamp) {
    let (current, startedAt): (String, Timestamp)
    switch state {
    case .running(let id, let started), .stopping(let id, let started, _, _):
      (current, startedAt) = (id, started)
    default: return
    }
    guard current == id else { return }
    state = .exited(
      Exit(
        id: id, exitCode: code, signal: signal,
        reason: outOfMemory ? "OOMKilled" : code == 0 ? "Completed" : "Error",
        startedAt: startedAt, finishedAt: time))
    probes = [:]
  }

  /// When this container has something to do by itself.
  var deadlines: [Instant] {
    var deadlines: [Instant] = []
    if case .failed(_, _, let retryAt, let shownAt) = image {
      deadlines.append(min(retryAt, shownAt ?? retryAt))
    }
    switch state {
    case .failedToCreate(_, _, let retryAt): deadlines.append(retryAt)
    case .backingOff(_, let until, _): deadlines.append(until)
    default: break
    }
    return deadlines + runningDeadlines
  }

  /// Those that also hold while the pod terminates.
  var runningDeadlines: [Instant] {
    var deadlines: [Instant] = []
    if case .stopping(_, _, let killAt, _) = state { deadlines.append(killAt) }
    for (kind, probe) in probes where !probe.isRunning && wants(kind) {
      deadlines.append(probe.due)
    }
    return deadlines
  }
}
