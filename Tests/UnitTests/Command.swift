import Foundation

/// A program run to its end.
struct Command {
  var status: Int32
  var output: String
  var errors: String

  /// Runs `words`, the first one looked up in PATH; `input` is its standard input.
  @discardableResult
  static func run(_ words: [String], input: String? = nil, environment: [String: String] = [:])
    throws -> Command
  {
    let process = Process()
    process.executableURL = URL(filePath: "/usr/bin/env")
    process.arguments = words
    process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
    let folder = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    // Files, not pipes: a grandchild that keeps a pipe open would keep the test waiting.
    let output = folder.appending(path: "out")
    let errors = folder.appending(path: "err")
    for file in [output, errors] {
      _ = FileManager.default.createFile(atPath: file.path, contents: nil)
    }
    process.standardOutput = try FileHandle(forWritingTo: output)
    process.standardError = try FileHandle(forWritingTo: errors)
    if let input {
      let file = folder.appending(path: "in")
      try Data(input.utf8).write(to: file)
      process.standardInput = try FileHandle(forReadingFrom: file)
    } else {
      process.standardInput = FileHandle.nullDevice
    }
    try process.run()
    process.waitUntilExit()
    return Command(
      status: process.terminationStatus, output: try String(contentsOf: output, encoding: .utf8),
      errors: try String(contentsOf: errors, encoding: .utf8))
  }

  var json: [String: Any] {
    (try? JSONSerialization.jsonObject(with: Data(output.utf8))) as? [String: Any] ?? [:]
  }
}

/// The unit under test, driven as a user drives it.
struct Bench {
  static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent()
  /// `ATOLL` of the environment names another build.
  static let atoll =
    ProcessInfo.processInfo.environment["ATOLL"]
    ?? root.appending(path: ".build/release/atoll").path

  /// Why whole units cannot run here; nil if they can.
  static var obstacle: String? {
    if getuid() != 0 { return "not root" }
    if !FileManager.default.isExecutableFile(atPath: atoll) { return "no \(atoll): make build" }
    for tool in ["runc", "nft", "kubectl", "curl"]
    where (try? Command.run(["which", tool]).status) != 0 { return "no \(tool)" }
    return nil
  }

  let name: String
  /// Third octets and the like, so that units of several suites do not clash.
  let index: Int

  var networks: [String] {
    [
      "--pod-cidr", "10.\(120 + index).0.0/16", "--node-cidr", "172.\(20 + index).0.0/16",
      "--vip-cidr", "10.10.\(100 + index).0/24",
    ]
  }

  @discardableResult
  func atoll(_ words: String..., input: String? = nil) throws -> Command {
    try Command.run([Self.atoll] + words, input: input)
  }

  func up(_ more: String...) throws -> Command {
    try Command.run([Self.atoll, "up", "--name", name] + networks + more)
  }

  @discardableResult
  func down() throws -> Command { try atoll("down", "--name", name) }

  @discardableResult
  func kubectl(_ words: String..., input: String? = nil) throws -> Command {
    try Command.run(
      ["kubectl"] + words, input: input,
      environment: ["KUBECONFIG": "/var/lib/atoll/\(name)/kubeconfig"])
  }

  /// Asks again until `holds` or `seconds` have passed; the last answer says what was seen.
  func eventually(
    _ seconds: Double = 30, _ what: String, _ holds: () throws -> Bool
  ) throws -> Bool {
    let deadline = Date().addingTimeInterval(seconds)
    while Date() < deadline {
      if try holds() { return true }
      Thread.sleep(forTimeInterval: 0.1)
    }
    print("not within \(seconds) s: \(what)")
    return false
  }
}

/// What the host's own network looks like; a unit must leave no trace in it.
struct HostNetwork: Equatable {
  var addresses: String
  var routes: String
  var rules: String

  static func read() throws -> HostNetwork {
    // Lifetimes and counters move by themselves.
    let moving = /"(valid_life_time|preferred_life_time|expires)":\d+,?/
    return HostNetwork(
      addresses: try Command.run(["ip", "-j", "addr"]).output.replacing(moving, with: ""),
      routes: try Command.run(["ip", "-j", "route"]).output.replacing(moving, with: ""),
      rules: try Command.run(["nft", "list", "ruleset"]).output)
  }
}
