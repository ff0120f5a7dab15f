import Glibc
import Kubernetes
import Linux
import NetTypes

extension PodWorker {
  func perform(_ action: PodLifecycle.Action) {
    switch action {
    case .setUpNetwork: task { await $0.setUpNetwork() }
    case .prepareVolumes: task { await $0.prepareVolumes() }
    case .ensureImage(let name): task { await $0.ensureImage(name) }
    case .start(let name, let attempt): task { await $0.start(name, attempt: attempt) }
    case .runPreStop(let name, let handler, let limit):
      task { await $0.runPreStop(name, handler, limit: limit) }
    case .signal(let name): signal(name, SIGTERM)
    case .kill(let name): signal(name, SIGKILL)
    case .probe(let name, let kind, let probe):
      task { worker in
        let result = await worker.run(probe.handler, in: name, limit: probe.timeout)
        worker.send(.probed(container: name, kind, result))
      }
    case .tearDown:
      task { worker in
        await worker.host.network.tearDown(podUID: worker.specification.uid)
        worker.host.release(worker.specification)
        await worker.removeDead()
        if case .tearingDown = worker.lifecycle.stage {
          worker.host.files.remove(podUID: worker.specification.uid)
        }
        worker.send(.tornDown)
      }
    case .finalize:
      stop()
      host.files.remove(podUID: specification.uid)
      host.finalize(specification, wasRemoved: lifecycle.isRemoved)
    case .record(let isWarning, let reason, let message, let name):
      record(isWarning, reason, message, name)
    }
  }

  /// The worker lives as long as its tasks do.
  private func task(_ body: @escaping @Loop (PodWorker) async -> Void) {
    Task { @Loop in await body(self) }
  }

  func record(_ isWarning: Bool, _ reason: String, _ message: String, _ name: String?) {
    host.record(
      specification,
      PodEvent(
        isWarning: isWarning, reason: reason, message: message,
        fieldPath: name.flatMap { container($0)?.specification.fieldPath }))
  }

  private func setUpNetwork() async {
    do {
      let addresses = try await host.allocate(specification)
      _ = try await host.network.setUp(specification, addresses: addresses)
      send(.network(.success(addresses)))
    } catch {
      send(
        .network(
          .failure(.init(reason: "FailedCreatePodSandBox", message: String(describing: error)))))
    }
  }

  private func prepareVolumes() async {
    let context = await host.context(of: specification)
    do {
      try host.files.prepare(specification, volumes: context.volumes())
      send(.volumes(.success(.init())))
    } catch {
      send(.volumes(.failure(.init(reason: "FailedMount", message: String(describing: error)))))
    }
  }

  private func ensureImage(_ name: String) async {
    guard let container = container(name)?.specification else { return }
    if container.pullPolicy == .always {
      record(false, "Pulling", "Pulling image \"\(container.image)\"", name)
    }
    do throws(PodLifecycle.ImageFailure) {
      let image = try await host.runtime.ensureImage(container.image, policy: container.pullPolicy)
      if let time = image.pullTime {
        let seconds = Double(time.inNanoseconds / 1_000_000) / 1000
        record(
          false, "Pulled",
          "Successfully pulled image \"\(container.image)\" in \(seconds)s (\(seconds)s including "
            + "waiting). Image size: \(image.size ?? 0) bytes.", name)
      } else {
        record(
          false, "Pulled", "Container image \"\(container.image)\" already present on machine",
          name)
      }
      send(.image(container: name, .success(image.id)))
    } catch {
      send(.image(container: name, .failure(error)))
    }
  }

  private func start(_ name: String, attempt: Int) async {
    guard let container = container(name)?.specification else { return }
    do throws(PodLifecycle.StartFailure) {
      let launch = try await launch(container, attempt: attempt)
      // Known before it starts: it may exit before the call returns.
      ids[name] = launch.id
      let id = try await host.runtime.start(launch)
      ids[name] = id
      record(false, "Created", "Created container: \(name)", name)
      send(.started(container: name, id: Self.statusID(id)))
    } catch {
      send(.startFailed(container: name, error))
    }
  }

