import Glibc
import Linux
import Testing

/// Other implementations of BGP, as Debian has them.
enum Implementation: String, CaseIterable, Sendable, CustomTestStringConvertible {
  case bird2 = "BIRD 2"
  case bird1 = "BIRD 1.6"
  case frr = "FRR"
  case gobgp = "GoBGP"
  case openbgpd = "OpenBGPD"
  case exabgp = "ExaBGP"

  var testDescription: String { rawValue }

  var dialect: any Dialect {
    switch self {
    case .bird2: BirdDialect()
    case .bird1: Bird1Dialect()
    case .frr: FRRDialect()
    case .gobgp: GoBGPDialect()
    case .openbgpd: OpenBGPDDialect()
    case .exabgp: ExaBGPDialect()
    }
  }

  var isInstalled: Bool { access(dialect.program, X_OK) == 0 }

  /// Those that can be tested here; the matrix says of the others that they were skipped.
  static let installed = allCases.filter(\.isInstalled)

  /// Its first words about itself, such as `BIRD version 2.0.12`.
  @Loop func version() async -> String {
    guard let result = try? await ChildProcess.run(dialect.versionCommand) else { return "?" }
    let lines = (result.outputText + result.errorText).split(separator: "\n")
    let line = lines.first { $0.contains { $0.isNumber } } ?? lines.first ?? "?"
    return String(line.prefix(60))
  }
}

/// How one implementation is configured, asked and told. Pure: text in, text out.
protocol Dialect: Sendable {
  /// Its daemon.
  var program: String { get }
  var versionCommand: [String] { get }
  /// Names within `folder`, with their content.
  func files(_ exchange: Exchange, in folder: String) -> [(name: String, text: String)]
  func command(_ exchange: Exchange, in folder: String) -> [String]
  /// Run inside its namespace once it answers; each again until it succeeds.
  func afterStart(_ exchange: Exchange, in folder: String) -> [[String]]
  /// Prints what it has learnt of `route`.
  func show(_ route: String, in folder: String) -> [String]
  /// Whether `output`, of `show`, says that it has `route` from us.
  func holds(_ route: String, _ output: String) -> Bool
  /// Asks us to send everything again; nil: it cannot. RFC 2918.
  func refresh(_ exchange: Exchange, in folder: String) -> [String]?
  func announce(_ route: String, _ exchange: Exchange, in folder: String) -> [String]
  func withdraw(_ route: String, _ exchange: Exchange, in folder: String) -> [String]
  /// Prints its sessions.
  func sessions(in folder: String) -> [String]
  /// How it writes the tags of a route.
  func written(_ tags: Exchange.Tags) -> [String]
  /// A user that the folder belongs to; nil: root.
  var owner: String? { get }
  var environment: [String: String]? { get }
  /// Prints its BFD sessions; nil: it has no BFD.
  func paths(in folder: String) -> [String]?
  /// What `paths` says of a session that is up.
  var pathIsUp: String { get }
  /// With ADD-PATH, it has two paths of its first route by itself.
  var hasSecondPath: Bool { get }
  /// False: it forgets with a session what it heard by it.
  var keepsTable: Bool { get }
}

extension Dialect {
  func afterStart(_ exchange: Exchange, in folder: String) -> [[String]] { [] }
  func holds(_ route: String, _ output: String) -> Bool { output.contains(route) }
  var owner: String? { nil }
  var environment: [String: String]? { nil }
  func paths(in folder: String) -> [String]? { nil }
  var pathIsUp: String { "Up" }
  var hasSecondPath: Bool { false }
  var keepsTable: Bool { true }
}
