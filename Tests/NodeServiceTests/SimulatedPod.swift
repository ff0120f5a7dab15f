import Kubernetes
import NetTypes

@testable import NodeService

/// A pod on a simulated clock: performs the lifecycle's actions against scripted containers.
struct SimulatedPod {
  var lifecycle: PodLifecycle
  private(set) var now: Moment
  private(set) var log: [String] = []
  /// How long a container runs and its exit code, by name; none runs until stopped.
  var runs: [String: (seconds: Int, code: Int)] = [:]
  /// Ignores SIGTERM.
  var stubborn: Set<String> = []
  /// How long after SIGTERM it exits.
  var stopDelay = Duration.zero
  var images: [String: PodLifecycle.ImageFailure] = [:]
  var startFailures: [String: PodLifecycle.StartFailure] = [:]
  var networkFailure: PodLifecycle.SetupFailure?
  var volumeFailure: PodLifecycle.SetupFailure?
  /// The result of a probe at an offset from the start.
  var probe: (String, ProbeSpecification.Kind, Duration) -> ProbeResult = { _, _, _ in .success }
  private var scheduled: [(at: Instant, event: PodLifecycle.Event)] = []
  private let start = Instant(nanoseconds: 1_000_000_000)
  private let startTime = Timestamp(unixSeconds: 1_800_000_000)

  init(_ object: JSON) {
    now = Moment(instant: start, time: startTime)
    lifecycle = PodLifecycle(PodSpecification(object: object), at: now)
  }

  var elapsed: Duration { start.duration(to: now.instant) }

  mutating func send(_ event: PodLifecycle.Event) {
    for action in lifecycle.handle(event, at: now) { perform(action) }
  }

  /// Lets `duration` pass, with every timer and scripted exit in its time.
  mutating func advance(_ duration: Duration) {
    let end = now.instant.advanced(by: duration)
    if lifecycle.nextDeadline == nil, scheduled.isEmpty, log.isEmpty { send(.tick) }
    var steps = 0
    while steps < 100_000 {
      steps += 1
      let next = scheduled.map(\.at).min()
      let due = [next, lifecycle.nextDeadline].compactMap { $0 }.min()
      guard let due, due <= end else { break }
      set(max(due, now.instant))
      if let index = scheduled.firstIndex(where: { $0.at <= now.instant }) {
        let event = scheduled.remove(at: index).event
        send(event)
      } else {
        send(.tick)
      }
    }
    set(end)
  }

  private mutating func set(_ instant: Instant) {
    let seconds = start.duration(to: instant).components.seconds
    now = Moment(
      instant: instant, time: Timestamp(unixSeconds: startTime.unixSeconds + seconds))
  }

  private mutating func note(_ text: String) {
    log.append("\(elapsed.inNanoseconds / 1_000_000) \(text)")
  }

  private mutating func schedule(after delay: Duration, _ event: PodLifecycle.Event) {
    scheduled.append((now.instant.advanced(by: delay), event))
  }

  private func id(_ name: String) -> String {
    switch lifecycle.containers.first(where: { $0.name == name })?.state {
    case .running(let id, _), .stopping(let id, _, _, _): id
    default: ""
    }
  }

  private mutating func perform(_ action: PodLifecycle.Action) {
    switch action {
    case .setUpNetwork:
      if let networkFailure {
        schedule(after: .zero, .network(.failure(networkFailure)))
      } else {
        schedule(after: .zero, .network(.success([.v4(IPv4Address(10, 53, 0, 7))])))
      }
    case .prepareVolumes:
      schedule(
        after: .zero, .volumes(volumeFailure.map { .failure($0) } ?? .success(.init())))
    case .ensureImage(let name):
      note("pull \(name)")
      let result: Result<String, PodLifecycle.ImageFailure> =
        images[name].map { .failure($0) } ?? .success("sha256:1")
      schedule(after: .milliseconds(5), .image(container: name, result))
    case .start(let name, let attempt):
      note("start \(name) \(attempt)")
      if let failure = startFailures[name] {
        schedule(after: .zero, .startFailed(container: name, failure))
        return
      }
      let id = "runc://\(name)-\(attempt)"
      schedule(after: .milliseconds(5), .started(container: name, id: id))
      if let run = runs[name] {
        schedule(
          after: .seconds(run.seconds) + .milliseconds(5),
          .exited(container: name, id: id, code: run.code, signal: nil, outOfMemory: false))
      }
    case .runPreStop(let name, let handler, _):
      note("preStop \(name)")
      let delay: Duration = if case .sleep(let duration) = handler { duration } else { .zero }
      schedule(after: delay, .preStopEnded(container: name, failure: nil))
    case .signal(let name):
      note("TERM \(name)")
      if !stubborn.contains(name) {
        schedule(
          after: stopDelay,
          .exited(container: name, id: id(name), code: 143, signal: nil, outOfMemory: false))
      }
    case .kill(let name):
      note("KILL \(name)")
      schedule(
        after: .zero,
        .exited(container: name, id: id(name), code: 137, signal: nil, outOfMemory: false))
    case .probe(let name, let kind, _):
      schedule(after: .zero, .probed(container: name, kind, probe(name, kind, elapsed)))
    case .tearDown:
      note("tear down")
      schedule(after: .zero, .tornDown)
    case .finalize: note("finalize")
    case .record(let isWarning, let reason, let message, _):
      note("\(isWarning ? "Warning" : "Normal") \(reason): \(message)")
    }
  }

  var status: JSON { lifecycle.status(hostAddresses: [.v4(IPv4Address(172, 19, 0, 3))]) }

  func containerState(_ index: Int = 0) -> JSON {
    status["containerStatuses"][index]["state"]
  }

  /// The log without its times.
  var steps: [String] {
    log.map { String($0.drop { $0 != " " }.dropFirst()) }
  }

  /// Seconds at which a step was taken.
  func times(_ step: String) -> [Int] {
    log.compactMap { line in
      let parts = line.split(separator: " ", maxSplits: 1)
      guard parts.count == 2, parts[1].hasPrefix(step) else { return nil }
      return Int(parts[0]).map { $0 / 1000 }
    }
  }
}

/// A pod with one container `web`, changed by `change`.
func pod(_ change: (inout JSON) -> Void = { _ in }) -> JSON {
  var object: JSON = [
    "apiVersion": "v1", "kind": "Pod",
    "metadata": ["name": "web-1", "namespace": "default", "uid": "u1"],
    "spec": [
      "nodeName": "agent-0", "restartPolicy": "Always", "terminationGracePeriodSeconds": 30,
      "containers": [["name": "web", "image": "atoll.dev/sample:latest"]],
    ],
  ]
  change(&object)
  return object
}
