import ArgumentParser
import Intent
import Linux

/// k3d's own command line, so that the article's commands work as they stand.
struct Cluster: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "k3d's commands, as the reference architecture types them.",
    subcommands: [Create.self, Delete.self, ListClusters.self])

  struct Create: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Create a unit with k3d's flags; what does not apply is named.")

    @Argument(parsing: .allUnrecognized, help: "NAME and k3d's flags.")
    var arguments: [String] = []

    func run() async throws {
      let parsed = try K3DArguments.parse(arguments, folder: FileSystem.absolutePath("."))
      try await Up.bringUp(
        parsed.configuration, notices: parsed.notices, sample: false, wait: .seconds(60),
        output: .text)
    }
  }

  struct Delete: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Take a unit down.")

    @Argument var name: String

    func run() async throws { try await Down.parse(["--name", name]).run() }
  }

  struct ListClusters: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "list", abstract: "List the units of this machine.")

    func run() async throws { try await List.parse([]).run() }
  }
}
