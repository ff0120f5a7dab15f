import DNS
import Delivery
import GSLB
import NetTypes

extension NameFileReader {
  mutating func readGSLB(_ fields: FileFields) throws(FileProblem) {
    note(
      fields,
      beside: [
        "geography", "health", "dataCentres", "servers", "pools", "wideIPs", "regions", "topology",
      ])
    parsed.geography = try fields.text("geography")
    if let section = try fields.section("health") {
      parsed.gslb.health = try health(section)
      parsed.places["health"] = section
    }
    read(try fields.sections("dataCentres"), "data centre", \.dataCentres) {
      (reader, fields) throws(FileProblem) in try reader.dataCentre(fields)
    }
    read(try fields.sections("servers"), "server", \.servers) {
      (reader, fields) throws(FileProblem) in try reader.server(fields)
    }
    read(try fields.sections("pools"), "pool", \.pools) {
      (reader, fields) throws(FileProblem) in try reader.pool(fields)
    }
    read(try fields.sections("regions"), "region", \.regions) {
      (reader, fields) throws(FileProblem) in try reader.region(fields)
    }
    read(try fields.sections("topology"), "topology record", \.topology) {
      (reader, fields) throws(FileProblem) in try reader.topologyRecord(fields)
    }
    for fields in try fields.sections("wideIPs") { readWideIP(fields) }
  }

  /// Each on its own: what is wrong with one is told, and the others hold.
  private mutating func read<Value>(
    _ sections: [FileFields], _ kind: String,
    _ list: WritableKeyPath<GSLBConfiguration, [Value]>,
    _ make: (inout NameFileReader, FileFields) throws(FileProblem) -> Value
  ) {
    for fields in sections {
      let place = "\(parsed.gslb[keyPath: list].count)"
      let object = "\(kind) \(fields.optionalText("name") ?? place)"
      do throws(FileProblem) {
        let value = try make(&self, fields)
        parsed.gslb[keyPath: list].append(value)
        parsed.places[object] = parsed.places[object] ?? fields
      } catch {
        parsed.problems.append(error)
      }
    }
  }

  private mutating func health(_ fields: FileFields) throws(FileProblem) -> HealthPolicy {
    note(
      fields,
      beside: [
        "voters", "viewInterval", "lease", "isolation", "holdDown", "longestHoldDown", "holdMemory",
      ])
    var health = HealthPolicy()
    health.voters = try fields.list("voters")
    health.viewInterval = try fields.duration("viewInterval") ?? health.viewInterval
    health.lease = try fields.duration("lease") ?? health.lease
    health.isolation = try fields.choice("isolation")
    health.holdDown = try fields.duration("holdDown") ?? health.holdDown
    health.longestHoldDown = try fields.duration("longestHoldDown") ?? health.longestHoldDown
    health.holdMemory = try fields.duration("holdMemory") ?? health.holdMemory
    return health
  }

  private mutating func dataCentre(_ fields: FileFields) throws(FileProblem) -> DataCentre {
    note(fields, beside: ["name", "enabled"])
    var centre = DataCentre(name: try fields.needed("name"))
    centre.isEnabled = try fields.flag("enabled") ?? true
    return centre
  }

  private mutating func server(_ fields: FileFields) throws(FileProblem) -> Server {
    note(fields, beside: ["name", "dataCentre", "voter", "enabled", "monitor", "virtualServers"])
    var server = Server(
      name: try fields.needed("name"), dataCentre: try fields.needed("dataCentre"))
    server.voter = try fields.text("voter")
    server.isEnabled = try fields.flag("enabled") ?? true
    if let section = try fields.section("monitor") { server.monitor = try monitor(section) }
    for section in try fields.sections("virtualServers") {
      note(section, beside: ["name", "address", "port", "monitor", "enabled"])
      var virtualServer = GSLB.VirtualServer(
        name: try section.needed("name"), address: try section.address("address"),
        port: try section.port("port"))
      if let monitor = try section.section("monitor") {
        virtualServer.monitor = try self.monitor(monitor)
      }
      virtualServer.isEnabled = try section.flag("enabled") ?? true
      server.virtualServers.append(virtualServer)
    }
    return server
  }

  private mutating func monitor(_ fields: FileFields) throws(FileProblem) -> Monitor {
    note(fields, beside: FileFields.monitorFields)
    return try fields.monitor(.pathProbe)
  }

  private mutating func pool(_ fields: FileFields) throws(FileProblem) -> GSLB.Pool {
    note(
      fields,
      beside: [
        "name", "type", "preferred", "alternate", "fallback", "fallbackIP", "ttl", "maxAnswers",
        "manualResume", "rampedReturn", "enabled", "members",
      ])
    var pool = GSLB.Pool(name: try fields.needed("name"))
    pool.type = try fields.choice("type") ?? pool.type
    pool.preferred = try fields.choice("preferred") ?? pool.preferred
    pool.alternate = try fields.choice("alternate") ?? pool.alternate
    pool.fallback = try fields.choice("fallback") ?? pool.fallback
    if fields.names.contains("fallbackIP") { pool.fallbackIP = try fields.address("fallbackIP") }
    if let ttl = try fields.number("ttl") {
      guard let seconds = UInt32(exactly: ttl), seconds <= ResourceRecord.maximumTTL else {
        throw fields.problem(
          "ttl", found: "\(ttl)", expected: "0 to \(ResourceRecord.maximumTTL) seconds")
      }
      pool.ttl = seconds
    }
    pool.maxAnswers = try fields.number("maxAnswers") ?? pool.maxAnswers
    pool.manualResume = try fields.flag("manualResume") ?? false
    pool.rampedReturn = try fields.duration("rampedReturn") ?? pool.rampedReturn
    pool.isEnabled = try fields.flag("enabled") ?? true
    for section in try fields.sections("members") { pool.members.append(try member(section)) }
    return pool
  }

