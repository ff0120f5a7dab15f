import NetTypes

extension RouterConfiguration {
  /// What is wrong with one part of the configuration, and what would be right.
  package struct Problem: Equatable, Sendable, CustomStringConvertible {
    /// As `neighbor 172.19.0.2` or `peer group calico-k8s`.
    package var object: String
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

  /// Everything wrong with this configuration; empty if a speaker can run it as it stands.
  /// A neighbour with a problem is left out, the others run.
  package func validate() -> [Problem] {
    var problems: [Problem] = []
    if localAS.rawValue == 0 || localAS == .transition {
      problems.append(Problem("router bgp", "AS", "\(localAS)", "1 to 4294967295, not 23456"))
    }
    if routerID == .any {
      problems.append(Problem("router bgp", "router id", "0.0.0.0", "non-zero"))
    }
    if maximumPaths < 1 || maximumPaths > 256 {
      problems.append(Problem("router bgp", "maximum paths", "\(maximumPaths)", "1 to 256"))
    }
    if !(0...4095).contains(gracefulRestart.restartTime.wholeSeconds) {
      let found = "\(gracefulRestart.restartTime.wholeSeconds) s"
      problems.append(Problem("router bgp", "graceful restart time", found, "0 to 4095 s"))
    }
    problems += timers.problems(of: "router bgp")
    var groups: Set<String> = []
    for group in peerGroups {
      let object = "peer group \(group.name)"
      if !groups.insert(group.name).inserted {
        problems.append(Problem(object, "name", group.name, "a name no other peer group has"))
      }
      problems += group.settings.problems(of: object)
    }
    var addresses: Set<IPAddress> = []
    for neighbor in neighbors {
      let object = "neighbor \(neighbor.address)"
      if !addresses.insert(neighbor.address).inserted {
        problems.append(Problem(object, "address", "listed twice", "one entry per address"))
      }
      if let name = neighbor.peerGroup, !groups.contains(name) {
        problems.append(Problem(object, "peer group", name, "a peer group that exists"))
      }
      if resolved(neighbor)?.families.isEmpty ?? false {
        problems.append(Problem(object, "address families", "none active", "one or more"))
      }
      if resolved(neighbor) == nil {
        problems.append(Problem(object, "remote AS", "missing", "one here or in its peer group"))
      }
      problems += neighbor.settings.problems(of: object)
    }
    problems += interfaceNeighborProblems(groups)
    problems += listenRangeProblems
    return problems
  }
}

extension RouterConfiguration.Problem {
  init(_ object: String, _ field: String, _ found: String, _ expected: String) {
    self.init(object: object, field: field, found: found, expected: expected)
  }
}

extension NeighborSettings {
  fileprivate func problems(of object: String) -> [RouterConfiguration.Problem] {
    var problems = timers?.problems(of: object) ?? []
    if let remoteAS, remoteAS.rawValue == 0 || remoteAS == .transition {
      problems.append(.init(object, "remote AS", "\(remoteAS)", "1 to 4294967295, not 23456"))
    }
    if let password, !(1...80).contains(password.utf8.count) {
      problems.append(.init(object, "password", "\(password.utf8.count) octets", "1 to 80 octets"))
    }
    if ttlSecurityHops != nil, ebgpMultihop != nil {
      let expected = "one of ttl-security and ebgp-multihop"
      problems.append(.init(object, "ttl-security", "set beside ebgp-multihop", expected))
    }
    if let hops = ttlSecurityHops, !(1...254).contains(hops) {
      problems.append(.init(object, "ttl-security hops", "\(hops)", "1 to 254"))
    }
    if let text = shutdownMessage, text.utf8.count > 255 {
      problems.append(
        .init(object, "shutdown message", "\(text.utf8.count) octets", "at most 255 octets"))
    }
    if let percent = maximumPrefixes?.warningPercent, !(1...100).contains(percent) {
      problems.append(.init(object, "maximum prefixes warning", "\(percent) %", "1 to 100 %"))
    }
    if let maximum = maximumPrefixes?.count, maximum < 1 {
      problems.append(.init(object, "maximum prefixes", "\(maximum)", "1 or more"))
    }
    return problems
  }
}

extension SessionTimers {
  fileprivate func problems(of object: String) -> [RouterConfiguration.Problem] {
    let hold = hold.wholeSeconds
    let keepalive = keepalive.wholeSeconds
    var problems: [RouterConfiguration.Problem] = []
    if hold != 0, !(3...65535).contains(hold) {
      problems.append(.init(object, "hold time", "\(hold) s", "0, or 3 to 65535 s"))
    } else if hold != 0, keepalive < 1 || keepalive * 3 > hold {
      let expected = "1 s to a third of the hold time, \(hold / 3) s"
      problems.append(.init(object, "keepalive time", "\(keepalive) s", expected))
    }
    if connectRetry.wholeSeconds < 1 {
      problems.append(.init(object, "connect retry time", "\(connectRetry)", "1 s or more"))
    }
    return problems
  }
}

extension Duration {
  /// Whole seconds, rounded down.
  package var wholeSeconds: Int64 { components.seconds }
}

extension ASNumber {
  /// AS_TRANS. RFC 6793 §9.
  package static let transition = ASNumber(23456)
}
