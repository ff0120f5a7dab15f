import Foundation
import Testing

/// The issue's main job on real input: one unit from nothing to pods answering through the edge,
/// through faults, and away again. Ordered: each step starts where the last one ended.
@Suite(.serialized, .enabled(if: Bench.obstacle == nil, "\(Bench.obstacle ?? "")"))
struct AtomicUnitTests {
  let unit = Bench(name: "t-unit", index: 0)

  @Test(.timeLimit(.minutes(10)))
  func `a unit comes up, answers, survives faults, and leaves no trace`() throws {
    try unit.down()
    let before = try HostNetwork.read()
    defer { _ = try? unit.down() }

    try comesUp()
    #expect(try HostNetwork.read() == before, "the host's network changed while the unit is up")
    try listsNodesAndPods()
    try secondUpChangesNothing()
    try followsScaleAndDelete()
    try outlivesItsAgent()
    try routesAroundADeadLink()
    try comesBackFromNothing()
    try refusesAClash()

    let down = try unit.down()
    #expect(down.status == 0, "\(down.errors)")
    #expect(try HostNetwork.read() == before, "the host's network changed after the unit went")
    try leavesNoTrace()
  }

  private func comesUp() throws {
    let up = try unit.up()
    print(up.errors + up.output)
    #expect(up.status == 0)
    try verifies("after up")
    #expect(try answers())
  }

  /// The published port answers with a pod's name.
  private func answers() throws -> Bool {
    let list = try unit.atoll("list", "-o", "json")
    let units = try JSONSerialization.jsonObject(with: Data(list.output.utf8)) as? [[String: Any]]
    let mine = units?.first { $0["name"] as? String == unit.name }
    let edge = try #require(mine?["edge"] as? String)
    let answer = try Command.run(["curl", "-sS", "-m", "5", edge])
    return answer.status == 0 && answer.output.contains("whoami-")
  }

  private func verifies(_ moment: String) throws {
    var last = Command(status: -1, output: "", errors: "")
    let holds = try unit.eventually(60, "verify \(moment)") {
      last = try unit.atoll("verify", "--name", unit.name)
      return last.status == 0
    }
    #expect(holds, "\(moment): \(last.output)\(last.errors)")
  }

  private func listsNodesAndPods() throws {
    let nodes = try unit.kubectl("get", "nodes", "--no-headers")
    #expect(nodes.output.split(separator: "\n").count { $0.contains(" Ready ") } == 4, "\(nodes)")
    let affinities = try unit.kubectl("get", "blockaffinities", "-o", "json").json
    var blocks: [String: String] = [:]
    for item in affinities["items"] as? [[String: Any]] ?? [] {
      let spec = item["spec"] as? [String: Any] ?? [:]
      blocks[spec["node"] as? String ?? ""] = spec["cidr"] as? String
    }
    #expect(blocks.count == 4 && blocks.values.allSatisfy { $0.hasSuffix("/26") }, "\(blocks)")
    let pods = try unit.kubectl("get", "pod", "-A", "-o", "json").json
    let items = pods["items"] as? [[String: Any]] ?? []
    #expect(items.count == 3)
    for pod in items {
      let spec = pod["spec"] as? [String: Any] ?? [:]
      let status = pod["status"] as? [String: Any] ?? [:]
      let address = try #require(status["podIP"] as? String)
      let block = try #require(blocks[spec["nodeName"] as? String ?? ""])
      #expect(blockOf(address) == block)
    }
  }

  /// The /26 that holds a dotted-quad address.
  private func blockOf(_ address: String) -> String {
    let octets = address.split(separator: ".").compactMap { UInt8($0) }
    return "\(octets[0]).\(octets[1]).\(octets[2]).\(octets[3] & 0xC0)/26"
  }

  /// The addresses of pods that are here to stay.
  private func podAddresses() throws -> Set<String> {
    let items = try unit.kubectl("get", "pod", "-A", "-o", "json").json["items"]
    let pods = items as? [[String: Any]] ?? []
    let staying = pods.filter { ($0["metadata"] as? [String: Any])?["deletionTimestamp"] == nil }
    return Set(staying.compactMap { ($0["status"] as? [String: Any])?["podIP"] as? String })
  }

  /// A pod's status is there again a moment after its node's process is.
  private func keepsAddresses(_ addresses: Set<String>) throws {
    var found: Set<String> = []
    let same = try unit.eventually(20, "the same pod addresses") {
      found = try podAddresses()
      return found == addresses
    }
    if !same {
      print(try unit.kubectl("get", "deployment,replicaset,pod", "-o", "wide").output)
      print(try unit.kubectl("get", "events", "--sort-by=.lastTimestamp").output)
      print(try unit.atoll("logs", "--name", unit.name, "agent-0", "-n", "30").output)
    }
    #expect(same, "found \(found.sorted()), expected \(addresses.sorted())")
  }

