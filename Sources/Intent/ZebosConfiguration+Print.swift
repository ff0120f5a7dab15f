import BGP
import NetTypes

extension ZebosConfiguration {
  /// The configuration in the form of `show running-config`, with an end of line after each line.
  package var runningConfiguration: String {
    var lines = ["!", "no service password-encryption", "!"]
    if hostname != "edge" { lines += ["hostname \(hostname)", "!"] }
    if let router { lines += statements(of: router) + ["!"] }
    lines += policy.statements
    lines += ["line con 0", " login", "line vty 0 39", " login", "!", "end"]
    return lines.joined(separator: "\n") + "\n"
  }

  private func statements(of router: RouterConfiguration) -> [String] {
    var lines = ["router bgp \(router.localAS)"]
    if let id = router.routerID { lines.append(" bgp router-id \(id)") }
    if router.gracefulRestart.isEnabled {
      let seconds = router.gracefulRestart.restartTime.wholeSeconds
      lines.append(" bgp graceful-restart restart-time \(seconds)")
    }
    if router.gracefulRestart.stalePathTime != GracefulRestart().stalePathTime {
      let seconds = router.gracefulRestart.stalePathTime.wholeSeconds
      lines.append(" bgp graceful-restart stalepath-time \(seconds)")
    }
    lines += Self.options(of: router)
    lines += Self.networks(of: router, .ipv4).map { " \($0)" }
    lines += Self.redistributions(of: router, .ipv4).map { " \($0)" }
    for group in router.peerGroups {
      lines.append(" neighbor \(group.name) peer-group")
      lines += Self.statements(of: group.settings, group.name)
    }
    for range in router.listenRanges {
      lines.append(" bgp listen range \(range.prefix) peer-group \(range.peerGroup)")
    }
    for neighbor in router.neighbors {
      let name = "\(neighbor.address)"
      if neighbor.settings.namesRemoteAS {
        lines.append(contentsOf: Self.statements(of: neighbor.settings, name))
        if let group = neighbor.peerGroup { lines.append(" neighbor \(name) peer-group \(group)") }
      } else {
        if let group = neighbor.peerGroup { lines.append(" neighbor \(name) peer-group \(group)") }
        lines += Self.statements(of: neighbor.settings, name)
      }
    }
    for neighbor in router.interfaceNeighbors {
      lines.append(" neighbor \(neighbor.interface) interface")
      if let group = neighbor.peerGroup {
        lines.append(" neighbor \(neighbor.interface) peer-group \(group)")
      }
      lines += Self.statements(of: neighbor.settings, neighbor.interface)
    }
    for family in AddressFamily.allCases { lines += Self.block(of: router, family) }
    return lines
  }

  private static func options(of router: RouterConfiguration) -> [String] {
    let usual = RouterConfiguration(localAS: router.localAS)
    var lines: [String] = []
    if router.isShuttingDownGracefully { lines.append("bgp graceful-shutdown") }
    if let id = router.clusterID { lines.append("bgp cluster-id \(id)") }
    if router.alwaysCompareMED { lines.append("bgp always-compare-med") }
    if !router.reflectsBetweenClients { lines.append("no bgp client-to-client reflection") }
    if router.relaxesASPath { lines.append("bgp bestpath as-path multipath-relax") }
    if router.defaultLocalPreference != usual.defaultLocalPreference {
      lines.append("bgp default local-preference \(router.defaultLocalPreference)")
    }
    if !router.activatesIPv4ByDefault { lines.append("no bgp default ipv4-unicast") }
    if router.listenLimit != usual.listenLimit {
      lines.append("bgp listen limit \(router.listenLimit)")
    }
    if router.timers != usual.timers { lines.append("timers bgp \(text(router.timers))") }
    if router.maximumPaths != usual.maximumPaths {
      lines.append("maximum-paths \(router.maximumPaths)")
    }
    if let count = router.maximumPathsInternal { lines.append("maximum-paths ibgp \(count)") }
    return lines.map { " \($0)" }
  }

  private static func networks(
    of router: RouterConfiguration, _ family: AddressFamily
  ) -> [String] {
    router.networks.filter { AddressFamily(of: $0) == family }.map { prefix in
      "network \(prefix)" + (router.networkRouteMaps[prefix].map { " route-map \($0)" } ?? "")
    }
  }

  private static func redistributions(
    of router: RouterConfiguration, _ family: AddressFamily
  ) -> [String] {
    router.redistributions.filter { $0.family == family }.map { redistribution in
      "redistribute \(redistribution.source.rawValue)"
        + (redistribution.metric.map { " metric \($0)" } ?? "")
        + (redistribution.routeMap.map { " route-map \($0)" } ?? "")
    }
  }

