import NetTypes

/// What a user may say of a mesh: units that share names, and the sites of their clients, all joined
/// by one router between them.
package struct MeshConfiguration: Equatable, Sendable {
  /// A unit of the mesh, and which of its fields the user has chosen.
  package struct Unit: Equatable, Sendable {
    package var configuration: UnitConfiguration
    /// By their names in the file; the rest is chosen so that nothing overlaps.
    package var given: Set<String>

    package init(_ configuration: UnitConfiguration, given: Set<String> = []) {
      self.configuration = configuration
      self.given = given
    }
  }

  package var name = "mesh"
  /// Where names that several units serve live.
  package var domain = "gslb.example"
  /// Links between sites: a /30 each.
  package var linkCIDR = IPPrefix(.v4(IPv4Address(172, 30, 0, 0)), length: 24)
  package var routerAS = ASNumber(65000)
  package var units: [Unit] = []
  /// Sites without a unit; each has a witness and looks names up as a user does.
  package var clients: [String] = []

  package init() {}
}

extension MeshConfiguration {
  /// Gives every network and AS number that the user has not chosen one that nobody else has.
  ///
  /// The n-th unit gets 10.(80+n).0.0/16, 172.(22+n).0.0/20, 10.10.(20+n).0/24, 172.18.(20+n).0/30 and
  /// AS 64601+n, or the next that is free. The service network is each unit's own affair.
  /// - Parameter taken: Networks of units outside the mesh.
  package mutating func chooseNetworks(avoiding taken: [IPPrefix] = []) {
    var networks = taken + [linkCIDR]
    var numbers: Set<ASNumber> = [routerAS]
    for unit in units {
      networks += Self.chosen.filter { unit.given.contains($0.field) }.map {
        unit.configuration[keyPath: $0.path]
      }
      if unit.given.contains("asNumber") { numbers.insert(unit.configuration.asNumber) }
    }
    for index in units.indices {
      for choice in Self.chosen where !units[index].given.contains(choice.field) {
        var number = index
        while number < 64, networks.contains(where: choice.candidate(number).overlaps) {
          number += 1
        }
        let prefix = choice.candidate(number)
        units[index].configuration[keyPath: choice.path] = prefix
        networks.append(prefix)
      }
      guard !units[index].given.contains("asNumber") else { continue }
      var number = UInt32(64601 + index)
      while numbers.contains(ASNumber(number)) { number += 1 }
      units[index].configuration.asNumber = ASNumber(number)
      numbers.insert(ASNumber(number))
    }
  }

  private struct Choice {
    let field: String
    let path: WritableKeyPath<UnitConfiguration, IPPrefix>
    let candidate: (Int) -> IPPrefix
  }

  private static var chosen: [Choice] {
    [
      Choice(field: "podCIDR", path: \.podCIDR) { prefix(10, 80 + $0, 0, 16) },
      Choice(field: "nodeCIDR", path: \.nodeCIDR) { prefix(172, 22 + $0 % 8, $0 / 8 * 16, 20) },
      Choice(field: "vipCIDR", path: \.vipCIDR) { prefix(10, 10, 20 + $0, 24) },
      Choice(field: "uplinkCIDR", path: \.uplinkCIDR) { prefix(172, 18, 20 + $0, 30) },
    ]
  }

  private static func prefix(_ a: UInt8, _ b: Int, _ c: Int, _ length: Int) -> IPPrefix {
    IPPrefix(
      .v4(IPv4Address(a, UInt8(truncatingIfNeeded: b), UInt8(truncatingIfNeeded: c), 0)),
      length: length)
  }
}
