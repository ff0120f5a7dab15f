import Glibc
import Intent
import Linux
import Logging
import NetTypes

/// Keeps a unit's roles running and its published ports open; or those of a mesh.
///
/// One such process a unit, on the host's own network. Roles that an earlier supervisor left running
/// are adopted, so that its death costs nothing but a moment of published ports.
@Loop package final class Supervisor {
  /// How long roles may take to stop before they are killed.
  static let stopLimit = Duration.seconds(5)

  private let directory: UnitDirectory
  private let processes: [RoleProcess]
  private let executable: String
  private let log: Logger
  private var roles: [SupervisedRole] = []
  /// Nil of a mesh, which has none.
  private let ports: PublishedPorts?

  package init(record: UnitRecord, executable: String, log: Logger) throws {
    let plan = try UnitPlan(record.configuration)
    directory = record.directory
    processes = plan.processes(publishes: record.publishes)
    ports = PublishedPorts(record: record, plan: plan, log: log)
    self.executable = executable
    self.log = log
  }

  /// Of what is between a mesh's units.
  package init(mesh record: MeshRecord, executable: String, log: Logger) throws {
    directory = record.directory
    processes = try MeshPlan(record.configuration).processes
    ports = nil
    self.executable = executable
    self.log = log
  }

  static func spawn(_ directory: UnitDirectory) throws {
    _ = try ChildProcess.spawn(
      [try FileSystem.executablePath(), "supervise", "--name", directory.unit],
      output: .append(directory.log(of: "supervisor")), newSession: true)
  }

  /// Lets every role start that was drained or kept down.
  static func releaseAll(_ directory: UnitDirectory) {
    let suffix = UnitDirectory.drainSuffix
    for name in (try? FileSystem.list(directory.runtime)) ?? [] where name.hasSuffix(suffix) {
      unlink("\(directory.runtime)/\(name)")
    }
  }

  /// Runs until SIGTERM or SIGINT, then stops every role.
  package func run() async throws {
    let file = ProcessFile(directory.supervisorPID)
    try file.write(pid: getpid())
    defer { file.remove() }
    try ChildProcess.becomeSubreaper()
    ports?.open()
    roles = processes.map {
      SupervisedRole($0, directory: directory, executable: executable, log: log)
    }
    for role in roles { role.start() }
    log.info("\(directory.unit) is supervised", metadata: ["roles": "\(roles.count)"])
    _ = try await Signals.wait(for: [SIGTERM, SIGINT])
    await stop()
  }

  /// The edge first, so that nothing is sent to what is about to go; the API server last.
  private func stop() async {
    ports?.close()
    for role in roles.reversed() { role.stop() }
    let deadline = Loop.now.advanced(by: Self.stopLimit)
    while roles.contains(where: \.isRunning), Loop.now < deadline {
      try? await Loop.sleep(.milliseconds(10))
    }
    for role in roles { role.kill() }
  }
}

/// One role: started, watched, started again.
@Loop final class SupervisedRole {
  private let process: RoleProcess
  private let file: ProcessFile
  private let directory: UnitDirectory
  private let executable: String
  private let log: Logger
  private var policy = RestartPolicy()
  private var pid: Int32?
  private var stopping = false
  private var task: Task<Void, Never>?

  init(_ process: RoleProcess, directory: UnitDirectory, executable: String, log: Logger) {
    self.process = process
    self.directory = directory
    self.executable = executable
    self.log = log
    file = ProcessFile(directory.pidFile(of: process.name))
  }

  var isRunning: Bool { pid != nil }

  func start() {
    task = Task { @Loop in await keepRunning() }
  }

  func stop() {
    stopping = true
    if let pid { Glibc.kill(pid, SIGTERM) } else { task?.cancel() }
  }

  func kill() {
    if let pid { Glibc.kill(pid, SIGKILL) }
    task?.cancel()
    file.remove()
  }

  private func keepRunning() async {
    while !stopping, !Task.isCancelled {
      if FileSystem.exists(directory.drainMark(of: process.name)), !file.isLive {
        try? await Loop.sleep(.milliseconds(100))
        continue
      }
      let started = Loop.now
      do {
        let ending = try await runOnce()
        if !stopping {
          log.warning("role ended", metadata: ["role": "\(process.name)", "how": "\(ending)"])
        }
      } catch {
        log.error("role did not start", metadata: ["role": "\(process.name)", "why": "\(error)"])
      }
      pid = nil
      file.remove()
      if stopping { return }
      let pause = policy.pause(afterRunOf: started.duration(to: Loop.now))
      try? await Loop.sleep(pause)
    }
  }

  private func runOnce() async throws -> String {
    if let adopted = file.livePID {
      pid = adopted
      log.info("role adopted", metadata: ["role": "\(process.name)", "pid": "\(adopted)"])
      return "\(try await ChildProcess.adopt(pid: adopted).wait())"
    }
    let output = directory.log(of: process.name)
    let child = try NetworkNamespace.open(named: process.namespace).with {
      try ChildProcess.spawn(
        [executable] + process.arguments, output: .append(output), newSession: true)
    }
    pid = child.pid
    try file.write(pid: child.pid)
    log.info(
      "role started",
      metadata: [
        "role": "\(process.name)", "pid": "\(child.pid)", "restarts": "\(policy.restarts)",
      ])
    return "\(try await child.wait())"
  }
}
