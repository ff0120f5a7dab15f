import Delivery
import NetTypes

/// A rule in the form that requests are held against: bytes, networks as numbers, expressions.
final class CompiledRule: Sendable {
  enum Path: Sendable {
    case any
    case exact([UInt8])
    /// Without trailing slashes; empty: every path.
    case prefix([UInt8])
    case regex(Expression)
  }

  struct Field: Sendable {
    var name: String
    var value: Value
  }

  enum Value: Sendable {
    case exact([UInt8])
    case regex(Expression)
    case present
    case absent
  }

  let rule: HTTPRule
  /// Its name.
  let label: [UInt8]
  let path: Path
  let methods: [[UInt8]]
  let headers: [Field]
  let query: [Field]
  let source: NetworkSet
  let allow: NetworkSet
  let deny: NetworkSet
  let limiter: RateLimiter?
  /// Tells whose passwords a verdict was on.
  let usersKey: Int
  let cors: CompiledCrossOrigin?
  /// The sum of the shares of a split.
  let weights: Int

  /// - Parameter former: the rule of that name so far, whose buckets go on where they are the same.
  init(_ rule: HTTPRule, former: CompiledRule?) throws(RuleFailure) {
    self.rule = rule
    label = Array(rule.name.utf8)
    switch rule.match.path {
    case nil: path = .any
    case .exact(let text): path = .exact(Array(text.utf8))
    case .prefix(let text):
      var bytes = Array(text.utf8)
      while bytes.last == UInt8(ascii: "/") { bytes.removeLast() }
      path = .prefix(bytes)
    case .regex(let text):
      path = .regex(try CompiledRule.expression(text, "match.path.regex", whole: true))
    }
    methods = rule.match.methods.map { Array($0.utf8) }
    headers = try CompiledRule.fields(rule.match.headers, "match.headers")
    query = try CompiledRule.fields(rule.match.query, "match.query")
    source = NetworkSet(rule.match.source)
    allow = NetworkSet(rule.checks.allow)
    deny = NetworkSet(rule.checks.deny)
    limiter = rule.checks.rateLimit.map { limit in
      former?.limiter.flatMap { $0.limit == limit ? $0 : nil } ?? RateLimiter(limit)
    }
    usersKey = rule.checks.authentication.hashValue
    cors = rule.edits.cors.map(CompiledCrossOrigin.init)
    if case .split(let shares) = rule.decision {
      weights = shares.reduce(0) { $0 + $1.weight }
    } else {
      weights = 0
    }
  }

  private static func fields(
    _ fields: [HTTPMatch.Field], _ place: String
  ) throws(RuleFailure) -> [Field] {
    var compiled: [Field] = []
    for (index, field) in fields.enumerated() {
      let value: Value
      switch field.value {
      case .exact(let text): value = .exact(Array(text.utf8))
      case .regex(let text):
        value = .regex(try expression(text, "\(place)[\(index)].regex", whole: false))
      case .present: value = .present
      case .absent: value = .absent
      }
      compiled.append(Field(name: field.name, value: value))
    }
    return compiled
  }

  private static func expression(
    _ text: String, _ field: String, whole: Bool
  ) throws(RuleFailure) -> Expression {
    do throws(Expression.Failure) {
      return try Expression(text, whole: whole)
    } catch {
      throw RuleFailure(
        field: field, found: "\"\(text)\" (\(error.description))",
        expected: "a regular expression, pcre2pattern(3)")
    }
  }
}

/// Networks as numbers, for addresses as connections have them: octets in network order.
struct NetworkSet: Sendable {
  private struct Network: Sendable {
    var isIPv6: Bool
    var value: (UInt64, UInt64)
    var mask: (UInt64, UInt64)
  }

  private let networks: [Network]

  var isEmpty: Bool { networks.isEmpty }

  init(_ prefixes: [IPPrefix]) {
    networks = prefixes.map { prefix in
      let length = Int(prefix.length)
      switch prefix.address {
      case .v4(let address):
        let mask: UInt32 = length == 0 ? 0 : ~0 << UInt32(32 - length)
        return Network(
          isIPv6: false, value: (UInt64(address.rawValue), 0), mask: (UInt64(mask), 0))
      case .v6(let address):
        let high: UInt64 = length == 0 ? 0 : ~0 << UInt64(max(64 - length, 0))
        let low: UInt64 = length <= 64 ? 0 : ~0 << UInt64(128 - length)
        return Network(isIPv6: true, value: (address.high, address.low), mask: (high, low))
      }
    }
  }

  func contains(_ address: (UInt64, UInt64), isIPv6: Bool) -> Bool {
    let value: (UInt64, UInt64)
    if isIPv6 {
      value = (UInt64(bigEndian: address.0), UInt64(bigEndian: address.1))
    } else {
      let octets = UInt32(truncatingIfNeeded: address.0)
      value = (UInt64(UInt32(bigEndian: octets)), 0)
    }
    for network in networks
    where network.isIPv6 == isIPv6 && value.0 & network.mask.0 == network.value.0
      && value.1 & network.mask.1 == network.value.1
    {
      return true
    }
    return false
  }
}