  private func processes() throws -> String {
    let folder = "/run/atoll/\(unit.name)/roles"
    let files = try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
    return try files.map { file in
      "\(file) \(try String(contentsOfFile: "\(folder)/\(file)", encoding: .utf8))"
    }.joined()
  }

  private func secondUpChangesNothing() throws {
    let processes = try processes()
    let addresses = try podAddresses()
    #expect(try unit.up().status == 0)
    #expect(try self.processes() == processes)
    try keepsAddresses(addresses)
  }

  private func followsScaleAndDelete() throws {
    #expect(try unit.kubectl("scale", "deployment/whoami", "--replicas=5").status == 0)
    #expect(try unit.kubectl("rollout", "status", "deployment/whoami", "--timeout=60s").status == 0)
    try verifies("after scaling up")
    #expect(try unit.kubectl("scale", "deployment/whoami", "--replicas=2").status == 0)
    #expect(try unit.kubectl("rollout", "status", "deployment/whoami", "--timeout=60s").status == 0)
    let pods = try unit.kubectl("get", "pod", "-o", "name").output.split(separator: "\n")
    #expect(try unit.kubectl("delete", String(try #require(pods.first))).status == 0)
    try verifies("after deleting a pod")
    #expect(try answers())
    #expect(try unit.kubectl("scale", "deployment/whoami", "--replicas=4").status == 0)
    #expect(try unit.kubectl("rollout", "status", "deployment/whoami", "--timeout=60s").status == 0)
  }

  /// The first word of a pid file; the second is the time its process started.
  private func pid(in file: String) throws -> String {
    String(try String(contentsOfFile: file, encoding: .utf8).prefix { $0.isNumber })
  }

  private func outlivesItsAgent() throws {
    let file = "/run/atoll/\(unit.name)/roles/agent-0.pid"
    let addresses = try podAddresses()
    try Command.run(["kill", "-9", try pid(in: file)])
    for _ in 0..<20 { #expect(try answers(), "a request was lost while the agent was away") }
    try verifies("after kill -9 of an agent")
    try keepsAddresses(addresses)
  }

  private func routesAroundADeadLink() throws {
    try unit.atoll(
      "exec", "--name", unit.name, "agent-0", "--", "ip", "link", "set", "eth0", "down")
    let gone = try unit.eventually(60, "verify names agent-0 as wrong") {
      let report = try unit.atoll("verify", "--name", unit.name)
      return report.status != 0 && report.output.contains("agent-0")
    }
    #expect(gone)
    let settled = try unit.eventually(60, "ten answers in a row without agent-0") {
      try (0..<10).allSatisfy { _ in try answers() }
    }
    #expect(settled)
    try unit.atoll("exec", "--name", unit.name, "agent-0", "--", "ip", "link", "set", "eth0", "up")
    try verifies("after the link came back")
  }

  private func comesBackFromNothing() throws {
    let addresses = try podAddresses()
    let runtime = "/run/atoll/\(unit.name)"
    let roles = try FileManager.default.contentsOfDirectory(atPath: runtime + "/roles")
    for file in ["supervisor.pid"] + roles.map({ "roles/\($0)" }) {
      try Command.run(["kill", "-9", try pid(in: "\(runtime)/\(file)")])
    }
    let up = try unit.up()
    #expect(up.status == 0, "\(up.errors)")
    try verifies("after everything was killed")
    try keepsAddresses(addresses)
    #expect(try answers())
  }

  private func refusesAClash() throws {
    let clash = try unit.atoll(
      "up", "--name", "t-clash", "--pod-cidr", "10.120.4.0/22", "--node-cidr", "172.24.0.0/16",
      "--vip-cidr", "10.10.104.0/24")
    #expect(clash.status != 0)
    #expect(clash.errors.contains("pod-cidr 10.120.4.0/22 overlaps pod-cidr 10.120.0.0/16"))
    #expect(!FileManager.default.fileExists(atPath: "/var/lib/atoll/t-clash"))
  }

  private func leavesNoTrace() throws {
    #expect(!FileManager.default.fileExists(atPath: "/var/lib/atoll/\(unit.name)"))
    #expect(!FileManager.default.fileExists(atPath: "/run/atoll/\(unit.name)"))
    let namespaces = try Command.run(["ip", "netns", "list"]).output
    #expect(!namespaces.contains("atoll-\(unit.name)-"), "\(namespaces)")
    let mounts = try String(contentsOfFile: "/proc/self/mountinfo", encoding: .utf8)
    #expect(!mounts.contains("/\(unit.name)/"), "\(mounts)")
    let groups = try Command.run(["find", "/sys/fs/cgroup", "-maxdepth", "3", "-name", unit.name])
    #expect(groups.output.isEmpty, "\(groups.output)")
  }
}
