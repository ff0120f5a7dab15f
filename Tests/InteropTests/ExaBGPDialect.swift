import BGP

/// ExaBGP: it keeps no table, it tells a process of every UPDATE and takes commands from it.
struct ExaBGPDialect: Dialect {
  let hasSecondPath = true
  let program = "/usr/sbin/exabgp"
  let keepsTable = false
  var versionCommand: [String] { [program, "--version"] }
  var environment: [String: String]? {
    [
      "PATH": "/usr/bin:/usr/sbin:/bin:/sbin", "exabgp.daemon.user": "root",
      "exabgp.log.destination": "stdout", "exabgp.api.ack": "false", "exabgp.api.cli": "false",
      "exabgp.tcp.bind": Cable.theirAddress,
    ]
  }

  func files(_ exchange: Exchange, in folder: String) -> [(name: String, text: String)] {
    let identifiers =
      exchange.addPath ? [" path-information 0.0.0.1", " path-information 0.0.0.2"] : [""]
    let routes = exchange.theirRoutes.flatMap { route in
      identifiers.map { "route \(words(route, exchange))\($0);" }
    }
    let password = exchange.password.map { "md5-password \"\($0)\";" } ?? ""
    let restart = exchange.gracefulRestart ? "graceful-restart 120;" : ""
    let addPath = exchange.addPath ? "add-path send/receive;" : ""
    let text = """
      process table {
        run /bin/sh \(folder)/api;
        encoder text;
      }
      neighbor \(exchange.ourAddress) {
        router-id \(Cable.theirAddress);
        local-address \(exchange.theirAddress);
        local-as \(exchange.theirAS);
        peer-as \(exchange.ourAS);
        hold-time 9;
        \(password)
        capability { asn4 enable; route-refresh enable; \(restart) \(addPath) }
        family { \(exchange.families.map { "\($0) unicast;" }.joined(separator: " ")) }
        static { \(routes.joined(separator: " ")) }
        api { processes [ table ]; neighbor-changes; receive { parsed; update; } }
      }

      """
    // ExaBGP's commands come from the one file, what it tells goes to the other. The follower ends
    // with ExaBGP, however that ends.
    let script = """
      tail -n +1 -f \(folder)/commands & follower=$!
      cat >> \(folder)/told
      kill $follower

      """
    return [("conf", text), ("api", script), ("commands", ""), ("told", "")]
  }

  private func words(_ route: String, _ exchange: Exchange) -> String {
    let tags = Exchange.tags
    let rest =
      " community [ \(tags.community) ] large-community [ \(tags.large) ]"
      + " extended-community [ target:\(tags.target) ]"
    return "\(route) next-hop \(exchange.theirNextHop(route))\(exchange.isTagged ? rest : "")"
  }

  func command(_ exchange: Exchange, in folder: String) -> [String] {
    [program, "\(folder)/conf"]
  }

  func show(_ route: String, in folder: String) -> [String] {
    ["sh", "-c", "grep -E 'down|\(route)' \(folder)/told || true"]
  }
  /// The last word about a route counts; the end of a session takes all.
  func holds(_ route: String, _ output: String) -> Bool {
    guard let last = output.split(separator: "\n").last else { return false }
    return last.contains(" announced ") || last.contains("announce route")
  }
  func refresh(_ exchange: Exchange, in folder: String) -> [String]? {
    tell("announce route-refresh \(exchange.families[0]) unicast", folder)
  }
  func announce(_ route: String, _ exchange: Exchange, in folder: String) -> [String] {
    tell("announce route \(words(route, exchange))", folder)
  }
  func withdraw(_ route: String, _ exchange: Exchange, in folder: String) -> [String] {
    tell("withdraw route \(words(route, exchange))", folder)
  }
  private func tell(_ line: String, _ folder: String) -> [String] {
    ["sh", "-c", "echo '\(line)' >> \(folder)/commands"]
  }
  func sessions(in folder: String) -> [String] { ["cat", "\(folder)/told"] }

  func written(_ tags: Exchange.Tags) -> [String] {
    [tags.community, "target:\(tags.target)", tags.large]
  }
}
