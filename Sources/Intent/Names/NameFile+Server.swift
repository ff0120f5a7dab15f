import DNS
import NetTypes

/// Reads objects one by one, and remembers where each stood.
struct NameFileReader {
  var parsed: NameFile.Parsed

  init(file: String) { parsed = NameFile.Parsed(file: file) }

  mutating func note(_ fields: FileFields, beside known: Set<String>) {
    parsed.notices += fields.unknown(beside: known)
  }

  /// `listen`, `workers`, `server`, `forward` and `peers`: wrong, they keep the file from being read.
  mutating func readServer(_ root: FileFields) throws(FileProblem) {
    parsed.server.listen = try root.socketAddresses("listen")
    guard !parsed.server.listen.isEmpty else {
      throw root.problem("listen", found: "nothing", expected: "addresses, as [127.0.0.1:5353]")
    }
    if let workers = try root.number("workers") {
      guard (1...256).contains(workers) else {
        throw root.problem("workers", found: "\(workers)", expected: "1 to 256")
      }
      parsed.server.workers = workers
    }
    if let fields = try root.section("server") { try readSettings(fields) }
    if let fields = try root.section("forward") { parsed.forward = try forward(fields) }
    if let fields = try root.section("peers") { parsed.peers = try peers(fields) }
  }

  private mutating func readSettings(_ fields: FileFields) throws(FileProblem) {
    note(fields, beside: ["identifier", "payloadSize", "cookies", "rateLimit"])
    parsed.server.identifier = try fields.text("identifier")
    if let size = try fields.number("payloadSize") {
      guard (512...4096).contains(size) else {
        throw fields.problem("payloadSize", found: "\(size)", expected: "512 to 4096")
      }
      parsed.server.payloadSize = size
    }
    parsed.server.cookies = try fields.flag("cookies") ?? true
    guard let limit = try fields.section("rateLimit") else { return }
    note(limit, beside: ["responsesPerSecond", "window", "slip"])
    var numbers: [String: Int] = [:]
    for (name, range) in [
      ("responsesPerSecond", 1...1_000_000), ("window", 1...3600), ("slip", 0...10),
    ] {
      guard let number = try limit.number(name) else { continue }
      guard range.contains(number) else {
        throw limit.problem(
          name, found: "\(number)", expected: "\(range.lowerBound) to \(range.upperBound)")
      }
      numbers[name] = number
    }
    var rate = ResponseRateLimit(responsesPerSecond: numbers["responsesPerSecond"] ?? 200)
    rate.window = numbers["window"] ?? rate.window
    rate.slip = numbers["slip"] ?? rate.slip
    parsed.server.rateLimit = rate
  }

  private mutating func forward(_ fields: FileFields) throws(FileProblem) -> NameFile.Forward {
    note(fields, beside: ["servers", "allow", "timeout"])
    let servers = try fields.socketAddresses("servers")
    guard !servers.isEmpty else {
      throw fields.problem("servers", found: "nothing", expected: "addresses, as [192.0.2.53:53]")
    }
    var forward = NameFile.Forward(servers: servers, allow: try fields.prefixes("allow"))
    // Whoever may ask everything must be said.
    if forward.allow.isEmpty {
      forward.allow = ["127.0.0.0/8", "::1/128"].compactMap { IPPrefix($0) }
    }
    forward.timeout = try fields.duration("timeout") ?? forward.timeout
    return forward
  }

  private mutating func peers(_ fields: FileFields) throws(FileProblem) -> NameFile.Peers {
    note(fields, beside: ["voter", "listen", "authority", "certificate", "key", "voters"])
    var peers = NameFile.Peers(
      voter: try fields.needed("voter"),
      listen: try fields.socketAddress(try fields.needed("listen"), "listen"),
      authority: try fields.needed("authority"), certificate: try fields.needed("certificate"),
      key: try fields.needed("key"), peers: [])
    for voter in try fields.sections("voters") {
      note(voter, beside: ["name", "address", "certificateName"])
      let name = try voter.needed("name")
      peers.peers.append(
        NameFile.Peers.Peer(
          name: name,
          address: try voter.socketAddress(try voter.needed("address"), "address"),
          certificateName: try voter.text("certificateName") ?? name))
    }
    return peers
  }

  mutating func readZone(_ fields: FileFields) {
    do throws(FileProblem) {
      parsed.zones.append(try zone(fields))
    } catch {
      parsed.problems.append(error)
      if let name = fields.optionalText("name").flatMap({ DomainName($0) }) {
        parsed.refusedZones.insert(name)
      }
    }
  }

  private mutating func zone(_ fields: FileFields) throws(FileProblem) -> NameFile.ZoneSource {
    note(fields, beside: ["name", "file", "records", "notify", "allowTransfer"])
    let name = try fields.domainName(try fields.needed("name"), "name")
    guard !parsed.zones.contains(where: { $0.name == name }) else {
      throw fields.problem("name", found: "\(name) again", expected: "a zone no other is")
    }
    let records: NameFile.ZoneSource.Records
    switch (try fields.text("file"), try fields.text("records")) {
    case (let file?, nil): records = .file(file)
    case (nil, let text?): records = .text(text)
    case (nil, nil), (.some, .some):
      throw fields.problem(
        "file", found: fields.names.contains("file") ? "file and records" : "neither",
        expected: "file, or records")
    }
    return NameFile.ZoneSource(
      name: name, records: records, notify: try fields.socketAddresses("notify"),
      allowTransfer: try fields.prefixes("allowTransfer"))
  }
}
