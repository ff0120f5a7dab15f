import ArgumentParser
import Linux
import NetTypes
import Unit

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
