import NetTypes

/// nftables through nft(8): a script is one transaction, all of it or nothing.
@Loop package enum NFTables {
  package struct Failure: Error, CustomStringConvertible {
    package let description: String
  }

  /// Applies a script in the calling process's namespace, or in the one given.
  package static func apply(_ script: String, inNamespace namespace: String? = nil) async throws {
    let result = try await ChildProcess.run(
      ["nft", "-f", "-"], input: Array(script.utf8),
      networkNamespace: namespace.map { "\(NetworkNamespace.folder)/\($0)" })
    guard result.ending.isSuccess else {
      let first = result.errorText.split(separator: "\n").prefix(4).joined(separator: "; ")
      throw Failure(description: "nft: \(first)")
    }
  }
}
