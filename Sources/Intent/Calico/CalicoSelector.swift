/// Calico's selector language over labels, as BGPPeer's `nodeSelector` has it.
///
/// `all()`, `has(k)`, `k == 'v'`, `k != 'v'`, `k in {'a','b'}`, `k not in {…}`, `!`, `&&`, `||`, `()`.
package indirect enum CalicoSelector: Hashable, Sendable {
  case all
  case has(String)
  case equals(String, String)
  case isIn(String, [String])
  case not(CalicoSelector)
  case and(CalicoSelector, CalicoSelector)
  case or(CalicoSelector, CalicoSelector)

  /// What was found where something else was expected.
  package struct Mistake: Error, Equatable, CustomStringConvertible {
    package let found: String
    package let expected: String
    package var description: String { "found \(found), expected \(expected)" }
  }

  /// An empty text selects everything.
  package init(_ text: String) throws(Mistake) {
    var parser = Parser(text)
    if parser.isAtEnd {
      self = .all
      return
    }
    self = try parser.alternatives(depth: 0)
    if !parser.isAtEnd { throw Mistake(found: parser.rest, expected: "&&, || or the end") }
  }

  package func matches(_ labels: [String: String]) -> Bool {
    switch self {
    case .all: true
    case .has(let key): labels[key] != nil
    case .equals(let key, let value): labels[key] == value
    case .isIn(let key, let values): labels[key].map(values.contains) ?? false
    case .not(let inner): !inner.matches(labels)
    case .and(let a, let b): a.matches(labels) && b.matches(labels)
    case .or(let a, let b): a.matches(labels) || b.matches(labels)
    }
  }

  private struct Parser {
    private var text: Substring

    init(_ text: String) {
      self.text = text[...]
      skipSpace()
    }

    var isAtEnd: Bool { text.isEmpty }
    var rest: String { text.isEmpty ? "the end" : "\"\(text)\"" }

    private mutating func skipSpace() { text = text.drop { $0.isWhitespace } }

    private mutating func take(_ token: String) -> Bool {
      guard text.hasPrefix(token) else { return false }
      text = text.dropFirst(token.count)
      skipSpace()
      return true
    }

    private mutating func need(_ token: String) throws(Mistake) {
      if !take(token) { throw Mistake(found: rest, expected: token) }
    }

    mutating func alternatives(depth: Int) throws(Mistake) -> CalicoSelector {
      guard depth < 32 else {
        throw Mistake(found: "deeper nesting", expected: "at most 32 levels")
      }
      var left = try conjunction(depth: depth)
      while take("||") { left = .or(left, try conjunction(depth: depth)) }
      return left
    }

    private mutating func conjunction(depth: Int) throws(Mistake) -> CalicoSelector {
      var left = try term(depth: depth)
      while take("&&") { left = .and(left, try term(depth: depth)) }
      return left
    }

    private mutating func term(depth: Int) throws(Mistake) -> CalicoSelector {
      if take("!") { return .not(try term(depth: depth + 1)) }
      if take("(") {
        let inner = try alternatives(depth: depth + 1)
        try need(")")
        return inner
      }
      if take("all()") { return .all }
      if take("has(") {
        let key = try name()
        try need(")")
        return .has(key)
      }
      let key = try name()
      if take("==") { return .equals(key, try quoted()) }
      if take("!=") { return .not(.equals(key, try quoted())) }
      if take("not in") { return .not(.isIn(key, try list())) }
      if take("in") { return .isIn(key, try list()) }
      throw Mistake(found: rest, expected: "==, !=, in or not in")
    }

    private mutating func name() throws(Mistake) -> String {
      let name = text.prefix { $0.isLetter || $0.isNumber || "./-_".contains($0) }
      guard !name.isEmpty else { throw Mistake(found: rest, expected: "a label's name") }
      text = text.dropFirst(name.count)
      skipSpace()
      return String(name)
    }

    private mutating func quoted() throws(Mistake) -> String {
      guard let quote = text.first, quote == "'" || quote == "\"",
        let end = text.dropFirst().firstIndex(of: quote)
      else { throw Mistake(found: rest, expected: "a quoted value") }
      let value = text[text.index(after: text.startIndex)..<end]
      text = text[text.index(after: end)...]
      skipSpace()
      return String(value)
    }

    private mutating func list() throws(Mistake) -> [String] {
      try need("{")
      var values: [String] = []
      if take("}") { return values }
      repeat { values.append(try quoted()) } while take(",")
      try need("}")
      return values
    }
  }
}
