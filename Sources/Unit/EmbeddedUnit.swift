import Containers
import Glibc
import Intent
import KubeClient
import Kubernetes
import Linux
import NetTypes

/// The embedded provider: a unit on this machine, its nodes network namespaces.
package enum EmbeddedUnit {
  /// Brings a unit up, or repairs what is missing of it, and waits until it answers.
  /// - Throws: `UnitError` when something stands in the way; a unit that could not be built is
  ///   taken away again, one that is not ready in time is left for the user to look at.
  @Loop package static func up(
    _ configuration: UnitConfiguration, sample: Bool, wait: Duration, notices: [String],
    show: @escaping @Loop (Progress) -> Void
  ) async throws -> UpSummary {
    let log = ProgressLog(show: show)
    for notice in notices { log.notice(notice) }
    try Preflight.check()
    let lock = try FileLock.unit(configuration.name)
    defer { lock.release() }
    let kept = UnitRegistry.kept(configuration.name)
    guard MeshRegistry.kept(configuration.name) == nil else {
      throw UnitError("name: \(configuration.name) is a mesh's: choose another")
    }
    var configuration = configuration
    // A unit stays where it is, also when it is repaired by a file of its own.
    configuration.mesh = configuration.mesh ?? kept?.configuration.mesh
    let plan = try UnitPlan(configuration)
    // A mistake in a manifest is told before anything is made; a unit that is there is repaired first.
    if kept == nil { _ = try UnitManifests.read(configuration.manifests) }
    let record = try reserve(plan, kept: kept)
    let deadline = Loop.now.advanced(by: wait)
    do {
      try await build(plan, record, kept: kept, log)
    } catch {
      if kept == nil { try? await remove(configuration.name, keepState: false) }
      throw error
    }
    let readiness = try UnitReadiness(record: record, plan: plan, deadline: deadline)
    try await log.step("ports") { ((), try await readiness.ports()) }
    try await log.step("api") { (try await readiness.apiServer(), "\(plan.apiServer)") }
    try await log.step("routing") { ((), try await readiness.routingObjects()) }
    try await log.step("names") { ((), try await readiness.namesObjects()) }
    try await log.step("nodes") { ((), try await readiness.nodes()) }
    try await log.step("manifests") {
      (
        (),
        try await UnitManifests(record: record, plan: plan).install(sample: sample && kept == nil)
      )
    }
    try await log.step("bgp") { ((), try await readiness.sessions()) }
    try await log.step("dns") { ((), try await readiness.namesAnswered()) }
    try await log.step("pods") { ((), try await readiness.workloads()) }
    try await log.step("edge") { ((), try await readiness.edgeAnswers()) }
    // Whatever was done to it before is mended now.
    FaultJournal.forget([record.name])
    return UpSummary(record: record, elapsed: log.elapsed)
  }

  /// Chooses what the unit has to itself on this machine, and writes it down before another unit
  /// chooses.
  @Loop private static func reserve(_ plan: UnitPlan, kept: UnitRecord?) throws -> UnitRecord {
    let lock = try FileLock.registry()
    defer { lock.release() }
    try plan.checkAgainst(try UnitRegistry.all())
    try checkUnchanged(plan.configuration, kept)
    let publishes = try PortChoice.choose(for: plan.configuration, kept: kept)
    let record = UnitRecord(configuration: plan.configuration, publishes: publishes)
    if record != kept {
      try FileSystem.makeDirectories(record.directory.state, mode: 0o700)
      try FileSystem.write(record.json.prettyText + "\n", to: record.directory.record)
    }
    return record
  }

  @Loop private static func build(
    _ plan: UnitPlan, _ record: UnitRecord, kept: UnitRecord?, _ log: ProgressLog
  ) async throws {
    try await log.step("network") {
      let made = try NetworkBuilder(plan: plan).build()
      let shape = plan.configuration.topology == .routed ? ", nodes behind a host" : ""
      return (
        (), made == 0 ? "as it was" : "\(plan.roles.count) namespaces, \(made) changes\(shape)"
      )
    }
    try await log.step("state") {
      let issued = try UnitKeys(plan: plan, apiPort: record.apiPort ?? 0).prepare()
      try writeState(plan, record.directory)
      return ((), issued == 0 ? "as it was" : "\(issued) certificates, \(record.directory.state)")
    }
    try await log.step("image") {
      let image = try ImageStore(root: UnitDirectory.images).ensureSample()
      return ((), image.reference.description)
    }
    try await log.step("roles") {
      let detail = try await startSupervisor(record, changed: kept != nil && kept != record)
      return ((), detail)
    }
  }

  @Loop private static func writeState(_ plan: UnitPlan, _ directory: UnitDirectory) throws {
    for folder in [
      directory.manifests, directory.server, directory.edge, directory.dns, directory.logs,
    ] {
      try FileSystem.makeDirectories(folder, mode: 0o700)
    }
    try FileSystem.makeDirectories(directory.runtime + "/roles", mode: 0o700)
    for router in plan.routers {
      try FileSystem.makeDirectories(directory.router(router.role), mode: 0o700)
      try writeRouterConfiguration(router, directory)
    }
  }

  /// Writes a router's configuration unless an operator has changed it since it was last generated.
  @Loop private static func writeRouterConfiguration(
    _ router: UnitPlan.Router, _ directory: UnitDirectory
  ) throws {
    let path = directory.routerConfiguration(of: router.role)
    let generated = path + ".generated"
    let current = try? FileSystem.readText(path)
    guard current == nil || current == (try? FileSystem.readText(generated)) else { return }
    if current == router.configuration { return }
    try FileSystem.write(router.configuration, to: generated)
    try FileSystem.write(router.configuration, to: path)
    if current != nil, let process = ProcessFile(directory.pidFile(of: router.role.name)).livePID {
      kill(process, SIGHUP)
    }
  }

  /// What cannot change under a living unit is refused with what was found.
  private static func checkUnchanged(
    _ configuration: UnitConfiguration, _ kept: UnitRecord?
  ) throws(UnitError) {
    guard let kept = kept?.configuration else { return }
    let pairs: [(String, String, String)] = [
      ("pod-cidr", "\(kept.podCIDR)", "\(configuration.podCIDR)"),
      ("node-cidr", "\(kept.nodeCIDR)", "\(configuration.nodeCIDR)"),
      ("vip-cidr", "\(kept.vipCIDR)", "\(configuration.vipCIDR)"),
      ("block-size", "\(kept.blockSize)", "\(configuration.blockSize)"),
      ("as-number", "\(kept.asNumber)", "\(configuration.asNumber)"),
      ("topology", kept.topology.rawValue, configuration.topology.rawValue),
      ("uplink-cidr", "\(kept.uplinkCIDR)", "\(configuration.uplinkCIDR)"),
      ("servers", "\(kept.servers)", "\(configuration.servers)"),
      ("agents", "\(kept.agents)", "\(configuration.agents)"),
    ]
    for (field, old, new) in pairs where old != new {
      throw UnitError(
        "\(field): unit \(kept.name) has \(old), found \(new); "
          + "`atoll down --name \(kept.name)` first, or use another --name")
    }
  }

  @Loop private static func startSupervisor(
    _ record: UnitRecord, changed: Bool
  ) async throws -> String {
    Supervisor.releaseAll(record.directory)
    let file = ProcessFile(record.directory.supervisorPID)
    if let running = file.livePID {
      if !changed { return "as they were" }
      // Its successor adopts the roles and opens the ports anew.
      kill(running, SIGKILL)
    }
    unlink(record.directory.portsState)
    try Supervisor.spawn(record.directory)
    let configuration = record.configuration
    let host = configuration.topology == .routed ? "host, " : ""
    return "apiserver, edge, dns, \(host)\(configuration.servers + configuration.agents) nodes"
  }

  /// Takes a unit down: processes, containers, mounts, cgroups, namespaces, and its state unless kept.
  @Loop package static func down(
    _ name: String, keepState: Bool, show: @escaping @Loop (Progress) -> Void
  ) async throws {
    let log = ProgressLog(show: show)
    try Preflight.checkRoot()
    let lock = try FileLock.unit(name)
    defer { lock.release() }
    try await log.step("down") {
      try await remove(name, keepState: keepState)
      FaultJournal.forget([name])
      return ((), keepState ? "\(name), state kept" : name)
    }
  }

  @Loop private static func remove(_ name: String, keepState: Bool) async throws {
    let directory = UnitDirectory(unit: name)
    await UnitProcesses(unit: name).end()
    try UnitProcesses(unit: name).releaseMounts()
    try NetworkBuilder.remove(unit: name)
    ControlGroups.remove("atoll/\(name)")
    try FileSystem.removeTree(directory.runtime)
    if !keepState { try FileSystem.removeTree(directory.state) }
  }
}

