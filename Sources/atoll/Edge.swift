import ArgumentParser
import EdgeService
import Engine
import Intent
import Linux
import Logging
import NetTypes

struct Edge: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Balance L4 and L7 traffic: alone by a file, or as the edge of a unit.",
    groupedSubcommands: [
      CommandGroup(name: "Configuration", subcommands: [EdgeRun.self, EdgeCheck.self]),
      CommandGroup(
        name: "At run time",
        subcommands: [
          EdgeShow.self, EdgePools.self, EdgeMembers.self, EdgeEnable.self, EdgeDisable.self,
          EdgeUpgrade.self, EdgeDrainMember.self, EdgeWeight.self, EdgeReset.self, EdgeDump.self,
        ]),
      CommandGroup(name: "Roles", subcommands: [EdgeRole.self]),
    ], defaultSubcommand: EdgeRun.self)
}

struct EdgeRun: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "run", abstract: "Serve what a file of kind EdgeConfiguration says.",
    discussion: """
      The file is read again when it changes and on SIGHUP. Objects apply one by one: what is wrong \
      with one is logged with its line, while the others, and its own last good version, go on \
      serving. SIGTERM stops accepting, lets requests in flight end, and leaves.
      """)

  @Option(help: "The configuration.", completion: .file())
  var config: String
  @Option(help: "Threads of the data plane (default: one a processor).")
  var workers: Int?
  @Option(help: "The control socket (default: /run/atoll/edge-NAME.sock, after the file).")
  var api: String?
  @Option(help: "ADDRESS:PORT to serve /metrics on, besides the control socket.")
  var metrics: SocketAddress?
  @Flag(help: "Take over from the edge that serves the control socket, and its listening sockets.")
  var takeOver = false
  @Option(help: "trace, debug, info, notice, warning, error or critical.")
  var logLevel: Logger.Level = .info

  func validate() throws {
    if let workers, !(1...256).contains(workers) {
      throw ValidationError("workers: found \(workers), expected 1 to 256")
    }
  }

  func run() async throws {
    var options = EdgeFileService.Options(path: FileSystem.absolutePath(config))
    options.workers = workers
    options.socket = api.map(FileSystem.absolutePath) ?? EdgeFileService.defaultSocket(options.path)
    options.metrics = metrics
    options.arguments =
      [try FileSystem.executablePath()] + CommandLine.arguments.dropFirst()
    let log = RoleOptions.logger("edge", logLevel)
    guard takeOver, let socket = options.socket else {
      return try await EdgeFileService(options, log: log).run()
    }
    let inheritance = try await EdgeFileService.inherit(from: socket)
    options.workers = options.workers ?? inheritance.workers
    try await EdgeFileService(options, log: log).run(after: inheritance)
  }
}

struct EdgeCheck: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "check",
    abstract: "Say what is wrong with a file, by line and field; exits 1 then.")

  @Argument(help: "A file of kind EdgeConfiguration.", completion: .file())
  var file: String

  func run() throws {
    var parsed = try EdgeFile.parse(try FileSystem.readText(file), file: file)
    parsed.readFiles { try FileSystem.read($0) }
    for notice in parsed.notices { print("note: \(notice)") }
    let problems =
      parsed.allProblems + EdgeFileService.compileProblems(of: parsed)
      + Engine.tlsProblems(parsed.configuration).map(parsed.located)
    for problem in problems { print("error: \(problem)") }
    if !problems.isEmpty { throw ExitCode(1) }
    print("\(file): ok")
  }
}
