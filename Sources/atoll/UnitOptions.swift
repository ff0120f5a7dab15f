import ArgumentParser
import Unit

/// Which unit a command means.
struct UnitOptions: ParsableArguments {
  @Option(help: "The unit's name (default: the only unit there is).")
  var name: String?

  func record() throws -> UnitRecord { try UnitRegistry.find(name) }
}

enum OutputFormat: String, ExpressibleByArgument {
  case text, json
}

struct OutputOptions: ParsableArguments {
  @Option(name: [.customShort("o"), .long], help: "text or json.")
  var output: OutputFormat = .text
}
