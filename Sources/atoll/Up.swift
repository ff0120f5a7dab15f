import ArgumentParser
import Intent
import Kubernetes
import Linux
import NetTypes
import Unit

struct Up: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Bring a unit or a mesh of units up, or repair what is missing of it.",
    discussion: "Safe to repeat: what is there and right stays as it is.")

  @Option(help: "The unit's name; it names namespaces and nodes.")
  var name: String?
  @Option(help: "Nodes that serve the API.")
  var servers: Int?
  @Option(help: "Further nodes.")
  var agents: Int?
  @Option(help: "Pod addresses.")
  var podCidr: IPPrefix?
  @Option(help: "Prefix length of a node's block of pod addresses.")
  var blockSize: Int?
  @Option(help: "The network of the nodes and the edge.")
  var nodeCidr: IPPrefix?
  @Option(help: "The network of the virtual servers and the client.")
  var vipCidr: IPPrefix?
  @Option(
    help: """
      switched: edge and nodes share a network. routed: the nodes are behind a host, the edge's one \
      BGP neighbour.
      """)
  var topology: UnitTopology?
  @Option(help: "The network between edge and host of a routed unit.")
  var uplinkCidr: IPPrefix?
  @Option(help: "The AS number of nodes and edge.")
  var asNumber: UInt32?
  @Option(help: "A file or folder of manifests to apply; may be repeated.", completion: .file())
  var manifests: [String] = []
  @Option(help: "HOSTPORT:PORT@edge, or @ADDRESS of a virtual server; may be repeated.")
  var publish: [PublishedPort] = []
  @Flag(inversion: .prefixedNo, help: "Run the sample application when no manifests are given.")
  var sample = true
  @Option(
    name: [.customShort("f"), .customLong("file")],
    help: "A file of kind Unit or Mesh (atoll.dev/v1alpha1), or a k3d file of kind Simple.",
    completion: .file())
  var file: String?
  @Option(help: "How long to wait for the unit to be ready, as 60s or 2m.")
  var wait: WaitTime = WaitTime(duration: .seconds(60))
  @OptionGroup var output: OutputOptions

  func run() async throws {
    if let mesh = try file.flatMap(MeshFile.read) ?? name.flatMap(Self.keptMesh) {
      return try await Self.bringUp(mesh, wait: wait.duration, output: output.output)
    }
    var unit = UnitConfiguration()
    var notices: [String] = []
    if let file {
      let parsed = try UnitFile.read(file)
      unit = parsed.configuration
      notices = parsed.notices
    } else if let kept = UnitRegistry.kept(name ?? unit.name) {
      unit = kept.configuration
    }
    if let name { unit.name = name }
    if let servers { unit.servers = servers }
    if let agents { unit.agents = agents }
    if let podCidr { unit.podCIDR = podCidr }
    if let blockSize { unit.blockSize = blockSize }
    if let nodeCidr { unit.nodeCIDR = nodeCidr }
    if let vipCidr { unit.vipCIDR = vipCidr }
    if let topology { unit.topology = topology }
    if let uplinkCidr { unit.uplinkCIDR = uplinkCidr }
    if let asNumber { unit.asNumber = ASNumber(asNumber) }
    if !manifests.isEmpty { unit.manifests = manifests.map { FileSystem.absolutePath($0) } }
    if !publish.isEmpty { unit.publishes = publish }
    try await Up.bringUp(
      unit, notices: notices, sample: sample, wait: wait.duration, output: output.output)
  }

  private static func keptMesh(_ name: String) -> MeshFile.Parsed? {
    MeshRegistry.kept(name).map { MeshFile.Parsed(configuration: $0.configuration) }
  }

  private static func bringUp(
    _ mesh: MeshFile.Parsed, wait: Duration, output: OutputFormat
  ) async throws {
    let printer = ProgressPrinter(format: output)
    let summary = try await EmbeddedMesh.up(
      mesh.configuration, wait: wait, notices: mesh.notices, show: printer.show)
    switch output {
    case .json: print(summary.json.text)
    case .text: print(summary.text)
    }
  }

  /// Shared with `atoll cluster create`.
  static func bringUp(
    _ unit: UnitConfiguration, notices: [String], sample: Bool, wait: Duration,
    output: OutputFormat
  ) async throws {
    let printer = ProgressPrinter(format: output)
    let summary = try await EmbeddedUnit.up(
      unit, sample: sample, wait: wait, notices: notices, show: printer.show)
    switch output {
    case .json: print(summary.json.text)
    case .text: print(summary.text)
    }
  }
}

/// `60s`, `2m`, `500ms` or plain seconds.
struct WaitTime: ExpressibleByArgument {
  var duration: Duration

  init(duration: Duration) { self.duration = duration }

  init?(argument: String) {
    let digits = argument.prefix { $0.isNumber }
    guard let value = Int64(digits), value >= 0, value < 1_000_000 else { return nil }
    switch argument[digits.endIndex...] {
    case "", "s": duration = .seconds(value)
    case "ms": duration = .milliseconds(value)
    case "m": duration = .seconds(value * 60)
    default: return nil
    }
  }

  var defaultValueDescription: String { "\(duration.components.seconds)s" }
}

extension UnitTopology: ExpressibleByArgument {}

extension IPPrefix: ExpressibleByArgument {
  public init?(argument: String) { self.init(argument) }
}

extension PublishedPort: ExpressibleByArgument {
  public init?(argument: String) { self.init(argument) }
}
