import Delivery
import KubeClient
import Kubernetes
import Linux
import NetTypes

@testable import NodeService

/// Containers, namespaces and a packet filter that exist in memory only.
@Loop final class FakeMachine: PodRuntime, PodNetwork, ProbeRunner, NodeHost {
  private(set) var running: [String: RuntimeContainer] = [:]
  private(set) var launches: [ContainerLaunch] = []
  private(set) var signals: [String] = []
  private(set) var namespaces: Set<String> = []
  private(set) var scripts: [String] = []
  private(set) var announced: [IPPrefix] = []
  private(set) var routed = CalicoState()
  var routingProblems: [Problem] = []
  var onExit: (@Loop (String, ContainerExit) -> Void)?
  var probeResult = ProbeResult.success

  /// A process of the node ended; its containers go on.
  func restarted() -> FakeMachine {
    let next = FakeMachine()
    next.running = running
    next.namespaces = namespaces
    return next
  }

  func ensureImage(
    _ reference: String, policy: ContainerSpecification.PullPolicy
  ) async throws(PodLifecycle.ImageFailure) -> ImagePresence {
    guard reference.hasPrefix("atoll.dev/") else { throw .pull("no such host") }
    return ImagePresence(id: "sha256:1")
  }

  func start(_ launch: ContainerLaunch) async throws(PodLifecycle.StartFailure) -> String {
    launches.append(launch)
    running[launch.id] = RuntimeContainer(
      id: launch.id, podUID: launch.pod.uid, name: launch.container.name,
      attempt: launch.attempt, startedAt: .now, exit: nil)
    return launch.id
  }

  func signal(_ id: String, _ number: Int32) {
    signals.append("\(number) \(id)")
    exit(id, code: 128 + Int(number))
  }

  func exit(_ id: String, code: Int) {
    guard running[id] != nil, running[id]?.exit == nil else { return }
    running[id]?.exit = ContainerExit(code: code, finishedAt: .now)
    onExit?(id, ContainerExit(code: code))
  }

  func execute(_ id: String, _ command: [String], limit: Duration) async throws -> ExecutionResult {
    ExecutionResult(exitCode: 0, output: "")
  }

  func remove(_ id: String) async { running[id] = nil }
  func containers() async -> [RuntimeContainer] { Array(running.values) }

  func setUp(_ pod: PodSpecification, addresses: [IPAddress]) async throws -> String {
    namespaces.insert(pod.uid)
    return "/fake/\(pod.uid)"
  }

  func tearDown(podUID: String) async { namespaces.remove(podUID) }
  func existing() -> Set<String> { namespaces }
  func namespace(podUID: String) -> String? {
    namespaces.contains(podUID) ? "/fake/\(podUID)" : nil
  }

  func http(
    _ get: LifecycleHandler.HTTPGet, to target: SocketAddress, limit: Duration
  ) async -> ProbeResult { probeResult }
  func tcp(_ target: SocketAddress, limit: Duration) async -> ProbeResult { probeResult }
  func grpc(_ target: SocketAddress, service: String, limit: Duration) async -> ProbeResult {
    probeResult
  }

  func prepare() throws {}
  func ensureAddress() throws {}
  func applyRules(_ script: String) async throws { scripts.append(script) }
  func route(blocks: [IPPrefix], calico: CalicoState) -> [Problem] {
    announced = blocks
    routed = calico
    return routingProblems
  }
}
