import KubeServer
import Kubernetes
import Linux
import Logging
import NetTypes

/// Runs the controllers: what changed marks keys as dirty, each dirty key is reconciled once, and an
/// error of one key delays that key only.
@Loop package final class Controllers {
  enum Key: Hashable {
    case deployment(ResourceName)
    case replicaSet(ResourceName)
    case daemonSet(ResourceName)
    case service(ResourceName)
    case node(String)
    case pod(ResourceName)
  }

  static let tick = Duration.seconds(1)
  /// Ticks between looks at every owner reference.
  static let sweepTicks = 30

  let store: Store
  private let log: Logger
  private let options: NodeLifecycleController.Options
  private let writer: Writer
  private let garbage: GarbageCollector
  private var dirty: [Key] = []
  private var isDirty: Set<Key> = []
  private var delays: [Key: Duration] = [:]
  private var isScheduled = false
  /// Since when this process has answered without a pause.
  private var listening: Timestamp
  private var lastPulse: Instant
  private var tasks: [Task<Void, Never>] = []

  package init(
    store: Store, options: NodeLifecycleController.Options = .init(),
    log: Logger = Logger(label: "controllers")
  ) {
    self.store = store
    self.options = options
    self.log = log
    writer = Writer(store: store)
    garbage = GarbageCollector(store: store)
    listening = store.now
    lastPulse = Loop.now
  }

  package func start() {
    tasks.append(
      Task { @Loop [weak self, store, log] in
        while !Task.isCancelled {
          for await change in store.subscribe(.allExcept([.events, .leases])) {
            self?.note(change)
          }
          if !Task.isCancelled {
            log.warning("controllers fell behind and look at everything anew")
          }
        }
      })
    tasks.append(
      Task { @Loop [weak self] in
        var count = 0
        while !Task.isCancelled {
          try? await Loop.sleep(Self.tick)
          count += 1
          self?.pulse(sweep: count % Self.sweepTicks == 0)
        }
      })
  }

  package func stop() {
    for task in tasks { task.cancel() }
    tasks = []
  }

  // MARK: What a change touches

  private func note(_ change: StoreEvent) {
    let object = KubernetesObject(json: change.json)
    if change.kind == .deleted { perform(garbage.dependents(ofDeleted: object.uid), for: nil) }
    switch change.resource {
    case .deployments: mark(.deployment(change.name))
    case .replicaSets:
      mark(.replicaSet(change.name))
      markController(of: object)
    case .daemonSets: mark(.daemonSet(change.name))
    case .services: mark(.service(change.name))
    case .endpointSlices:
      let slice = EndpointSlice(json: change.json)
      if change.kind != .added, let service = slice.serviceName {
        mark(.service(ResourceName(namespace: slice.namespace, name: service)))
      }
    case .nodes: noteNode(change)
    case .pods: notePod(change)
    default: break
    }
  }

  private func noteNode(_ change: StoreEvent) {
    mark(.node(change.name.name))
    if change.kind == .deleted { perform(orphanedPods(), for: nil) }
    for set in store.list(.daemonSets) {
      mark(.daemonSet(KubernetesObject(json: set).resourceName))
    }
    for pod in store.list(.pods).map(Pod.init(json:)) where pod.nodeName == nil {
      mark(.pod(pod.resourceName))
    }
  }

  private func notePod(_ change: StoreEvent) {
    let pod = Pod(json: change.json)
    markController(of: pod)
    if change.kind != .deleted, pod.nodeName == nil, pod.isActive { mark(.pod(change.name)) }
    let labels = [pod.labels, change.previous.map { Pod(json: $0.json).labels } ?? [:]]
    for service in store.list(.services, namespace: pod.namespace).map(Service.init(json:))
    where !service.selector.isEmpty {
      let selector = LabelSelector(matchLabels: service.selector)
      if labels.contains(where: selector.matches) { mark(.service(service.resourceName)) }
    }
    if pod.controller == nil { markSelectors(of: pod) }
  }

  /// Sets that may adopt a pod without an owner.
  private func markSelectors(of pod: Pod) {
    for set in store.list(.replicaSets, namespace: pod.namespace).map(ReplicaSet.init(json:))
    where set.selector?.matches(pod.labels) ?? false {
      mark(.replicaSet(set.resourceName))
    }
  }

  private func markController(of object: some ObjectView) {
    guard let owner = object.controller else { return }
    let name = ResourceName(namespace: object.namespace, name: owner.name)
    switch owner.kind {
    case "Deployment": mark(.deployment(name))
    case "ReplicaSet":
      mark(.replicaSet(name))
      if let set = store.get(.replicaSets, name), object is Pod {
        markController(of: ReplicaSet(json: set))
      }
    case "DaemonSet": mark(.daemonSet(name))
    default: break
    }
  }

  /// What depends on time alone.
  private func pulse(sweep: Bool) {
    // Stopped or starved: nodes may have called, and nobody answered.
    if lastPulse.duration(to: Loop.now) > Self.tick * 3 { listening = store.now }
    lastPulse = Loop.now
    for node in store.list(.nodes) { mark(.node(KubernetesObject(json: node).name)) }
    for deployment in store.list(.deployments).map(Deployment.init(json:))
    where deployment.minReadySeconds > 0
      || deployment.condition("Progressing")?.reason != "NewReplicaSetAvailable"
    {
      mark(.deployment(deployment.resourceName))
    }
    for set in store.list(.replicaSets).map(ReplicaSet.init(json:))
    where set.minReadySeconds > 0 && set.availableReplicas < set.replicas {
      mark(.replicaSet(set.resourceName))
    }
    guard sweep else { return }
    perform(garbage.sweep() + orphanedPods() + orphanedEndpoints(), for: nil)
  }

  /// Pods on nodes that no longer exist.
  private func orphanedPods() -> [Write] {
    store.list(.pods).map(Pod.init(json:)).compactMap { pod in
      guard let node = pod.nodeName, store.get(.nodes, name: node) == nil else { return nil }
      // Nobody is left there to end it.
      return .delete(.pods, pod.resourceName, uid: pod.uid, grace: 0)
    }
  }

  /// Endpoints of ours whose Service is gone.
  private func orphanedEndpoints() -> [Write] {
    store.list(.endpoints).map(Endpoints.init(json:)).compactMap { endpoints in
      guard EndpointsController.isOwn(endpoints),
        store.get(.services, endpoints.resourceName) == nil
      else { return nil }
      return .delete(.endpoints, endpoints.resourceName, uid: endpoints.uid)
    }
  }

  // MARK: The queue

  private func mark(_ key: Key) {
    guard isDirty.insert(key).inserted else { return }
    dirty.append(key)
    schedule()
  }

  private func schedule() {
    guard !isScheduled else { return }
    isScheduled = true
    // After the changes that wait in the stream, so that a burst is looked at once.
    Task { @Loop [weak self] in self?.drain() }
  }

  private func drain() {
    isScheduled = false
    let keys = dirty
    dirty = []
    isDirty = []
    for key in keys { perform(writes(for: key), for: key) }
  }

  private func writes(for key: Key) -> [Write] {
    switch key {
    case .deployment(let name):
      guard let json = store.get(.deployments, name) else { return [] }
      return DeploymentController.reconcile(
        Deployment(json: json),
        sets: store.list(.replicaSets, namespace: name.namespace).map(ReplicaSet.init(json:)),
        pods: pods(in: name.namespace), now: store.now)
    case .replicaSet(let name):
      guard let json = store.get(.replicaSets, name) else { return [] }
      return ReplicaSetController.reconcile(
        ReplicaSet(json: json), pods: pods(in: name.namespace), now: store.now)
    case .daemonSet(let name):
      guard let json = store.get(.daemonSets, name) else { return [] }
      return DaemonSetController.reconcile(
        DaemonSet(json: json), nodes: store.list(.nodes).map(Node.init(json:)),
        pods: pods(in: name.namespace), now: store.now)
    case .service(let name):
      guard let json = store.get(.services, name) else { return orphanedEndpoints() }
      return EndpointsController.reconcile(
        Service(json: json), pods: pods(in: name.namespace),
        slices: store.list(.endpointSlices, namespace: name.namespace)
          .map(EndpointSlice.init(json:)),
        endpoints: store.get(.endpoints, name).map(Endpoints.init(json:)))
    case .node(let name):
      guard let json = store.get(.nodes, name: name) else { return [] }
      let lease = store.get(.leases, namespace: "kube-node-lease", name: name)
      return NodeLifecycleController.reconcile(
        Node(json: json), lease: lease.map(Lease.init(json:)),
        pods: pods().filter { $0.nodeName == name }, listening: listening, now: store.now, options)
    case .pod(let name): return scheduling(name)
    }
  }

  private func pods(in namespace: String? = nil) -> [Pod] {
    store.list(.pods, namespace: namespace).map(Pod.init(json:))
  }

  private func scheduling(_ name: ResourceName) -> [Write] {
    guard let json = store.get(.pods, name) else { return [] }
    let pod = Pod(json: json)
    guard pod.nodeName == nil, pod.isActive else { return [] }
    let placed = Dictionary(grouping: pods().filter { $0.nodeName != nil && !$0.isFinished }) {
      $0.nodeName ?? ""
    }
    let nodes = store.list(.nodes).map(Node.init(json:))
    switch Scheduling.place(pod, nodes: nodes, placed: placed) {
    case .node(let node):
      return [
        .bind(name, node: node),
        .event(
          EventNote(
            pod.reference, "Scheduled", "Successfully assigned \(name) to \(node)",
            source: "default-scheduler")),
      ]
    case .unschedulable(let reason):
      var view = pod
      view.setCondition(
        Condition(
          type: "PodScheduled", status: false, reason: "Unschedulable", message: reason,
          at: store.now))
      let known = pod.condition("PodScheduled")?.message == reason
      return known
        ? []
        : [
          .updateStatus(.pods, view.json),
          .event(
            EventNote(
              pod.reference, "FailedScheduling", reason, type: "Warning",
              source: "default-scheduler")),
        ]
    }
  }

  // MARK: Writing

  private func perform(_ writes: [Write], for key: Key?) {
    do {
      for write in writes { try writer.perform(write) }
      if let key { delays[key] = nil }
    } catch {
      guard let key else { return log.warning("write refused", metadata: ["why": "\(error)"]) }
      // Somebody else was quicker: the change they made marks the key again by itself.
      let delay = min((delays[key] ?? .milliseconds(25)) * 2, .seconds(30))
      delays[key] = delay
      if !error.isConflict, !error.isNotFound {
        log.warning(
          "controller retries", metadata: ["key": "\(key)", "why": "\(error)", "in": "\(delay)"])
      }
      Loop.after(delay) { [weak self] in self?.mark(key) }
    }
  }
}
