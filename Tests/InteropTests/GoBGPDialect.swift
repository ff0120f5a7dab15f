import BGP

/// GoBGP: routes come by its API, which listens on the loopback of its namespace.
struct GoBGPDialect: Dialect {
  let hasSecondPath = true
  let program = "/usr/bin/gobgpd"
  let client = "/usr/bin/gobgp"
  var versionCommand: [String] { [program, "--version"] }

  func files(_ exchange: Exchange, in folder: String) -> [(name: String, text: String)] {
    var lines = [
      "[global.config]", "as = \(exchange.theirAS)", "router-id = \"\(Cable.theirAddress)\"",
      // Restarting, it announces to who is there: its routes must be there before a session is.
      "port = \(exchange.gracefulRestart ? -1 : 179)",
      "local-address-list = [\"\(exchange.theirAddress)\"]",
      "[[neighbors]]", "[neighbors.config]", "neighbor-address = \"\(exchange.ourAddress)\"",
      "peer-as = \(exchange.ourAS)",
    ]
    if let password = exchange.password { lines.append("auth-password = \"\(password)\"") }
    lines += [
      "[neighbors.timers.config]", "connect-retry = 5", "hold-time = 9", "keepalive-interval = 3",
      "[neighbors.transport.config]", "local-address = \"\(exchange.theirAddress)\"",
    ]
    if exchange.gracefulRestart {
      lines += ["[neighbors.graceful-restart.config]", "enabled = true", "restart-time = 120"]
    }
    for family in exchange.families {
      lines += [
        "[[neighbors.afi-safis]]", "[neighbors.afi-safis.config]",
        "afi-safi-name = \"\(family)-unicast\"",
      ]
      if exchange.gracefulRestart {
        lines += ["[neighbors.afi-safis.mp-graceful-restart.config]", "enabled = true"]
      }
      if exchange.addPath {
        lines += ["[neighbors.afi-safis.add-paths.config]", "receive = true", "send-max = 8"]
      }
    }
    return [("conf", lines.joined(separator: "\n") + "\n")]
  }

  func command(_ exchange: Exchange, in folder: String) -> [String] {
    [program, "-f", "\(folder)/conf", "--api-hosts", "127.0.0.1:50051"]
      + (exchange.gracefulRestart ? ["-r"] : [])
  }

  func afterStart(_ exchange: Exchange, in folder: String) -> [[String]] {
    let commands = exchange.theirRoutes.map { announce($0, exchange, in: folder) }
    guard exchange.addPath else { return commands }
    // The second path of the same prefix, by an identifier of its own.
    return commands + commands.map { $0 + ["identifier", "2"] }
  }

  private func family(_ route: String) -> [String] { route.contains(":") ? ["-a", "ipv6"] : [] }

  func show(_ route: String, in folder: String) -> [String] {
    [client, "global", "rib"] + family(route) + [route]
  }
  func holds(_ route: String, _ output: String) -> Bool {
    output.contains(route) && !output.contains("not in table")
  }
  /// It keeps what it heard and filters that again, so that it never asks.
  func refresh(_ exchange: Exchange, in folder: String) -> [String]? { nil }
  func announce(_ route: String, _ exchange: Exchange, in folder: String) -> [String] {
    let tags = Exchange.tags
    let words =
      exchange.isTagged
      ? ["community", tags.community, "rt", tags.target, "large-community", tags.large] : []
    return [client, "global", "rib"] + family(route) + ["add", route]
      + ["nexthop", exchange.theirNextHop(route)] + words
  }
  func withdraw(_ route: String, _ exchange: Exchange, in folder: String) -> [String] {
    [client, "global", "rib"] + family(route) + ["del", route]
  }
  func sessions(in folder: String) -> [String] { [client, "neighbor"] }

  func written(_ tags: Exchange.Tags) -> [String] { [tags.community, tags.target, tags.large] }
}
