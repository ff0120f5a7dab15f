import ArgumentParser
import Kubernetes
import Linux
import Unit

struct List: AsyncParsableCommand {
  static let configuration = CommandConfiguration(abstract: "List the units of this machine.")

  @OptionGroup var output: OutputOptions

  func run() async throws {
    let units = try UnitRegistry.summaries()
    switch output.output {
    case .json: print(JSON(units.map(\.json)).text)
    case .text: print(UnitSummary.table(units))
    }
  }
}

struct Status: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Show nodes, pods, BGP sessions, routes and virtual servers; or a mesh and its names."
  )

  @OptionGroup var unit: UnitOptions
  @OptionGroup var output: OutputOptions

  func run() async throws {
    if let mesh = try unit.mesh() {
      let status = try await MeshStatus.read(mesh)
      return print(output.output == .json ? status.json.text : status.text)
    }
    let status = try await UnitStatus.read(try unit.record())
    switch output.output {
    case .json: print(status.json.text)
    case .text: print(status.text)
    }
  }
}

struct Verify: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Prove every path of a unit from the edge's side.",
    discussion: """
      ICMP to every pod, TCP to every ready endpoint, HTTP through every HTTP virtual server, and \
      the route to each block, hop by hop, against the node that owns it. Exits 0 only if all hold; what \
      fails is shown with the first hop that is wrong.
      """)

  @OptionGroup var unit: UnitOptions
  @OptionGroup var output: OutputOptions

  func run() async throws {
    let report = try await Verification.run(try unit.record())
    switch output.output {
    case .json: print(report.json.text)
    case .text: print(report.text)
    }
    if !report.holds { throw ExitCode(1) }
  }
}

struct KubeconfigCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "kubeconfig", abstract: "Print a unit's kubeconfig, or its path.")

  @OptionGroup var unit: UnitOptions
  @Flag(help: "Print the file's path only.")
  var path = false

  func run() async throws {
    let file = try unit.record().directory.kubeconfig
    print(path ? file : try FileSystem.readText(file), terminator: path ? "\n" : "")
  }
}

struct Logs: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Print the log of a role: apiserver, edge, dns, server-0, agent-0, …, supervisor.")

  @OptionGroup var unit: UnitOptions
  @Argument(help: "The role.")
  var role: String
  @Flag(name: .shortAndLong, help: "Go on printing as the log grows.")
  var follow = false
  @Option(name: [.customShort("n"), .long], help: "Only this many lines from the end.")
  var tail: Int?

  func run() async throws {
    let directory = try unit.mesh()?.directory ?? unit.record().directory
    try await RoleLog.print(role, of: directory, tail: tail, follow: follow)
  }
}

struct Exec: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Run a command inside a role's network namespace.",
    usage: "atoll exec [--name NAME] ROLE -- COMMAND [ARGUMENT…]")

  @OptionGroup var unit: UnitOptions
  @Argument(help: "client, edge, dns, host, switch, server-0, agent-0, ….")
  var role: String
  @Argument(parsing: .postTerminator, help: "The command and its arguments.")
  var command: [String]

  func run() throws {
    guard !command.isEmpty else {
      throw ValidationError("no command: expected `atoll exec \(role) -- COMMAND`")
    }
    if let mesh = try unit.mesh() {
      try RoleExec.replaceProcess(site: role, of: mesh, command: command)
    }
    try RoleExec.replaceProcess(role: role, of: try unit.record(), command: command)
  }
}
