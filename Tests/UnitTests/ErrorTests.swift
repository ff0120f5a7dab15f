import Foundation
import Testing

/// What a user gets wrong is said in one line that names what was found and what was expected, and
/// leaves nothing behind.
@Suite(.serialized, .enabled(if: Bench.obstacle == nil, "\(Bench.obstacle ?? "")"))
struct ErrorTests {
  struct Case: CustomTestStringConvertible, Sendable {
    var words: [String]
    /// A file for `-f`, written before.
    var file: String?
    var expected: [String]
    var testDescription: String { words.joined(separator: " ") }
  }

  static let cases: [Case] = [
    Case(
      words: ["--pod-cidr", "10.53.0.0/25"],
      expected: ["pod-cidr 10.53.0.0/25 holds 2 blocks of /26, expected one for each of 4 nodes"]),
    Case(
      words: ["--vip-cidr", "172.19.4.0/24"],
      expected: ["vip-cidr 172.19.4.0/24 overlaps node-cidr 172.19.0.0/16"]),
    Case(words: ["--pod-cidr", "10.53.0.1/16"], expected: ["10.53.0.1/16", "--pod-cidr"]),
    Case(words: ["--as-number", "23456"], expected: ["as-number: found 23456, expected"]),
    Case(words: ["--agents", "900"], expected: ["agents: found 900, expected 0 to 200"]),
    Case(words: ["--publish", "80"], expected: ["80", "--publish"]),
    Case(words: ["--name", "Not_A_Label"], expected: ["name: found \"Not_A_Label\", expected"]),
    Case(words: ["-f", "/nonexistent.yaml"], expected: ["/nonexistent.yaml"]),
    Case(
      words: ["-f"], file: "apiVersion: atoll.dev/v1alpha1\nkind: Unit\nspec:\n  agents: many\n",
      expected: [":4:", "agents", "many"]),
    Case(words: ["-f"], file: "kind: [unclosed\n", expected: [":1:"]),
    // The parser names the place where the list should have ended.
    Case(
      words: ["--manifests"], file: "kind: Pod\nmetadata: [unclosed\n",
      expected: ["t-error.yaml:3:1: ", "flow sequence"]),
    Case(words: ["--manifests", "/nonexistent.yaml"], expected: ["/nonexistent.yaml"]),
    Case(words: ["-f"], file: "apiVersion: v1\nkind: Pod\n", expected: ["Pod", "Unit"]),
  ]

  @Test(arguments: cases)
  func `up says what is wrong and makes nothing`(wrong: Case) throws {
    var words = [Bench.atoll, "up"] + wrong.words
    if !wrong.words.contains("--name") { words += ["--name", "t-error"] }
    if let file = wrong.file {
      let path = FileManager.default.temporaryDirectory.appending(path: "t-error.yaml")
      try Data(file.utf8).write(to: path)
      words.insert(path.path, at: 2 + wrong.words.count)
    }
    let result = try Command.run(words)
    #expect(result.status != 0)
    for part in wrong.expected {
      #expect(result.errors.contains(part), "\(result.errors)")
    }
    #expect(!FileManager.default.fileExists(atPath: "/var/lib/atoll/t-error"))
    #expect(!FileManager.default.fileExists(atPath: "/run/netns/atoll-t-error-edge"))
  }

  @Test func `a host port that is taken is refused by its number`() throws {
    let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    defer { close(listener) }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    withUnsafeMutablePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        _ = bind(listener, $0, length)
        _ = getsockname(listener, $0, &length)
      }
    }
    listen(listener, 1)
    let port = UInt16(bigEndian: address.sin_port)
    let result = try Bench(name: "t-error", index: 3).up("--publish", "\(port):80@edge")
    #expect(result.status != 0)
    #expect(result.errors.contains("127.0.0.1:\(port) is taken"), "\(result.errors)")
  }

  @Test func `without root the reason is said in one line`() throws {
    let result = try Command.run([
      "setpriv", "--reuid", "65534", "--clear-groups", Bench.atoll, "up", "--name", "t-error",
    ])
    #expect(result.status != 0)
    #expect(result.errors.contains("not root"), "\(result.errors)")
  }

  @Test func `a unit that is not there is named, with what is`() throws {
    let result = try Command.run([Bench.atoll, "status", "--name", "t-absent"])
    #expect(result.status != 0)
    #expect(result.errors.contains("unit t-absent: not here"), "\(result.errors)")
  }
}
