import ArgumentParser
import Unit

/// Which unit a command means.
struct UnitOptions: ParsableArguments {
  @Option(help: "The unit's name (default: the only unit there is).")
  var name: String?

  /// The mesh of that name; without one, the mesh that all units here are of.
  func mesh() throws -> MeshRecord? {
    if let name { return MeshRegistry.kept(name) }
    guard let mesh = try? MeshRegistry.find(nil) else { return nil }
    return Set(try UnitRegistry.names()).isSubset(of: mesh.units) ? mesh : nil
  }

  func record() throws -> UnitRecord { try UnitRegistry.find(name) }
}

enum OutputFormat: String, ExpressibleByArgument {
  case text, json
}

struct OutputOptions: ParsableArguments {
  @Option(name: [.customShort("o"), .long], help: "text or json.")
  var output: OutputFormat = .text
}
