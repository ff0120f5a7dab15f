import BGP

/// FRR's bgpd alone, without zebra, and so installing nothing; for BFD, with zebra and bfdd.
struct FRRDialect: Dialect {
  let program = "/usr/lib/frr/bgpd"
  let owner: String? = "frr"
  var versionCommand: [String] { [program, "--version"] }

  func files(_ exchange: Exchange, in folder: String) -> [(name: String, text: String)] {
    let peer = exchange.ourAddress
    let tags = Exchange.tags
    var lines = [
      "hostname frr",
      "log file \(folder)/log", "debug bgp neighbor-events", "debug bgp updates",
      "router bgp \(exchange.theirAS)",
      " bgp router-id \(Cable.theirAddress)",
      " no bgp ebgp-requires-policy",
      " no bgp network import-check",
      " no bgp default ipv4-unicast",
      " timers bgp 3 9",
    ]
    if exchange.gracefulRestart {
      lines += [" bgp graceful-restart", " bgp graceful-restart restart-time 120"]
      lines += [" bgp graceful-restart preserve-fw-state"]
    }
    lines += [
      " neighbor \(peer) remote-as \(exchange.ourAS)", " neighbor \(peer) timers connect 1",
    ]
    if exchange.bfd { lines += [" neighbor \(peer) bfd", " neighbor \(peer) bfd profile fast"] }
    if let password = exchange.password { lines += [" neighbor \(peer) password \(password)"] }
    for family in exchange.families {
      lines += [" address-family \(family) unicast", "  neighbor \(peer) activate"]
      let own = exchange.theirRoutes.filter { $0.contains(":") == (family == .ipv6) }
      for route in own {
        lines.append("  network \(route)\(exchange.isTagged ? " route-map tag" : "")")
      }
      if exchange.addPath { lines.append("  neighbor \(peer) addpath-tx-all-paths") }
      lines.append(" exit-address-family")
    }
    lines += [
      "route-map tag permit 10", " set community \(tags.community)",
      " set large-community \(tags.large)", " set extcommunity rt \(tags.target)",
    ]
    if exchange.bfd {
      lines += ["bfd", " profile fast", "  transmit-interval 50", "  receive-interval 50"]
    }
    return [("conf", lines.joined(separator: "\n") + "\n")]
  }

  func command(_ exchange: Exchange, in folder: String) -> [String] {
    if exchange.bfd { return ["sh", "-c", suite(in: folder)] }
    return [
      program, "-Z", "-S", "-n", "-f", "\(folder)/conf", "-i", "\(folder)/pid", "--vty_socket",
      folder, "-A", "127.0.0.1",
    ]
  }

  /// bgpd tells bfdd by way of zebra, whose socket it does not look for often.
  private func suite(in folder: String) -> String {
    let common = "-f \(folder)/conf -z \(folder)/zserv.api --vty_socket \(folder) -P 0"
    let start = { (name: String, more: String) in
      """
      /usr/lib/frr/\(name) \(common) -i \(folder)/\(name).pid \(more) &
      while [ ! -S \(folder)/\(name).vty ]; do sleep 0.02; done
      """
    }
    return [start("zebra", ""), start("bfdd", "--bfdctl \(folder)/bfdd.sock"), start("bgpd", "")]
      .joined(separator: "\n") + "\nwait\n"
  }

  private func ask(_ lines: [String], _ folder: String) -> [String] {
    ["vtysh", "--vty_socket", folder, "-d", "bgpd"] + lines.flatMap { ["-c", $0] }
  }

  func show(_ route: String, in folder: String) -> [String] {
    ask(["show bgp \(route.contains(":") ? "ipv6" : "ipv4") unicast \(route)"], folder)
  }
  func holds(_ route: String, _ output: String) -> Bool {
    output.contains(route) && !output.contains("Network not in table")
  }
  func refresh(_ exchange: Exchange, in folder: String) -> [String]? {
    let family = exchange.families == [.ipv6] ? "ipv6" : "ipv4"
    return ask(["clear bgp \(family) unicast \(exchange.ourAddress) soft in"], folder)
  }
  func announce(_ route: String, _ exchange: Exchange, in folder: String) -> [String] {
    network("network \(route)", route, exchange, folder)
  }
  func withdraw(_ route: String, _ exchange: Exchange, in folder: String) -> [String] {
    network("no network \(route)", route, exchange, folder)
  }
  private func network(
    _ line: String, _ route: String, _ exchange: Exchange, _ folder: String
  ) -> [String] {
    let family = route.contains(":") ? "ipv6" : "ipv4"
    let context = ["router bgp \(exchange.theirAS)", "address-family \(family) unicast"]
    return ask(["configure terminal"] + context + [line], folder)
  }
  func paths(in folder: String) -> [String]? {
    ["vtysh", "--vty_socket", folder, "-d", "bfdd", "-c", "show bfd peers"]
  }
  var pathIsUp: String { "Status: up" }
  func sessions(in folder: String) -> [String] { ask(["show bgp neighbors"], folder) }

  func written(_ tags: Exchange.Tags) -> [String] {
    ["Community: \(tags.community)", "RT:\(tags.target)", "Large Community: \(tags.large)"]
  }
}
