import Intent
import KubeClient
import Kubernetes
import Linux
import Logging

/// The objects of a cluster that a name service acts on, kept up to date, and on disk for a start
/// without the API server.
///
/// Only a complete picture changes anything: an API server that is away, or that answers with errors,
/// leaves everything as it is.
@Loop final class ClusterFollower {
  struct Objects: Equatable, Sendable {
    var cluster = ClusterNames()
    var names = NameObjects()
  }

  let client: KubeClient
  private let services: Informer<Service>
  private let slices: Informer<EndpointSlice>
  private let pods: Informer<Pod>
  private let ingresses: Informer<Ingress>
  private var resources: CustomResources?
  private let path: String
  private var pending: Timer?
  private var saving: Timer?
  private var saved: JSON?
  private let onChange: @Loop (_ objects: Objects, _ isComplete: Bool) -> Void
  private let log: Logger

  /// - Parameter state: The folder of the last good objects.
  init(
    kubeconfig: String, state: String, name: String, log: Logger,
    onChange: @escaping @Loop (Objects, Bool) -> Void
  ) throws {
    self.onChange = onChange
    self.log = log
    path = state + "/objects.json"
    client = try KubeClient(kubeconfig: try Kubeconfig.read(kubeconfig))
    client.userAgent = "atoll-dns/\(name)"
    services = try Informer(client, .services)
    slices = try Informer(client, .endpointSlices)
    pods = try Informer(client, .pods)
    ingresses = try Informer(client, .ingresses)
    resources = try CustomResources(
      client, [NameObjects.gslb, NameObjects.externalName, NameObjects.endpoint]
    ) { [weak self] in self?.schedule() }
  }

  func start() {
    if let objects = load() {
      log.info("serving the last good objects until the API server has answered")
      onChange(objects, false)
    }
    services.onUpdate = { [weak self] in self?.schedule() }
    slices.onUpdate = { [weak self] in self?.schedule() }
    pods.onUpdate = { [weak self] in self?.schedule() }
    ingresses.onUpdate = { [weak self] in self?.schedule() }
    services.start()
    slices.start()
    pods.start()
    ingresses.start()
    resources?.start()
  }

  func stop() {
    pending?.cancel()
    services.stop()
    slices.stop()
    pods.stop()
    ingresses.stop()
    resources?.stop()
    save()
  }

  var hasSynced: Bool {
    services.hasSynced && slices.hasSynced && pods.hasSynced && ingresses.hasSynced
      && resources?.hasSynced == true
  }

  /// Why the API server cannot be followed at the moment.
  var failure: String? {
    services.failure ?? slices.failure ?? pods.failure ?? ingresses.failure
  }

  /// Ready endpoints of Services.
  func readyEndpoints(of names: Set<ResourceName>) -> Int {
    slices.all.filter { slice in
      slice.serviceName.map {
        names.contains(ResourceName(namespace: slice.namespace, name: $0))
      } ?? false
    }.reduce(0) { $0 + $1.endpoints.count { $0.isReady } }
  }

  /// Changes that come together are taken together.
  private func schedule() {
    guard pending == nil else { return }
    pending = Loop.after(.milliseconds(5)) { [weak self] in
      guard let self else { return }
      pending = nil
      guard hasSynced else { return }
      onChange(objects, true)
      if saving == nil { saving = Loop.after(.seconds(1)) { [weak self] in self?.save() } }
    }
  }

  private var objects: Objects {
    var objects = Objects()
    objects.cluster.services = services.all
    objects.cluster.slices = slices.all
    objects.cluster.pods = pods.all
    objects.names.services = services.all
    objects.names.ingresses = ingresses.all
    objects.names.gslbs = resources?.objects(NameObjects.gslb) ?? []
    objects.names.externalNames = resources?.objects(NameObjects.externalName) ?? []
    objects.names.endpoints = resources?.objects(NameObjects.endpoint) ?? []
    return objects
  }

  private func save() {
    saving = nil
    guard hasSynced else { return }
    let json = objects.json
    guard json != saved else { return }
    do {
      try FileSystem.write(json.bytes, to: path, mode: 0o600)
      saved = json
    } catch {
      log.warning("last good objects are not saved", metadata: ["reason": "\(error)"])
    }
  }

  private func load() -> Objects? {
    guard let bytes = try? FileSystem.read(path) else { return nil }
    guard let json = try? JSON(parsing: bytes), let objects = Objects(json: json) else {
      log.warning("last good objects cannot be read", metadata: ["path": "\(path)"])
      return nil
    }
    saved = json
    return objects
  }
}

extension ClusterFollower.Objects {
  var json: JSON {
    [
      "services": .array(cluster.services.map(\.json)),
      "slices": .array(cluster.slices.map(\.json)), "pods": .array(cluster.pods.map(\.json)),
      "ingresses": .array(names.ingresses.map(\.json)),
      "gslbs": .array(names.gslbs.map(\.json)),
      "externalNames": .array(names.externalNames.map(\.json)),
      "endpoints": .array(names.endpoints.map(\.json)),
    ]
  }

  /// Nil unless all lists are there.
  init?(json: JSON) {
    guard
      ["services", "slices", "pods", "ingresses", "gslbs", "externalNames", "endpoints"]
        .allSatisfy({ json[$0].array != nil })
    else { return nil }
    self.init()
    cluster.services = json["services"].elements.map(Service.init(json:))
    cluster.slices = json["slices"].elements.map(EndpointSlice.init(json:))
    cluster.pods = json["pods"].elements.map(Pod.init(json:))
    names.services = cluster.services
    names.ingresses = json["ingresses"].elements.map(Ingress.init(json:))
    names.gslbs = json["gslbs"].elements.map(KubernetesObject.init(json:))
    names.externalNames = json["externalNames"].elements.map(KubernetesObject.init(json:))
    names.endpoints = json["endpoints"].elements.map(KubernetesObject.init(json:))
  }
}
