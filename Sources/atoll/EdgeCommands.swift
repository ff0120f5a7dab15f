import ArgumentParser
import EdgeService
import Kubernetes
import Linux
import Unit

/// Which edge a command means.
struct EdgeSocketOptions: ParsableArguments {
  @Option(
    help: "The control socket (default: of the only edge that runs by a file).",
    completion: .file())
  var api: String?
  @Option(help: "The edge of a unit.")
  var name: String?

  func validate() throws {
    if api != nil, name != nil { throw ValidationError("found --api and --name, expected one") }
  }

  @Loop func client() throws -> EdgeClient {
    if let api { return EdgeClient(socket: api) }
    if let name {
      return EdgeClient(socket: try UnitRegistry.find(name).socket(ofRouter: "edge"))
    }
    let found = EdgeFileService.sockets()
    if found.count == 1 { return EdgeClient(socket: found[0]) }
    // A machine with one unit and no other edge.
    if found.isEmpty, let unit = try? UnitRegistry.find(nil) {
      return EdgeClient(socket: try unit.socket(ofRouter: "edge"))
    }
    throw ValidationError(
      "--api: found \(found.isEmpty ? "no edge" : found.joined(separator: ", ")), expected one socket, or --name UNIT"
    )
  }
}

struct EdgeShow: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "status", abstract: "Show virtual servers, with their requests and times.")

  @OptionGroup var edge: EdgeSocketOptions
  @OptionGroup var output: OutputOptions

  @Loop func run() async throws {
    let client = try edge.client()
    if output.output == .json { return print(try await client.status().text) }
    let report = EdgeReport(try await client.dump())
    print(report.serversText)
    for problem in try await client.status()["problems"].elements {
      print("not served: \(problem.string ?? problem.text)")
    }
  }
}

struct EdgePools: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "pools", abstract: "Show pools, with their requests and times.")

  @OptionGroup var edge: EdgeSocketOptions
  @OptionGroup var output: OutputOptions

  @Loop func run() async throws {
    let dump = try await edge.client().dump()
    print(output.output == .json ? dump["pools"].text : EdgeReport(dump).poolsText)
  }
}

struct EdgeMembers: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "members", abstract: "Show members: state, health, requests and times.")

  @Argument(help: "Of this pool only.")
  var pool: String?
  @OptionGroup var edge: EdgeSocketOptions
  @OptionGroup var output: OutputOptions

  @Loop func run() async throws {
    let dump = try await edge.client().dump()
    let report = EdgeReport(dump)
    if let pool, !report.pools.contains(where: { $0.name == pool }) {
      throw ValidationError(
        "pool: found \"\(pool)\", expected one of \(report.pools.map(\.name).joined(separator: ", "))"
      )
    }
    switch output.output {
    case .text: print(report.membersText(of: pool))
    case .json:
      let pools = dump["pools"].elements.filter { pool == nil || $0["name"].string == pool }
      print(JSON(pools.flatMap { $0["members"].elements }).text)
    }
  }
}

struct EdgeDump: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "dump", abstract: "Print all counts and histograms as JSON.")

  @OptionGroup var edge: EdgeSocketOptions

  @Loop func run() async throws { print(try await edge.client().dump().text) }
}

/// What changes members at run time have in common.
struct EdgeChangeOptions: ParsableArguments {
  @Argument(help: "The pool.")
  var pool: String
  @Argument(help: "The member, ADDRESS:PORT; without it all of the pool.")
  var member: String?
  @OptionGroup var edge: EdgeSocketOptions
  @OptionGroup var output: OutputOptions

  @Loop func apply(_ fields: [String: JSON]) async throws {
    let client = try edge.client()
    let answer = try await client.change(pool: pool, member: member, fields)
    switch output.output {
    case .json: print(answer.text)
    case .text: print(EdgeReport(try await client.dump()).membersText(of: pool))
    }
  }
}

private let untilConfigured = "Lasts until the member's own configuration changes."

struct EdgeEnable: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "enable", abstract: "Let a member take traffic. \(untilConfigured)")
  @OptionGroup var options: EdgeChangeOptions
  func run() async throws { try await options.apply(["state": "enabled"]) }
}

struct EdgeDisable: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "disable",
    abstract: "Give a member nothing, its sessions neither. \(untilConfigured)")
  @OptionGroup var options: EdgeChangeOptions
  func run() async throws { try await options.apply(["state": "disabled"]) }
}

struct EdgeDrainMember: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "drain",
    abstract: "Give a member only the sessions that it has. \(untilConfigured)")
  @OptionGroup var options: EdgeChangeOptions
  func run() async throws { try await options.apply(["state": "draining"]) }
}

struct EdgeReset: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "reset", abstract: "Take runtime changes of a member back.")
  @OptionGroup var options: EdgeChangeOptions
  func run() async throws { try await options.apply(["reset": true]) }
}

struct EdgeWeight: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "weight", abstract: "Set a member's weight. \(untilConfigured)")
  @Option(help: "1 to 256.")
  var to: Int
  @OptionGroup var options: EdgeChangeOptions
  func run() async throws { try await options.apply(["weight": JSON(to)]) }
}

struct EdgeUpgrade: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "upgrade",
    abstract: "Have an edge hand its sockets to a new process, without losing a request.",
    discussion: """
      The running edge starts the new process with its own arguments. Once that serves, the old one \
      accepts no more, lets what it has end, and leaves. A new process that does not start, or whose \
      file has problems, leaves the old one serving.
      """)

  @Option(
    help: "The program (default: the file that the edge was started from).", completion: .file())
  var executable: String?
  @OptionGroup var edge: EdgeSocketOptions

  @Loop func run() async throws {
    let path = executable.map { FileSystem.absolutePath($0) }
    let pid = try await edge.client().upgrade(executable: path)
    print("process \(pid) has taken over")
  }
}
