import DNS
import GSLB
import Glibc
import HTTP
import Intent
import KubeClient
import Kubernetes
import Linux
import Logging
import NetTypes
import Telemetry
import Transport

/// The name service of a unit, or a witness without one.
///
///     cluster's objects ─┬▶ zones of the cluster ──────────────────▶ NameServer
///                        └▶ announcement ─▶ SteeringService ─ sets ─▶    │
///     edge: routes, connections ─▶ facts ──▶    ▲                        └▶ outside: Forwarder
///     other voters ─ views over mutual TLS ─────┘
@Loop package final class UnitNameService {
  package struct Options: Sendable {
    /// The unit's name, or the witness'.
    package var name: String
    /// How to reach the API server; nil of a witness.
    package var kubeconfig: String?
    package var state: String
    package var socket: String
    package var listen: SocketAddress
    /// A file of kind MeshNames.
    package var mesh: String?
    package var clusterDomain = "cluster.local"
    package var serviceCIDR: IPPrefix?
    package var podCIDR: IPPrefix?
    package var nodeCIDR: IPPrefix?
    package var forward: [SocketAddress] = []
    package var workers: Int?

    package init(name: String, state: String, socket: String, listen: SocketAddress) {
      self.name = name
      self.state = state
      self.socket = socket
      self.listen = listen
    }
  }

  let options: Options
  let log: Logger
  let server: NameServer
  let steering: SteeringService
  let mesh: MeshNames?
  var follower: ClusterFollower?
  private(set) var translation: NameTranslation?
  var drains: Drains
  var statuses: NameStatusWriter?
  private var control: NameControl?
  private var zones: [Zone] = []
  private var serial: UInt32
  private var edge = EdgeFacts.none
  private var facts: [String: View.Inside] = [:]
  private var timer: Timer?
  private var isStopping = false

  /// How often the edge is asked.
  private static let factsInterval = Duration.milliseconds(200)

  package init(_ options: Options, log: Logger = Logger(label: "dns")) throws {
    self.options = options
    self.log = log
    try FileSystem.makeDirectories(options.state, mode: 0o700)
    mesh = try options.mesh.map { path in
      try MeshNames(json: try JSON(parsing: try FileSystem.read(path)), file: path)
    }
    drains = Drains(path: options.state + "/drains.json")
    // A zone's serial grows over restarts, as its secondaries count on.
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    serial = UInt32(truncatingIfNeeded: time.tv_sec)
    var settings = NameServer.Settings(listen: [options.listen])
    settings.workers = options.workers
    settings.recursionFor = [options.podCIDR, options.nodeCIDR].compactMap(\.self)
    settings.options.offersRecursion = !options.forward.isEmpty
    settings.options.identifier = Array(options.name.utf8)
    settings.options.hostName = options.name
    settings.options.cookies = .random()
    settings.options.secondsAtZero = Incarnation.secondsAtZero
    server = NameServer(settings)
    steering = try SteeringService(
      name: mesh?.voter ?? options.name, state: options.state, server: server, log: log)
  }

  /// Serves until SIGTERM or SIGINT.
  package func run() async throws {
    try start()
    _ = try await Signals.wait(for: [SIGTERM, SIGINT])
    await stop()
  }

  package func start() throws {
    if !options.forward.isEmpty {
      server.forwarder = Forwarder(Forwarder.Settings(servers: options.forward))
    }
    try server.start()
    control = try NameControl(socket: options.socket, metrics: nil, actions: controlActions)
    var configuration = GSLBConfiguration()
    configuration.health.voters = mesh?.voters.map(\.name) ?? [options.name]
    steering.configure(configuration, geography: nil)
    if let mesh, let own = mesh.own {
      try steering.join(
        listen: own.address,
        peers: mesh.voters.filter { $0.name != mesh.voter }.map {
          VoterAddress(
            name: $0.name, address: $0.address, certificateName: $0.certificateName)
        },
        trust: VoterTrust(
          authorityPath: mesh.authority, certificatePath: mesh.certificate, keyPath: mesh.key))
    }
    publishZones([], records: [])
    if let kubeconfig = options.kubeconfig {
      let follower = try ClusterFollower(
        kubeconfig: kubeconfig, state: options.state, name: options.name, log: log
      ) { [weak self] objects, isComplete in self?.apply(objects, isComplete) }
      self.follower = follower
      statuses = NameStatusWriter(follower.client, host: options.name)
      follower.start()
      steering.onChange = { [weak self] in self?.writeStatuses() }
      look()
    }
    log.notice(
      "name service started",
      metadata: ["address": "\(options.listen)", "voter": "\(steering.voter.name)"])
  }

  package func stop() async {
    isStopping = true
    timer?.cancel()
    follower?.stop()
    steering.stop()
    server.stop()
    await control?.stop()
  }

  private func apply(_ objects: ClusterFollower.Objects, _ isComplete: Bool) {
    var found: [Zone] = []
    if let domain = DomainName(options.clusterDomain) {
      let settings = ClusterNames.Settings(
        domain: domain, server: options.listen.address,
        reverse: [options.serviceCIDR, options.podCIDR].compactMap(\.self))
      found = objects.cluster.zones(settings, serial: SerialNumber(0))
    }
    let translation = NameTranslation(objects.names, unit: options.name)
    publishZones(found, records: translation.records)
    guard translation != self.translation else { return }
    self.translation = translation
    steering.handle(.announce(translation.announcement))
    tellFacts()
    if isComplete {
      statuses?.create(translation.wantedIngresses)
      writeStatuses()
    }
  }

  /// Publishes zones that are other than before, with the next serial.
  private func publishZones(_ cluster: [Zone], records: [ResourceRecord]) {
    let own = mesh.map { [$0.zone(records, serial: SerialNumber(0))] } ?? []
    let found = (cluster + own).filter { zone in
      let problems = zone.validate()
      for problem in problems { log.warning("not served", metadata: ["why": "\(problem)"]) }
      return !problems.contains(where: \.refusesZone)
    }
    guard found != zones else { return }
    zones = found
    serial &+= 1
    server.publish(Catalogue(zones: found.map { $0.with(serial: SerialNumber(serial)) }))
  }

  // MARK: What the unit knows of its members

  private func look() {
    guard let socket = mesh?.units.first(where: { $0.name == options.name })?.edgeSocket else {
      return
    }
    Task { @Loop [weak self] in
      let client = HTTPClient()
      let origin = HTTPClient.Origin(unixPath: socket)
      while let self, !isStopping {
        edge = (try? await Self.ask(client, origin)) ?? .none
        tellFacts()
        try? await Loop.sleep(Self.factsInterval)
      }
    }
  }

  private static func ask(
    _ client: HTTPClient, _ origin: HTTPClient.Origin
  ) async throws -> EdgeFacts {
    let answer = try await client.send(
      HTTPRequestHead(method: "GET", target: "/status"), to: origin, timeout: .seconds(1))
    let json = try JSON(parsing: try await answer.body.collect(limit: 64 << 20))
    return EdgeFacts(status: json)
  }

  /// Tells the voter of each member what has changed about it.
  func tellFacts() {
    guard let translation, let follower else { return }
    var current: [String: View.Inside] = [:]
    for backing in translation.backings {
      let isDraining = drains.covers(backing.names) || edge.isDraining
      // DNSEndpoints' addresses have nothing behind them that we know.
      let ready = backing.services.isEmpty ? 1 : follower.readyEndpoints(of: backing.services)
      current[backing.member] = View.Inside(
        isAnnounced: mesh == nil || edge.isAnnounced(backing.address), readyEndpoints: ready,
        connections: edge.connections[backing.address] ?? 0,
        administration: isDraining ? .draining : .enabled)
    }
    for (member, inside) in current.sorted(by: { $0.key < $1.key }) where facts[member] != inside {
      steering.handle(
        .inside(VirtualServerName(server: steering.voter.name, name: member), inside))
    }
    facts = current
  }
}

extension Zone {
  /// The same records with another version.
  fileprivate func with(serial: SerialNumber) -> Zone {
    var zone = self
    for (index, record) in records.enumerated() where record.type == .soa {
      guard var start = StartOfAuthority(record.data) else { continue }
      start.serial = serial
      zone.records[index].data = .soa(start)
    }
    return zone
  }
}

extension ServerCookies {
  /// With a secret of this process alone.
  static func random() -> ServerCookies {
    ServerCookies(secret: Secret((0..<16).map { _ in .random(in: 0 ... .max) }))
  }
}
