import NetTypes

/// What is wrong with one object, and what would be right.
package struct Problem: Error, Equatable, CustomStringConvertible {
  /// As `virtual server web` or `pool web`.
  package var object: String
  /// As `members[1].weight`.
  package var field: String
  package var found: String
  package var expected: String

  package init(object: String, field: String, found: String, expected: String) {
    self.object = object
    self.field = field
    self.found = found
    self.expected = expected
  }

  package var description: String { "\(object): \(field) is \(found), expected \(expected)" }
}

extension DeliveryConfiguration {
  /// The objects that can serve, and what is wrong with the others: a bad object never keeps
  /// another from being applied. Of two objects that claim the same name or address the first stays.
  package func validated() -> (usable: DeliveryConfiguration, problems: [Problem]) {
    var usable = DeliveryConfiguration()
    var problems: [Problem] = []
    var poolNames: Set<String> = []
    for pool in pools {
      var own = pool.validate()
      if !poolNames.insert(pool.name).inserted {
        own.append(pool.problem("name", pool.name, "a name no other pool has"))
      }
      problems += own
      if own.isEmpty { usable.pools.append(pool) }
    }
    let usablePools = Set(usable.pools.map(\.name))
    var names: Set<String> = []
    var claims: Set<Claim> = []
    for server in virtualServers {
      var own = server.validate()
      for (field, name) in server.poolReferences where !usablePools.contains(name) {
        let expected = poolNames.contains(name) ? "a valid pool" : "a pool that exists"
        own.append(server.problem(field, name, expected))
      }
      if let pool = usable.pools.first(where: { $0.name == server.pool }) {
        own += server.kernelProblems(pool)
      }
      if !names.insert(server.name).inserted {
        own.append(server.problem("name", server.name, "a name no other virtual server has"))
      }
      if own.isEmpty, !claims.insert(Claim(server)).inserted {
        let found = SocketAddress(server.address, port: server.port).description
        own.append(server.problem("address", found, "an address and port that are not yet taken"))
      }
      problems += own
      if own.isEmpty { usable.virtualServers.append(server) }
    }
    var egressNames: Set<String> = []
    for egress in egress {
      var own = egress.validate()
      if !egressNames.insert(egress.name).inserted {
        own.append(egress.problem("name", egress.name, "a name no other egress has"))
      }
      problems += own
      if own.isEmpty { usable.egress.append(egress) }
    }
    return (usable, problems)
  }

  private struct Claim: Hashable {
    var address: SocketAddress
    var isUDP: Bool
    init(_ server: VirtualServer) {
      address = SocketAddress(server.address, port: server.port)
      isUDP = server.protocol == .udp
    }
  }
}

extension VirtualServer {
  /// What is wrong with this object alone.
  package func validate() -> [Problem] {
    var problems: [Problem] = []
    if name.isEmpty { problems.append(problem("name", "empty", "a name")) }
    if port == 0 { problems.append(problem("port", "0", "1 to 65535")) }
    switch `protocol` {
    case .http, .https:
      if pool == nil, routes.isEmpty, !rules.contains(where: { $0.decision != .next }) {
        problems.append(problem("pool", "missing", "a pool, or rules"))
      }
      for (index, rule) in rules.enumerated() {
        problems += rule.validate().map {
          let field = $0.field.isEmpty ? "" : "." + $0.field
          return problem("rules[\(index)]\(field)", $0.found, $0.expected)
        }
      }
      for (index, route) in routes.enumerated() {
        problems += route.validate().map {
          problem("routes[\(index)].\($0.field)", $0.found, $0.expected)
        }
      }
    case .tcp, .udp:
      if pool == nil { problems.append(problem("pool", "missing", "a pool")) }
      if !routes.isEmpty || !rules.isEmpty {
        problems.append(problem("rules", "given", "none, as \(`protocol`) has no requests"))
      }
    case .tlsPassthrough:
      if pool == nil, routes.isEmpty {
        problems.append(problem("pool", "missing", "a pool or routes"))
      }
      for (index, route) in routes.enumerated() {
        problems += route.validate().map {
          problem("routes[\(index)].\($0.field)", $0.found, $0.expected)
        }
        if route.path.path != "/" {
          problems.append(
            problem("routes[\(index)].path", route.path.path, "none, as TLS hides requests"))
        }
      }
    }
    problems += validateTLS() + validateKernelMode()
    problems += (compression?.validate() ?? []).map { problem($0.field, $0.found, $0.expected) }
    if acceptsProxyProtocol, `protocol` == .udp {
      problems.append(problem("proxyProtocol", "true", "false, as udp has no connections"))
    }
    problems +=
      accessLog?.validate().map { problem("accessLog.\($0.field)", $0.found, $0.expected) } ?? []
    if !(0...1_000_000).contains(connectionLimit) {
      problems.append(problem("connectionLimit", "\(connectionLimit)", "0 to 1000000"))
    }
    if let total = timeouts.total, total < .milliseconds(1) || total > .seconds(86400) {
      problems.append(problem("timeouts.total", "\(total)", "1 ms to 1 day"))
    }
    let limits = [timeouts.connect, timeouts.header, timeouts.firstByte, idleTimeout]
    if let wrong = limits.first(where: { $0 < .milliseconds(1) || $0 > .seconds(86400) }) {
      problems.append(problem("timeouts", "\(wrong)", "1 ms to 1 day"))
    }
    return problems
  }

