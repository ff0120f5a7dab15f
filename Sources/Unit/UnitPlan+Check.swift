import Intent
import NetTypes

extension UnitPlan {
  /// Refuses what cannot be built, naming the field, what was found and what was expected.
  static func check(_ configuration: UnitConfiguration) throws(UnitError) {
    try checkName(configuration.name)
    guard (1...9).contains(configuration.servers) else {
      throw UnitError("servers: found \(configuration.servers), expected 1 to 9")
    }
    guard (0...200).contains(configuration.agents) else {
      throw UnitError("agents: found \(configuration.agents), expected 0 to 200")
    }
    for (field, prefix) in configuration.networks where !prefix.isIPv4 {
      throw UnitError("\(field): found \(prefix), expected an IPv4 prefix")
    }
    let networks = configuration.networks
    for (index, (field, prefix)) in networks.enumerated() {
      for (other, otherPrefix) in networks[..<index] where prefix.overlaps(otherPrefix) {
        throw UnitError("\(field) \(prefix) overlaps \(other) \(otherPrefix): choose another")
      }
    }
    let nodes = configuration.servers + configuration.agents
    guard configuration.nodeCIDR.count - 3 >= nodes else {
      throw UnitError(
        "node-cidr \(configuration.nodeCIDR) has room for \(max(0, configuration.nodeCIDR.count - 3))"
          + " nodes beside the edge, expected \(nodes)")
    }
    guard (Int(configuration.podCIDR.length)...30).contains(configuration.blockSize),
      configuration.blockSize >= 20
    else {
      throw UnitError(
        "block-size: found \(configuration.blockSize), expected "
          + "\(max(20, Int(configuration.podCIDR.length))) to 30 within pod-cidr \(configuration.podCIDR)"
      )
    }
    let blocks = 1 << (configuration.blockSize - Int(configuration.podCIDR.length))
    guard blocks >= nodes else {
      throw UnitError(
        "pod-cidr \(configuration.podCIDR) holds \(blocks) blocks of /\(configuration.blockSize),"
          + " expected one for each of \(nodes) nodes")
    }
    guard configuration.vipCIDR.length <= 28 else {
      throw UnitError("vip-cidr: found \(configuration.vipCIDR), expected /28 or wider")
    }
    guard configuration.topology == .switched || configuration.uplinkCIDR.length <= 30 else {
      throw UnitError("uplink-cidr: found \(configuration.uplinkCIDR), expected /30 or wider")
    }
    guard configuration.asNumber.rawValue != 0, configuration.asNumber.rawValue != 23456 else {
      throw UnitError(
        "as-number: found \(configuration.asNumber), expected 1 to 4294967294 and not 23456 (AS_TRANS)"
      )
    }
  }

  /// A unit's name is part of namespaces, nodes and file names.
  package static func checkName(_ name: String) throws(UnitError) {
    let letters = name.utf8.allSatisfy {
      ($0 >= 0x61 && $0 <= 0x7a) || ($0 >= 0x30 && $0 <= 0x39) || $0 == 0x2d
    }
    guard letters, (1...20).contains(name.utf8.count), !name.hasPrefix("-"), !name.hasSuffix("-")
    else {
      throw UnitError(
        "name: found \"\(name)\", expected 1 to 20 of a-z, 0-9 and '-', not at either end")
    }
  }

  /// Refuses a plan whose networks or published ports another unit has.
  package func checkAgainst(_ others: [UnitRecord]) throws(UnitError) {
    for other in others where other.configuration.name != configuration.name {
      for (field, prefix) in configuration.networks where field != "service-cidr" {
        for (otherField, otherPrefix) in other.configuration.networks
        where otherField != "service-cidr" && prefix.overlaps(otherPrefix) {
          throw UnitError(
            "\(field) \(prefix) overlaps \(otherField) \(otherPrefix) of unit "
              + "\(other.configuration.name): choose another with --\(field)")
        }
      }
      for port in configuration.publishes
      where other.publishes.contains(where: { $0.hostPort == port.hostPort }) {
        throw UnitError(
          "publish \(port): unit \(other.configuration.name) has host port \(port.hostPort)")
      }
    }
  }
}

extension UnitConfiguration {
  /// The networks under the names of their options.
  var networks: [(field: String, prefix: IPPrefix)] {
    [
      ("pod-cidr", podCIDR), ("node-cidr", nodeCIDR), ("vip-cidr", vipCIDR),
      ("service-cidr", serviceCIDR),
    ] + (topology == .routed ? [("uplink-cidr", uplinkCIDR)] : [])
  }
}