  private func launch(
    _ container: ContainerSpecification, attempt: Int
  ) async throws(PodLifecycle.StartFailure) -> ContainerLaunch {
    var context = await host.context(of: specification)
    context.addresses = specification.isHostNetwork ? host.hostAddresses : lifecycle.addresses
    let variables: [(name: String, value: String)]
    let mounts: [ContainerLaunch.Mount]
    do {
      variables = try context.environment(of: container.json)
      mounts = try host.files.mounts(
        of: container, in: specification, addresses: lifecycle.addresses,
        resolver: context.resolver)
    } catch {
      throw .configuration(String(describing: error))
    }
    let values = Dictionary(variables.map { ($0.name, $0.value) }, uniquingKeysWith: { $1 })
    let expand = { (json: JSON) in
      json.elements.compactMap(\.string).map { PodContext.expand($0) { values[$0] } }
    }
    let resources = container.json["resources"]
    return ContainerLaunch(
      pod: specification, container: container, attempt: attempt,
      command: expand(container.json["command"]), arguments: expand(container.json["args"]),
      environment: [.init(name: "HOSTNAME", value: specification.hostname(node: host.nodeName))]
        + variables.map { .init(name: $0.name, value: $0.value) },
      mounts: mounts, hostname: specification.hostname(node: host.nodeName),
      networkNamespace: specification.isHostNetwork
        ? nil : host.network.namespace(podUID: specification.uid),
      logPath: host.files.logPath(specification, container: container.name, attempt: attempt),
      cpuLimit: Quantity(json: resources.at("limits.cpu"))?.milli,
      cpuRequest: Quantity(json: resources.at("requests.cpu"))?.milli,
      memoryLimit: Quantity(json: resources.at("limits.memory"))?.value)
  }

  private func runPreStop(
    _ name: String, _ handler: LifecycleHandler, limit: Duration
  ) async {
    let result: ProbeResult
    if case .sleep(let duration) = handler {
      try? await Loop.sleep(min(duration, limit))
      result = .success
    } else {
      result = await run(handler, in: name, limit: limit)
    }
    if case .failure(let text) = result {
      send(.preStopEnded(container: name, failure: text))
    } else {
      send(.preStopEnded(container: name, failure: nil))
    }
  }

  private func signal(_ name: String, _ number: Int32) {
    guard let id = ids[name] else { return }
    host.runtime.signal(id, number)
  }

  /// Runs a handler against a container.
  func run(_ handler: LifecycleHandler, in name: String, limit: Duration) async -> ProbeResult {
    let address =
      specification.isHostNetwork ? host.hostAddresses.first : lifecycle.addresses.first
    switch handler {
    case .exec(let command):
      guard let id = ids[name] else { return .failure("container is not running") }
      do {
        let result = try await host.runtime.execute(id, command, limit: limit)
        return result.exitCode == 0 ? .success : .failure(result.output)
      } catch {
        return .failure(String(describing: error))
      }
    case .http(let get):
      guard let target = get.host.flatMap({ IPAddress($0) }) ?? address else {
        return .failure("no address to connect to")
      }
      return await host.probes.http(
        get, to: SocketAddress(target, port: get.port), limit: limit)
    case .tcp(let host, let port):
      guard let target = host.flatMap({ IPAddress($0) }) ?? address else {
        return .failure("no address to connect to")
      }
      return await self.host.probes.tcp(SocketAddress(target, port: port), limit: limit)
    case .grpc(let port, let service):
      guard let address else { return .failure("no address to connect to") }
      return await host.probes.grpc(
        SocketAddress(address, port: port), service: service, limit: limit)
    case .sleep: return .success
    }
  }

  private func removeDead() async {
    for (_, id) in ids { await host.runtime.remove(id) }
  }
}

extension PodSpecification {
  /// What the pod's containers see as their host's name: at most 63 bytes.
  func hostname(node: String) -> String {
    if isHostNetwork { return node }
    let name = spec["hostname"].string ?? self.name
    var short = String(name.prefix(63))
    while let last = short.last, last == "-" || last == "." { short.removeLast() }
    return short
  }
}
