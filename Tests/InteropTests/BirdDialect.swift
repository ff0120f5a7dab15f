import BGP

/// BIRD 2. `direct` is needed, or next hops of an internal peer stay unreachable.
struct BirdDialect: Dialect {
  let program = "/usr/sbin/bird"
  let hasSecondPath = true
  let client = "/usr/sbin/birdc"
  var versionCommand: [String] { [program, "--version"] }

  func files(_ exchange: Exchange, in folder: String) -> [(name: String, text: String)] {
    let channels = exchange.families.map { family in
      let addPath = exchange.addPath ? "add paths on; " : ""
      return "\(family) { import all; export where source = RTS_STATIC; next hop self; \(addPath)};"
    }
    let kernels = exchange.families.map { family in
      "protocol kernel k\(family) { \(family) { import none; export where source = RTS_BGP; }; "
        + "\(exchange.gracefulRestart ? "graceful restart; " : "")}"
    }
    let text =
      Self.head + kernels.joined(separator: "\n")
      + Self.statics(exchange) { "protocol static { \($0); \($1) }\n" }
      + Self.session(
        exchange, "enable extended messages on;\n  " + channels.joined(separator: "\n  "))
    return [("conf", text)]
  }

  static let head = """
    log stderr all;
    router id \(Cable.theirAddress);
    protocol device {}

    """

  /// Routes of the peer's own, by family.
  static func statics(_ exchange: Exchange, _ wrap: (String, String) -> String) -> String {
    let tags = Exchange.tags
    let attributes = """
       { bgp_community.add((\(pair(tags.community)))); bgp_ext_community.add((rt, \(pair(tags.target))));
        bgp_large_community.add((\(pair(tags.large)))); }
      """
    return exchange.families.map { family in
      let own = exchange.theirRoutes.filter { $0.contains(":") == (family == .ipv6) }
      let routes = own.map { "route \($0) blackhole\(exchange.isTagged ? attributes : "");" }
      let second = exchange.addPath ? wrap("\(family)", routes.joined(separator: " ")) : ""
      return wrap("\(family)", routes.joined(separator: " ")) + second
    }.joined()
  }

  private static func pair(_ text: String) -> String {
    text.split(separator: ":").joined(separator: ", ")
  }

  static func session(_ exchange: Exchange, _ rest: String) -> String {
    let password = exchange.password.map { "password \"\($0)\"; " } ?? ""
    let restart =
      exchange.gracefulRestart ? "graceful restart on; graceful restart time 120;" : ""
    let watch = "protocol bfd { interface \"eth0\" { interval 50 ms; multiplier 3; }; }"
    return """
      \(exchange.bfd ? watch : "")
      protocol bgp edge {
        local \(exchange.theirAddress) as \(exchange.theirAS);
        neighbor \(exchange.ourAddress) as \(exchange.ourAS);
        direct; hold time 9; connect retry time 1; connect delay time 1; error wait time 1, 2;
        \(password)\(restart)\(exchange.bfd ? "bfd on;" : "")
        \(rest)
      }

      """
  }

  func command(_ exchange: Exchange, in folder: String) -> [String] {
    // -R: it recovers from a restart, and so sets the Restart State bit.
    [program, "-f", "-R", "-c", "\(folder)/conf", "-s", "\(folder)/ctl", "-P", "\(folder)/pid"]
  }

  private func ask(_ words: String, _ folder: String) -> [String] {
    [client, "-s", "\(folder)/ctl", words]
  }

  func show(_ route: String, in folder: String) -> [String] {
    ask("show route for \(route) all", folder)
  }
  func refresh(_ exchange: Exchange, in folder: String) -> [String]? {
    ask("reload in edge", folder)
  }

  /// By a new configuration: BIRD has no other way.
  func announce(_ route: String, _ exchange: Exchange, in folder: String) -> [String] {
    var exchange = exchange
    exchange.theirRoutes.append(route)
    return configure(exchange, folder)
  }

  func withdraw(_ route: String, _ exchange: Exchange, in folder: String) -> [String] {
    var exchange = exchange
    exchange.theirRoutes.removeAll { $0 == route }
    return configure(exchange, folder)
  }

  private func configure(_ exchange: Exchange, _ folder: String) -> [String] {
    let text = files(exchange, in: folder)[0].text
    let script = "cat > \(folder)/conf <<'END'\n\(text)END\n\(client) -s \(folder)/ctl configure"
    return ["sh", "-c", script]
  }

  func sessions(in folder: String) -> [String] { ask("show protocols all edge", folder) }
  func paths(in folder: String) -> [String]? { ask("show bfd sessions", folder) }

  func written(_ tags: Exchange.Tags) -> [String] {
    let comma = { (text: String) in text.split(separator: ":").joined(separator: ",") }
    let spaced = { (text: String) in text.split(separator: ":").joined(separator: ", ") }
    return [
      "(\(comma(tags.community)))", "(rt, \(spaced(tags.target)))", "(\(spaced(tags.large)))",
    ]
  }
}

/// BIRD 1.6, Calico's: one daemon a family, no channels. Unpacked beside BIRD 2, whose package
/// conflicts with it.
struct Bird1Dialect: Dialect {
  let hasSecondPath = true
  private static let folder = ".build/peers/bird1/usr/sbin"
  var program: String { "\(Self.folder)/bird" }
  var versionCommand: [String] { [program, "--version"] }

  func files(_ exchange: Exchange, in folder: String) -> [(name: String, text: String)] {
    let restart = exchange.gracefulRestart ? "graceful restart; " : ""
    let text =
      BirdDialect.head
      + "protocol kernel { import none; export where source = RTS_BGP; \(restart)}\n"
      + BirdDialect.statics(exchange) { "protocol static { \($1) }\n" }
      + BirdDialect.session(
        exchange,
        "import all; export where source = RTS_STATIC; next hop self; "
          + (exchange.addPath ? "add paths on;" : ""))
    return [("conf", text)]
  }

  func command(_ exchange: Exchange, in folder: String) -> [String] {
    let daemon = exchange.families == [.ipv6] ? "bird6" : "bird"
    return [
      "\(Self.folder)/\(daemon)", "-f", "-R", "-c", "\(folder)/conf", "-s", "\(folder)/ctl", "-P",
      "\(folder)/pid",
    ]
  }

  private func ask(_ words: String, _ folder: String) -> [String] {
    ["\(Self.folder)/birdc", "-s", "\(folder)/ctl", words]
  }

  func show(_ route: String, in folder: String) -> [String] {
    ask("show route for \(route) all", folder)
  }
  func refresh(_ exchange: Exchange, in folder: String) -> [String]? {
    ask("reload in edge", folder)
  }
  func sessions(in folder: String) -> [String] { ask("show protocols all edge", folder) }
  func paths(in folder: String) -> [String]? { ask("show bfd sessions", folder) }

  func announce(_ route: String, _ exchange: Exchange, in folder: String) -> [String] {
    var exchange = exchange
    exchange.theirRoutes.append(route)
    return configure(exchange, folder)
  }

  func withdraw(_ route: String, _ exchange: Exchange, in folder: String) -> [String] {
    var exchange = exchange
    exchange.theirRoutes.removeAll { $0 == route }
    return configure(exchange, folder)
  }

  private func configure(_ exchange: Exchange, _ folder: String) -> [String] {
    let text = files(exchange, in: folder)[0].text
    let script =
      "cat > \(folder)/conf <<'END'\n\(text)END\n\(Self.folder)/birdc -s \(folder)/ctl configure"
    return ["sh", "-c", script]
  }

  func written(_ tags: Exchange.Tags) -> [String] { BirdDialect().written(tags) }
}