  /// Of rules, routes and the server itself, with the fields that name them.
  package var poolReferences: [(field: String, pool: String)] {
    var found = pool.map { [(field: "pool", pool: $0)] } ?? []
    for (index, rule) in rules.enumerated() {
      found += rule.pools.map { (field: "rules[\(index)].pool", pool: $0) }
    }
    for (index, route) in routes.enumerated() {
      found.append((field: "routes[\(index)].pool", pool: route.pool))
    }
    return found
  }
  private func validateTLS() -> [Problem] {
    switch (`protocol`, tls) {
    case (.https, nil): [problem("tls", "missing", "certificate and key")]
    case (.https, let tls?), (.tcp, let tls?):
      tls.validate().map { problem($0.field, $0.found, $0.expected) }
    case (_, .some): [problem("tls", "given", "none, as \(`protocol`.rawValue) does not end TLS")]
    case (_, nil): []
    }
  }

  package func problem(_ field: String, _ found: String, _ expected: String) -> Problem {
    Problem(object: "virtual server \(name)", field: field, found: found, expected: expected)
  }
}

extension HTTPRoute {
  fileprivate func validate() -> [(field: String, found: String, expected: String)] {
    var problems: [(field: String, found: String, expected: String)] = []
    if !path.path.hasPrefix("/") { problems.append(("path", "\"\(path.path)\"", "a path from /")) }
    if let host, !isHostPattern(host) {
      problems.append(("host", "\"\(host)\"", "a name, or *. and a name"))
    }
    return problems
  }
}

extension Pool {
  /// What is wrong with this object alone. A pool without members is valid: it answers 503.
  package func validate() -> [Problem] {
    var problems: [Problem] = []
    if name.isEmpty { problems.append(problem("name", "empty", "a name")) }
    var seen: Set<SocketAddress> = []
    for (index, member) in members.enumerated() {
      let place = "members[\(index)]"
      if member.port == 0 { problems.append(problem("\(place).port", "0", "1 to 65535")) }
      if !(1...256).contains(member.weight) {
        problems.append(problem("\(place).weight", "\(member.weight)", "1 to 256"))
      }
      if !(0...1_000_000).contains(member.connectionLimit) {
        problems.append(
          problem("\(place).connectionLimit", "\(member.connectionLimit)", "0 to 1000000"))
      }
      if !(-1000...1000).contains(member.priority) {
        problems.append(problem("\(place).priority", "\(member.priority)", "-1000 to 1000"))
      }
      if !seen.insert(member.socketAddress).inserted {
        problems.append(
          problem("\(place).address", "\(member.socketAddress)", "an address not listed before"))
      }
    }
    if !(1...1000).contains(minimumActive) {
      problems.append(problem("minimumActive", "\(minimumActive)", "1 to 1000"))
    }
    if slowRamp < .zero || slowRamp > .seconds(3600) {
      problems.append(problem("slowRamp", "\(slowRamp)", "0 to 1 hour"))
    }
    switch hash {
    case .header(let name), .cookie(let name):
      if !isToken(name) {
        problems.append(problem("hash.name", "\"\(name)\"", "a header's or cookie's name"))
      }
    case .source, .path, .serverName: break
    }
    if let persistence {
      problems += persistence.validate().map { problem($0.field, $0.found, $0.expected) }
    }
    if proxyProtocol != nil, `protocol` == .http2 {
      problems.append(
        problem("proxyProtocol", "given", "none, as streams of h2 share a connection"))
    }
    if !(0...100_000).contains(queueLength) {
      problems.append(problem("queue.length", "\(queueLength)", "0 to 100000"))
    }
    if queueTimeout < .milliseconds(1) || queueTimeout > .seconds(3600) {
      problems.append(problem("queue.timeout", "\(queueTimeout)", "1 ms to 1 hour"))
    }
    if !(0...100).contains(retryBudget) {
      problems.append(problem("retryBudget", "\(retryBudget)", "0 to 100"))
    }
    if let ejectAfter, !(1...1000).contains(ejectAfter) {
      problems.append(problem("ejectAfter", "\(ejectAfter)", "1 to 1000"))
    }
    problems += monitor.validate().map { problem("monitor.\($0.field)", $0.found, $0.expected) }
    for (index, member) in members.enumerated() {
      problems += (member.monitor?.validate() ?? []).map {
        problem("members[\(index)].monitor.\($0.field)", $0.found, $0.expected)
      }
    }
    return problems
  }

  func problem(_ field: String, _ found: String, _ expected: String) -> Problem {
    Problem(object: "pool \(name)", field: field, found: found, expected: expected)
  }
}
