import Glibc
import Intent
import KubeClient
import Kubernetes
import Linux
import NetTypes

/// A mesh on this machine: its lines and its router first, then unit by unit, then its names.
package enum EmbeddedMesh {
  /// Brings a mesh up, or repairs what is missing of it and of its units, and waits until it answers.
  /// - Throws: `UnitError` for what stands in the way, or is not ready in time; what is there stays.
  @Loop package static func up(
    _ configuration: MeshConfiguration, wait: Duration, notices: [String],
    show: @escaping @Loop (Progress) -> Void
  ) async throws -> MeshSummary {
    let log = ProgressLog(show: show)
    for notice in notices { log.notice(notice) }
    try Preflight.check()
    let plan = try reserve(configuration)
    let record = MeshRecord(configuration: plan.configuration)
    try await log.step("mesh") {
      let made = try MeshNetworkBuilder(plan: plan).build()
      let issued = try MeshKeys(plan: plan).prepare()
      try writeState(plan)
      let roles = try startSupervisor(plan)
      let detail = "\(plan.lines.count) lines, \(issued) certificates, \(roles)"
      return ((), made + issued == 0 && roles == "as it was" ? roles : detail)
    }
    for unit in plan.units {
      let name = unit.configuration.name
      _ = try await EmbeddedUnit.up(
        unit.configuration, sample: true, wait: wait, notices: [],
        show: { show($0.named(name)) })
    }
    let readiness = MeshReadiness(plan: plan, deadline: Loop.now.advanced(by: wait))
    try await log.step("wan") { ((), try await readiness.routes()) }
    try await log.step("votes") { ((), try await readiness.votes()) }
    try await log.step("answers") { ((), try await readiness.answers()) }
    return MeshSummary(record: record, elapsed: log.elapsed)
  }

  /// Chooses the networks that the user has not, and writes them down. A mesh that is there keeps its.
  @Loop private static func reserve(_ configuration: MeshConfiguration) throws -> MeshPlan {
    let lock = try FileLock.registry()
    defer { lock.release() }
    var mesh = configuration
    guard UnitRegistry.kept(mesh.name) == nil else {
      throw UnitError("metadata.name: \(mesh.name) is a unit's: choose another")
    }
    let names = Set(mesh.units.map(\.configuration.name))
    let others = try UnitRegistry.all().filter { !names.contains($0.name) }
    if let kept = MeshRegistry.kept(mesh.name) {
      mesh.keepNetworks(of: kept.configuration)
    } else {
      for unit in try UnitRegistry.all() where names.contains(unit.name) {
        throw UnitError(
          "units[].name: \(unit.name) is there already, outside mesh \(mesh.name); "
            + "`atoll down --name \(unit.name)` first, or use another name")
      }
    }
    mesh.chooseNetworks(avoiding: others.flatMap { $0.configuration.networks.map(\.prefix) })
    let plan = try MeshPlan(mesh)
    for other in others {
      for (field, prefix) in other.configuration.networks
      where field != "service-cidr" && prefix.overlaps(mesh.linkCIDR) {
        throw UnitError(
          "linkCIDR \(mesh.linkCIDR) overlaps \(field) \(prefix) of unit \(other.name)")
      }
    }
    try FileSystem.makeDirectories(plan.directory.state, mode: 0o700)
    let record = MeshRecord(configuration: plan.configuration)
    try FileSystem.write(record.json.prettyText + "\n", to: plan.directory.meshRecord)
    return plan
  }

  @Loop private static func writeState(_ plan: MeshPlan) throws {
    let directory = plan.directory
    let clients = plan.configuration.clients.map { "\(directory.state)/\($0)" }
    for folder in [directory.logs, "\(directory.state)/wan", "\(directory.state)/names"] + clients {
      try FileSystem.makeDirectories(folder, mode: 0o700)
    }
    try FileSystem.makeDirectories(directory.runtime + "/roles", mode: 0o700)
    let path = "\(directory.state)/wan/router.conf"
    if (try? FileSystem.readText(path)) != plan.routerConfiguration {
      try FileSystem.write(plan.routerConfiguration, to: path)
      if let pid = ProcessFile(directory.pidFile(of: "wan")).livePID { kill(pid, SIGHUP) }
    }
    for voter in plan.voters {
      try FileSystem.write(
        plan.names(for: voter.name).prettyText + "\n", to: directory.names(of: voter.name))
    }
    for client in plan.configuration.clients {
      try FileSystem.write(
        plan.resolverConfiguration, to: plan.resolverPath(ofClient: client), mode: 0o644)
    }
  }

  @Loop private static func startSupervisor(_ plan: MeshPlan) throws -> String {
    Supervisor.releaseAll(plan.directory)
    if ProcessFile(plan.directory.supervisorPID).isLive { return "as it was" }
    try Supervisor.spawn(plan.directory)
    return (["wan"] + plan.configuration.clients).joined(separator: ", ")
  }

  /// Takes a mesh down: its units, then what is between them.
  @Loop package static func down(
    _ name: String, keepState: Bool, show: @escaping @Loop (Progress) -> Void
  ) async throws {
    let log = ProgressLog(show: show)
    try Preflight.checkRoot()
    let record = try MeshRegistry.find(name)
    let known = try UnitRegistry.names()
    for unit in record.units where known.contains(unit) {
      try await EmbeddedUnit.down(unit, keepState: keepState, show: { show($0.named(unit)) })
    }
    try await log.step("down") {
      let plan = try MeshPlan(record.configuration)
      await UnitProcesses(mesh: plan).end()
      try MeshNetworkBuilder(plan: plan).remove()
      try FileSystem.removeTree(plan.directory.runtime)
      if !keepState { try FileSystem.removeTree(plan.directory.state) }
      FaultJournal.forget(Set(plan.lines.map(\.site) + [name]))
      return ((), keepState ? "\(name), state kept" : name)
    }
  }
}

extension MeshConfiguration {
  /// Takes over what was chosen for the units that were there already.
  mutating func keepNetworks(of kept: MeshConfiguration) {
    for index in units.indices {
      guard
        let old = kept.units.first(where: {
          $0.configuration.name == units[index].configuration.name
        })?.configuration
      else { continue }
      func keep<Value>(_ field: String, _ path: WritableKeyPath<UnitConfiguration, Value>) {
        guard !units[index].given.contains(field) else { return }
        units[index].configuration[keyPath: path] = old[keyPath: path]
        units[index].given.insert(field)
      }
      keep("podCIDR", \.podCIDR)
      keep("nodeCIDR", \.nodeCIDR)
      keep("vipCIDR", \.vipCIDR)
      keep("uplinkCIDR", \.uplinkCIDR)
      keep("asNumber", \.asNumber)
    }
  }
}

extension Progress {
  /// Of a unit of the mesh.
  func named(_ unit: String) -> Progress {
    switch self {
    case .began(let step): .began("\(unit) \(step)")
    case .done(let step, let detail, let elapsed):
      .done("\(unit) \(step)", detail, elapsed: elapsed)
    case .notice(let text): .notice("\(unit): \(text)")
    }
  }
}
