import ArgumentParser
import Unit

struct Down: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Take a unit down and remove every trace of it.")

  @OptionGroup var unit: UnitOptions
  @Flag(help: "Take every unit of this machine down.")
  var all = false
  @Flag(help: "Keep the unit's state, so that `up` brings the same objects back.")
  var keep = false
  @OptionGroup var output: OutputOptions

  func run() async throws {
    let printer = ProgressPrinter(format: output.output)
    let names = all ? try UnitRegistry.names() : [try unit.record().name]
    for name in names {
      try await EmbeddedUnit.down(name, keepState: keep, show: printer.show)
    }
    if names.isEmpty, output.output == .text { print("no unit here") }
  }
}
