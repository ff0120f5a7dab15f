import Glibc
import NetTypes

/// nftables through nft(8): a script is one transaction, all of it or nothing.
@Loop package enum NFTables {
  package struct Failure: Error, CustomStringConvertible {
    package let description: String
  }

  /// Whether nft(8) is where commands are looked for.
  package static var isInstalled: Bool {
    let path = getenv("PATH").map { String(cString: $0) } ?? "/usr/sbin:/usr/bin"
    return path.split(separator: ":").contains { access("\($0)/nft", X_OK) == 0 }
  }

  /// Applies a script in the calling process's namespace, or in the one given.
  package static func apply(_ script: String, inNamespace namespace: String? = nil) async throws {
    _ = try await run(["-f", "-"], input: script, inNamespace: namespace)
  }

  /// What `nft list …` prints.
  package static func list(
    _ arguments: [String], inNamespace namespace: String? = nil
  ) async throws -> String {
    try await run(["list"] + arguments, input: "", inNamespace: namespace)
  }

  private static func run(
    _ arguments: [String], input: String, inNamespace namespace: String?
  ) async throws -> String {
    let result = try await ChildProcess.run(
      ["nft"] + arguments, input: Array(input.utf8),
      networkNamespace: namespace.map { "\(NetworkNamespace.folder)/\($0)" }, limit: 64 << 20)
    guard result.ending.isSuccess else {
      let first = result.errorText.split(separator: "\n").prefix(4).joined(separator: "; ")
      throw Failure(description: "nft: \(first)")
    }
    return result.outputText
  }
}
