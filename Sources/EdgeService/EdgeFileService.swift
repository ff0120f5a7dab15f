import Delivery
import Engine
import Glibc
import Intent
import Linux
import Logging
import NetTypes
import Transport

/// The data plane alone, told by a file what to serve.
///
/// The file is read again when it changes, and on SIGHUP. Objects apply one by one: what is wrong
/// with one is logged with its line, while the others, and its own last good version, go on serving.
/// A file that is away, empty or no such file at all changes nothing.
@Loop package final class EdgeFileService {
  package struct Options: Sendable {
    package var path: String
    /// Threads of the data plane; nil is one a processor.
    package var workers: Int?
    /// How often the file is looked at.
    package var interval = Duration.milliseconds(250)
    /// How long connections may take to end when the edge stops.
    package var drain = Duration.seconds(2)
    /// The control socket; nil: none.
    package var socket: String?
    /// Where `/metrics` is served besides.
    package var metrics: SocketAddress?
    /// What `upgrade` starts, with `--take-over` behind it; empty: it is not served.
    package var arguments: [String] = []
    /// How long the next process may take until it serves.
    package var upgradeTime = Duration.seconds(20)
    /// How long connections may take to end once the next process serves.
    package var handoverDrain = Duration.seconds(3600)
    /// When all has ended after that.
    package var afterHandover: @Loop @Sendable () -> Void = { kill(getpid(), SIGTERM) }

    package init(path: String) { self.path = path }
  }

  package let engine: Engine
  /// What is wrong with the file as it stands.
  package private(set) var problems: [FileProblem] = []
  let options: Options
  let started = Loop.now
  var controlServers: [HTTPServer] = []
  private var seen: FileSystem.Version?
  /// The certificates and keys that the file names, as they were read.
  private var seenFiles: [String: FileSystem.Version?] = [:]
  var timer: Timer?
  var isLeaving = false
  var isUpgrading = false
  /// Resumed once the next process has taken over, or will not.
  var hasLeft: Waiter?
  let log: Logger

  package init(_ options: Options, log: Logger = Logger(label: "edge")) throws {
    self.options = options
    self.log = log
    var settings = Engine.Settings()
    settings.workers = options.workers
    settings.kernel.table = "atoll-edge-\(Self.tableSuffix(options.path))"
    engine = try Engine(settings)
    engine.onProblem = { log.error("not served", metadata: ["why": "\($0)"]) }
  }

  /// Serves until SIGTERM or SIGINT; the process has blocked both, and SIGHUP, before its threads
  /// started.
  /// - Throws: `FileProblem` or `SystemError` if there is nothing to begin with.
  package func run(after inheritance: Inheritance? = nil) async throws {
    if let inheritance { try await start(after: inheritance) } else { try start() }
    while try await Signals.wait(for: [SIGTERM, SIGINT, SIGHUP]) == SIGHUP {
      engine.reopenAccessLogs()
      reload()
    }
    timer?.cancel()
    await engine.drain(options.drain)
    await stopControl()
  }

  package func start() throws {
    seen = FileSystem.version(of: options.path)
    let parsed = try read()
    try startControl()
    apply(parsed)
    engine.recoverKernel()
    look()
  }

  /// Serves from the sockets of the process before, and then has it leave.
  /// - Throws: why not; the process before goes on as it was.
  package func start(after inheritance: Inheritance) async throws {
    if let workers = options.workers, workers != inheritance.workers {
      throw FileProblem(
        file: "--workers",
        message: "found \(workers), expected \(inheritance.workers), as of the edge before")
    }
    seen = FileSystem.version(of: options.path)
    let parsed = try read()
    // Before anything is accepted: the process before may serve what this one would refuse.
    problems =
      parsed.allProblems + Self.compileProblems(of: parsed)
      + Engine.tlsProblems(parsed.configuration).map(parsed.located)
    if !problems.isEmpty { throw refusal(problems) }
    engine.inherit(inheritance.listeners)
    engine.holdKernel()
    apply(parsed)
    do {
      if !problems.isEmpty { throw refusal(problems) }
      try await completeHandover(inheritance)
    } catch {
      await engine.drain(options.drain, forGood: false)
      throw error
    }
    engine.recoverKernel()
    await startControlAfterHandover()
    look()
  }

  package func stop() async {
    timer?.cancel()
    engine.stop()
    await stopControl()
  }

  private func look() {
    timer = Loop.after(options.interval) { [weak self] in
      guard let self else { return }
      let version = FileSystem.version(of: options.path)
      if version != seen || seenFiles.contains(where: { FileSystem.version(of: $0) != $1 }) {
        seen = version
        reload()
      }
      look()
    }
  }

  /// Reads the file again; what cannot be read as a whole changes nothing.
  package func reload() {
    do {
      apply(try read())
    } catch {
      let problem =
        error as? FileProblem ?? FileProblem(file: options.path, message: "\(error)")
      if problems != [problem] {
        log.error("configuration is not read, the last one stays", metadata: ["why": "\(problem)"])
      }
      problems = [problem]
    }
  }

  private func read() throws -> EdgeFile.Parsed {
    var parsed = try EdgeFile.parse(
      try FileSystem.readText(options.path), file: options.path)
    var versions: [String: FileSystem.Version?] = [:]
    parsed.readFiles { path in
      versions[path] = FileSystem.version(of: path)
      return try FileSystem.read(path)
    }
    seenFiles = versions
    return parsed
  }

  /// What only compiling shows to be wrong with the objects that are otherwise sound.
  package nonisolated static func compileProblems(of parsed: EdgeFile.Parsed) -> [FileProblem] {
    Engine.compileProblems(of: parsed.configuration.validated().usable).map(parsed.located)
  }

  private func apply(_ parsed: EdgeFile.Parsed) {
    var wanted = parsed.configuration
    wanted.pools += engine.applied.pools.filter { parsed.refused.pools.contains($0.name) }
    wanted.virtualServers += engine.applied.virtualServers.filter {
      parsed.refused.virtualServers.contains($0.name)
    }
    wanted.egress += engine.applied.egress.filter {
      parsed.refused.egress.contains($0.name)
    }
    let refused = engine.apply(wanted)
    problems = (parsed.problems + refused.map(parsed.located)).sorted {
      ($0.line, $0.column) < ($1.line, $1.column)
    }
    for notice in parsed.notices { log.warning("\(notice)") }
    for problem in problems { log.error("not served", metadata: ["why": "\(problem)"]) }
    log.notice(
      "configuration applied",
      metadata: [
        "virtualServers": "\(engine.applied.virtualServers.count)",
        "pools": "\(engine.applied.pools.count)", "problems": "\(problems.count)",
      ])
  }

  /// Two edges of one machine have two tables; one that starts again has its own.
  private static func tableSuffix(_ path: String) -> String {
    let hash = path.utf8.reduce(0x811c_9dc5 as UInt32) { ($0 ^ UInt32($1)) &* 0x0100_0193 }
    return String(hash, radix: 16)
  }
}
