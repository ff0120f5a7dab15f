import ArgumentParser
import Intent
import Kubernetes
import Linux
import Unit

struct FaultCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "fault",
    abstract: "Make something fail, see what has, and heal it.",
    discussion: """
      kill|pause|resume unit NAME, edge UNIT, dns UNIT, control-plane UNIT, wan, node NAME [in UNIT], \
      pod NAME [in UNIT]
      cut|mend link A B          two sites, or a site and wan
      delay link SITE 50ms [10ms]
      lose link SITE 5%
      answer 500 from APP [in UNIT], hang APP [in UNIT]   the sample application
      heal [NUMBER]              all of them, without a number
      list                       what is in force, and how it is undone
      run FILE                   a timeline, of kind FaultTimeline
      """)

  @Argument(help: "What is to fail.")
  var words: [String]
  @Option(help: "What chance chooses by; printed, so that a run can be repeated.")
  var seed: UInt64?
  @Option(help: "The mesh whose lines are meant (default: the only one).")
  var mesh: String?
  @OptionGroup var output: OutputOptions

  func run() async throws {
    let seed = seed ?? UInt64.random(in: 0..<10000)
    var faults: [Fault] = []
    var isHealing = false
    switch words.first {
    case "list": faults = FaultJournal.active()
    case "run":
      guard words.count == 2 else { throw ValidationError("found no file, expected `run FILE`") }
      let timeline = try FaultTimeline.parse(try FileSystem.readText(words[1]), file: words[1])
      return try await timeline.run(seed: self.seed, mesh: mesh) { show($0) }
    default:
      var runner = try await FaultRunner(seed: seed, mesh: mesh)
      let order = try FaultOrder(words)
      isHealing = order.isHealing
      faults = try await runner.run(order)
    }
    switch output.output {
    case .json:
      print((["seed": .integer(Int64(seed)), "faults": .array(faults.map(\.json))] as JSON).text)
    case .text:
      for fault in faults { show(fault.line(isHealed: isHealing)) }
      if faults.isEmpty { show("nothing has failed by `atoll fault`") }
    }
  }

  private func show(_ line: String) {
    if output.output == .text { print(line) }
  }
}

/// A relay in a line of a mesh; `atoll fault delay|lose` starts it.
struct Wire: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Carry frames between two interfaces as a bad line does.", shouldDisplay: false)

  @Argument var a: String
  @Argument var b: String
  @Option(help: "Microseconds.") var delay = 0
  @Option(help: "Microseconds.") var jitter = 0
  @Option(help: "In a thousand.") var loss = 0
  @Option var seed: UInt64 = 1

  @Loop func run() async throws {
    var impairment = LineImpairment(seed: seed)
    impairment.delay = .microseconds(delay)
    impairment.jitter = .microseconds(jitter)
    impairment.permille = loss
    let relay = try LineRelay(a, b, impairment)
    _ = try await Signals.wait(for: [15, 2])
    withExtendedLifetime(relay) {}
  }
}
