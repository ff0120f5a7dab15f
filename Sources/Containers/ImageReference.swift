/// `[REGISTRY/]PATH[:TAG][@DIGEST]`, completed as Docker completes it.
package struct ImageReference: Hashable, Sendable, CustomStringConvertible {
  package let registry: String
  package let path: String
  /// `:tag` or `@sha256:…`.
  package let version: String

  package init?(_ text: some StringProtocol) {
    var rest = Substring(text)
    guard !rest.isEmpty, !rest.contains(where: { $0.isWhitespace || !$0.isASCII }) else {
      return nil
    }
    var registry = "docker.io"
    if let slash = rest.firstIndex(of: "/") {
      let first = rest[..<slash]
      if first.contains(".") || first.contains(":") || first == "localhost" {
        registry = String(first)
        rest = rest[rest.index(after: slash)...]
      }
    }
    if let at = rest.firstIndex(of: "@") {
      version = String(rest[at...])
      rest = rest[..<at]
      if let colon = rest.lastIndex(of: ":") { rest = rest[..<colon] }
    } else if let colon = rest.lastIndex(of: ":") {
      version = String(rest[colon...])
      rest = rest[..<colon]
    } else {
      version = ":latest"
    }
    guard Self.isPath(rest), Self.isVersion(version), Self.isRegistry(registry) else { return nil }
    self.registry = registry
    path = registry == "docker.io" && !rest.contains("/") ? "library/\(rest)" : String(rest)
  }

  /// Components of small letters, digits and, between those, separators.
  private static func isPath(_ text: Substring) -> Bool {
    !text.isEmpty
      && text.split(separator: "/", omittingEmptySubsequences: false).allSatisfy { part in
        guard let first = part.utf8.first, let last = part.utf8.last else { return false }
        return isSmall(first) && isSmall(last)
          && part.utf8.allSatisfy { isSmall($0) || "._-".utf8.contains($0) }
      }
  }

  private static func isSmall(_ byte: UInt8) -> Bool {
    (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte)
      || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
  }

  private static func isLetterOrDigit(_ byte: UInt8) -> Bool {
    isSmall(byte) || (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte)
  }

  private static func isVersion(_ text: String) -> Bool {
    let rest = text.utf8.dropFirst()
    guard let first = rest.first else { return false }
    if text.hasPrefix("@") {
      let sides = text.dropFirst().split(separator: ":", omittingEmptySubsequences: false)
      return sides.count == 2
        && sides.allSatisfy { !$0.isEmpty && $0.utf8.allSatisfy(isLetterOrDigit) }
    }
    return rest.count <= 128 && first != UInt8(ascii: ".") && first != UInt8(ascii: "-")
      && rest.allSatisfy { isLetterOrDigit($0) || "._-".utf8.contains($0) }
  }

  private static func isRegistry(_ text: String) -> Bool {
    guard let first = text.utf8.first else { return false }
    return isLetterOrDigit(first)
      && text.utf8.allSatisfy { isLetterOrDigit($0) || ".-:".utf8.contains($0) }
  }

  package var description: String { "\(registry)/\(path)\(version)" }

  package static let sample = ImageReference("atoll.dev/sample:latest")
}
