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
  /// The interface that they leave by; nil: any.
  package var interface: String?
  /// Where no addresses are given.
  package var snat = SourceTranslation.automap

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
    if let interface, !Self.isInterface(interface) {
      problems.append(
        problem("interface", "\"\(interface)\"", "1 to 15 letters, digits, '.', '-', '_'"))
    }
    if snat == .none, !addresses.isEmpty {
      problems.append(problem("addresses", "given", "none, as snat is none"))
    }
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

  private static func isInterface(_ name: String) -> Bool {
    (1...15).contains(name.utf8.count)
      && name.utf8.allSatisfy { byte in
        let character = Character(UnicodeScalar(byte))
        return character.isASCII && (character.isLetter || character.isNumber)
          || ".-_".contains(character)
      }
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
        guard !own.isEmpty else { return nil }
        // Sets of intervals take no overlaps. A prefix sorts before those inside it.
        let disjoint = own.sorted().reduce(into: [IPPrefix]()) { kept, next in
          if kept.last?.contains(next) != true { kept.append(next) }
        }
        return "{ \(disjoint.map(\.description).joined(separator: ", ")) }"
      }
      guard var from = list(sources).map({ "\(family) saddr \($0)" }) else { return nil }
      if sources.contains(where: { $0.isIPv4 == isIPv4 && $0.length == 0 }) {
        // The edge answers from its own addresses as they are.
        from = "meta nfproto ipv\(isIPv4 ? 4 : 6) fib saddr type != local"
      }
      if let interface { from = "oifname \"\(interface)\" " + from }
      let except = list(exceptions).map { " \(family) daddr != \($0)" } ?? ""
      let own = addresses.filter { $0.isIPv4 == isIPv4 }
      let action =
        switch own.count {
        case 0: snat == .none ? "accept" : "masquerade"
        case 1: "snat \(family) to \(own[0])"
        default:
          "snat \(family) to jhash \(family) saddr mod \(own.count) seed 0x61746f6c map { "
            + own.enumerated().map { "\($0) : \($1)" }.joined(separator: ", ") + " }"
        }
      return "\(from)\(except) counter name \"\(counter)\" \(action) "
        + "comment \"\(comment(name))\""
    }
  }
}
