import ArgumentParser
import Unit

struct Drain: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Take a node or the edge out of traffic without losing a request.",
    discussion: """
      node NAME: the edge sends nothing new to its pods, what is in flight ends, the pods move \
      elsewhere one by one, and its routes are withdrawn. edge: GRACEFUL_SHUTDOWN is announced, no \
      more connections are taken, those there are end, the routes are withdrawn, and it stops. \
      --undo brings either back.
      """,
    subcommands: [DrainNode.self, DrainEdge.self])
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
