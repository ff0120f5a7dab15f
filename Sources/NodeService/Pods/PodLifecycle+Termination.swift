import NetTypes

extension PodLifecycle {
  /// Begins to stop everything, or shortens the time for it.
  mutating func terminate(grace: Duration, at now: Moment, _ actions: inout [Action]) {
    let wanted = now.instant.advanced(by: grace)
    switch stage {
    case .active:
      stage = .terminating(killAt: wanted)
    case .terminating(let killAt) where wanted < killAt:
      stage = .terminating(killAt: wanted)
    case .completed:
      stage = .gone
      actions.append(.finalize)
      return
    case .terminating, .tearingDown, .gone:
      return
    }
    for index in containers.indices {
      switch containers[index].state {
      case .running:
        actions.append(
          .record(
            isWarning: false, reason: "Killing",
            message: "Stopping container \(containers[index].name)",
            container: containers[index].name))
        containers[index].stop(killAt: wanted, at: now.instant, &actions)
      case .stopping(let id, let startedAt, let killAt, let isSignalled):
        containers[index].state = .stopping(
          id: id, startedAt: startedAt, killAt: min(killAt, wanted), isSignalled: isSignalled)
      case .waiting, .failedToCreate, .creating, .exited, .backingOff:
        break
      }
    }
  }

  mutating func killOverdue(at now: Instant, _ actions: inout [Action]) {
    for index in containers.indices { containers[index].killIfOverdue(at: now, &actions) }
  }
}

extension ContainerLifecycle {
  /// preStop, then SIGTERM, then SIGKILL at `killAt`.
  mutating func stop(killAt: Instant, at now: Instant, _ actions: inout [PodLifecycle.Action]) {
    guard case .running(let id, let startedAt) = state else { return }
    let preStop = specification.preStop
    state = .stopping(
      id: id, startedAt: startedAt, killAt: killAt, isSignalled: preStop == nil)
    if let preStop {
      actions.append(
        .runPreStop(container: name, preStop, limit: max(.zero, now.duration(to: killAt))))
    } else {
      actions.append(.signal(container: name))
    }
  }

  mutating func preStopEnded(failure: String?, _ actions: inout [PodLifecycle.Action]) {
    if let failure {
      actions.append(
        .record(
          isWarning: true, reason: "FailedPreStopHook", message: "PreStopHook failed: \(failure)",
          container: name))
    }
    guard case .stopping(let id, let startedAt, let killAt, false) = state else { return }
    state = .stopping(id: id, startedAt: startedAt, killAt: killAt, isSignalled: true)
    actions.append(.signal(container: name))
  }

  mutating func killIfOverdue(at now: Instant, _ actions: inout [PodLifecycle.Action]) {
    guard case .stopping(let id, let startedAt, let killAt, _) = state, killAt <= now else {
      return
    }
    // Asked for again after a while, should the first have been lost.
    state = .stopping(
      id: id, startedAt: startedAt, killAt: now.advanced(by: .seconds(2)), isSignalled: true)
    actions.append(.kill(container: name))
  }
}
