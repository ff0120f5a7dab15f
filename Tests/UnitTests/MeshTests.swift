import Foundation
import Testing

/// Two units under one name, from nothing: what clients notice of a unit that dies and comes back, of
/// one that is drained, and of units that do not hear each other.
@Suite(.serialized, .enabled(if: Bench.obstacle == nil, "\(Bench.obstacle ?? "")"))
struct MeshTests {
  static let name = "t-mesh"
  let mesh = Bench(name: name, index: 9)

  @Test(.timeLimit(.minutes(10)))
  func `a mesh comes up, loses a unit and nobody notices, drains one, and leaves no trace`()
    async throws
  {
    try mesh.down()
    defer { _ = try? mesh.down() }
    let file = try write(
      "mesh.yaml",
      """
      apiVersion: atoll.dev/v1alpha1
      kind: Mesh
      metadata: {name: \(Self.name)}
      spec:
        domain: gslb.example
        linkCIDR: 172.31.9.0/24
        manifests: [\(Bench.root.path)/examples/resiliency-mesh/apps]
        units:
        - name: t-east
          agents: 0
          podCIDR: 10.140.0.0/16
          nodeCIDR: 172.28.64.0/20
          vipCIDR: 10.10.140.0/24
        - name: t-west
          agents: 0
          podCIDR: 10.141.0.0/16
          nodeCIDR: 172.28.80.0/20
          vipCIDR: 10.10.141.0/24
        clients:
        - {name: t-client}
      """)
    let before = try HostNetwork.read()
    let up = try mesh.atoll("up", "-f", file)
    print(up.errors + up.output)
    try #require(up.status == 0)
    #expect(try HostNetwork.read() == before, "the host's network changed while the mesh is up")
    try podsFindServices()
    try bothSitesAnswer()
    try survivesADeadUnit()
    try keepsNamesWhenUnitsAreCutOff()
    try await drainsWithoutLoss()
    try refusesToDrainTheLast()
    #expect(try mesh.down().status == 0)
    let namespaces = try Command.run(["ip", "netns", "list"]).output
    #expect(!namespaces.contains("atoll-t-east") && !namespaces.contains("atoll-t-mesh"))
    #expect(!FileManager.default.fileExists(atPath: "/var/lib/atoll/t-mesh"))
    #expect(try HostNetwork.read() == before)
  }

  private func write(_ name: String, _ text: String) throws -> String {
    let file = FileManager.default.temporaryDirectory.appending(path: "t-mesh-\(name)")
    try Data(text.utf8).write(to: file)
    return file.path
  }

  private func drive(_ words: String...) throws -> Drive {
    let command = try Command.run(
      [Bench.atoll, "drive", "--mesh", Self.name, "-o", "json", "--rate", "100"] + words)
    try #require(command.status == 0, "\(command.errors)")
    return Drive(command.json)
  }

  private struct Drive: Sendable {
    let requests, failed, slow: Int
    let answeredBy: [String: Int]
    let timeline: String

    init(_ json: [String: Any]) {
      let summary = json["summary"] as? [String: Any] ?? [:]
      requests = summary["requests"] as? Int ?? 0
      failed = summary["failed"] as? Int ?? -1
      slow = summary["slow"] as? Int ?? -1
      answeredBy = summary["answeredBy"] as? [String: Int] ?? [:]
      timeline = "\(json["timeline"] ?? "")"
    }
  }

  /// A pod's own resolver, its search domains, the Service's address and the name service behind it.
  private func podsFindServices() throws {
    let answer = try mesh.atoll(
      "exec", "--name", Self.name, "t-client", "--", "curl", "-sS", "-m", "5",
      "http://whoami.gslb.example/lookup/whoami")
    #expect(answer.json["name"] as? String == "whoami.default.svc.cluster.local", "\(answer)")
    #expect((answer.json["addresses"] as? [String])?.first?.hasPrefix("10.43.") == true)
    #expect(answer.json["servers"] as? [String] == ["10.43.0.10"])
  }

  private func bothSitesAnswer() throws {
    let drive = try drive("--duration", "5s")
    #expect(drive.requests == 500 && drive.failed == 0, "\(drive)")
    #expect(drive.answeredBy.keys.sorted() == ["t-east", "t-west"], "\(drive.answeredBy)")
  }

  private func survivesADeadUnit() throws {
    let faults = try write(
      "faults.yaml",
      """
      apiVersion: atoll.dev/v1alpha1
      kind: FaultTimeline
      spec:
        seed: 1
        steps:
        - {at: 3s, fault: kill unit t-west}
        - {at: 10s, fault: heal}
      """)
    let drive = try drive("--duration", "20s", "--retry-once", "--faults", faults)
    print("killed unit: \(drive)")
    #expect(drive.failed == 0, "clients that retry once see none: \(drive.timeline)")
    #expect(
      try mesh.eventually(30, "both sites answer again") {
        try self.drive("--duration", "2s").answeredBy.count == 2
      })
  }

  /// The witness hears both, so each keeps its quorum and all names stay.
  private func keepsNamesWhenUnitsAreCutOff() throws {
    #expect(try mesh.atoll("fault", "cut", "link", "t-east", "t-west").status == 0)
    Thread.sleep(forTimeInterval: 3)
    let drive = try drive("--duration", "3s")
    #expect(drive.failed == 0, "\(drive)")
    #expect(try mesh.atoll("fault", "heal").status == 0)
  }

  private func drainsWithoutLoss() async throws {
    async let load = drive("--duration", "20s")
    try await Task.sleep(for: .seconds(2))
    let drain = try mesh.atoll("drain", "unit", "t-west")
    print(drain.errors)
    #expect(drain.status == 0, "\(drain.errors)")
    #expect(try mesh.atoll("undrain", "unit", "t-west").status == 0)
    let drive = try await load
    print("drained unit: \(drive)")
    #expect(drive.failed == 0, "\(drive.timeline)")
  }

  private func refusesToDrainTheLast() throws {
    #expect(try mesh.atoll("fault", "cut", "link", "t-west").status == 0)
    Thread.sleep(forTimeInterval: 3)
    let drain = try mesh.atoll("drain", "unit", "t-east")
    #expect(drain.status != 0 && drain.errors.contains("whoami.gslb.example"), "\(drain)")
    #expect(try mesh.atoll("fault", "heal").status == 0)
  }
}
