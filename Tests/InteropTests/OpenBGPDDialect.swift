import BGP

/// OpenBGPD. Its configuration must be nobody else's to read.
struct OpenBGPDDialect: Dialect {
  let program = "/usr/sbin/bgpd"
  let client = "/usr/sbin/bgpctl"
  var versionCommand: [String] { [program, "-V"] }

  func files(_ exchange: Exchange, in folder: String) -> [(name: String, text: String)] {
    let tags = Exchange.tags
    let set =
      exchange.isTagged
      ? " set { community \(tags.community) ext-community rt \(tags.target) "
        + "large-community \(tags.large) }" : ""
    let routes = exchange.theirRoutes.map { "network \($0)\(set)" }.joined(separator: "\n")
    let families = exchange.families.map { "announce \($0 == .ipv4 ? "IPv4" : "IPv6") unicast" }
    let password = exchange.password.map { "tcp md5sig password \"\($0)\"" } ?? ""
    let addPath = exchange.addPath ? "announce add-path recv yes\n  announce add-path send all" : ""
    let text = """
      AS \(exchange.theirAS)
      router-id \(Cable.theirAddress)
      socket "\(folder)/ctl"
      listen on \(exchange.theirAddress)
      fib-update no
      holdtime 9
      connect-retry 1
      nexthop qualify via default
      \(routes)
      neighbor \(exchange.ourAddress) {
        remote-as \(exchange.ourAS)
        local-address \(exchange.theirAddress)
        \(families.joined(separator: "\n  "))
        announce restart \(exchange.gracefulRestart ? "yes" : "no")
        \(password)
        \(addPath)
      }
      allow to any
      allow from any

      """
    return [("conf", text)]
  }

  func command(_ exchange: Exchange, in folder: String) -> [String] {
    // It changes its root to a folder of this name.
    ["sh", "-c", "mkdir -p /run/openbgpd && exec \(program) -d -f \(folder)/conf"]
  }

  private func ask(_ words: String, _ folder: String) -> [String] {
    [client, "-s", "\(folder)/ctl"] + words.split(separator: " ").map(String.init)
  }

  func show(_ route: String, in folder: String) -> [String] {
    ask("show rib detail \(route)", folder)
  }
  func refresh(_ exchange: Exchange, in folder: String) -> [String]? {
    ask("neighbor \(exchange.ourAddress) refresh", folder)
  }
  func announce(_ route: String, _ exchange: Exchange, in folder: String) -> [String] {
    ask("network add \(route)", folder)
  }
  func withdraw(_ route: String, _ exchange: Exchange, in folder: String) -> [String] {
    ask("network delete \(route)", folder)
  }
  func sessions(in folder: String) -> [String] { ask("show neighbor", folder) }

  func written(_ tags: Exchange.Tags) -> [String] {
    [tags.community, "rt \(tags.target)", tags.large]
  }
}
