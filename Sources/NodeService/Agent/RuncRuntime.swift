import Containers
import Glibc
import KubeClient
import Kubernetes
import Linux
import NetTypes

/// Pods' containers by runc, from the machine's image store.
@Loop package final class RuncRuntime: PodRuntime {
  private static let podLabel = "io.kubernetes.pod.uid"
  private static let nameLabel = "io.kubernetes.container.name"
  private static let attemptLabel = "io.kubernetes.container.attempt"
  /// How long an image that is here waits for a newer one under the policy Always.
  private static let refreshLimit = Duration.seconds(5)

  private let runtime: ContainerRuntime
  private let images: ImageStore
  /// Below this control group, from the hierarchies' roots, each container has its own.
  private let controlGroup: String
  package var onExit: (@Loop (String, ContainerExit) -> Void)?

  package init(_ options: NodeOptions) throws {
    runtime = try ContainerRuntime(
      state: options.stateDirectory + "/containers", runtime: options.runtimeDirectory + "/runc")
    // The supervisor stands outside the unit, where the registries are.
    images = ImageStore(root: options.imageDirectory, networkOf: getppid())
    controlGroup = "/atoll/\(options.unit)/\(options.nodeName)"
    runtime.onExit = { [weak self] id, ending in self?.onExit?(id, Self.exit(ending)) }
  }

  private static func exit(_ ending: ChildProcess.Ending) -> ContainerExit {
    switch ending {
    case .exited(let code): ContainerExit(code: Int(code), finishedAt: .now)
    case .killed(let signal):
      ContainerExit(code: 128 + Int(signal), signal: Int(signal), finishedAt: .now)
    // Its parent was another process of this node, and took the exit code along.
    case .unknown: ContainerExit(code: 137, finishedAt: .now)
    }
  }

  package func ensureImage(
    _ reference: String, policy: ContainerSpecification.PullPolicy
  ) async throws(PodLifecycle.ImageFailure) -> ImagePresence {
    guard let name = ImageReference(reference) else {
      throw .invalidName("couldn't parse image name \"\(reference)\": invalid reference format")
    }
    if name == .sample {
      do { return Self.presence(try images.ensureSample()) } catch { throw .pull("\(error)") }
    }
    let present = images.image(name)
    if let present, policy != .always { return Self.presence(present) }
    guard policy != .never else { throw .absent }
    let start = Loop.now
    do {
      let image = try await pull(name, limit: present == nil ? nil : Self.refreshLimit)
      return ImagePresence(
        id: image.id, size: image.size, pullTime: start.duration(to: Loop.now))
    } catch {
      // Imported by hand, or the registry is away: what is here is what there is.
      if let present { return Self.presence(present) }
      throw .pull("\(error)")
    }
  }

  private func pull(_ name: ImageReference, limit: Duration?) async throws -> Containers.Image {
    let task = Task { @Loop in try await images.pull(name) }
    let timer = limit.map { limit in Loop.after(limit) { task.cancel() } }
    defer { timer?.cancel() }
    return try await task.value
  }

  private static func presence(_ image: Containers.Image) -> ImagePresence {
    ImagePresence(id: image.id, size: image.size)
  }

  package func start(
    _ launch: ContainerLaunch
  ) async throws(PodLifecycle.StartFailure) -> String {
    guard let name = ImageReference(launch.container.image), let image = images.image(name) else {
      throw .create("image \"\(launch.container.image)\" is no longer here")
    }
    do {
      if let slash = launch.logPath.lastIndex(of: "/") {
        try Files.makeDirectory(String(launch.logPath[..<slash]))
      }
      return try await runtime.start(specification(launch, image)).id
    } catch {
      throw .run("\(error)")
    }
  }

  private func specification(_ launch: ContainerLaunch, _ image: Containers.Image) -> ContainerSpec
  {
    var spec = ContainerSpec(
      id: launch.id, image: image, logPath: launch.logPath,
      controlGroup: "\(controlGroup)/\(launch.id)")
    spec.labels = [
      Self.podLabel: launch.pod.uid, Self.nameLabel: launch.container.name,
      Self.attemptLabel: String(launch.attempt),
    ]
    spec.command = launch.command
    spec.arguments = launch.arguments
    spec.environment = launch.environment.map { ($0.name, $0.value) }
    spec.workingDirectory = launch.container.json["workingDir"].string
    spec.mounts = launch.mounts.map {
      ContainerSpec.Mount(source: $0.source, target: $0.target, isReadOnly: $0.isReadOnly)
    }
    spec.hostname = launch.hostname
    spec.networkNamespace = launch.networkNamespace
    spec.cpuLimit = launch.cpuLimit
    spec.cpuRequest = launch.cpuRequest
    spec.memoryLimit = launch.memoryLimit
    let own = launch.container.json["securityContext"]
    let shared = launch.pod.spec["securityContext"]
    let number = { (key: String) in
      (own[key].int ?? shared[key].int).flatMap { UInt32(exactly: $0) }
    }
    spec.userID = number("runAsUser")
    spec.groupID = number("runAsGroup")
    spec.supplementaryGroups =
      (shared["supplementalGroups"].elements + [shared["fsGroup"]]).compactMap {
        $0.int.flatMap { UInt32(exactly: $0) }
      }
    spec.mustNotBeRoot = own["runAsNonRoot"].bool ?? shared["runAsNonRoot"].bool ?? false
    spec.isPrivileged = own["privileged"].bool ?? false
    spec.hasReadOnlyRoot = own["readOnlyRootFilesystem"].bool ?? false
    spec.addedCapabilities = own.at("capabilities.add").elements.compactMap(\.string)
    spec.droppedCapabilities = own.at("capabilities.drop").elements.compactMap(\.string)
    return spec
  }

  package func signal(_ id: String, _ number: Int32) { runtime.signal(id, number) }

  package func execute(
    _ id: String, _ command: [String], limit: Duration
  ) async throws -> ExecutionResult {
    let result = try await runtime.execute(id, command, timeout: limit)
    switch result.ending {
    case .exited(let code):
      return ExecutionResult(
        exitCode: Int(code), output: result.outputText + result.errorText)
    case .killed, .unknown:
      throw ExecutionTimeout(command: command, limit: limit)
    }
  }

  private struct ExecutionTimeout: Error, CustomStringConvertible {
    let command: [String]
    let limit: Duration
    var description: String {
      "command \"\(command.joined(separator: " "))\" timed out after \(limit.goText)"
    }
  }

  package func remove(_ id: String) async { await runtime.delete(id) }

  package func containers() async -> [RuntimeContainer] {
    runtime.containers().map { container, isRunning in
      RuntimeContainer(
        id: container.id, podUID: container.labels[Self.podLabel] ?? "",
        name: container.labels[Self.nameLabel] ?? "",
        attempt: container.labels[Self.attemptLabel].flatMap(Int.init) ?? 0,
        startedAt: Timestamp(unixSeconds: container.startedAt),
        exit: isRunning ? nil : ContainerExit(code: 137, finishedAt: .now))
    }
  }
}
