import ArgumentParser
import Linux
import NetTypes
import Unit

struct CalicoctlNode: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "node", abstract: "Look at a node.", subcommands: [Status.self])

  struct Status: CalicoctlCommand {
    static let configuration = CommandConfiguration(abstract: "Show a node's BGP sessions.")
    @Argument(help: "A node of a unit (default: its first server).")
    var node: String?
    @OptionGroup var connection: Calicoctl.Connection

    func perform() async throws {
      let report = try await CalicoNodeReport.read(try connection.value.record(), node: node)
      print(report.text, terminator: "")
    }
  }
}

struct CalicoctlIPAM: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "ipam", abstract: "Look at addresses.", subcommands: [Show.self])

  struct Show: CalicoctlCommand {
    static let configuration = CommandConfiguration(
      abstract: "Show how far pools are used, or who has an address.")
    @Option(help: "Who has this address.")
    var ip: IPAddress?
    @Flag(help: "A line for each node's block too.")
    var showBlocks = false
    @OptionGroup var connection: Calicoctl.Connection

    func perform() async throws {
      let report = try await CalicoAddressReport.read(try connection.client())
      print(ip.map(report.text(of:)) ?? report.text(showsBlocks: showBlocks), terminator: "")
    }
  }
}
