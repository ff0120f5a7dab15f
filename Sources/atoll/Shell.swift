import ArgumentParser
import Linux
import Unit

struct Shell: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Open the edge's routing shell, as imish or vtysh.",
    discussion: "Reads commands from a terminal or a pipe; -c runs one and exits.")

  @OptionGroup var unit: UnitOptions
  @Option(name: .customShort("c"), help: "Run a command and exit; may be repeated.")
  var commands: [String] = []

  func run() async throws {
    let session = await ShellSession(try unit.record())
    let succeeded =
      commands.isEmpty ? try await session.interact() : try await session.run(commands)
    if !succeeded { throw ExitCode(1) }
  }
}
