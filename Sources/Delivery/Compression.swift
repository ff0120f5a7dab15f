/// Responses that leave in gzip, for clients that take it. RFC 9110 §8.4.
package struct Compression: Equatable, Sendable {
  /// Media types; `text/*` is all of them.
  package var types: [String]
  /// Bytes, where the response says how many it has.
  package var minimumSize: UInt64
  /// 1, fast, to 9, small.
  package var level: Int

  package static let usualTypes = [
    "text/*", "application/json", "application/javascript", "application/xml", "image/svg+xml",
  ]

  package init(
    types: [String] = Compression.usualTypes, minimumSize: UInt64 = 1024, level: Int = 5
  ) {
    self.types = types
    self.minimumSize = minimumSize
    self.level = level
  }

  func validate() -> [(field: String, found: String, expected: String)] {
    var found: [(field: String, found: String, expected: String)] = []
    if !(1...9).contains(level) { found.append(("compression.level", "\(level)", "1 to 9")) }
    for (index, type) in types.enumerated() {
      let halves = type.split(separator: "/", omittingEmptySubsequences: false)
      if halves.count != 2 || !isToken(halves[0]) || !(halves[1] == "*" || isToken(halves[1])) {
        found.append(("compression.types[\(index)]", "\"\(type)\"", "a media type, as text/html"))
      }
    }
    return found
  }
}
