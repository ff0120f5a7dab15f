import Delivery
import NetTypes
import Yams

/// An edge's configuration from a file of `kind: EdgeConfiguration`.
///
/// ```yaml
/// apiVersion: atoll.dev/v1alpha1
/// kind: EdgeConfiguration
/// virtualServers:
/// - {name: web, address: 127.0.0.1, port: 8080, protocol: http, pool: web}
/// pools:
/// - name: web
///   loadBalancing: round-robin
///   monitor: {type: http, path: /healthz, interval: 1s, timeout: 1s}
///   members: [{address: 127.0.0.1, port: 9001}, {address: 127.0.0.1, port: 9002, weight: 3}]
/// ```
///
/// Objects are read one by one: what is wrong with one is told with its line, and the others hold.
/// `docs/edge-configuration.schema.json` is the same form as a JSON schema.
package enum EdgeFile {
  package struct Parsed {
    /// The objects whose fields could be read; whether they can serve, `validated()` says.
    package var configuration = DeliveryConfiguration()
    /// What could not be read of the others.
    package var problems: [FileProblem] = []
    /// The names of the others, whose last good versions go on serving.
    package var refused = Refused()
    /// Fields that are not known, and ignored.
    package var notices: [String] = []
    /// Files that objects name, once `readFiles` has read them.
    package var files: [String] = []
    let file: String
    /// By the words that `Problem` names objects with.
    var places: [String: FileFields] = [:]

    init(file: String) { self.file = file }

    /// A problem of one of the objects, with its place.
    package func located(_ problem: Problem) -> FileProblem {
      let fields = places[problem.object]
      var field = problem.field
      // The single form, `tls: {certificate, key}`.
      if field.hasPrefix("tls.certificates[0]."),
        (try? fields?.section("tls"))??.names.contains("certificates") == false
      {
        field = "tls." + field.dropFirst("tls.certificates[0].".count)
      }
      let place = fields?.place(of: field)
      return FileProblem(
        file: file, line: place?.line ?? 0, column: place?.column ?? 0, message: "\(problem)")
    }

    /// Everything that is wrong with the file, in its order.
    package var allProblems: [FileProblem] {
      (problems + configuration.validated().problems.map(located)).sorted {
        ($0.line, $0.column) < ($1.line, $1.column)
      }
    }
  }

  package struct Refused: Equatable, Sendable {
    package var virtualServers: Set<String>
    package var pools: Set<String>
    package var egress: Set<String>

    package init(
      virtualServers: Set<String> = [], pools: Set<String> = [], egress: Set<String> = []
    ) {
      self.virtualServers = virtualServers
      self.pools = pools
      self.egress = egress
    }
  }

  /// - Throws: what keeps the file as a whole from being read; nothing of it is to be applied then.
  package static func parse(_ text: String, file: String) throws(FileProblem) -> Parsed {
    let root = try FileFields(kind: "EdgeConfiguration", text, file: file)
    // A file that was cut short must not read as one that wants nothing served.
    guard root.names.contains("virtualServers") else {
      throw root.problem(
        "virtualServers", found: "nothing", expected: "a list, which may be empty: []")
    }
    var reader = EdgeFileReader(file: file)
    reader.note(
      root, beside: ["apiVersion", "kind", "metadata", "virtualServers", "pools", "egress"])
    for fields in try root.sections("pools") { reader.readPool(fields) }
    for fields in try root.sections("virtualServers") { reader.readVirtualServer(fields) }
    for fields in try root.sections("egress") { reader.readEgress(fields) }
    return reader.parsed
  }
}

/// Reads objects one by one, and remembers where each stood.
struct EdgeFileReader {
  private(set) var parsed: EdgeFile.Parsed

  init(file: String) { parsed = EdgeFile.Parsed(file: file) }

  mutating func note(_ fields: FileFields, beside known: Set<String>) {
    parsed.notices += fields.unknown(beside: known)
  }

  mutating func readPool(_ fields: FileFields) {
    let name = fields.optionalText("name") ?? ""
    do throws(FileProblem) {
      parsed.configuration.pools.append(try pool(fields))
      parsed.places["pool \(name)"] = parsed.places["pool \(name)"] ?? fields
    } catch {
      parsed.problems.append(error)
      parsed.refused.pools.insert(name)
    }
  }

  mutating func readVirtualServer(_ fields: FileFields) {
    let name = fields.optionalText("name") ?? ""
    do throws(FileProblem) {
      parsed.configuration.virtualServers.append(try virtualServer(fields))
      let object = "virtual server \(name)"
      parsed.places[object] = parsed.places[object] ?? fields
    } catch {
      parsed.problems.append(error)
      parsed.refused.virtualServers.insert(name)
    }
  }

