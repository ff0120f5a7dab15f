import ArgumentParser
import Unit

struct Down: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Take a unit or a mesh down and remove every trace of it.")

  @OptionGroup var unit: UnitOptions
  @Flag(help: "Take every mesh and unit of this machine down.")
  var all = false
  @Flag(help: "Keep the unit's state, so that `up` brings the same objects back.")
  var keep = false
  @OptionGroup var output: OutputOptions

  func run() async throws {
    let printer = ProgressPrinter(format: output.output)
    let meshes =
      all
      ? try MeshRegistry.names()
      : [unit.name].compactMap(\.self).filter { MeshRegistry.kept($0) != nil }
    for name in meshes {
      try await EmbeddedMesh.down(name, keepState: keep, show: printer.show)
    }
    if !all, !meshes.isEmpty { return }
    let names = all ? try UnitRegistry.names() : [try unit.record().name]
    for name in names {
      try await EmbeddedUnit.down(name, keepState: keep, show: printer.show)
    }
    if names.isEmpty, meshes.isEmpty, output.output == .text { print("no unit here") }
  }
}
