import Kubernetes
import NetTypes

extension PodLifecycle {
  /// Asks for whatever the state allows next.
  mutating func advance(at now: Moment, _ actions: inout [Action]) {
    switch stage {
    case .active:
      // One that is found finished, after a restart of the node, needs no network any more.
      if !isFinished {
        setUp(at: now, &actions)
        killOverdue(at: now.instant, &actions)
        runContainers(at: now, &actions)
        runProbes(at: now.instant, &actions)
      }
      if isFinished {
        stage = .completed
        actions.append(.tearDown)
      }
    case .terminating:
      killOverdue(at: now.instant, &actions)
      runProbes(at: now.instant, &actions)
      if containers.allSatisfy(\.isQuiet), network != .running, volumes != .running {
        stage = .tearingDown
        actions.append(.tearDown)
      }
    case .completed, .tearingDown, .gone: break
    }
  }

  private mutating func setUp(at now: Moment, _ actions: inout [Action]) {
    if network.isDue(at: now.instant) {
      network = .running
      actions.append(.setUpNetwork)
    }
    if volumes.isDue(at: now.instant) {
      volumes = .running
      actions.append(.prepareVolumes)
    }
  }

  var isSetUp: Bool { network == .done && volumes == .done }

  private mutating func runContainers(at now: Moment, _ actions: inout [Action]) {
    for index in containers.indices {
      let container = containers[index]
      let mayRun = isSetUp && canFollow(index)
      // Every image but the later init containers' is wanted soon.
      if mayRun || !container.specification.isInit || index == 0 {
        containers[index].ensureImage(at: now.instant, &actions)
      }
      guard mayRun else { continue }
      containers[index].run(
        policy: container.specification.isSidecar ? .always : effectivePolicy(container),
        pod: specification.fullName, at: now, &actions)
    }
  }

  /// Init containers restart only after a failure, whatever else the policy says.
  func effectivePolicy(
    _ container: ContainerLifecycle
  ) -> PodSpecification.RestartPolicy {
    guard container.specification.isInit, !container.specification.isSidecar else {
      return container.specification.isSidecar ? .always : specification.restartPolicy
    }
    return specification.restartPolicy == .never ? .never : .onFailure
  }

  /// Whether all that must come before the container at `index` is done.
  private func canFollow(_ index: Int) -> Bool {
    let initCount = specification.initContainers.count
    return containers[..<min(index, initCount)].allSatisfy(\.isInitDone)
  }

  var isInitialized: Bool {
    containers[..<min(specification.initContainers.count, containers.count)]
      .allSatisfy(\.isInitDone)
  }

  /// An init container that failed for good.
  var failedInit: ContainerLifecycle? {
    guard specification.restartPolicy == .never else { return nil }
    return containers.first {
      $0.specification.isInit && !$0.specification.isSidecar && ($0.exit?.exitCode ?? 0) != 0
    }
  }

  /// Nothing runs and nothing will be started again.
  private var isFinished: Bool {
    if failedInit != nil { return containers.allSatisfy(\.isQuiet) }
    let regular = containers.filter { !$0.specification.isInit }
    return isInitialized && !regular.isEmpty
      && regular.allSatisfy { container in
        guard let exit = container.exit else { return false }
        return !effectivePolicy(container).restarts(after: exit)
      } && containers.allSatisfy(\.isQuiet)
  }

  private mutating func runProbes(at now: Instant, _ actions: inout [Action]) {
    for index in containers.indices {
      for kind in ProbeSpecification.Kind.allCases {
        guard let probe = containers[index].probes[kind], !probe.isRunning, probe.due <= now,
          containers[index].wants(kind)
        else { continue }
        containers[index].probes[kind]?.begin()
        actions.append(.probe(container: containers[index].name, kind, probe.specification))
      }
    }
  }

  mutating func probeEnded(
    _ name: String, _ kind: ProbeSpecification.Kind, _ result: ProbeResult, at now: Moment,
    _ actions: inout [Action]
  ) {
    guard let index = containers.firstIndex(where: { $0.name == name }),
      let change = containers[index].probes[kind]?.end(result, at: now.instant)
    else { return }
    guard case .running = containers[index].state, case .failure(let text) = result,
      change == .failed || change == .nowFails
    else { return }
    actions.append(
      .record(
        isWarning: true, reason: "Unhealthy", message: "\(kind.title) probe failed: \(text)",
        container: name))
    guard change == .nowFails, kind != .readiness, stage == .active else { return }
    actions.append(
      .record(
        isWarning: false, reason: "Killing",
        message: "Container \(name) failed \(kind) probe, will be restarted", container: name))
    let grace =
      containers[index].specification.probes[kind]?.terminationGrace
      ?? specification.terminationGrace
    containers[index].stop(killAt: now.instant.advanced(by: grace), at: now.instant, &actions)
  }

  /// When to call `handle(.tick)` at the latest, if nothing else happens.
  package var nextDeadline: Instant? {
    var deadlines: [Instant] = []
    switch stage {
    case .active:
      deadlines += [network, volumes].compactMap(\.retryAt)
      deadlines += containers.flatMap(\.deadlines)
    case .terminating: deadlines += containers.flatMap(\.runningDeadlines)
    case .completed, .tearingDown, .gone: break
    }
    return deadlines.min()
  }
}

extension PodLifecycle.Setup {
  func isDue(at now: Instant) -> Bool {
    switch self {
    case .needed: true
    case .failed(_, let retryAt): retryAt <= now
    case .running, .done: false
    }
  }

  var retryAt: Instant? {
    if case .failed(_, let retryAt) = self { retryAt } else { nil }
  }
}

extension PodSpecification.RestartPolicy {
  func restarts(after exit: ContainerLifecycle.Exit) -> Bool {
    switch self {
    case .always: true
    case .onFailure: exit.exitCode != 0
    case .never: false
    }
  }
}
