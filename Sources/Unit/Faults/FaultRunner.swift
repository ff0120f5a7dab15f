import Glibc
import Intent
import KubeClient
import Kubernetes
import Linux
import NetTypes

/// Does what a fault's words say, and writes down how it is undone.
@Loop package struct FaultRunner {
  private(set) var targets: FaultTargets
  let seed: UInt64
  let mesh: String?

  /// - Parameter mesh: Whose lines and router are meant; nil: the only one's.
  package init(seed: UInt64, mesh: String? = nil) throws {
    try Preflight.checkRoot()
    self.seed = seed
    self.mesh = mesh
    targets = FaultTargets(random: SeededRandom(seed: seed))
  }

  /// - Returns: What was done, a line each.
  package mutating func run(_ order: FaultOrder) async throws -> [Fault] {
    switch order {
    case .kill(let target): return [try await kill(target)]
    case .pause(let target): return [try await pause(target)]
    case .resume(let target): return try await heal { $0.text.hasPrefix("pause \(target.text)") }
    case .cut(let a, let b): return [try await cut(a, b)]
    case .mend(let a, let b):
      return try await heal { ["cut link \(a) \(b)", "cut link \(b) \(a)"].contains($0.text) }
    case .delay(let site, let delay, let jitter):
      return [try await impair(site, "delay link \(site)", delay: delay, jitter: jitter)]
    case .lose(let site, let permille):
      return [try await impair(site, "lose link \(site)", permille: permille)]
    case .answer(let status, let application, let unit):
      return try await misbehave(application, unit, "answer \(status)", path: "answer/\(status)")
    case .hang(let application, let unit):
      return try await misbehave(application, unit, "hang", path: "hang")
    case .heal(let number): return try await heal { number == nil || $0.number == number }
    }
  }

  // MARK: Processes

  private mutating func kill(_ target: FaultOrder.Target) async throws -> Fault {
    switch target {
    case .unit(let name): return try killUnit(try targets.record(name))
    case .role(let role, let unit):
      return try hold(role, try targets.record(unit).directory, "kill \(target.text)")
    case .router: return try hold("wan", try MeshRegistry.find(mesh).directory, "kill wan")
    case .node(let name, let unit):
      let (record, role) = try targets.node(name, in: unit)
      return try killNode(role, record)
    case .pod(let name, let unit):
      let (record, pod) = try await targets.pod(name, in: unit)
      let at = Timestamp.now
      for pid in targets.processes(of: pod) { Glibc.kill(pid, SIGKILL) }
      return try FaultJournal.add("kill pod \(pod.name) in \(record.name)", at: at, undo: [])
    }
  }

  /// As when its power goes: nothing of it answers any more, and nothing says goodbye.
  private func killUnit(_ record: UnitRecord) throws -> Fault {
    let at = Timestamp.now
    var undo: [Fault.Undo] = [.up(unit: record.name)]
    if let mesh = record.configuration.mesh {
      try MeshLines(mesh: mesh.mesh).unplug(record.name)
      undo.insert(.plug(mesh: mesh.mesh, site: record.name), at: 0)
    }
    if let supervisor = ProcessFile(record.directory.supervisorPID).livePID {
      Glibc.kill(supervisor, SIGKILL)
    }
    for pid in UnitProcesses(unit: record.name).inside() { Glibc.kill(pid, SIGKILL) }
    return try FaultJournal.add("kill unit \(record.name)", at: at, undo: undo)
  }

  /// A role dies and is not started again.
  private func hold(_ role: String, _ directory: UnitDirectory, _ text: String) throws -> Fault {
    guard let pid = ProcessFile(directory.pidFile(of: role)).livePID else {
      throw UnitError("\(text): \(role) of \(directory.unit) does not run")
    }
    try FileSystem.write("", to: directory.drainMark(of: role))
    let at = Timestamp.now
    Glibc.kill(pid, SIGKILL)
    return try FaultJournal.add(
      text, at: at, undo: [.release(owner: directory.unit, role: role)])
  }

  /// The machine is gone: its link, its agent, its containers.
  private func killNode(_ role: Role, _ record: UnitRecord) throws -> Fault {
    try FileSystem.write("", to: record.directory.drainMark(of: role.name))
    let at = Timestamp.now
    try NetworkNamespace.open(named: role.namespace).with { try Netlink().setDown("eth0") }
    if let pid = ProcessFile(record.directory.pidFile(of: role.name)).livePID {
      Glibc.kill(pid, SIGKILL)
    }
    for pid in targets.processes(of: role) { Glibc.kill(pid, SIGKILL) }
    return try FaultJournal.add(
      "kill node \(role.nodeName)", at: at,
      undo: [
        .linkUp(namespace: role.namespace, interface: "eth0"),
        .release(owner: record.name, role: role.name),
      ])
  }

  private mutating func pause(_ target: FaultOrder.Target) async throws -> Fault {
    var undo: [Fault.Undo] = []
    var line: [Fault.Undo] = []
    var text = "pause \(target.text)"
    let processes: [Int32]
    switch target {
    case .unit(let name):
      let record = try targets.record(name)
      if let mesh = record.configuration.mesh {
        try MeshLines(mesh: mesh.mesh).unplug(name)
        line = [.plug(mesh: mesh.mesh, site: name)]
      }
      let supervisor = ProcessFile(record.directory.supervisorPID).livePID
      processes = [supervisor].compactMap(\.self) + UnitProcesses(unit: name).inside()
    case .role(let role, let unit):
      let file = ProcessFile(try targets.record(unit).directory.pidFile(of: role))
      processes = [file.livePID].compactMap(\.self)
    case .router:
      let directory = try MeshRegistry.find(mesh).directory
      processes = [ProcessFile(directory.pidFile(of: "wan")).livePID].compactMap(\.self)
    case .node(let name, let unit):
      let (record, role) = try targets.node(name, in: unit)
      let agent = ProcessFile(record.directory.pidFile(of: role.name)).livePID
      processes = [agent].compactMap(\.self) + targets.processes(of: role)
      text = "pause node \(role.nodeName)"
    case .pod(let name, let unit):
      let (record, pod) = try await targets.pod(name, in: unit)
      processes = targets.processes(of: pod)
      text = "pause pod \(pod.name) in \(record.name)"
    }
    guard !processes.isEmpty else { throw UnitError("\(text): nothing of it runs") }
    let at = Timestamp.now
    for pid in processes {
      guard let started = ProcessIdentity.startTime(of: pid) else { continue }
      Glibc.kill(pid, SIGSTOP)
      undo.append(.proceed(pid: pid, started: started))
    }
    return try FaultJournal.add(text, at: at, undo: undo + line)
  }

  // MARK: Healing

  /// Undoes the faults wanted, the latest first.
  func heal(_ isWanted: (Fault) -> Bool) async throws -> [Fault] {
    let faults = FaultJournal.active().filter(isWanted)
    for fault in faults.reversed() {
      try FaultJournal.remove(fault)
      do {
        for step in fault.undo { try await FaultHealer(targets: targets).perform(step) }
      } catch {
        // It is in force still, and can be healed again.
        _ = try? FaultJournal.add(fault.text, undo: fault.undo)
        throw UnitError("healing \(fault.text): \(error)")
      }
    }
    return faults
  }
}

extension FaultOrder.Target {
  var text: String {
    switch self {
    case .unit(let name): "unit \(name)"
    case .role("apiserver", let unit): "control-plane \(unit)"
    case .role(let role, let unit): "\(role) \(unit)"
    case .router: "wan"
    case .node(let name, let unit): unit.map { "node \($0)-\(name)" } ?? "node \(name)"
    case .pod(let name, let unit): "pod \(name)" + (unit.map { " in \($0)" } ?? "")
    }
  }
}
