import ArgumentParser
import Unit

struct Drain: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Take a node, an edge, a unit or an application out of traffic, losing no request.",
    discussion: """
      node NAME: the edge sends nothing new to its pods, what is in flight ends, the pods move \
      elsewhere one by one, and its routes are withdrawn. edge: GRACEFUL_SHUTDOWN is announced, no \
      more connections are taken, those there are end, the routes are withdrawn, and it stops. \
      unit NAME, app NAME: it is answered to nobody new under the names that it shares with other \
      units, answers given before run out, and a unit's edge is drained then. \
      --undo, or `atoll undrain`, brings it back.
      """,
    subcommands: [DrainNode.self, DrainEdge.self, DrainUnit.self, DrainApplication.self])
}

struct DrainOptions: ParsableArguments {
  @OptionGroup var unit: UnitOptions
  @Flag(help: "Wait for flows to leave, and pods to move, for as long as it takes.")
  var wait = false
  @Option(help: "How long they may take without --wait, as 60s or 2m.")
  var timeout: WaitTime = WaitTime(duration: .seconds(60))
  @Flag(help: "Bring it back.")
  var undo = false
  @OptionGroup var output: OutputOptions

  /// A day stands for ever: who waits may interrupt.
  var limit: Duration { wait ? .seconds(86_400) : timeout.duration }
}

struct DrainNode: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "node", abstract: "Take a node out of traffic, and move its pods elsewhere.")

  @Argument(help: "The node, as cpaas1-agent-0 or agent-0.")
  var node: String
  @Flag(help: "Also delete pods that no controller makes anew.")
  var force = false
  @OptionGroup var options: DrainOptions

  func run() async throws {
    let printer = ProgressPrinter(format: options.output.output)
    let drain = try await NodeDrain(
      try options.unit.record(), wait: options.limit, show: printer.show)
    if options.undo {
      try await drain.undo(node)
    } else {
      try await drain.drain(node, force: force)
    }
  }
}

struct DrainEdge: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "edge", abstract: "Take the edge out of traffic, and stop it.")

  @OptionGroup var options: DrainOptions

  func run() async throws {
    let printer = ProgressPrinter(format: options.output.output)
    let drain = try await EdgeDrain(
      try options.unit.record(), wait: options.limit, show: printer.show)
    if options.undo { try await drain.undo() } else { try await drain.drain() }
  }
}

struct DrainUnit: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "unit", abstract: "Take a unit of a mesh out of its names, and then its edge.")

  @Argument(help: "The unit.")
  var target: String
  @Flag(help: "Also the last healthy one of a name.")
  var force = false
  @OptionGroup var options: DrainOptions

  func run() async throws {
    let record = try UnitRegistry.find(target)
    try await options.drain(record, app: nil, force: force)
  }
}

struct DrainApplication: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "app", abstract: "Take one application of a unit out of its name.")

  @Argument(help: "The name that it is known by, as whoami.gslb.example or whoami.")
  var app: String
  @Flag(help: "Also the last healthy one of a name.")
  var force = false
  @OptionGroup var options: DrainOptions

  func run() async throws {
    try await options.drain(try options.unit.record(), app: app, force: force)
  }
}

extension DrainOptions {
  func drain(_ record: UnitRecord, app: String?, force: Bool) async throws {
    let printer = ProgressPrinter(format: output.output)
    let drain = try await NamesDrain(unit: record, app: app, wait: limit, show: printer.show)
    if undo { try await drain.undo() } else { try await drain.drain(force: force) }
  }
}

struct Undrain: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Bring back what was drained: the same as `atoll drain … --undo`.",
    usage: "atoll undrain node NAME | edge | unit NAME | app NAME [OPTIONS]")

  @Argument(parsing: .captureForPassthrough, help: "What, as `atoll drain` is told.")
  var words: [String]

  func run() async throws {
    var command = try Drain.parseAsRoot(words + ["--undo"])
    if var command = command as? any AsyncParsableCommand {
      try await command.run()
    } else {
      try command.run()
    }
  }
}