  mutating func readEgress(_ fields: FileFields) {
    let name = fields.optionalText("name") ?? ""
    do throws(FileProblem) {
      parsed.configuration.egress.append(try egress(fields))
      parsed.places["egress \(name)"] = parsed.places["egress \(name)"] ?? fields
    } catch {
      parsed.problems.append(error)
      parsed.refused.egress.insert(name)
    }
  }
}

extension EdgeFileReader {
  private mutating func pool(_ fields: FileFields) throws(FileProblem) -> Pool {
    note(
      fields,
      beside: [
        "name", "loadBalancing", "hash", "persistence", "minimumActive", "slowRamp",
        "serviceDown", "ejectAfter", "queue", "retryBudget", "proxyProtocol", "protocol", "tls",
        "monitor",
        "members",
      ])
    var pool = Pool(name: try fields.needed("name"))
    pool.loadBalancing = try fields.choice("loadBalancing") ?? pool.loadBalancing
    if let hash = try fields.section("hash") { pool.hash = try self.hash(hash) }
    if let section = try fields.section("persistence") {
      pool.persistence = try persistence(section)
    }
    pool.minimumActive = try fields.number("minimumActive") ?? pool.minimumActive
    pool.slowRamp = try fields.duration("slowRamp") ?? pool.slowRamp
    pool.serviceDown = try fields.choice("serviceDown") ?? pool.serviceDown
    pool.ejectAfter = try fields.number("ejectAfter")
    if let queue = try fields.section("queue") {
      note(queue, beside: ["length", "timeout"])
      pool.queueLength = try queue.number("length") ?? 128
      pool.queueTimeout = try queue.duration("timeout") ?? pool.queueTimeout
    }
    pool.proxyProtocol = try fields.choice("proxyProtocol")
    pool.retryBudget = try fields.number("retryBudget") ?? pool.retryBudget
    if let monitor = try fields.section("monitor") { pool.monitor = try self.monitor(monitor) }
    pool.protocol = try fields.choice("protocol") ?? pool.protocol
    if let tls = try fields.section("tls") { pool.tls = try poolTLS(tls) }
    for member in try fields.sections("members") { pool.members.append(try self.member(member)) }
    return pool
  }

  /// `{on: source | path | sni}`, or `{on: header | cookie, name}`.
  private mutating func hash(_ fields: FileFields) throws(FileProblem) -> Pool.HashKey {
    note(fields, beside: ["on", "name"])
    switch try fields.needed("on") {
    case "source": return .source
    case "path": return .path
    case "sni": return .serverName
    case "header": return .header(try fields.needed("name"))
    case "cookie": return .cookie(try fields.needed("name"))
    case let other:
      throw fields.problem(
        "on", found: "\"\(other)\"", expected: "source, path, sni, header or cookie")
    }
  }

  /// `{type: cookie, name, maxAge, sameSite, secure, key}`, `{type: source, timeout}` or
  /// `{type: header, name, timeout}`.
  private mutating func persistence(_ fields: FileFields) throws(FileProblem) -> Persistence {
    note(
      fields, beside: ["type", "name", "timeout", "maxAge", "sameSite", "secure", "key"])
    let kind: Persistence.Kind
    switch try fields.needed("type") {
    case "cookie":
      var cookie = Persistence.Cookie()
      cookie.name = try fields.text("name") ?? cookie.name
      cookie.maxAge = try fields.duration("maxAge")
      cookie.sameSite = try fields.choice("sameSite") ?? cookie.sameSite
      cookie.secure = try fields.flag("secure")
      cookie.key = try fields.text("key")
      kind = .cookie(cookie)
    case "source": kind = .source
    case "header": kind = .header(try fields.needed("name"))
    case let other:
      throw fields.problem("type", found: "\"\(other)\"", expected: "cookie, source or header")
    }
    var persistence = Persistence(kind)
    persistence.timeout = try fields.duration("timeout") ?? persistence.timeout
    return persistence
  }

  private mutating func member(_ fields: FileFields) throws(FileProblem) -> Member {
    note(
      fields,
      beside: [
        "address", "port", "weight", "priority", "connectionLimit", "state", "monitor", "name",
      ])
    var member = Member(address: try fields.address("address"), port: try fields.port("port"))
    member.weight = try fields.number("weight") ?? member.weight
    member.connectionLimit = try fields.number("connectionLimit") ?? member.connectionLimit
    member.priority = try fields.number("priority") ?? member.priority
    member.state = try fields.choice("state") ?? member.state
    if let monitor = try fields.section("monitor") { member.monitor = try self.monitor(monitor) }
    member.label = try fields.text("name") ?? ""
    return member
  }

