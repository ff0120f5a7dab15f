import BGP

/// `| include PATTERN`, `| exclude PATTERN`, `| begin PATTERN`, `| count [PATTERN]`: which lines of an
/// answer are shown. Patterns are POSIX extended.
struct ShellPipe {
  struct Mistake: Error { var text: String }

  private enum Kind: String, CaseIterable { case include, exclude, begin, count }

  private let kind: Kind
  private let pattern: PathExpression?
  private var rest = ""
  private var count = 0
  private var hasBegun = false

  /// A line without its pipe; nil where it has none. Only a `|` between spaces, before a word of
  /// these, is one: patterns of AS paths have others.
  static func split(_ line: String) throws(Mistake) -> (line: String, pipe: ShellPipe)? {
    let words = line.split(separator: " ").map(String.init)
    guard let bar = words.lastIndex(of: "|") else { return nil }
    let head = words[..<bar].joined(separator: " ")
    guard bar + 1 < words.count else { throw Mistake(text: "% Incomplete command: \(line)\n") }
    let found = Kind.allCases.filter { $0.rawValue.hasPrefix(words[bar + 1]) }
    guard found.count == 1, let kind = found.first else {
      throw Mistake(text: "% Unknown command: \(line) (at \"\(words[bar + 1])\")\n")
    }
    let text = words[(bar + 2)...].joined(separator: " ")
    guard !text.isEmpty || kind == .count else {
      throw Mistake(text: "% Incomplete command: \(line)\n")
    }
    return (head, try ShellPipe(kind, text))
  }

  private init(_ kind: Kind, _ text: String) throws(Mistake) {
    self.kind = kind
    if text.isEmpty {
      pattern = nil
      return
    }
    do throws(PathExpression.Mistake) { pattern = try PathExpression(Self.literal(text)) } catch {
      throw Mistake(text: "% expected \(error)\n")
    }
  }

  /// In patterns of AS paths `_` is a delimiter; here it is itself.
  private static func literal(_ text: String) -> String {
    var result = ""
    var isInBrackets = false
    for character in text {
      if character == "[" { isInBrackets = true }
      if character == "]" { isInBrackets = false }
      if character == "_", !isInBrackets { result.append("\\") }
      result.append(character)
    }
    return result
  }

  /// What is to be shown of some more text.
  mutating func take(_ text: String) -> String {
    let whole = rest + text
    guard let end = whole.lastIndex(of: "\n") else {
      rest = whole
      return ""
    }
    rest = String(whole[whole.index(after: end)...])
    return whole[..<end].split(separator: "\n", omittingEmptySubsequences: false)
      .reduce(into: "") { $0 += take(line: $1) }
  }

  private mutating func take(line: Substring) -> String {
    let matches = pattern?.matches(String(line)) ?? true
    switch kind {
    case .include: return matches ? "\(line)\n" : ""
    case .exclude: return matches ? "" : "\(line)\n"
    case .begin:
      hasBegun = hasBegun || matches
      return hasBegun ? "\(line)\n" : ""
    case .count:
      if matches { count += 1 }
      return ""
    }
  }

  /// What is to be shown at the end.
  mutating func end() -> String {
    let last = rest.isEmpty ? "" : take("\n")
    return kind == .count ? "\(count)\n" : last
  }
}
