import Foundation
import Testing

/// `atoll router` as an operator runs it: a process in a namespace of its own.
@Suite(.serialized, .enabled(if: Bench.obstacle == nil, "\(Bench.obstacle ?? "")"))
struct RouterCommandTests {
  static let good = """
    hostname lab
    router bgp 64512
     bgp router-id 192.0.2.1
     network 10.1.0.0/16
     neighbor 127.0.0.2 remote-as 64513

    """

  private func withFolder(_ body: (_ file: String, _ socket: String) throws -> Void) throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: "atoll-\(UUID())").path
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try Self.good.write(toFile: folder + "/router.conf", atomically: true, encoding: .utf8)
    try body(folder + "/router.conf", folder + "/router.sock")
  }

  @Test func `a configuration is checked whole, and the line that is wrong is named`() throws {
    try withFolder { file, _ in
      let right = try Command.run([Bench.atoll, "router", "--check", "--config", file])
      #expect(right.status == 0 && right.output == "\(file): ok\n", "\(right.errors)")
      try "router bgp 64512\n neighbor 10.0.0.1 remote-as x\n".write(
        toFile: file, atomically: true, encoding: .utf8)
      for words in [["--check"], []] {
        let wrong = try Command.run([Bench.atoll, "router"] + words + ["--config", file])
        #expect(wrong.status == 1)
        #expect(wrong.errors.contains("\(file): line 2: "), "\(wrong.errors)")
        #expect(wrong.errors.contains("expected an AS number"), "\(wrong.errors)")
      }
    }
  }

  @Test func `it serves its shell, takes a new file at SIGHUP and stops at SIGTERM`() throws {
    let namespace = "atolltest-\(UUID().uuidString.prefix(8))"
    #expect(try Command.run(["ip", "netns", "add", namespace]).status == 0)
    defer { _ = try? Command.run(["ip", "netns", "delete", namespace]) }
    try withFolder { file, socket in
      let router = Process()
      router.executableURL = URL(filePath: "/usr/bin/env")
      router.arguments = [
        "nsenter", "--net=/run/netns/\(namespace)", Bench.atoll, "router", "--config", file,
        "--api", socket,
      ]
      router.standardError = FileHandle.nullDevice
      try router.run()
      defer {
        router.terminate()
        router.waitUntilExit()
      }
      func running() throws -> String {
        try Command.run([
          Bench.atoll, "shell", "--socket", socket, "-c", "show running-config",
        ]).output
      }
      let bench = Bench(name: "", index: 0)
      #expect(try bench.eventually(10, "the shell answers") { try running().contains("lab") })
      try Self.good.replacing("lab", with: "other").write(
        toFile: file, atomically: true, encoding: .utf8)
      kill(router.processIdentifier, SIGHUP)
      #expect(try bench.eventually(10, "the new name") { try running().contains("hostname other") })
      try "router bgp 64512\n nonsense\n".write(toFile: file, atomically: true, encoding: .utf8)
      kill(router.processIdentifier, SIGHUP)
      let told = try bench.eventually(10, "the reason in the status") {
        try Command.run(["curl", "-s", "--unix-socket", socket, "http://router/status"]).output
          .contains("line 2: ")
      }
      #expect(told)
      #expect(try running().contains("hostname other"), "the last good configuration is gone")
      kill(router.processIdentifier, SIGTERM)
      router.waitUntilExit()
      #expect(router.terminationReason == .exit && router.terminationStatus == 0)
      #expect(!FileManager.default.fileExists(atPath: socket))
    }
  }
}
