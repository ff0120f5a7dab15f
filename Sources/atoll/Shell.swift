import ArgumentParser
import Linux
import Unit

struct Shell: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Open a router's shell, as imish or vtysh.",
    discussion: "Reads commands from a terminal or a pipe; -c runs one and exits.")

  @OptionGroup var unit: UnitOptions
  @Option(help: "The unit's router: edge, or host in a routed unit.")
  var router = "edge"
  @Option(help: "The control socket of any router, in place of a unit's.", completion: .file())
  var socket: String?
  @Option(name: .customShort("c"), help: "Run a command and exit; may be repeated.")
  var commands: [String] = []

  func run() async throws {
    let socket = try socket ?? unit.record().socket(ofRouter: router)
    let session = await ShellSession(RouterControl(socket: socket))
    let succeeded =
      commands.isEmpty ? try await session.interact() : try await session.run(commands)
    if !succeeded { throw ExitCode(1) }
  }
}
