import Delivery
import NetTypes

/// The rules of one virtual server, compiled: immutable, shared by the workers.
final class RuleSet: Sendable {
  let rules: [CompiledRule]
  /// Lists of rules, in order, by the host that may match them; the first is for all other hosts.
  private let candidates: [[Int]]
  private let hosts: HostIndex
  private let looksAtHost: Bool

  static let empty = RuleSet()

  private init() {
    rules = []
    candidates = [[]]
    hosts = HostIndex([])
    looksAtHost = false
  }

  /// - Parameter former: the rules so far.
  /// - Throws: the first problem that only compiling shows.
  init(_ rules: [HTTPRule], former: RuleSet = .empty) throws(RuleFailure) {
    var compiled: [CompiledRule] = []
    for (index, rule) in rules.enumerated() {
      do throws(RuleFailure) {
        compiled.append(
          try CompiledRule(rule, former: former.rules.first { $0.rule.name == rule.name }))
      } catch {
        throw RuleFailure(
          field: "rules[\(index)].\(error.field)", found: error.found, expected: error.expected)
      }
    }
    self.rules = compiled
    let names = Set(rules.compactMap { $0.match.host?.lowercased() }).sorted()
    looksAtHost = !names.isEmpty
    candidates =
      [rules.indices.filter { rules[$0].match.host == nil }]
      + names.map { name in
        rules.indices.filter { index in
          rules[index].match.host.map { RuleSet.covers($0.lowercased(), name) } ?? true
        }
      }
    hosts = HostIndex(names.enumerated().map { (host: $1, value: $0 + 1) })
  }

  /// The rules that a request to `host` may match, in order.
  func candidates(for host: UnsafeRawBufferPointer) -> [Int] {
    looksAtHost ? candidates[hosts.find(host) ?? 0] : candidates[0]
  }

  /// `*.a.example` covers every name below `a.example`, and `*.b.a.example`.
  private static func covers(_ pattern: String, _ other: String) -> Bool {
    pattern == other
      || (pattern.hasPrefix("*.") && other.hasSuffix(pattern.dropFirst(1))
        && other.utf8.count >= pattern.utf8.count)
  }
}

/// What only compiling shows to be wrong.
struct RuleFailure: Error {
  var field: String
  var found: String
  var expected: String
}