  private mutating func member(_ fields: FileFields) throws(FileProblem) -> PoolMember {
    note(
      fields,
      beside: [
        "virtualServer", "target", "ratio", "enabled", "priority", "weight", "port", "parameters",
      ])
    var member = PoolMember()
    if let text = try fields.text("virtualServer") {
      guard let name = VirtualServerName(text) else {
        throw fields.problem(
          "virtualServer", found: "\"\(text)\"", expected: "SERVER/VIRTUALSERVER, as west/web")
      }
      member.virtualServer = name
    }
    if let text = try fields.text("target") {
      member.target = try fields.domainName(text, "target")
    }
    member.ratio = try fields.number("ratio") ?? member.ratio
    member.isEnabled = try fields.flag("enabled") ?? true
    member.priority = try fields.short("priority") ?? member.priority
    member.weight = try fields.short("weight") ?? member.weight
    member.port = try fields.short("port")
    member.parameters = try fields.text("parameters") ?? ""
    return member
  }

  private mutating func region(_ fields: FileFields) throws(FileProblem) -> TopologyRegion {
    note(fields, beside: ["name", "sources"])
    var region = TopologyRegion(name: try fields.needed("name"), sources: [])
    for section in try fields.sections("sources") { region.sources.append(try source(section)) }
    return region
  }

  /// `{subnet: PREFIX}`, `{region: NAME}`, `{country: CH}` or `{continent: EU}`.
  private mutating func source(_ fields: FileFields) throws(FileProblem) -> TopologySource {
    note(fields, beside: ["subnet", "region", "country", "continent"])
    if let prefix = try fields.prefix("subnet") { return .subnet(prefix) }
    if let name = try fields.text("region") { return .region(name) }
    if let code = try fields.text("country") { return .country(code) }
    if let code = try fields.text("continent") { return .continent(code) }
    throw fields.problem(
      "subnet", found: "nothing", expected: "subnet, region, country or continent")
  }

  /// `{pool}`, `{dataCentre}`, `{server}` or `{subnet}`.
  private mutating func destination(
    _ fields: FileFields
  ) throws(FileProblem) -> TopologyRecord.Destination {
    note(fields, beside: ["pool", "dataCentre", "server", "subnet"])
    if let name = try fields.text("pool") { return .pool(name) }
    if let name = try fields.text("dataCentre") { return .dataCentre(name) }
    if let name = try fields.text("server") { return .server(name) }
    if let prefix = try fields.prefix("subnet") { return .subnet(prefix) }
    throw fields.problem("pool", found: "nothing", expected: "pool, dataCentre, server or subnet")
  }

  private mutating func topologyRecord(_ fields: FileFields) throws(FileProblem) -> TopologyRecord {
    note(fields, beside: ["source", "destination", "weight"])
    guard let from = try fields.section("source"), let to = try fields.section("destination")
    else {
      throw fields.problem(
        fields.names.contains("source") ? "destination" : "source", found: "nothing",
        expected: "a mapping")
    }
    return TopologyRecord(
      try source(from), to: try destination(to), weight: try fields.number("weight") ?? 1)
  }

  private mutating func readWideIP(_ fields: FileFields) {
    do throws(FileProblem) {
      let wideIP = try wideIP(fields)
      parsed.gslb.wideIPs.append(wideIP)
      parsed.places[wideIP.title] = parsed.places[wideIP.title] ?? fields
    } catch {
      parsed.problems.append(error)
    }
  }

  private mutating func wideIP(_ fields: FileFields) throws(FileProblem) -> WideIP {
    note(
      fields,
      beside: [
        "name", "aliases", "type", "loadBalancing", "pools", "lastResortPool", "persistence",
        "enabled",
      ])
    var wideIP = WideIP(name: try fields.domainName(try fields.needed("name"), "name"))
    for text in try fields.list("aliases") {
      wideIP.aliases.append(try fields.domainName(text, "aliases"))
    }
    wideIP.type = try fields.choice("type") ?? wideIP.type
    wideIP.loadBalancing = try fields.choice("loadBalancing") ?? wideIP.loadBalancing
    for section in try fields.sections("pools") {
      note(section, beside: ["pool", "ratio"])
      wideIP.pools.append(
        WideIP.PoolReference(try section.needed("pool"), ratio: try section.number("ratio") ?? 1))
    }
    wideIP.lastResortPool = try fields.text("lastResortPool")
    wideIP.persistence = try fields.flag("persistence") ?? false
    wideIP.isEnabled = try fields.flag("enabled") ?? true
    return wideIP
  }
}

extension FileFields {
  fileprivate func short(_ name: String) throws(FileProblem) -> UInt16? {
    guard let number = try number(name) else { return nil }
    guard let value = UInt16(exactly: number) else {
      throw problem(name, found: "\(number)", expected: "0 to 65535")
    }
    return value
  }
}
