import ArgumentParser
import Intent
import Kubernetes
import Linux
import Unit

struct DriveCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "drive",
    abstract: "Send requests from a mesh's client site by name, and show what became of them.",
    discussion: """
      Requests leave at a steady rate, whatever became of earlier ones, each on a connection of its \
      own. Failed and slow ones are shown against the faults of that time. Exits 0 whatever failed.
      """)

  @Argument(help: "The name (default: whoami in the mesh's domain).")
  var target: String?
  @Option(help: "The mesh (default: the only one).")
  var mesh: String?
  @Option(help: "The client site (default: the mesh's first).")
  var client: String?
  @Option(help: "Requests a second.")
  var rate = 100
  @Option(help: "How long, as 20s.")
  var duration: WaitTime = WaitTime(duration: .seconds(20))
  @Flag(help: "Try once more, at another address of the answer if there is one.")
  var retryOnce = false
  @Option(help: "ttl: as long as an answer says. forever: a name is looked up once.")
  var cache: DriveOptions.CachePolicy = .ttl
  @Option(help: "Users, each with a cache of its own.")
  var users = 50
  @Option(help: "The path to ask for.")
  var path = "/"
  @Option(help: "For one attempt.")
  var timeout: WaitTime = WaitTime(duration: .seconds(1))
  @Option(help: "A timeline of faults to run meanwhile.", completion: .file())
  var faults: String?
  @Option(help: "What chance chooses by in the timeline.")
  var seed: UInt64?
  @Option(help: "Where to draw a picture.", completion: .file())
  var svg: String?
  @OptionGroup var output: OutputOptions

  func validate() throws {
    if !(1...20_000).contains(rate) {
      throw ValidationError("rate: found \(rate), expected 1 to 20000")
    }
    if !(1...10_000).contains(users) {
      throw ValidationError("users: found \(users), expected 1 to 10000")
    }
  }

  @Loop func run() async throws {
    let record = try MeshRegistry.find(mesh)
    var options = DriveOptions(name: target ?? "whoami.\(record.configuration.domain)")
    options.path = path
    options.rate = rate
    options.duration = duration.duration
    options.retryOnce = retryOnce
    options.cache = cache
    options.users = users
    options.timeout = timeout.duration
    let timeline = try faults.map { try FaultTimeline.parse(try FileSystem.readText($0), file: $0) }
    let drive = try Drive(options, mesh: record, client: client)
    // A process of its own: this one's sockets will be the client's.
    let fire = try timeline.map { _ in try startFaults() }
    let report = try await drive.run()
    _ = try await fire?.wait()
    if let svg { try FileSystem.write(DrivePicture(report).svg, to: svg) }
    switch output.output {
    case .json: print(report.json.text)
    case .text: print(report.text)
    }
  }

  @Loop private func startFaults() throws -> ChildProcess {
    var words = [try FileSystem.executablePath(), "fault", "run", faults ?? ""]
    if let seed { words += ["--seed", "\(seed)"] }
    if let mesh { words += ["--mesh", mesh] }
    return try ChildProcess.spawn(words, output: output.output == .text ? .inherit : .null)
  }
}

extension DriveOptions.CachePolicy: ExpressibleByArgument {}
