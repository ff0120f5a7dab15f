import CLinux
import Glibc
import Kubernetes
import Linux
import NetTypes

/// Why a container does not run.
package struct ContainerError: Error, CustomStringConvertible {
  package let description: String
}

/// A container as the runtime knows it.
package struct Container: Hashable, Sendable {
  package let id: String
  package let labels: [String: String]
  /// Seconds since 1970.
  package let startedAt: Int64
  package let pid: Int32
}

/// Containers by runc(8), each a bundle below one folder.
///
/// ```
/// STATE/ID/config.json   the bundle
/// STATE/ID/record.json   what it is, its pid and when that started
/// STATE/ID/rootfs        overlay: the image's files below, upper/ above
/// RUNTIME/               runc's own state
/// ```
/// A container's output goes straight to its log file, so nothing of this process needs to live for
/// it to go on.
@Loop package final class ContainerRuntime {
  private let state: String
  private let runtime: String
  private var watched: [String: ChildProcess] = [:]
  private var logs: [String: String] = [:]
  private var executions = 0

  /// Bytes that one container's log may take.
  package static let logLimit = 64 << 20
  private static let sweepInterval = Duration.seconds(10)

  /// Called when a container's first process has ended.
  package var onExit: (@Loop (String, ChildProcess.Ending) -> Void)?

  package init(state: String, runtime: String) throws {
    self.state = state
    self.runtime = runtime
    try FileSystem.makeDirectories(state, mode: 0o700)
    try FileSystem.makeDirectories(runtime, mode: 0o700)
    try ChildProcess.becomeSubreaper()
    trimLogsLater()
  }

  private func trimLogsLater() {
    Loop.after(Self.sweepInterval) { [weak self] in
      guard let self else { return }
      for path in logs.values { ContainerLog.trim(path, limit: Self.logLimit) }
      trimLogsLater()
    }
  }

  private func folder(_ id: String) -> String { "\(state)/\(id)" }

  /// Creates and starts a container.
  package func start(_ spec: ContainerSpec) async throws -> Container {
    guard !spec.process.isEmpty else {
      throw ContainerError(description: "no command specified by the image or the container")
    }
    let folder = folder(spec.id)
    try FileSystem.makeDirectories(folder + "/upper", mode: 0o755)
    for name in ["work", "rootfs"] { try FileSystem.makeDirectories("\(folder)/\(name)") }
    do {
      try mountRoot(spec, folder)
      let configuration = try RuntimeBundle.configuration(of: spec, root: folder + "/rootfs")
      try FileSystem.write(
        configuration.bytes, to: folder + "/config.json", mode: 0o600, isDurable: false)
      return try await ChildProcess.adopting {
        let container = try await run(spec, folder)
        watch(container, logPath: spec.logPath)
        return container
      }
    } catch {
      await delete(spec.id)
      ControlGroups.remove(spec.controlGroup)
      throw error
    }
  }

  private func mountRoot(_ spec: ContainerSpec, _ folder: String) throws(SystemError) {
    let options =
      "lowerdir=\(spec.image.root),upperdir=\(folder)/upper,workdir=\(folder)/work"
    try system("mount", "overlay at \(folder)/rootfs") {
      mount("overlay", "\(folder)/rootfs", "overlay", 0, options)
    }
  }

  private func run(_ spec: ContainerSpec, _ folder: String) async throws -> Container {
    let pidFile = folder + "/pid"
    let errors = folder + "/runc.log"
    let command =
      ["runc", "--root", runtime, "--log", errors, "run", "--detach", "--bundle", folder]
      + ["--pid-file", pidFile, spec.id]
    let runc = try ChildProcess.spawn(command, output: .append(spec.logPath))
    let ending = try await runc.wait()
    guard ending.isSuccess, let text = try? FileSystem.readText(pidFile), let pid = Int32(text)
    else {
      let log = (try? FileSystem.readText(errors)) ?? ""
      throw ContainerError(
        description: log.isEmpty ? "runc ended with \(ending)" : ImageStore.reason(log))
    }
    let container = Container(
      id: spec.id, labels: spec.labels, startedAt: Int64(time(nil)), pid: pid)
    try record(container, logPath: spec.logPath)
    return container
  }

  private func record(_ container: Container, logPath: String) throws {
    let record: JSON = [
      "labels": JSON(container.labels), "startedAt": .integer(container.startedAt),
      "pid": .integer(Int64(container.pid)),
      "startTime": JSON(ProcessIdentity.startTime(of: container.pid)), "log": JSON(logPath),
    ]
    try FileSystem.write(
      record.bytes, to: folder(container.id) + "/record.json", mode: 0o600, isDurable: false)
  }

  private func watch(_ container: Container, logPath: String?) {
    guard watched[container.id] == nil else { return }
    logs[container.id] = logPath
    do {
      let process = try ChildProcess.adopt(pid: container.pid)
      watched[container.id] = process
      Task { @Loop in
        let ending = (try? await process.wait()) ?? .unknown
        watched[container.id] = nil
        logs[container.id] = nil
        onExit?(container.id, ending)
      }
    } catch {
      onExit?(container.id, .unknown)
    }
  }

  /// Every container there is a bundle of, with whether it still runs; those that do are watched
  /// from now on.
  package func containers() -> [(container: Container, isRunning: Bool)] {
    ((try? FileSystem.list(state)) ?? []).sorted().compactMap { id in
      guard let text = try? FileSystem.readText("\(folder(id))/record.json"),
        let json = try? JSON(parsing: text), let pid = json["pid"].int.flatMap(Int32.init(exactly:))
      else { return nil }
      let container = Container(
        id: id, labels: json["labels"].strings, startedAt: Int64(json["startedAt"].int ?? 0),
        pid: pid)
      let started = json["startTime"].string
      let isRunning = started != nil && ProcessIdentity.startTime(of: pid) == started
      if isRunning { watch(container, logPath: json["log"].string) }
      return (container, isRunning)
    }
  }

  /// Sends a signal to a container's first process; one that is gone needs none.
  package func signal(_ id: String, _ number: Int32) { watched[id]?.signal(number) }

  /// Runs a command inside a running container. At its timeout, or when the task is cancelled, it
  /// is killed, which shows as `killed`.
  package func execute(
    _ id: String, _ command: [String], timeout: Duration
  ) async throws -> ChildProcess.Result {
    executions += 1
    let pidFile = "\(folder(id))/execution-\(executions).pid"
    defer { unlink(pidFile) }
    var isOverdue = false
    let alarm = Loop.after(timeout) {
      isOverdue = true
      Self.killProcess(in: pidFile)
    }
    defer { alarm.cancel() }
    return try await withTaskCancellationHandler {
      let result = try await ChildProcess.run(
        ["runc", "--root", runtime, "exec", "--pid-file", pidFile, id] + command,
        limit: 64 << 10, timeout: timeout + Self.executionGrace)
      return isOverdue
        ? ChildProcess.Result(
          ending: .killed(signal: SIGKILL), output: result.output, errors: result.errors)
        : result
    } onCancel: {
      Task { @Loop in Self.killProcess(in: pidFile) }
    }
  }

  /// How long runc may take to notice that the command it waits for was killed.
  private static let executionGrace = Duration.seconds(2)

  private static func killProcess(in pidFile: String) {
    if let pid = (try? FileSystem.readText(pidFile)).flatMap({ Int32($0) }), pid > 1 {
      kill(pid, SIGKILL)
    }
  }

  /// Ends what still runs of a container and frees all it has but its log.
  package func delete(_ id: String) async {
    let folder = folder(id)
    if FileSystem.exists("\(runtime)/\(id)") {
      _ = try? await ChildProcess.run(["runc", "--root", runtime, "delete", "--force", id])
    }
    watched[id] = nil
    logs[id] = nil
    try? Mount.remove(folder + "/rootfs")
    try? FileSystem.removeTree(folder)
  }
}
