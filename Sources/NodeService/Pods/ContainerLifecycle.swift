import Kubernetes
import NetTypes

/// Where one container of a pod stands.
///
///     waiting ─▶ creating ─▶ running ─▶ stopping ─▶ exited ─┬▶ (restart policy) ─▶ waiting, backing off
///        ▲          │           └──────── dies ──────▲      └▶ stays
///        └─ failed ─┘
package struct ContainerLifecycle: Hashable, Sendable {
  /// A container that runs or ran, as status prints it.
  package struct Exit: Hashable, Sendable {
    package var id: String
    package var exitCode: Int
    package var signal: Int?
    package var reason: String
    package var message: String = ""
    package var startedAt: Timestamp?
    package var finishedAt: Timestamp
  }

  package enum Image: Hashable, Sendable {
    case unknown
    case pulling
    case ready(id: String)
    /// A failed pull shows as `ErrImagePull` until `backOffShownAt`, as `ImagePullBackOff` after it;
    /// nil when there is no such change to come.
    case failed(reason: String, message: String, retryAt: Instant, backOffShownAt: Instant?)
  }

  package enum State: Hashable, Sendable {
    case waiting
    /// Could not be made: missing configuration, a bad mount. Tried again later.
    case failedToCreate(reason: String, message: String, retryAt: Instant)
    case creating
    case running(id: String, startedAt: Timestamp)
    case stopping(id: String, startedAt: Timestamp, killAt: Instant, isSignalled: Bool)
    case exited(Exit)
    /// `CrashLoopBackOff`.
    case backingOff(Exit, until: Instant, delay: Duration)
  }

  package internal(set) var specification: ContainerSpecification
  package internal(set) var state = State.waiting
  package internal(set) var image = Image.unknown
  package internal(set) var restartCount = 0
  package internal(set) var lastExit: Exit?
  package internal(set) var imageID = ""
  var probes: [ProbeSpecification.Kind: ProbeTracker] = [:]
  var crashes = Backoff()
  var pulls = Backoff()
  var creationFailures = Backoff()

  init(_ specification: ContainerSpecification) { self.specification = specification }

  package var name: String { specification.name }

  package var isRunning: Bool {
    switch state {
    case .running, .stopping: true
    default: false
    }
  }

  /// Nothing of it is left alive or on its way.
  var isQuiet: Bool {
    switch state {
    case .waiting, .failedToCreate, .exited, .backingOff: true
    case .creating, .running, .stopping: false
    }
  }

  var exit: Exit? {
    switch state {
    case .exited(let exit), .backingOff(let exit, _, _): exit
    default: nil
    }
  }

  /// Runs, and its startup probe passed.
  package var isStarted: Bool { isRunning && probes[.startup]?.passes ?? true }

  package var isReady: Bool {
    if specification.isInit, !specification.isSidecar { return exit?.exitCode == 0 }
    return isStarted && probes[.readiness]?.passes ?? true
  }

  /// Liveness and readiness wait for startup; what is being stopped is only watched for readiness.
  func wants(_ kind: ProbeSpecification.Kind) -> Bool {
    switch state {
    case .running: kind == .startup ? !isStarted : isStarted
    case .stopping: kind == .readiness && isStarted
    default: false
    }
  }

  /// An init container lets the next one begin.
  var isInitDone: Bool { specification.isSidecar ? isStarted : isReady }

  mutating func makeProbes(startedAt: Instant, wasReady: Bool? = nil, wasStarted: Bool? = nil) {
    probes = [:]
    for (kind, probe) in specification.probes {
      let passes: Bool? =
        switch kind {
        case .startup: wasStarted
        case .readiness: wasReady
        case .liveness: nil
        }
      probes[kind] = ProbeTracker(
        kind: kind, specification: probe, startedAt: startedAt, passes: passes)
    }
  }
}
