import DNS
import Delivery

extension GSLBConfiguration {
  /// The objects that can be used, and what is wrong with the others. An object whose part is
  /// refused stays, with what is left of it; of two of the same name the first stays. What is wrong
  /// with the health is replaced by what it is without a word.
  package func validated() -> (usable: GSLBConfiguration, problems: [Problem]) {
    var usable = GSLBConfiguration()
    var problems: [Problem] = []
    problems += health.validate()
    usable.health = health.usable
    usable.dataCentres = Self.first(dataCentres, \.name, "data centre", &problems)
    let centres = Set(usable.dataCentres.map(\.name))
    usable.servers = Self.first(servers, \.name, "server", &problems).compactMap {
      $0.validated(centres, voters: usable.health.voters, &problems)
    }
    usable.pools = Self.first(pools, \.name, "pool", &problems).compactMap {
      $0.validated(usable, &problems)
    }
    usable.regions = Self.first(regions, \.name, "region", &problems).map {
      $0.validated(&problems)
    }
    let regionNames = Set(usable.regions.map(\.name))
    usable.topology = topology.enumerated().compactMap { index, record in
      let own = record.validate(index, usable, regionNames)
      problems += own
      return own.isEmpty ? record : nil
    }
    var names: Set<WideIPKey> = []
    for wideIP in wideIPs {
      var own = wideIP.validate(usable, all: pools)
      for name in [wideIP.name] + wideIP.aliases
      where !names.insert(WideIPKey(name: name, type: wideIP.type)).inserted {
        own.append(wideIP.problem("name", "\(name)", "a name that no wide IP of this type has"))
      }
      problems += own.map(\.problem)
      if own.allSatisfy(\.isBearable) { usable.wideIPs.append(wideIP.keeping(usable.pools)) }
    }
    return (usable, problems)
  }

  private struct WideIPKey: Hashable {
    var name: DomainName
    var type: SteeredType
  }

  private static func first<Object>(
    _ objects: [Object], _ name: KeyPath<Object, String>, _ kind: String,
    _ problems: inout [Problem]
  ) -> [Object] {
    var seen: Set<String> = []
    return objects.filter { object in
      let own = object[keyPath: name]
      let object = "\(kind) \(own)"
      let isServer = Object.self == Server.self
      if own.isEmpty || (isServer && own.utf8.contains(UInt8(ascii: "/"))) {
        problems.append(
          Problem(
            object: object, field: "name", found: "\"\(own)\"",
            expected: isServer ? "a name without /" : "a name"))
        return false
      }
      guard seen.insert(own).inserted else {
        problems.append(
          Problem(object: object, field: "name", found: own, expected: "a name no other has"))
        return false
      }
      return true
    }
  }
}

extension Server {
  fileprivate func validated(
    _ centres: Set<String>, voters: [String], _ problems: inout [Problem]
  ) -> Server? {
    var own = monitor.validate().map { problem("monitor.\($0.field)", $0.found, $0.expected) }
    if !centres.contains(dataCentre) {
      own.append(problem("dataCentre", "\"\(dataCentre)\"", "a data centre that exists"))
    }
    if let voter, !voters.contains(voter) {
      own.append(problem("voter", "\"\(voter)\"", "one of the voters"))
    }
    var seen: Set<String> = []
    for (index, virtualServer) in virtualServers.enumerated() {
      let place = "virtualServers[\(index)]"
      if !seen.insert(virtualServer.name).inserted || virtualServer.name.isEmpty {
        own.append(
          problem("\(place).name", "\"\(virtualServer.name)\"", "a name no other of it has"))
      }
      if virtualServer.port == 0 { own.append(problem("\(place).port", "0", "1 to 65535")) }
      own += (virtualServer.monitor?.validate() ?? []).map {
        problem("\(place).monitor.\($0.field)", $0.found, $0.expected)
      }
    }
    problems += own
    return own.isEmpty ? self : nil
  }

  private func problem(_ field: String, _ found: String, _ expected: String) -> Problem {
    Problem(object: "server \(name)", field: field, found: found, expected: expected)
  }
}

extension HealthPolicy {
  fileprivate var usable: HealthPolicy {
    if validate().isEmpty { return self }
    var usable = HealthPolicy()
    usable.voters = voters
    usable.isolation = isolation
    if !usable.validate().isEmpty { usable.voters = [] }
    return usable
  }

  fileprivate func validate() -> [Problem] {
    var own: [Problem] = []
    func check(_ field: String, _ value: Duration, _ range: ClosedRange<Duration>) {
      guard !range.contains(value) else { return }
      own.append(
        Problem(
          object: "health", field: field, found: "\(value)",
          expected: "\(range.lowerBound) to \(range.upperBound)"))
    }
    check("viewInterval", viewInterval, .milliseconds(20)...(.seconds(60)))
    // Two views must be allowed to go missing.
    check("lease", lease, viewInterval * 3...(.seconds(600)))
    check("holdDown", holdDown, .zero...(.seconds(3600)))
    check("longestHoldDown", longestHoldDown, holdDown...(.seconds(86400)))
    check("holdMemory", holdMemory, .seconds(1)...(.seconds(86400)))
    if Set(voters).count != voters.count
      || voters.contains(where: { $0.isEmpty || $0.utf8.count > 255 })
      || voters.count > 64
    {
      own.append(
        Problem(
          object: "health", field: "voters", found: voters.joined(separator: ", "),
          expected: "at most 64 different names of 1 to 255 octets"))
    }
    return own
  }
}
