import Foundation
import Testing

/// What a drain is for, under load: no request is lost, where a node that just goes loses some.
@Suite(.serialized, .enabled(if: Bench.obstacle == nil, "\(Bench.obstacle ?? "")"))
struct DrainTests {
  let unit = Bench(name: "t-drain", index: 2)

  @Test(.timeLimit(.minutes(5)))
  func `a drained node loses no request, where one that just goes loses some`() throws {
    try unit.down()
    defer { _ = try? unit.down() }
    #expect(try unit.up().status == 0)
    try refusesWhatIsWrong()

    let node = try busyNode()
    var drained = Command(status: -1, output: "", errors: "")
    let lossless = try load {
      drained = try unit.atoll("drain", "node", node, "--name", unit.name)
    }
    print("drain of \(node): \(lossless)\n\(drained.errors)")
    #expect(drained.status == 0, "\(drained.errors)")
    #expect(lossless.lost == 0 && lossless.answered > 100, "\(lossless)")
    try isEmpty(node)
    let again = try unit.atoll("drain", "node", node, "--name", unit.name)
    #expect(again.status != 0 && again.errors.contains("is drained already"), "\(again.errors)")

    let undone = try unit.atoll("drain", "node", node, "--name", unit.name, "--undo")
    #expect(undone.status == 0, "\(undone.errors)")
    try verifies()

    let other = try busyNode()
    let role = String(other.dropFirst(unit.name.count + 1))
    let plain = try load {
      try unit.atoll("exec", "--name", unit.name, role, "--", "ip", "link", "set", "eth0", "down")
      Thread.sleep(forTimeInterval: 4)
    }
    print("plain stop of \(other): \(plain)")
    #expect(plain.lost > 0, "\(plain)")
    try unit.atoll("exec", "--name", unit.name, role, "--", "ip", "link", "set", "eth0", "up")
    try verifies()
    try drainsTheEdge()
  }

  private func refusesWhatIsWrong() throws {
    let unknown = try unit.atoll("drain", "node", "nowhere", "--name", unit.name)
    #expect(unknown.status != 0)
    #expect(
      unknown.errors.contains("node \"nowhere\": unit t-drain has t-drain-agent-0, "),
      "\(unknown.errors)")
    let nothing = try unit.atoll("drain", "edge", "--name", unit.name, "--undo")
    #expect(nothing.status != 0 && nothing.errors.contains("the edge is not drained"))
  }

  /// A node that has a pod.
  private func busyNode() throws -> String {
    let pods = try unit.kubectl("get", "pod", "-o", "json").json["items"] as? [[String: Any]] ?? []
    let nodes = pods.compactMap { ($0["spec"] as? [String: Any])?["nodeName"] as? String }
    return try #require(nodes.filter { !$0.hasSuffix("server-0") }.sorted().first)
  }

  private struct Outcome: CustomStringConvertible {
    var answered = 0
    var lost = 0
    var description: String { "\(answered) requests answered, \(lost) lost" }
  }

  /// Requests from the client through the virtual server, four at a time on kept connections, each
  /// of which must be answered within 2 s, while `body` runs and a second before and after.
  private func load(_ body: () throws -> Void) throws -> Outcome {
    let folder = FileManager.default.temporaryDirectory.appending(path: "atoll-\(UUID())").path
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let stop = folder + "/stop"
    var loaders: [Process] = []
    for index in 0..<4 {
      let loader = Process()
      loader.executableURL = URL(filePath: Bench.atoll)
      // A batch ends, and with it the loader once `stop` is there: no request is cut by the end.
      let batch =
        "while [ ! -e \(stop) ]; do curl -s -m 2 -o /dev/null -w '%{http_code}\\n' "
        + "'http://10.10.102.10/?[1-50]' >> \(folder)/\(index); done"
      loader.arguments = ["exec", "--name", unit.name, "client", "--", "sh", "-c", batch]
      try loader.run()
      loaders.append(loader)
    }
    defer { for loader in loaders where loader.isRunning { loader.terminate() } }
    Thread.sleep(forTimeInterval: 1)
    try body()
    Thread.sleep(forTimeInterval: 1)
    _ = FileManager.default.createFile(atPath: stop, contents: nil)
    for loader in loaders { loader.waitUntilExit() }
    var outcome = Outcome()
    for index in 0..<4 {
      let codes = try String(contentsOfFile: "\(folder)/\(index)", encoding: .utf8)
      for code in codes.split(separator: "\n") {
        if code == "200" { outcome.answered += 1 } else { outcome.lost += 1 }
      }
    }
    return outcome
  }

  private func isEmpty(_ node: String) throws {
    let pods = try unit.kubectl("get", "pod", "-o", "wide").output
    #expect(!pods.contains(node), "\(pods)")
    #expect(pods.split(separator: "\n").count { $0.contains(" Running ") } == 3, "\(pods)")
    let status = try unit.atoll("status", "--name", unit.name).output
    #expect(status.contains("Ready,Drained"), "\(status)")
    try verifies()
  }

  private func verifies() throws {
    var last = Command(status: -1, output: "", errors: "")
    let holds = try unit.eventually(60, "verify") {
      last = try unit.atoll("verify", "--name", unit.name)
      return last.status == 0
    }
    #expect(holds, "\(last.output)\(last.errors)")
  }

  private func drainsTheEdge() throws {
    let pidFile = "/run/atoll/\(unit.name)/roles/edge.pid"
    let drained = try unit.atoll("drain", "edge", "--name", unit.name)
    print(drained.errors)
    #expect(drained.status == 0, "\(drained.errors)")
    // Longer than the supervisor takes to start what ended.
    Thread.sleep(forTimeInterval: 1)
    #expect(!FileManager.default.fileExists(atPath: pidFile), "the edge was started again")
    let status = try unit.atoll("status", "--name", unit.name).output
    #expect(status.contains("edge: drained; "), "\(status)")
    let again = try unit.atoll("drain", "edge", "--name", unit.name)
    #expect(again.status != 0 && again.errors.contains("drained already"), "\(again.errors)")
    let undone = try unit.atoll("drain", "edge", "--name", unit.name, "--undo")
    #expect(undone.status == 0, "\(undone.errors)")
    try verifies()
  }
}
