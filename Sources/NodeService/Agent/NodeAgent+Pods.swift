import Glibc
import Kubernetes
import Linux
import Logging
import NetTypes

extension NodeAgent {
  /// Takes over what an earlier process left: pods on disk, their containers and namespaces.
  func adopt() async {
    let found = Dictionary(grouping: await runtime.containers(), by: \.podUID)
    let namespaces = network.existing()
    for object in files.saved() {
      let specification = PodSpecification(object: object)
      guard !specification.uid.isEmpty else { continue }
      let worker = PodWorker(specification, host: self)
      let status = object["status"]
      var known = status["podIPs"].elements.compactMap {
        $0["ip"].string.flatMap { IPAddress($0) }
      }
      if !namespaces.contains(specification.uid) { known = [] }
      if !known.isEmpty, !specification.isHostNetwork {
        // Repairs what is missing: the node's own namespace may be another than before.
        do {
          _ = try await network.setUp(specification, addresses: known)
        } catch {
          log.warning("network of \(specification.namespace)/\(specification.name): \(error)")
          known = []
        }
      }
      worker.adopt(
        found[specification.uid] ?? [], status: status, addresses: known, hasVolumes: false)
      workers[specification.uid] = worker
      worker.send(.tick)
    }
    for (uid, containers) in found where workers[uid] == nil {
      for container in containers { await discard(container) }
    }
    for uid in namespaces where workers[uid] == nil { await network.tearDown(podUID: uid) }
    if !workers.isEmpty { log.info("took over \(workers.count) pods") }
  }

  private func discard(_ container: RuntimeContainer) async {
    log.info("removing container \(container.id): its pod is gone")
    if container.exit == nil { runtime.signal(container.id, SIGKILL) }
    await runtime.remove(container.id)
  }

  func watchPods() {
    var listed: Set<String> = []
    api.watch(.pods, fieldSelector: "spec.nodeName=\(nodeName)") { [weak self] change in
      guard let self, !isStopped else { return }
      switch change {
      case .updated(let object):
        listed.insert(object.at("metadata.uid").string ?? "")
        podUpdated(object)
      case .deleted(let object):
        let uid = object.at("metadata.uid").string ?? ""
        listed.remove(uid)
        podRemoved(uid)
      case .synced:
        arePodsListed = true
        for uid in workers.keys where !listed.contains(uid) { podRemoved(uid) }
        addresses.keep(only: Set(workers.keys.map(Self.handle)))
      }
    }
    statuses.onMissing = { [weak self] uid in
      guard let self, arePodsListed else { return }
      podRemoved(uid)
    }
  }

  private func podUpdated(_ object: JSON) {
    let specification = PodSpecification(object: object)
    guard !specification.uid.isEmpty else { return }
    if let worker = workers[specification.uid] {
      // What this node wrote itself comes back; only the rest can be news.
      worker.send(.specification(specification))
      statuses.correct(uid: specification.uid, observed: object["status"])
      return
    }
    let phase = object.at("status.phase").string
    if phase == "Succeeded" || phase == "Failed" {
      // It ended before this process, and its records are gone; only a deletion remains to be done.
      if specification.deletionGrace != nil { finalize(specification, wasRemoved: false) }
      return
    }
    let worker = PodWorker(specification, host: self)
    // Without local records the pod is new here, or this machine lost them: containers that the API
    // believes to run do not.
    worker.adopt([], status: object["status"], addresses: [], hasVolumes: false)
    workers[specification.uid] = worker
    worker.send(.tick)
    if specification.deletionGrace != nil { worker.send(.specification(specification)) }
  }

  private func podRemoved(_ uid: String) {
    statuses.forget(uid: uid)
    workers[uid]?.send(.removed)
  }

  // MARK: ConfigMaps and Secrets

  /// Starts the watch at the first need, and waits for its first list, though not for ever.
  func watchConfiguration(_ kind: GroupResource) async {
    if configuration.beginWatching(kind) {
      api.watch(kind, fieldSelector: nil) { [weak self] change in
        guard let self, let name = configuration.apply(kind, change) else { return }
        configurationChanged(kind, name)
      }
    }
    guard !configuration.isSynced(kind) else { return }
    let waiter = Waiter()
    configuration.wait(for: kind, waiter)
    let timer = Loop.after(.seconds(3)) { waiter.resume() }
    try? await waiter.wait()
    timer.cancel()
  }

  private func configurationChanged(_ kind: GroupResource, _ name: ResourceName) {
    for worker in workers.values.map(\.self)
    where worker.specification.namespace == name.namespace {
      let names = PodContext.references(of: worker.specification.object)
      let isNamed = (kind == .configMaps ? names.configMaps : names.secrets).contains(name.name)
      guard isNamed else { continue }
      worker.send(.configurationChanged)
      let specification = worker.specification
      Task { @Loop in
        // Files of a volume follow their source; one that fails now is told at the next start.
        guard let volumes = try? await context(of: specification).volumes() else { return }
        try? files.prepare(specification, volumes: volumes)
      }
    }
  }
}
