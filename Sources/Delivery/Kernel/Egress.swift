import NetTypes

/// Source addresses that connections get on their way out, by where they come from.
package struct Egress: Equatable, Sendable {
  /// Unique; shown in errors.
  package var name: String
  package var sources: [IPPrefix]
  /// Destinations that see the source as it is.
  package var exceptions: [IPPrefix]
  /// A source has one of them, the same as long as they stay; empty: the outgoing interface's own
  /// (SNAT automap).
  package var addresses: [IPAddress]

  package init(
    name: String, sources: [IPPrefix], exceptions: [IPPrefix] = [], addresses: [IPAddress] = []
  ) {
    self.name = name
    self.sources = sources
    self.exceptions = exceptions
    self.addresses = addresses
  }

  /// What is wrong with this object alone.
  package func validate() -> [Problem] {
    var problems: [Problem] = []
    if name.isEmpty { problems.append(problem("name", "empty", "a name")) }
    if sources.isEmpty { problems.append(problem("source", "empty", "a prefix")) }
    for address in addresses where address.octets.allSatisfy({ $0 == 0 }) {
      problems.append(problem("addresses", "\(address)", "an address"))
    }
    for source in sources where !addresses.isEmpty {
      if !addresses.contains(where: { $0.isIPv4 == source.isIPv4 }) {
        let family = source.isIPv4 ? "IPv4" : "IPv6"
        problems.append(problem("addresses", "without \(family)", "one of it, as \(source) is"))
      }
    }
    return problems
  }

  func problem(_ field: String, _ found: String, _ expected: String) -> Problem {
    Problem(object: "egress \(name)", field: field, found: found, expected: expected)
  }

  /// Counts connections.
  package var counter: String { "e-\(hexadecimal(fnv(name), digits: 16))" }

  var rules: [String] {
    [true, false].compactMap { isIPv4 in
      let family = isIPv4 ? "ip" : "ip6"
      func list(_ prefixes: [IPPrefix]) -> String? {
        let own = prefixes.filter { $0.isIPv4 == isIPv4 }
        // Sets of intervals take no overlaps.
        let disjoint = own.filter { one in
          !own.contains { $0 != one && $0.contains(one.address) && $0.length < one.length }
        }
        guard !own.isEmpty else { return nil }
        return "{ \(Set(disjoint).sorted().map(\.description).joined(separator: ", ")) }"
      }
      guard let sources = list(sources) else { return nil }
      let except = list(exceptions).map { " \(family) daddr != \($0)" } ?? ""
      let own = addresses.filter { $0.isIPv4 == isIPv4 }
      let action =
        switch own.count {
        case 0: "masquerade"
        case 1: "snat \(family) to \(own[0])"
        default:
          "snat \(family) to jhash \(family) saddr mod \(own.count) seed 0x61746f6c map { "
            + own.enumerated().map { "\($0) : \($1)" }.joined(separator: ", ") + " }"
        }
      return "\(family) saddr \(sources)\(except) counter name \"\(counter)\" \(action) "
        + "comment \"\(comment(name))\""
    }
  }
}
