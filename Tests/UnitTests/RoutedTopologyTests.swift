import Foundation
import Testing

/// The article's own case: all pod blocks are behind one machine. There `ip route add` by hand made the
/// edge reach them, until the next reboot; here the host's router does, and again after a crash.
@Suite(.serialized, .enabled(if: Bench.obstacle == nil, "\(Bench.obstacle ?? "")"))
struct RoutedTopologyTests {
  let unit = Bench(name: "t-routed", index: 1)
  static let uplink = "172.18.101.0/30"

  @Test(.timeLimit(.minutes(5)))
  func `nodes behind a host are reached through it, and again after everything was killed`() throws
  {
    try unit.down()
    defer { _ = try? unit.down() }
    let up = try unit.up("--topology", "routed", "--uplink-cidr", Self.uplink)
    print(up.errors)
    #expect(up.status == 0)
    #expect(up.errors.contains("6 sessions Established"), "\(up.errors)")
    try verifies("after up")
    try pingsEveryPod()
    try hostHasTheRoutes()
    try edgeHasOneNeighbour()
    try unreachableNextHopIsTold()
    let before = try objects()
    try killEverything()
    #expect(try unit.up().status == 0, "up finds the topology in the unit's record")
    try verifies("after everything was killed")
    try pingsEveryPod()
    try hostHasTheRoutes()
    let same = try unit.eventually(20, "the same objects") { try objects() == before }
    if !same { print("found \(try objects()), expected \(before)") }
    #expect(same)
    let changed = try unit.up("--topology", "switched")
    #expect(changed.status != 0)
    #expect(changed.errors.contains("topology: unit t-routed has routed, found switched"))
  }

  private func verifies(_ moment: String) throws {
    var last = Command(status: -1, output: "", errors: "")
    let holds = try unit.eventually(60, "verify \(moment)") {
      last = try unit.atoll("verify", "--name", unit.name)
      return last.status == 0
    }
    #expect(holds, "\(moment): \(last.output)\(last.errors)")
    #expect(last.output.contains("edge → 172.18.101.2, proto 167; host → 172.21.0."), "\(last)")
  }

  private var pods: [[String: Any]] {
    get throws {
      try unit.kubectl("get", "pod", "-A", "-o", "json").json["items"] as? [[String: Any]] ?? []
    }
  }

  /// The article's `ping` of each pod from the edge, as `verify` does it: three echoes each.
  private func pingsEveryPod() throws {
    let addresses = try pods.compactMap { ($0["status"] as? [String: Any])?["podIP"] as? String }
    #expect(addresses.count == 3)
    let report = try unit.atoll("verify", "--name", unit.name, "-o", "json")
    let checks = report.json["checks"] as? [[String: Any]] ?? []
    let pings = checks.filter { $0["check"] as? String == "ping" && $0["ok"] as? Bool == true }
    #expect(Set(pings.compactMap { $0["target"] as? String }) == Set(addresses), "\(report.output)")
    for ping in pings { print("ping \(ping["target"] ?? "") \(ping["detail"] ?? "")") }
    let answer = try unit.atoll(
      "exec", "--name", unit.name, "client", "--", "curl", "-sS", "-m", "5", "http://10.10.101.10/")
    #expect(answer.output.contains("Name: whoami-"), "\(answer.output)\(answer.errors)")
  }

  private func hostHasTheRoutes() throws {
    let routes = try unit.atoll(
      "exec", "--name", unit.name, "host", "--", "ip", "route", "show", "proto", "167")
    let lines = routes.output.split(separator: "\n")
    #expect(lines.count { $0.hasPrefix("10.121.") && $0.contains(" via 172.21.0.") } == 4)
    #expect(
      lines.contains { $0.hasPrefix("default ") && $0.contains(" via 172.18.101.1 ") },
      "\(routes.output)")
  }

  private func edgeHasOneNeighbour() throws {
    let status = try unit.atoll("status", "--name", unit.name, "-o", "json").json
    func peers(_ router: String) -> [String] {
      let bgp = (status[router] as? [String: Any])?["bgp"] as? [String: Any]
      let sessions = bgp?["sessions"] as? [[String: Any]] ?? []
      return sessions.compactMap { $0["peer"] as? String }.sorted()
    }
    #expect(peers("edge") == ["172.18.101.2"])
    #expect(peers("host").count == 5)
  }

  /// Without next-hop-self the edge hears of next hops that only the host reaches.
  private func unreachableNextHopIsTold() throws {
    func host(_ lines: String...) throws {
      var words = ["shell", "--name", unit.name, "--router", "host", "-c", "configure terminal"]
      for line in ["router bgp 64512"] + lines { words += ["-c", line] }
      let typed = try Command.run([Bench.atoll] + words)
      #expect(typed.status == 0, "\(typed.output)\(typed.errors)")
    }
    try host("no network 172.21.0.0/16", "no neighbor 172.18.101.1 next-hop-self")
    let told = try unit.eventually(20, "the reason why a route is not installed") {
      let status = try unit.atoll("status", "--name", unit.name, "-o", "json").json
      let bgp = (status["edge"] as? [String: Any])?["bgp"] as? [String: Any]
      let routes = bgp?["routes"] as? [[String: Any]] ?? []
      let blocks = routes.filter { ($0["prefix"] as? String)?.hasPrefix("10.121.") == true }
      return blocks.count == 4
        && blocks.allSatisfy {
          // The kernel's own words, or those of who looked before asking it.
          let reason = ($0["reason"] as? String ?? "").lowercased()
          return $0["installed"] as? Bool == false
            && (reason.contains("gateway") || reason.contains("reach"))
        }
    }
    if !told { print(try unit.atoll("status", "--name", unit.name).output) }
    #expect(told)
    try host("network 172.21.0.0/16", "neighbor 172.18.101.1 next-hop-self force")
    try verifies("after next-hop-self is back")
  }

  /// Names and addresses of what the user has made.
  private func objects() throws -> [String] {
    try pods.compactMap { pod in
      let name = (pod["metadata"] as? [String: Any])?["name"] as? String ?? ""
      let address = (pod["status"] as? [String: Any])?["podIP"] as? String ?? ""
      return "\(name) \(address)"
    }.sorted() + [unit.kubectl("get", "deployment,service,ingress", "-o", "name").output]
  }

  private func killEverything() throws {
    let runtime = "/run/atoll/\(unit.name)"
    let roles = try FileManager.default.contentsOfDirectory(atPath: runtime + "/roles")
    #expect(roles.contains("host.pid"))
    for file in ["supervisor.pid"] + roles.map({ "roles/\($0)" }) {
      let text = try String(contentsOfFile: "\(runtime)/\(file)", encoding: .utf8)
      try Command.run(["kill", "-9", String(text.prefix { $0.isNumber })])
    }
  }
}
