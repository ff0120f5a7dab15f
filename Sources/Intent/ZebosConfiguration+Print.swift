import BGP
import NetTypes

extension ZebosConfiguration {
  /// The configuration in the form of `show running-config`, with an end of line after each line.
  package var runningConfiguration: String {
    var lines = ["!", "no service password-encryption", "!"]
    if hostname != "edge" { lines += ["hostname \(hostname)", "!"] }
    if let router { lines += statements(of: router) + ["!"] }
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
    if let id = router.clusterID { lines.append(" bgp cluster-id \(id)") }
    if !router.reflectsBetweenClients { lines.append(" no bgp client-to-client reflection") }
    if router.alwaysCompareMED { lines.append(" bgp always-compare-med") }
    if router.timers != SessionTimers() { lines.append(" timers bgp \(Self.text(router.timers))") }
    if router.maximumPaths != RouterConfiguration(localAS: router.localAS).maximumPaths {
      lines.append(" maximum-paths \(router.maximumPaths)")
    }
    lines += router.networks.map { " network \($0)" }
    for group in router.peerGroups {
      lines.append(" neighbor \(group.name) peer-group")
      lines += Self.statements(of: group.settings, group.name)
    }
    for neighbor in router.neighbors {
      let name = "\(neighbor.address)"
      if neighbor.settings.remoteAS != nil {
        lines.append(contentsOf: Self.statements(of: neighbor.settings, name))
        if let group = neighbor.peerGroup { lines.append(" neighbor \(name) peer-group \(group)") }
      } else {
        if let group = neighbor.peerGroup { lines.append(" neighbor \(name) peer-group \(group)") }
        lines += Self.statements(of: neighbor.settings, name)
      }
    }
    return lines
  }

  private static func statements(of settings: NeighborSettings, _ name: String) -> [String] {
    var parts: [String] = []
    if let number = settings.remoteAS { parts.append("remote-as \(number)") }
    if let text = settings.description { parts.append("description \(text)") }
    if settings.shutdown == true { parts.append("shutdown") }
    if settings.passive == true { parts.append("passive") }
    if let password = settings.password { parts.append("password \(password)") }
    if let timers = settings.timers { parts.append("timers \(text(timers))") }
    if let address = settings.sourceAddress { parts.append("update-source \(address)") }
    if let hops = settings.ebgpMultihop { parts.append("ebgp-multihop \(hops)") }
    if settings.nextHopSelf == true {
      parts.append("next-hop-self\(settings.forcesNextHopSelf == true ? " force" : "")")
    }
    if settings.routeReflectorClient == true { parts.append("route-reflector-client") }
    if settings.defaultOriginate == true { parts.append("default-originate") }
    if let count = settings.maximumPrefixes?.count { parts.append("maximum-prefix \(count)") }
    return parts.map { " neighbor \(name) \($0)" }
  }

  private static func text(_ timers: SessionTimers) -> String {
    "\(timers.keepalive.wholeSeconds) \(timers.hold.wholeSeconds)"
  }
}
