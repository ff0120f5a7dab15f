import Delivery
import Glibc
import Linux
import NetTypes
import Testing

/// `atoll edge` itself, in the edge's namespace.
@Suite(.serialized, .enabled(if: geteuid() == 0, "needs root to make network namespaces"))
struct KernelProcessTests {
  #if DEBUG
    private static let program = ".build/debug/atoll"
  #else
    private static let program = ".build/release/atoll"
  #endif

  @Test(.enabled(if: access(program, X_OK) == 0, "needs \(program)"))
  func `a virtual server moves to the kernel and back without a lost connection`() async throws {
    let scene = try KernelScene()
    let path = scene.folder + "/edge.yaml"
    func write(_ mode: String) throws {
      try FileSystem.write(
        """
        apiVersion: atoll.dev/v1alpha1
        kind: EdgeConfiguration
        virtualServers: [{name: web, address: 192.0.2.10, port: 80, mode: \(mode), pool: web}]
        pools:
        - name: web
          monitor: {type: tcp, interval: 100ms, fall: 1, rise: 1}
          members: [{address: 10.91.11.2, port: 80}, {address: 10.91.12.2, port: 80}]

        """, to: path)
    }
    try write("proxy")
    let edge = try await ChildProcess.spawn(
      [Self.program, "edge", "--config", path], output: .append(scene.folder + "/log"),
      networkNamespace: "\(NetworkNamespace.folder)/\(scene.edge)")
    try await settle { (try? await blocking { try scene.answer(KernelScene.virtual) }) != nil }
    let load = KernelLoad(scene)
    defer { load.end() }
    for _ in 0..<3 {
      try write("kernel")
      try await settle { try await scene.nft("ruleset").contains("192.0.2.10 . tcp . 80") }
      try await Loop.sleep(.milliseconds(300))
      try write("proxy")
      try await settle { try await !scene.nft("ruleset").contains("192.0.2.10 . tcp . 80") }
    }
    let (asked, failed) = load.stop()
    #expect(asked > 100 && failed == 0, "\(failed) of \(asked)")
    // A monitor of real probes, in the namespace that it serves.
    try write("kernel")
    try await settle { try await scene.nft("ruleset").contains("192.0.2.10 . tcp . 80") }
    try NetworkNamespace.open(named: scene.members[0]).with { try Netlink().setDown("eth0") }
    try await settle { (try? await blocking { try scene.tally(4) }) == ["m2": 4] }
    await edge.signal(SIGTERM)
    #expect(try await edge.wait().isSuccess)
    #expect(try await scene.nft("tables") == "")
  }

  @Test(.enabled(if: access(program, X_OK) == 0, "needs \(program)"))
  func `an upgrade hands the kernel's table over without a lost connection`() async throws {
    let scene = try KernelScene()
    let (path, socket) = (scene.folder + "/edge.yaml", scene.folder + "/edge.sock")
    try FileSystem.write(
      """
      apiVersion: atoll.dev/v1alpha1
      kind: EdgeConfiguration
      virtualServers: [{name: web, address: 192.0.2.10, port: 80, mode: kernel, pool: web}]
      pools: [{name: web, members: [{address: 10.91.11.2, port: 80}]}]

      """, to: path)
    let namespace = "\(NetworkNamespace.folder)/\(scene.edge)"
    let edge = try await ChildProcess.spawn(
      [Self.program, "edge", "--config", path, "--api", socket],
      output: .append(scene.folder + "/log"), networkNamespace: namespace)
    try await settle { try await scene.nft("ruleset").contains("192.0.2.10 . tcp . 80") }
    let load = KernelLoad(scene)
    defer { load.end() }
    let upgrade = try await ChildProcess.run(
      [Self.program, "edge", "upgrade", "--api", socket], networkNamespace: namespace)
    #expect(upgrade.ending.isSuccess, "\(upgrade.errorText)")
    // The one before has ended, and has left the table.
    #expect(try await edge.wait().isSuccess)
    #expect(try await scene.nft("ruleset").contains("192.0.2.10 . tcp . 80"))
    // The one that took over steers it: a member that goes in the file goes in the kernel.
    try FileSystem.write(
      try FileSystem.readText(path).replacing("10.91.11.2", with: "10.91.12.2"), to: path)
    try await settle { (try? await blocking { try scene.tally(2) }) == ["m2": 2] }
    let (asked, failed) = load.stop()
    #expect(asked > 20 && failed == 0, "\(failed) of \(asked)")
    let next = try #require(upgrade.outputText.matches(of: /[0-9]+/).last.flatMap { Int32($0.0) })
    kill(next, SIGTERM)
    try await settle { try await scene.nft("tables") == "" }
  }

  /// A question that nobody answers blocks for seconds: it is asked on a thread of its own (`blocking`),
  /// and keeps neither the control loop nor other tests.
  private func settle(_ condition: () async throws -> Bool) async throws {
    let limit = Loop.now.advanced(by: .seconds(30))
    while try await !condition() {
      guard Loop.now < limit else { throw TestFailure("did not come true") }
      try await Loop.sleep(.milliseconds(20))
    }
  }
}
