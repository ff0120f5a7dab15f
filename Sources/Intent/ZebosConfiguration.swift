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
  /// `bgp graceful-restart` has been said, with or without a time.
  var saysGracefulRestart = false

  package init() {}

  /// Where a statement stands.
  package enum Context: Hashable, Sendable {
    case global, router
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
  package init(parsing text: String) throws(Mistake) {
    var context = Context.global
    var number = 0
    for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
      number += 1
      do throws(Mistake) {
        try apply(String(line), in: &context)
      } catch {
        var located = error
        located.line = number
        throw located
      }
    }
  }

  /// Applies one statement; on a mistake nothing changes.
  package mutating func apply(_ line: String, in context: inout Context) throws(Mistake) {
    let words = line.split(whereSeparator: \.isWhitespace).map(String.init)
    guard let first = words.first, !first.hasPrefix("!"), !first.hasPrefix("#") else { return }
    var copy = self
    var statement = Statement(words, line: line.trimmed)
    if context == .router, try copy.applyRouter(&statement) {
      self = copy
      return
    }
    // A statement that is none of the router's ends its section, as in a file.
    try copy.applyGlobal(&statement, &context)
    self = copy
  }

  private mutating func applyGlobal(
    _ statement: inout Statement, _ context: inout Context
  ) throws(Mistake) {
    let negated = statement.take("no")
    if statement.take("router") {
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
    } else if Self.tolerated.contains(where: { statement.takeAll($0) }) {
      context = .global
    } else {
      throw statement.mistake("router bgp, hostname or a statement of the section before")
    }
  }

  /// Statements of a full configuration that concern logins and not routing.
  private static let tolerated = [
    ["service", "password-encryption"], ["line"], ["login"], ["end"], ["exit"], ["log"],
    ["address-family", "ipv4", "unicast"], ["exit-address-family"], ["version"], ["frr"],
  ]

  /// False if the statement is none of this section.
  private mutating func applyRouter(_ statement: inout Statement) throws(Mistake) -> Bool {
    guard var router else { return false }
    var attempt = statement
    let negated = attempt.take("no")
    switch attempt.next() {
    case "bgp": try applyBGP(&attempt, &router, negated)
    case "neighbor": try Self.applyNeighbor(&attempt, &router, negated)
    case "network": try Self.applyNetwork(&attempt, &router, negated)
    case "maximum-paths":
      _ = attempt.take("ibgp")
      router.maximumPaths = negated ? 1 : Int(try attempt.number(1...256, "1 to 256"))
    case "timers":
      try attempt.need("bgp")
      router.timers = negated ? SessionTimers() : try attempt.timers()
    default: return false
    }
    try attempt.end()
    statement = attempt
    self.router = router
    return true
  }

  private mutating func applyBGP(
    _ statement: inout Statement, _ router: inout RouterConfiguration, _ negated: Bool
  ) throws(Mistake) {
    if statement.take("router-id") {
      router.routerID = negated ? nil : try statement.ipv4()
    } else if statement.take("graceful-restart") {
      saysGracefulRestart = !negated
      router.gracefulRestart.isEnabled = !negated
      if statement.take("restart-time") {
        let seconds = try statement.number(0...4095, "0 to 4095 seconds")
        if !negated { router.gracefulRestart.restartTime = .seconds(seconds) }
      }
    } else if statement.take("cluster-id") {
      router.clusterID = negated ? nil : try statement.ipv4()
    } else if statement.takeAll(["client-to-client", "reflection"]) {
      router.reflectsBetweenClients = !negated
    } else if statement.take("always-compare-med") {
      router.alwaysCompareMED = !negated
    } else if !statement.take("log-neighbor-changes") {
      throw statement.mistake("router-id, graceful-restart, cluster-id or always-compare-med")
    }
  }

  private static func applyNetwork(
    _ statement: inout Statement, _ router: inout RouterConfiguration, _ negated: Bool
  ) throws(Mistake) {
    let word = try statement.word("a prefix")
    guard let prefix = IPPrefix(word) else {
      throw statement.mistake("a prefix without host bits, as 10.53.0.0/26")
    }
    router.networks.removeAll { $0 == prefix }
    if !negated { router.networks.append(prefix) }
  }
}
