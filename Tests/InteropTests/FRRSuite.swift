import Glibc
import Linux

/// FRR as a router runs it: zebra, bfdd and bgpd in one network namespace, with the kernel's table.
@Loop final class FRRSuite {
  nonisolated static let daemons = ["zebra", "bfdd", "bgpd"]
  nonisolated static var isInstalled: Bool {
    daemons.allSatisfy { access("/usr/lib/frr/\($0)", X_OK) == 0 }
  }

  private let folder: String
  private let namespace: String
  private var children: [String: ChildProcess] = [:]

  /// - Parameter namespace: its path.
  init(_ configuration: String, namespace: String) throws {
    self.namespace = namespace
    var template = Array("/tmp/atollfrr-XXXXXX".utf8CString)
    folder = String(cString: mkdtemp(&template))
    try FileSystem.write(Array(configuration.utf8), to: folder + "/conf")
    guard let user = getpwnam("frr") else { throw SystemError("getpwnam", "frr", code: ENOENT) }
    for path in [folder, folder + "/conf"] {
      chown(path, user.pointee.pw_uid, user.pointee.pw_gid)
    }
  }

  func start() async throws {
    for name in Self.daemons {
      var command = ["/usr/lib/frr/" + name, "-f", folder + "/conf", "-i", folder + "/\(name).pid"]
      command += ["-z", folder + "/zserv.api", "--vty_socket", folder, "-P", "0"]
      command += ["--log", "file:\(folder)/log"]
      if name == "bfdd" { command += ["--bfdctl", folder + "/bfdd.sock"] }
      children[name] = try ChildProcess.spawn(
        command, output: .append(folder + "/output"), networkNamespace: namespace)
      // bgpd and bfdd look for zebra's socket, and do not look often.
      for _ in 0..<200 where access(folder + "/\(name).vty", F_OK) != 0 {
        try await Loop.sleep(.milliseconds(20))
      }
    }
  }

  /// What vtysh prints.
  func show(_ command: String) async throws -> String {
    try await ChildProcess.run(["vtysh", "--vty_socket", folder, "-c", command]).outputText
  }

  func configure(_ lines: [String]) async throws {
    let commands = (["configure terminal"] + lines).flatMap { ["-c", $0] }
    _ = try await ChildProcess.run(["vtysh", "--vty_socket", folder] + commands)
  }

  /// As a crash.
  func kill(_ daemon: String) async throws {
    children[daemon]?.signal(SIGKILL)
    _ = try await children.removeValue(forKey: daemon)?.wait()
  }

  var log: String { (try? FileSystem.readText(folder + "/log")) ?? "" }

  func remove() async {
    for name in Self.daemons.reversed() { try? await kill(name) }
    try? FileSystem.removeTree(folder)
  }
}
