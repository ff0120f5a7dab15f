import ArgumentParser
import Linux
import Logging
import RouterService

struct RouterRole: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "router",
    abstract: "Run the BGP router alone, by a configuration in FRR's syntax.",
    discussion: """
      SIGHUP reads the file again; one that is wrong is refused whole, and what was in force stays. \
      SIGTERM stops, and where graceful restart is configured peers and kernel keep the routes for \
      the next start; SIGINT withdraws everything first. `atoll shell --socket SOCKET` opens its \
      shell.
      """)

  @Option(help: "The configuration, which `write` in the shell replaces.", completion: .file())
  var config: String
  @Option(help: "Where to serve the shell, status and metrics: a Unix socket to make.")
  var api: String?
  @Flag(name: .customLong("no-kernel"), help: "Leave the kernel's table alone: learn and reflect.")
  var leavesKernelAlone = false
  @Option(help: "The kernel's table to install routes in; 254 is main.")
  var table: UInt32 = 254
  @Flag(help: "Only check the configuration; exits 1 and says the line if it is wrong.")
  var check = false
  @Option(help: "trace, debug, info, notice, warning, error or critical.")
  var logLevel: Logger.Level = .info

  func validate() throws {
    guard table > 0 else { throw ValidationError("table: found 0, expected 1 to 4294967295") }
  }

  func run() async throws {
    if check {
      try RouterProcess.check(config)
      return print("\(config): ok")
    }
    var options = RouterProcess.Options(configuration: FileSystem.absolutePath(config))
    options.socket = api
    options.router.installsRoutes = !leavesKernelAlone
    options.router.kernel.table = table
    try await RouterProcess(options, log: RoleOptions.logger("router", logLevel)).run()
  }
}
