import Addressing
import Delivery
import Kubernetes
import Linux
import Logging
import NetTypes

/// A node: makes the API's pods real on this host, and tells the API what became of them.
///
/// ```
/// API ─ watch ─▶ pods ─▶ PodWorker ─ actions ─▶ runtime, network, volumes
///     ◀─ status, events, lease ───┘
///     ─ watch ─▶ services, slices ─▶ ServiceTable ─▶ nft
///     ─ watch ─▶ pools, peers ─▶ own blocks ─▶ BGP
/// ```
/// Everything a running pod needs is on this machine's disk: without the API, and across a restart
/// of this process, pods go on as they are, keep their addresses and are restarted when they die.
@Loop package final class NodeAgent: PodHost {
  package let options: NodeOptions
  package let runtime: any PodRuntime
  package let network: any PodNetwork
  package let probes: any ProbeRunner
  package let files: PodFiles
  let api: any ClusterAPI
  let host: any NodeHost
  let addresses: AddressStore
  let events: EventRecorder
  let statuses: StatusWriter
  let log: Logger
  let machine: MachineFacts

  /// By uid.
  package internal(set) var workers: [String: PodWorker] = [:]
  var configuration = ConfigurationCache()
  var node: NodeObject
  var nodeRegistration: Task<Void, Never>?
  var reportedNode: JSON = .null
  var services: [ResourceName: JSON] = [:]
  var slices: [ResourceName: JSON] = [:]
  var serviceSync = SyncedKinds()
  var appliedRules = ""
  var isApplyingRules = false
  var calico = CalicoObjects.Watched()
  var isRoutingDue = false
  var routingSync = SyncedKinds()
  var savedCalico: CalicoState?
  var isWatchingPasswords = false
  var routingProblems: [Problem] = []
  var arePodsListed = false
  var isStopped = false

  package init(
    _ options: NodeOptions, api: any ClusterAPI, runtime: any PodRuntime,
    network: any PodNetwork, probes: any ProbeRunner, host: any NodeHost, log: Logger
  ) {
    self.options = options
    self.api = api
    self.runtime = runtime
    self.network = network
    self.probes = probes
    self.host = host
    self.log = log
    files = PodFiles(state: options.stateDirectory, runtime: options.runtimeDirectory)
    machine = MachineFacts.read(stateDirectory: options.stateDirectory)
    node = NodeObject(options, machine: machine)
    addresses = AddressStore(
      host: options.nodeName, stateDirectory: options.stateDirectory, records: api
    ) { log.warning("\($0)") }
    events = EventRecorder(api: api, nodeName: options.nodeName)
    statuses = StatusWriter(api: api)
  }

  package var nodeName: String { options.nodeName }
  package var hostAddresses: [IPAddress] { [options.address.address] }

  /// Starts everything; returns when what ran before this process is taken over.
  package func start() async throws {
    try Files.makeDirectory(options.stateDirectory)
    try Files.makeDirectory(options.runtimeDirectory)
    try host.prepare()
    runtime.onExit = { [weak self] id, exit in
      for worker in self?.workers.values.map(\.self) ?? [] { worker.exited(id, exit) }
    }
    addresses.onBlocks = { [weak self] blocks in self?.blocksChanged(blocks) }
    savedCalico = (try? FileSystem.read(calicoPath)).flatMap { try? JSON(parsing: $0) }
      .map(CalicoState.init(json:))
    await adopt()
    watchPods()
    watchServices()
    watchNetwork()
    startNode()
  }

  /// Stops to follow the API and to look after pods, which go on as they are.
  package func stop() {
    isStopped = true
    nodeRegistration?.cancel()
    runtime.onExit = nil
    for worker in workers.values { worker.stop() }
    workers = [:]
  }

  // MARK: What pods ask of their node

  static func handle(_ uid: String) -> String { "k8s-pod-network.\(uid)" }

  package func allocate(_ pod: PodSpecification) async throws -> [IPAddress] {
    let owner = IPAMBlock.Owner(
      handle: Self.handle(pod.uid),
      attributes: ["namespace": pod.namespace, "node": nodeName, "pod": pod.name])
    return [try await addresses.allocate(owner)]
  }

  package func release(_ pod: PodSpecification) { addresses.release(handle: Self.handle(pod.uid)) }

  package func context(of pod: PodSpecification) async -> PodContext {
    let names = PodContext.references(of: pod.object)
    if !names.configMaps.isEmpty { await watchConfiguration(.configMaps) }
    if !names.secrets.isEmpty { await watchConfiguration(.secrets) }
    var context = PodContext(pod: pod.object, nodeName: nodeName)
    context.hostAddresses = hostAddresses
    context.allocatable = machine.allocatable
    context.configMaps = configuration.objects(.configMaps, names.configMaps, in: pod.namespace)
    context.secrets = configuration.objects(.secrets, names.secrets, in: pod.namespace)
    context.resolver = ResolverConfiguration(
      of: pod, cluster: options.clusterDNS.map { ("\($0)", options.clusterDomain) },
      node: ResolverConfiguration(parsing: Files.text(options.resolverPath) ?? ""))
    if pod.spec["enableServiceLinks"].bool ?? true {
      let api = services[ResourceName(namespace: "default", name: "kubernetes")]
      context.apiService = api?.at("spec.clusterIP").string.flatMap { IPAddress($0) }.map {
        SocketAddress(
          $0,
          port: api?["spec"]["ports"][0]["port"].int.flatMap { UInt16(exactly: $0) } ?? 443)
      }
    }
    return context
  }

  package func record(_ pod: PodSpecification, _ event: PodEvent) {
    events.record(pod.reference, event)
    if event.isWarning {
      log.warning("\(pod.namespace)/\(pod.name): \(event.reason): \(event.message)")
    }
  }

  package func publish(_ pod: PodSpecification, status: JSON) {
    var object = pod.object
    object["status"] = status
    do {
      try files.save(object)
    } catch {
      log.warning("pod \(pod.namespace)/\(pod.name) not kept on disk: \(error)")
    }
    statuses.write(
      uid: pod.uid, ResourceName(namespace: pod.namespace, name: pod.name), status: status)
  }

  package func finalize(_ pod: PodSpecification, wasRemoved: Bool) {
    workers[pod.uid] = nil
    guard !wasRemoved else { return }
    Task { @Loop in await deleteObject(of: pod) }
  }

  private func deleteObject(of pod: PodSpecification) async {
    let name = ResourceName(namespace: pod.namespace, name: pod.name)
    var delay = Duration.milliseconds(200)
    while true {
      do {
        try await api.delete(
          .pods, name,
          options: [
            "gracePeriodSeconds": 0, "preconditions": ["uid": .string(pod.uid)],
          ])
        return
      } catch let status as APIStatus where status.isNotFound || status.code == 409 {
        return
      } catch {
        try? await Loop.sleep(delay)
        delay = min(delay * 2, .seconds(5))
      }
    }
  }
}

/// The machine around a node: its own interface, its packet filter, its routing.
@Loop package protocol NodeHost: AnyObject {
  /// Forwarding on, loopback up.
  func prepare() throws
  /// Puts the node's address back if it has gone.
  func ensureAddress() throws
  /// Replaces the packet filter's rules in one transaction.
  func applyRules(_ script: String) async throws
  /// What to announce, and how: own blocks, and Calico's objects as they are in the API. Returns
  /// what is wrong with the objects.
  func route(blocks: [IPPrefix], calico: CalicoState) -> [Problem]
}
