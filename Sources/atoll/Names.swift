import ArgumentParser
import Intent
import Linux
import Logging
import NameService
import NetTypes

struct Names: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "dns",
    abstract: "Serve names, steered by health: alone by a file, or as the name service of a unit.",
    groupedSubcommands: [
      CommandGroup(name: "Configuration", subcommands: [NamesRun.self, NamesCheck.self]),
      CommandGroup(name: "Roles", subcommands: [UnitNamesRole.self, WitnessRole.self]),
    ], defaultSubcommand: NamesRun.self)
}

struct NamesRun: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "run", abstract: "Serve what a file of kind NameConfiguration says.",
    discussion: """
      The file and its zone files are read again when they change and on SIGHUP. Objects apply one by \
      one: what is wrong with one is logged with its line, while the others, and its own last good \
      version, go on being served.
      """)

  @Option(help: "The configuration.", completion: .file())
  var config: String
  @Option(help: "Threads for datagrams (default: one a processor).")
  var workers: Int?
  @Option(help: "The control socket.")
  var api: String?
  @Option(help: "ADDRESS:PORT to serve /metrics on, besides the control socket.")
  var metrics: SocketAddress?
  @Option(help: "The folder of what survives a restart.")
  var state: String?
  @Option(help: "trace, debug, info, notice, warning, error or critical.")
  var logLevel: Logger.Level = .info

  func validate() throws {
    if let workers, !(1...256).contains(workers) {
      throw ValidationError("workers: found \(workers), expected 1 to 256")
    }
  }

  func run() async throws {
    var options = NameFileService.Options(path: FileSystem.absolutePath(config))
    options.workers = workers
    options.socket = api.map(FileSystem.absolutePath)
    options.metrics = metrics
    options.state = state.map(FileSystem.absolutePath)
    try await NameFileService(options, log: RoleOptions.logger("dns", logLevel)).run()
  }
}

struct NamesCheck: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "check",
    abstract: "Say what is wrong with a file and its zones, by line and field; exits 1 then.")

  @Argument(help: "A file of kind NameConfiguration.", completion: .file())
  var file: String

  @Loop func run() async throws {
    let (notices, problems) = try NameFileService.check(FileSystem.absolutePath(file))
    for notice in notices { print("note: \(notice)") }
    for problem in problems { print("error: \(problem)") }
    if !problems.isEmpty { throw ExitCode(1) }
    print("\(file): ok")
  }
}

/// What the name service of a unit and a witness have in common.
struct NameRoleOptions: ParsableArguments {
  @Option(help: "The folder of what survives a restart.")
  var state: String
  @Option(help: "The control socket.")
  var socket: String
  @Option(help: "The address to serve on.")
  var address: IPAddress
  @Option(help: "The port to serve on.")
  var port: UInt16 = 53

  func options(_ role: RoleOptions) -> UnitNameService.Options {
    UnitNameService.Options(
      name: role.name, state: state, socket: socket, listen: SocketAddress(address, port: port))
  }
}

/// The name service of a unit.
struct UnitNamesRole: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "unit",
    abstract: "Serve a unit's names: those of its cluster, and the global ones of its mesh.")

  @OptionGroup var role: RoleOptions
  @OptionGroup var service: NameRoleOptions
  @Option(help: "How to reach the API server.")
  var kubeconfig: String
  @Option(help: "A file of kind MeshNames.")
  var mesh: String?
  @Option(help: "The domain of the cluster's own names.")
  var clusterDomain = "cluster.local"
  @Option(help: "Addresses of Services.")
  var serviceCidr: IPPrefix?
  @Option(help: "Addresses of pods.")
  var podCidr: IPPrefix?
  @Option(help: "Addresses of nodes.")
  var nodeCidr: IPPrefix?
  @Option(help: "ADDRESS:PORT of a server for all other names; may be repeated.")
  var forward: [SocketAddress] = []
  @Option(help: "Threads for datagrams (default: one a processor).")
  var workers: Int?

  func run() async throws {
    var options = service.options(role)
    options.kubeconfig = kubeconfig
    options.mesh = mesh
    options.clusterDomain = clusterDomain
    options.serviceCIDR = serviceCidr
    options.podCIDR = podCidr
    options.nodeCIDR = nodeCidr
    options.forward = forward
    options.workers = workers
    try await UnitNameService(options, log: role.logger("dns")).run()
  }
}

/// A voter without a unit: it sees applications as their clients do.
struct WitnessRole: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "witness", abstract: "Vote on what is up, from a place where clients are.")

  @OptionGroup var role: RoleOptions
  @OptionGroup var service: NameRoleOptions
  @Option(help: "A file of kind MeshNames.")
  var mesh: String

  func run() async throws {
    var options = service.options(role)
    options.mesh = mesh
    try await UnitNameService(options, log: role.logger("dns")).run()
  }
}
