import DNS
import Delivery
import GSLB
import NetTypes
import Yams

/// A name server's configuration from a file of `kind: NameConfiguration`.
///
/// ```yaml
/// apiVersion: atoll.dev/v1alpha1
/// kind: NameConfiguration
/// listen: [127.0.0.1:5353]
/// zones:
/// - {name: example.org, file: example.org.zone}
/// gslb:
///   dataCentres: [{name: east}, {name: west}]
///   servers:
///   - {name: east, dataCentre: east, virtualServers: [{name: web, address: 192.0.2.10, port: 80}]}
///   - {name: west, dataCentre: west, virtualServers: [{name: web, address: 198.51.100.10, port: 80}]}
///   pools: [{name: web, members: [{virtualServer: east/web}, {virtualServer: west/web}]}]
///   wideIPs: [{name: www.example.org, pools: [{pool: web}]}]
/// ```
///
/// Objects are read one by one: what is wrong with one is told with its line, and the others hold.
/// `docs/name-configuration.schema.json` is the same form as a JSON schema.
package enum NameFile {
  /// Where a zone's records come from, and who is told of them.
  package struct ZoneSource: Equatable, Sendable {
    package enum Records: Equatable, Sendable {
      /// A file's path, relative to the configuration's folder.
      case file(String)
      case text(String)
    }

    package var name: DomainName
    package var records: Records
    /// Secondaries that are told of a change. RFC 1996.
    package var notify: [SocketAddress] = []
    /// Who may have the whole zone. RFC 5936.
    package var allowTransfer: [IPPrefix] = []
  }

  package struct ServerSettings: Equatable, Sendable {
    package var listen: [SocketAddress] = []
    package var workers: Int?
    /// RFC 5001.
    package var identifier: String?
    package var payloadSize = Int(EDNS.defaultPayloadSize)
    package var cookies = true
    package var rateLimit: ResponseRateLimit?
  }

  package struct Forward: Equatable, Sendable {
    package var servers: [SocketAddress]
    package var allow: [IPPrefix]
    package var timeout = Duration.milliseconds(1500)
  }

  /// How a voter speaks to the others, over mutual TLS.
  package struct Peers: Equatable, Sendable {
    package struct Peer: Equatable, Sendable {
      package var name: String
      package var address: SocketAddress
      package var certificateName: String
    }

    package var voter: String
    package var listen: SocketAddress
    /// Paths of PEM files.
    package var authority: String
    package var certificate: String
    package var key: String
    package var peers: [Peer]
  }

  package struct Parsed {
    package var server = ServerSettings()
    package var forward: Forward?
    package var zones: [ZoneSource] = []
    package var gslb = GSLBConfiguration()
    /// The path of a MaxMind DB.
    package var geography: String?
    package var peers: Peers?
    /// What could not be read of the others.
    package var problems: [FileProblem] = []
    /// Of zones that could not be read, whose last good versions go on being served.
    package var refusedZones: Set<DomainName> = []
    /// Fields that are not known, and ignored.
    package var notices: [String] = []
    let file: String
    /// By the words that `Problem` names objects with.
    var places: [String: FileFields] = [:]

    init(file: String) { self.file = file }

    /// A problem of one of the objects, with its place.
    package func located(_ problem: Problem) -> FileProblem {
      let place = places[problem.object]?.place(of: problem.field)
      return FileProblem(
        file: file, line: place?.line ?? 0, column: place?.column ?? 0, message: "\(problem)")
    }

    /// Everything that is wrong with the file, in its order.
    package var allProblems: [FileProblem] {
      (problems + gslb.validated().problems.map(located)).sorted {
        ($0.line, $0.column) < ($1.line, $1.column)
      }
    }
  }

  /// - Throws: what keeps the file as a whole from being read; nothing of it is to be applied then.
  package static func parse(_ text: String, file: String) throws(FileProblem) -> Parsed {
    let root = try FileFields(kind: "NameConfiguration", text, file: file)
    // A file that was cut short must not read as one that wants nothing served.
    guard root.names.contains("zones") || root.names.contains("gslb") else {
      throw root.problem(
        "zones", found: "neither zones nor gslb", expected: "a list, which may be empty: []")
    }
    var reader = NameFileReader(file: file)
    reader.note(
      root,
      beside: [
        "apiVersion", "kind", "metadata", "listen", "workers", "server", "forward", "zones", "gslb",
        "peers",
      ])
    try reader.readServer(root)
    for fields in try root.sections("zones") { reader.readZone(fields) }
    if let fields = try root.section("gslb") { try reader.readGSLB(fields) }
    return reader.parsed
  }
}

extension FileFields {
  /// The one document of a file, of our API's version and of a kind.
  init(kind: String, _ text: String, file: String) throws(FileProblem) {
    let nodes = try YAML.nodes(text, file: file)
    guard let node = nodes.first, nodes.count == 1 else {
      throw FileProblem(file: file, message: "found \(nodes.count) documents, expected one")
    }
    self.init(node, file: file, path: "")
    for (field, expected) in [("apiVersion", "atoll.dev/v1alpha1"), ("kind", kind)] {
      let found = optionalText(field)
      guard found == expected else {
        throw problem(field, found: found.map { "\"\($0)\"" } ?? "nothing", expected: expected)
      }
    }
  }

  func socketAddress(_ text: String, _ name: String) throws(FileProblem) -> SocketAddress {
    guard let address = SocketAddress(text) else {
      throw problem(name, found: "\"\(text)\"", expected: "ADDRESS:PORT, as 192.0.2.1:53")
    }
    return address
  }

  func socketAddresses(_ name: String) throws(FileProblem) -> [SocketAddress] {
    try list(name).map { text throws(FileProblem) in try socketAddress(text, name) }
  }

  func domainName(_ text: String, _ name: String) throws(FileProblem) -> DomainName {
    guard let found = DomainName(text) else {
      throw problem(name, found: "\"\(text)\"", expected: "a domain name, as www.example.org")
    }
    return found
  }
}
