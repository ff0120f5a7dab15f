import ArgumentParser
import Linux

@main
struct Atoll: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "atoll",
    abstract: "An application delivery platform for Kubernetes in one binary.",
    discussion: """
      `atoll up` brings up an atomic unit on this machine: a Kubernetes cluster whose pod networks \
      are announced over BGP to an edge that balances traffic straight to the pods.
      """,
    version: "0.1.0",
    groupedSubcommands: [
      CommandGroup(
        name: "Units",
        subcommands: [
          Up.self, Down.self, List.self, Status.self, Verify.self, Drain.self, Undrain.self,
          Cluster.self,
        ]),
      CommandGroup(name: "A mesh under fire", subcommands: [FaultCommand.self, DriveCommand.self]),
      CommandGroup(
        name: "Inside a unit",
        subcommands: [
          Logs.self, Top.self, Exec.self, Shell.self, Calicoctl.self, KubeconfigCommand.self,
          Image.self,
        ]),
      CommandGroup(
        name: "Roles, as a supervisor runs them",
        subcommands: [
          APIServerRole.self, NodeRole.self, Edge.self, RouterRole.self, Names.self,
          Supervise.self, Wire.self,
        ]),
    ])

  /// A role takes SIGTERM and the like as events, from its first moment on. Commands end by them as
  /// usual.
  static func main() async {
    let roles = ["apiserver", "node", "edge", "router", "dns", "supervise", "wire"]
    let words = Array(CommandLine.arguments.dropFirst())
    // The commands beside the role end by signals as usual.
    let isCommand =
      ["edge", "dns"].contains(words.first) && words.count > 1 && !words[1].hasPrefix("-")
      && !["run", "unit", "witness"].contains(words[1])
    if let verb = words.first, roles.contains(verb), !isCommand {
      Signals.prepare()
    }
    await main(nil)
  }
}