/// How `up` ended, for a person and for a script.
package struct UpSummary: Sendable {
  package let record: UnitRecord
  package let elapsed: Duration

  private var edge: String? { UnitSummary(record: record, isRunning: true).edgeURL }

  package var json: JSON {
    let (seconds, attoseconds) = elapsed.components
    return [
      "unit": JSON(record.name), "kubeconfig": JSON(record.directory.kubeconfig),
      "api": JSON(record.apiPort.map { "https://127.0.0.1:\($0)" }), "edge": JSON(edge),
      "elapsedSeconds": .number(Double(seconds) + Double(attoseconds / 1_000_000_000_000) / 1e6),
    ]
  }

  package var text: String {
    var lines = ["", "kubeconfig  \(record.directory.kubeconfig)"]
    lines += record.publishes.map { published in
      let target =
        switch published.target {
        case .server: "Kubernetes API"
        case .edge: "edge, port \(published.port)"
        case .address(let address): "\(address), port \(published.port)"
        }
      let scheme = published.target == .server || published.port == 443 ? "https" : "http"
      return "published   \(scheme)://127.0.0.1:\(published.hostPort)  →  \(target)"
    }
    let name = record.name
    lines += [
      "", "Try:",
      "  kubectl --kubeconfig \(record.directory.kubeconfig) get pod -A -o wide",
      "  curl \(edge ?? "http://127.0.0.1")",
      "  atoll shell --name \(name) -c 'show ip bgp summary'",
    ]
    return lines.joined(separator: "\n")
  }
}
