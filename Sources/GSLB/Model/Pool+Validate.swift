import DNS
import Delivery
import NetTypes

extension Pool {
  /// The pool with the members that can be used; nil if it cannot be at all.
  func validated(
    _ configuration: GSLBConfiguration, _ problems: inout [Problem]
  ) -> Pool? {
    var own: [Problem] = []
    if preferred == .none { own.append(problem("preferred", "none", "a mode that chooses")) }
    if [preferred, alternate, fallback].contains(.fallbackIP) {
      let isRight = fallbackIP.map { type == ($0.isIPv4 ? .a : .aaaa) } ?? false
      if !isRight {
        own.append(
          problem(
            "fallbackIP", fallbackIP.map { "\($0)" } ?? "missing",
            "an address that an \(type) record holds"))
      }
    }
    if ttl > 0x7fff_ffff { own.append(problem("ttl", "\(ttl)", "0 to 2147483647 seconds")) }
    if !(1...64).contains(maxAnswers) {
      own.append(problem("maxAnswers", "\(maxAnswers)", "1 to 64"))
    }
    if type == .cname, maxAnswers != 1 {
      own.append(problem("maxAnswers", "\(maxAnswers)", "1, as a name has one CNAME"))
    }
    if rampedReturn < .zero || rampedReturn > .seconds(3600) {
      own.append(problem("rampedReturn", "\(rampedReturn)", "0 to 1 hour"))
    }
    if members.count > 4096 {
      own.append(problem("members", "\(members.count)", "4096 at most"))
    }
    problems += own
    guard own.isEmpty else { return nil }
    var pool = self
    pool.members = members.enumerated().compactMap { index, member in
      let found = member.validate(type, configuration).map {
        problem("members[\(index)].\($0.field)", $0.found, $0.expected)
      }
      problems += found
      return found.isEmpty ? member : nil
    }
    return pool
  }

  func problem(_ field: String, _ found: String, _ expected: String) -> Problem {
    Problem(object: "pool \(name)", field: field, found: found, expected: expected)
  }
}

extension PoolMember {
  fileprivate func validate(
    _ type: SteeredType, _ configuration: GSLBConfiguration
  ) -> [(field: String, found: String, expected: String)] {
    var own: [(field: String, found: String, expected: String)] = []
    let known = virtualServer.flatMap { configuration[$0] }
    if let virtualServer, known == nil {
      own.append(("virtualServer", "\(virtualServer)", "a virtual server that exists"))
    }
    if !(1...65535).contains(ratio) { own.append(("ratio", "\(ratio)", "1 to 65535")) }
    guard own.isEmpty, data(type, known) == nil else { return own }
    switch type {
    case .a, .aaaa:
      own.append(
        (
          "virtualServer", known.map { "at \($0.address)" } ?? "missing",
          "one at an \(type == .a ? "IPv4" : "IPv6") address"
        ))
    case .cname: own.append(("target", "missing", "a name"))
    case .srv where target == nil: own.append(("target", "missing", "a name"))
    case .srv: own.append(("port", "missing", "1 to 65535"))
    case .https where target == nil: own.append(("target", "missing", "a name, or . for the owner"))
    case .https: own.append(("parameters", "\"\(parameters)\"", "parameters as alpn=h2"))
    }
    return own
  }
}

/// A wide IP's problem; one that can be borne leaves it in use without the part.
struct WideIPProblem {
  var problem: Problem
  var isBearable = false
}

extension WideIP {
  func problem(_ field: String, _ found: String, _ expected: String) -> WideIPProblem {
    WideIPProblem(
      problem: Problem(object: title, field: field, found: found, expected: expected))
  }

  /// Without the pools that are not there.
  func keeping(_ pools: [Pool]) -> WideIP {
    let known = Set(pools.map(\.name))
    var wideIP = self
    wideIP.pools.removeAll { !known.contains($0.pool) }
    if let last = lastResortPool, !known.contains(last) { wideIP.lastResortPool = nil }
    return wideIP
  }

  func validate(_ usable: GSLBConfiguration, all: [Pool]) -> [WideIPProblem] {
    var own: [WideIPProblem] = []
    switch loadBalancing {
    case .roundRobin, .ratio, .globalAvailability, .topology, .staticPersistence: break
    case .leastConnections, .roundTripTime, .fallbackIP, .returnToDNS, .drop, .none:
      own.append(
        problem(
          "loadBalancing", loadBalancing.rawValue,
          "round-robin, ratio, global-availability, topology or static-persistence"))
    }
    let references =
      pools.enumerated().map { ("pools[\($0)]", $1.pool, $1.ratio) }
      + (lastResortPool.map { [("lastResortPool", $0, 1)] } ?? [])
    var usableCount = 0
    for (field, name, ratio) in references {
      if !(1...65535).contains(ratio) {
        own.append(problem("\(field).ratio", "\(ratio)", "1 to 65535"))
      }
      if let pool = usable.pools.first(where: { $0.name == name }) {
        usableCount += 1
        if pool.type != type {
          own.append(problem(field, "\(name) of \(pool.type)", "a pool of \(type)"))
        }
        continue
      }
      let exists = all.contains { $0.name == name }
      var missing = problem(field, name, exists ? "a valid pool" : "a pool that exists")
      missing.isBearable = true
      own.append(missing)
    }
    if usableCount == 0 { own.append(problem("pools", "none of use", "one pool or more")) }
    return own
  }
}

extension TopologyRegion {
  /// The region with the sources that can be used.
  func validated(_ problems: inout [Problem]) -> TopologyRegion {
    var region = self
    region.sources = sources.enumerated().compactMap { index, source in
      guard let expected = source.whatIsExpected(inRegion: true, []) else { return source }
      problems.append(
        Problem(
          object: "region \(name)", field: "sources[\(index)]", found: "\(source)",
          expected: expected))
      return nil
    }
    return region
  }
}

extension TopologySource {
  /// What should stand there instead; nil if it is right.
  fileprivate func whatIsExpected(inRegion: Bool, _ regions: Set<String>) -> String? {
    switch self {
    case .subnet: nil
    case .country(let code):
      code.utf8.count == 2 && code.utf8.allSatisfy { (0x41...0x5a).contains($0) }
        ? nil : "two capital letters, as CH"
    case .continent(let code):
      Self.continents.contains(code)
        ? nil : "one of \(Self.continents.sorted().joined(separator: ", "))"
    case .region(let name):
      inRegion
        ? "a subnet, country or continent"
        : regions.contains(name) ? nil : "a region that exists"
    }
  }
}

extension TopologyRecord {
  func validate(
    _ index: Int, _ configuration: GSLBConfiguration, _ regions: Set<String>
  ) -> [Problem] {
    var own: [(field: String, found: String, expected: String)] = []
    if let expected = source.whatIsExpected(inRegion: false, regions) {
      own.append(("source", "\(source)", expected))
    }
    let exists =
      switch destination {
      case .pool(let name): configuration.pools.contains { $0.name == name }
      case .dataCentre(let name): configuration.dataCentres.contains { $0.name == name }
      case .server(let name): configuration.servers.contains { $0.name == name }
      case .subnet: true
      }
    if !exists { own.append(("destination", "\(destination)", "one that exists")) }
    if !(1...65535).contains(weight) { own.append(("weight", "\(weight)", "1 to 65535")) }
    return own.map {
      Problem(
        object: "topology record \(index)", field: $0.field, found: $0.found,
        expected: $0.expected)
    }
  }
}