  private mutating func virtualServer(_ fields: FileFields) throws(FileProblem) -> VirtualServer {
    note(
      fields,
      beside: [
        "name", "address", "port", "protocol", "pool", "rules", "timeouts", "connectionLimit",
        "proxyProtocol", "compression", "accessLog", "tls", "http2", "mode", "snat",
      ])
    var server = VirtualServer(
      name: try fields.needed("name"), address: try fields.address("address"),
      port: try fields.port("port"), protocol: try fields.choice("protocol") ?? .tcp)
    server.pool = try fields.text("pool")
    if let section = try fields.section("compression") {
      note(section, beside: ["types", "minimumSize", "level"])
      var compression = Compression()
      if section.names.contains("types") { compression.types = try section.list("types") }
      compression.minimumSize = try section.bytes("minimumSize") ?? compression.minimumSize
      compression.level = try section.number("level") ?? compression.level
      server.compression = compression
    }
    server.acceptsProxyProtocol = try fields.flag("proxyProtocol") ?? false
    server.connectionLimit = try fields.number("connectionLimit") ?? server.connectionLimit
    server.mode = try fields.choice("mode") ?? server.mode
    server.snat = try fields.choice("snat")
    server.http2 = try fields.flag("http2")
    if let log = try fields.section("accessLog") { server.accessLog = try accessLog(log) }
    if let tls = try fields.section("tls") { server.tls = try serverTLS(tls) }
    for (index, rule) in try fields.sections("rules").enumerated() {
      if server.protocol == .tlsPassthrough {
        server.routes.append(try passthroughRoute(rule))
      } else {
        server.rules.append(try self.rule(rule, index: index))
      }
    }
    if let timeouts = try fields.section("timeouts") {
      note(timeouts, beside: ["connect", "header", "firstByte", "total", "idle"])
      server.timeouts.connect = try timeouts.duration("connect") ?? server.timeouts.connect
      server.timeouts.header = try timeouts.duration("header") ?? server.timeouts.header
      server.timeouts.firstByte = try timeouts.duration("firstByte") ?? server.timeouts.firstByte
      server.timeouts.total = try timeouts.duration("total")
      server.timeouts.idle = try timeouts.duration("idle")
    }
    return server
  }
}

extension FileFields {
  func needed(_ name: String) throws(FileProblem) -> String {
    guard let text = try text(name), !text.isEmpty else {
      throw problem(name, found: "nothing", expected: "a name")
    }
    return text
  }

  func address(_ name: String) throws(FileProblem) -> IPAddress {
    let text = try text(name)
    guard let address = text.flatMap({ IPAddress($0) }) else {
      throw problem(
        name, found: text.map { "\"\($0)\"" } ?? "nothing", expected: "an IPv4 or IPv6 address")
    }
    return address
  }

  func port(_ name: String) throws(FileProblem) -> UInt16 {
    let text = try text(name)
    guard let port = text.flatMap({ UInt16($0) }), port > 0 else {
      throw problem(name, found: text.map { "\"\($0)\"" } ?? "nothing", expected: "1 to 65535")
    }
    return port
  }

  /// One of the words that a type knows.
  func choice<Choice>(_ name: String) throws(FileProblem) -> Choice?
  where Choice: RawRepresentable & CaseIterable, Choice.RawValue == String {
    guard let text = try text(name) else { return nil }
    guard let choice = Choice(rawValue: text) else {
      let known = Choice.allCases.map(\.rawValue)
      let expected =
        known.dropLast().joined(separator: ", ") + (known.count > 1 ? " or " : "")
        + (known.last ?? "")
      throw problem(name, found: "\"\(text)\"", expected: expected)
    }
    return choice
  }

  /// `250ms`, `1s`, `5m` or `1h`.
  func duration(_ name: String) throws(FileProblem) -> Duration? {
    guard let text = try text(name) else { return nil }
    let digits = text.prefix { ("0"..."9").contains($0) }
    let units = ["ms": Int64(1), "s": 1000, "m": 60_000, "h": 3_600_000]
    guard let count = Int64(digits), let unit = units[String(text.dropFirst(digits.count))],
      case let (milliseconds, overflow) = count.multipliedReportingOverflow(by: unit), !overflow
    else {
      throw problem(
        name, found: "\"\(text)\"", expected: "a number with ms, s, m or h, as 500ms")
    }
    return .milliseconds(milliseconds)
  }
}
