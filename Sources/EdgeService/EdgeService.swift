import Addressing
import Delivery
import Engine
import Glibc
import Intent
import KubeClient
import Kubernetes
import Linux
import Logging
import NetTypes
import RouterService
import Telemetry

/// The edge of a unit: a BGP router, the data plane, and what turns the cluster's objects into both.
///
///     informers ──▶ objects ──▶ plan ──▶ addresses, engine, statuses, events
///                      ▲
///        last good ────┘  until every informer has its first list
///
/// What is served changes only by a complete picture: an API server that is away, or that answers
/// with errors, leaves everything as it is, and an edge that restarts meanwhile serves from the last
/// good objects on its disk.
@Loop package final class EdgeService {
  let options: EdgeOptions
  let router: any EdgeRouter
  let engine: Engine
  let client: KubeClient
  let services: Informer<Service>
  let slices: Informer<EndpointSlice>
  let ingresses: Informer<Ingress>
  let classes: Informer<IngressClass>
  /// Certificates; an edge that may not read them serves all else.
  private let secrets: Informer<Secret>
  /// For which of them are draining; an edge that may not read nodes serves all the same.
  private let nodes: Informer<Node>
  private let namespaces: Informer<Namespace>
  /// Followed once a namespace says how its pods leave.
  private let pods: Informer<Pod>
  private(set) var plan: DeliveryPlan?
  private(set) var problems: [Problem] = []

  private var assignment: VIPAssignment
  private let interface: VIPInterface
  private let events: EventRecorder
  private var statuses: StatusWriter?
  /// As of the last look at the nodes; before the first, as it was kept.
  private var drainingNodes: Set<String> = []
  /// As of the last look at the Secrets; before the first, as they were kept.
  private var certificates: [Secret] = []
  /// As of the last look at the namespaces and their pods; before the first, as they were kept.
  private var leaving: (namespaces: [Namespace], pods: [String: [IPAddress]]) = ([], [:])
  private var complaints: Set<DeliveryPlan.Complaint> = []
  private let store: ObjectStore
  private var pending: Timer?
  private var isStopping = false
  private let log: Logger

  /// An edge with the router that its options name.
  package convenience init(_ options: EdgeOptions, log: Logger = Logger(label: "edge")) throws {
    try self.init(
      options, router: TextRouter(path: options.routerConfiguration, log: log), log: log)
  }

  package init(
    _ options: EdgeOptions, router: any EdgeRouter, log: Logger = Logger(label: "edge")
  ) throws {
    self.log = log
    self.options = options
    self.router = router
    client = try KubeClient(kubeconfig: try Kubeconfig.read(options.kubeconfig))
    client.userAgent = "atoll-edge/\(options.name)"
    var settings = Engine.Settings()
    settings.workers = options.workers
    settings.kernel.table = "atoll-edge"
    engine = try Engine(settings)
    engine.onProblem = { log.error("not served", metadata: ["why": "\($0)"]) }
    services = try Informer(client, .services)
    slices = try Informer(client, .endpointSlices)
    ingresses = try Informer(client, .ingresses)
    classes = try Informer(client, .ingressClasses)
    secrets = try Informer(client, .secrets, fields: "type=kubernetes.io/tls")
    nodes = try Informer(client, .nodes)
    namespaces = try Informer(client, .namespaces)
    pods = try Informer(client, .pods)
    assignment = VIPAssignment(
      pool: VIPAllocator(
        subnet: options.vipPrefix, first: options.reservedVIPs, reserved: [options.ingressVIP]))
    interface = VIPInterface(name: options.vipInterface, prefix: options.vipPrefix)
    events = EventRecorder(client, component: "atoll-edge", host: options.name)
    store = ObjectStore(path: options.state + "/objects.json")
  }

  /// Serves until SIGTERM or SIGINT, and reads the routing configuration again at SIGHUP.
  package func run() async throws {
    try await start()
    while try await Signals.wait(for: [SIGTERM, SIGINT, SIGHUP]) == SIGHUP {
      engine.reopenAccessLogs()
      router.reload()
    }
    await stop()
  }

  private var control: ControlServer?

  func start() async throws {
    try FileSystem.makeDirectories(options.state, mode: 0o700)
    var actions = ControlServer.Actions(
      status: { [unowned self] in status },
      metrics: { [unowned self] in metrics },
      shell: { [unowned self] line, session in await router.shell(line, session: session) })
    actions.more = { [unowned self] request in EdgeControl(engine: engine).answer(request) }
    actions.drain = { [unowned self] in startDrain() }
    let control = try ControlServer(path: options.socket, actions: actions)
    self.control = control
    control.start()
    try await router.start()
    if let objects = store.load() {
      drainingNodes = objects.drainingNodes
      certificates = objects.certificates
      leaving = (objects.namespaces, objects.podAddresses)
      log.info("serving from the last good objects until the API server has answered")
      apply(objects, isComplete: false)
    }
    statuses = StatusWriter(client) { [weak self] in self?.schedule() }
    services.onUpdate = { [weak self] in self?.schedule() }
    slices.onUpdate = { [weak self] in self?.schedule() }
    ingresses.onUpdate = { [weak self] in self?.schedule() }
    classes.onUpdate = { [weak self] in self?.schedule() }
    secrets.onUpdate = { [weak self] in self?.schedule() }
    nodes.onUpdate = { [weak self] in self?.nodesChanged() }
    namespaces.onUpdate = { [weak self] in self?.podsChanged() }
    pods.onUpdate = { [weak self] in self?.podsChanged() }
    services.start()
    slices.start()
    ingresses.start()
    classes.start()
    secrets.start()
    nodes.start()
    if options.translatesSources { namespaces.start() }
    log.info("edge started", metadata: ["api": "\(client.server)"])
  }

  private(set) var isDraining = false
  /// Peers get this long to move to other routes before connections are refused.
  private static let drainPause = Duration.seconds(1)
  /// Without an end of its own: who asked for the drain decides how long to wait.
  private static let drainLimit = Duration.seconds(86_400)

  /// Leaves traffic in good order, then ends the process as SIGTERM does.
  private func startDrain() {
    guard !isDraining, !isStopping else { return }
    isDraining = true
    log.notice("edge draining")
    router.announceShutdown()
    Task { @Loop in
      try? await Loop.sleep(Self.drainPause)
      stopFollowing()
      await engine.drain(Self.drainLimit)
      await router.withdraw()
      log.notice("edge drained")
      kill(getpid(), SIGTERM)
    }
  }

  /// Leaves what is served as it is.
  private func stopFollowing() {
    pending?.cancel()
    services.stop()
    slices.stop()
    ingresses.stop()
    classes.stop()
    secrets.stop()
    nodes.stop()
    namespaces.stop()
    pods.stop()
  }

  /// Stops accepting, lets what is in flight end for a moment, and leaves. Addresses and routes
  /// stay, for the process that comes next.
  func stop() async {
    guard !isStopping else { return }
    isStopping = true
    log.info("edge stopping")
    stopFollowing()
    await engine.drain(options.drain, forGood: false)
    await router.stop()
    await control?.stop()
    store.flush()
  }

  /// Every informer has read its first list.
  var hasSynced: Bool {
    services.hasSynced && slices.hasSynced && ingresses.hasSynced && classes.hasSynced
  }

  /// Nodes change often, and only this of them matters.
  private func nodesChanged() {
    guard nodes.hasSynced else { return }
    let draining = Set(nodes.all.filter { $0.drain != nil }.map(\.name))
    guard draining != drainingNodes else { return }
    drainingNodes = draining
    schedule()
  }

  /// Pods change often, and only the addresses of some matter.
  private func podsChanged() {
    guard namespaces.hasSynced else { return }
    let asking = namespaces.all.filter {
      $0.annotations[DeliveryTranslation.snatAnnotation] != nil
    }
    if !asking.isEmpty { pods.start() }
    guard asking.isEmpty || pods.hasSynced else { return }
    let names = Set(asking.map(\.name))
    var addresses: [String: [IPAddress]] = [:]
    for pod in pods.all
    where names.contains(pod.namespace) && !pod.isFinished && !pod.podSpec.hostNetwork {
      // Of IPv4, as all that a unit routes.
      guard let address = pod.podIP.flatMap({ IPAddress($0) }), address.isIPv4 else { continue }
      addresses[pod.namespace, default: []].append(address)
    }
    guard asking != leaving.namespaces || addresses != leaving.pods else { return }
    leaving = (asking, addresses)
    schedule()
  }

  /// Changes that come together are applied together.
  private func schedule(after delay: Duration = .milliseconds(2)) {
    guard pending == nil, !isStopping else { return }
    pending = Loop.after(delay) { [weak self] in
      guard let self else { return }
      pending = nil
      guard hasSynced else { return }
      var objects = EdgeObjects()
      objects.services = services.all
      objects.slices = slices.all
      objects.ingresses = ingresses.all
      objects.classes = classes.all
      if secrets.hasSynced { certificates = secrets.all }
      objects.certificates = certificates
      objects.drainingNodes = drainingNodes
      (objects.namespaces, objects.podAddresses) = leaving
      apply(objects, isComplete: true)
      store.save(objects)
    }
  }

  /// - Parameter isComplete: The objects are the cluster's own; without that, nothing is removed
  ///   and nobody is told.
  private func apply(_ objects: EdgeObjects, isComplete: Bool) {
    let plan = DeliveryPlan(
      objects, assignment: &assignment, ingressVIP: options.ingressVIP,
      egress: options.translatesSources ? options.vipInterface : nil, applied: engine.applied)
    self.plan = plan
    var failed = false
    do {
      // Before the engine listens on them.
      try interface.apply(plan.addresses, removing: false)
    } catch {
      failed = true
      log.error("virtual addresses are not set", metadata: ["reason": "\(error)"])
    }
    problems = engine.apply(plan.configuration)
    for problem in problems { log.warning("not served", metadata: ["problem": "\(problem)"]) }
    if isComplete {
      engine.recoverKernel()
      do {
        try interface.apply(plan.addresses, removing: true)
      } catch {
        failed = true
        log.error("virtual addresses are not removed", metadata: ["reason": "\(error)"])
      }
      statuses?.write(plan.patches)
      tell(plan.complaints + problems.compactMap(plan.complaint))
    }
    if failed || !problems.isEmpty { Loop.after(.seconds(2)) { [weak self] in self?.schedule() } }
  }

  /// An Event for what is newly wrong; the same thing is told once while it lasts.
  private func tell(_ current: [DeliveryPlan.Complaint]) {
    let current = Set(current)
    for complaint in current.subtracting(complaints) {
      log.warning(
        "refused",
        metadata: [
          "object": "\(complaint.object.groupVersionKind.kind) \(complaint.object.resourceName)",
          "reason": "\(complaint.message)",
        ])
      events.record(
        complaint.object, type: "Warning", reason: "NotServed", message: complaint.message)
    }
    complaints = current
  }
}