  /// What has to stand in the family's own block; nothing where that is nothing. What is of IPv4
  /// stands outside, as ZebOS has it and FRR takes it.
  private static func block(
    of router: RouterConfiguration, _ family: AddressFamily
  ) -> [String] {
    var lines: [String] = []
    if family == .ipv6 {
      lines += networks(of: router, family)
      lines += redistributions(of: router, family)
    }
    let subjects =
      router.peerGroups.map { ($0.name, $0.settings) }
      + router.neighbors.map { ("\($0.address)", $0.settings) }
      + router.interfaceNeighbors.map { ($0.interface, $0.settings) }
    for (name, settings) in subjects {
      if let isActive = settings.activations[family] {
        lines.append("\(isActive ? "" : "no ")neighbor \(name) activate")
      }
      // FRR knows it in a family's block alone; here it is of the session.
      if family == .ipv4, settings.addPath?.receives == false {
        lines.append("neighbor \(name) disable-addpath-rx")
      }
      if family == .ipv6 {
        lines += policies(of: settings, family).map { "neighbor \(name) \($0)" }
      }
    }
    if lines.isEmpty { return [] }
    let name = family == .ipv4 ? "ipv4" : "ipv6"
    return [" !", " address-family \(name) unicast"] + lines.map { "  \($0)" }
      + [" exit-address-family"]
  }

  private static func policies(
    of settings: NeighborSettings, _ family: AddressFamily
  ) -> [String] {
    [(settings.importPolicy, "in"), (settings.exportPolicy, "out")].flatMap { chain, direction in
      let names = chain?[family] ?? PolicyChain.Names()
      return [
        ("distribute-list", names.accessList), ("prefix-list", names.prefixList),
        ("filter-list", names.asPathList), ("route-map", names.routeMap),
      ].compactMap { keyword, name in name.map { "\(keyword) \($0) \(direction)" } }
    }
  }

  private static func statements(of settings: NeighborSettings, _ name: String) -> [String] {
    var parts: [String] = []
    if let number = settings.remoteAS { parts.append("remote-as \(number)") }
    if let kind = settings.remoteASKind { parts.append("remote-as \(kind.rawValue)") }
    if let text = settings.description { parts.append("description \(text)") }
    if settings.shutdown == true {
      parts.append("shutdown" + (settings.shutdownMessage.map { " message \($0)" } ?? ""))
    }
    if settings.passive == true { parts.append("passive") }
    if let password = settings.password { parts.append("password \(password)") }
    if let timers = settings.timers {
      parts.append("timers \(text(timers))")
      if timers.connectRetry != SessionTimers().connectRetry {
        parts.append("timers connect \(timers.connectRetry.wholeSeconds)")
      }
    }
    if let source = settings.sourceAddress?.description ?? settings.sourceInterface {
      parts.append("update-source \(source)")
    }
    if let hops = settings.ebgpMultihop { parts.append("ebgp-multihop \(hops)") }
    if settings.nextHopSelf == true {
      parts.append("next-hop-self\(settings.forcesNextHopSelf == true ? " force" : "")")
    }
    if settings.routeReflectorClient == true { parts.append("route-reflector-client") }
    if settings.defaultOriginate == true { parts.append("default-originate") }
    if let limit = settings.maximumPrefixes { parts.append(text(limit)) }
    if let hops = settings.ttlSecurityHops { parts.append("ttl-security hops \(hops)") }
    if let bfd = settings.bfd { parts.append(text(bfd)) }
    if let role = settings.role {
      parts.append(
        "local-role \(role.keyword)" + (settings.needsRole == true ? " strict-mode" : ""))
    }
    if settings.keepsReceived == true { parts.append("soft-reconfiguration inbound") }
    if let count = settings.allowOwnAS { parts.append("allowas-in \(count)") }
    if let path = settings.addPath { parts += texts(path) }
    parts += policies(of: settings, .ipv4)
    return parts.map { " neighbor \(name) \($0)" }
  }

  private static func text(_ timers: SessionTimers) -> String {
    "\(timers.keepalive.wholeSeconds) \(timers.hold.wholeSeconds)"
  }

  private static func text(_ limit: MaximumPrefixes) -> String {
    let usual = MaximumPrefixes(limit.count)
    return "maximum-prefix \(limit.count)"
      + (limit.warningPercent == usual.warningPercent ? "" : " \(limit.warningPercent)")
      + (limit.warnsOnly ? " warning-only" : "")
      + (limit.restart.map { " restart \($0.wholeSeconds / 60)" } ?? "")
  }

  private static func text(_ bfd: BFDSettings) -> String {
    if bfd == BFDSettings() { return "bfd" }
    let times = [bfd.receiveInterval, bfd.transmitInterval].map { "\($0.wholeMilliseconds)" }
    return "bfd \(bfd.multiplier) \(times.joined(separator: " "))"
  }

  private static func texts(_ path: AddPath) -> [String] {
    let sending: String? =
      switch path.sending {
      case .bestOnly: nil
      case .all: "addpath-tx-all-paths"
      case .bestPerAS: "addpath-tx-bestpath-per-AS"
      case .best(let count): "addpath-tx-best-selected \(count)"
      }
    return sending.map { [$0] } ?? []
  }
}

extension Duration {
  fileprivate var wholeMilliseconds: Int64 {
    components.seconds * 1000 + components.attoseconds / 1_000_000_000_000_000
  }
}
