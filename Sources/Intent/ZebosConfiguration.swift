import BGP
import NetTypes

/// A router's configuration as ZebOS and FRR write it, statement by statement.
///
/// ```
/// router bgp 64512
///  bgp graceful-restart restart-time 120
///  neighbor calico-k8s peer-group
///  neighbor calico-k8s remote-as 64512
///  neighbor 172.19.0.2 peer-group calico-k8s
/// ```
package struct ZebosConfiguration: Equatable, Sendable {
  package var hostname = "edge"
  /// Nil while no `router bgp` stands.
  package var router: RouterConfiguration?
  /// Lists and route maps, by name.
  package var policy = RoutingPolicy()
  /// `bgp graceful-restart` has been said, with or without a time.
  var saysGracefulRestart = false

  package init() {}

  /// Where a statement stands.
  package enum Context: Hashable, Sendable {
    case global, router
    /// `address-family ipv4|ipv6 unicast`.
    case family(AddressFamily)
    /// A clause of a route map, by name and sequence number.
    case routeMap(String, UInt16)
  }

  /// A statement that cannot be taken: what was found, and what was expected there.
  package struct Mistake: Error, Equatable, CustomStringConvertible {
    /// From 1; 0 for a statement typed alone.
    package var line = 0
    package var statement: String
    package var expected: String

    package init(statement: String, expected: String) {
      self.statement = statement
      self.expected = expected
    }

    package var description: String {
      "\(line > 0 ? "line \(line): " : "")\"\(statement)\": expected \(expected)"
    }
  }

  /// Reads a whole text, or nothing of it.
  package init(parsing text: String) throws(Mistake) { try merge(text) }

  /// Applies a whole text on top of what stands, or nothing of it: `copy FILE running-config`.
  package mutating func merge(_ text: String) throws(Mistake) {
    var copy = self
    var context = Context.global
    var number = 0
    for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
      number += 1
      do throws(Mistake) {
        try copy.apply(String(line), in: &context)
      } catch {
        var located = error
        located.line = number
        throw located
      }
    }
    self = copy
  }

  /// Applies one statement; on a mistake nothing changes.
  package mutating func apply(_ line: String, in context: inout Context) throws(Mistake) {
    let words = line.split(whereSeparator: \.isWhitespace).map(String.init)
    guard let first = words.first, !first.hasPrefix("!"), !first.hasPrefix("#") else { return }
    var copy = self
    var statement = Statement(words, line: line.trimmed)
    switch context {
    case .routeMap(let name, let sequence):
      if try copy.applyClause(&statement, name, sequence) {
        self = copy
        return
      }
    case .router, .family:
      if try copy.applyRouter(&statement, &context) {
        self = copy
        return
      }
    case .global: break
    }
    // A statement that is none of its section ends that section, as in a file.
    try copy.applyGlobal(&statement, &context)
    self = copy
  }

  private mutating func applyGlobal(
    _ statement: inout Statement, _ context: inout Context
  ) throws(Mistake) {
    let negated = statement.take("no")
    if try applyPolicy(&statement, &context, negated) {
      try statement.end()
    } else if statement.take("router") {
      try statement.need("bgp")
      let number = try statement.asNumber()
      try statement.end()
      if negated {
        router = nil
        saysGracefulRestart = false
        context = .global
        return
      }
      if let existing = router, existing.localAS != number {
        throw statement.mistake("router bgp \(existing.localAS), which runs already")
      }
      if router == nil {
        var fresh = RouterConfiguration(localAS: number)
        fresh.gracefulRestart.isEnabled = false
        router = fresh
      }
      context = .router
    } else if statement.take("hostname") {
      hostname = negated ? "edge" : try statement.word("a name")
      context = .global
    } else if statement.takeWords(["exit"]) || statement.takeWords(["exit-address-family"]) {
      if case .family = context { context = .router } else { context = .global }
    } else if Self.tolerated.contains(where: { statement.takeAll($0) }) {
      context = .global
    } else {
      throw statement.mistake(
        "router bgp, route-map, a list, hostname or a statement of the section before")
    }
  }

  /// Statements of a full configuration that concern logins and the program, and not routing.
  private static let tolerated = [
    ["service"], ["line"], ["login"], ["end"], ["log"], ["version"], ["frr"], ["password"],
    ["enable", "password"], ["exec-timeout"], ["agentx"], ["debug"], ["ip", "forwarding"],
    ["ipv6", "forwarding"],
  ]
}
