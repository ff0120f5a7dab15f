import BGP
import Delivery
import Kubernetes
import NetTypes

/// A BGPFilter object, read: rules for what comes in and what goes out, each family apart.
///
/// The first rule that a route matches decides; what no rule matches is accepted.
package struct CalicoFilter: Sendable {
  package enum Operator: String, CaseIterable, Sendable {
    case equal = "Equal"
    case notEqual = "NotEqual"
    case inside = "In"
    case outside = "NotIn"
  }

  package enum PeerType: String, CaseIterable, Sendable {
    case external = "eBGP"
    case inner = "iBGP"
  }

  private enum Action: String, CaseIterable { case accept = "Accept", reject = "Reject" }
  private enum Source: String, CaseIterable { case remotePeers = "RemotePeers" }

  package struct Rule: Sendable {
    package var isAccepted = true
    package var prefix: PrefixMatch?
    /// Only routes that other BGP peers sent.
    package var isFromRemotePeers = false
    /// A pattern of interface names, `*` standing for anything.
    package var interface: String?
    package var peerType: PeerType?
    /// One of these at least.
    package var communities: [CalicoCommunity] = []
    package var addedCommunities: [CalicoCommunity] = []
    package var prependedPath: [ASNumber] = []
  }

  package struct PrefixMatch: Sendable {
    package var prefix: IPPrefix
    package var comparison: Operator
    /// Of the routes that match.
    package var lengths: ClosedRange<UInt8>
  }

  package let name: String
  package private(set) var imports: [AddressFamily: [Rule]] = [:]
  package private(set) var exports: [AddressFamily: [Rule]] = [:]

  /// Nil, and `problems` says why, if a rule cannot be read: who uses the filter then gets nothing,
  /// rather than what the rule was to keep away.
  package init?(_ json: JSON, problems: inout [Problem]) {
    name = json["metadata"]["name"].string ?? ""
    var reader = CalicoReader(.bgpFilter, json)
    imports[.ipv4] = Self.rules("spec.importV4", .ipv4, isExport: false, &reader)
    imports[.ipv6] = Self.rules("spec.importV6", .ipv6, isExport: false, &reader)
    exports[.ipv4] = Self.rules("spec.exportV4", .ipv4, isExport: true, &reader)
    exports[.ipv6] = Self.rules("spec.exportV6", .ipv6, isExport: true, &reader)
    problems += reader.problems
    if !reader.problems.isEmpty { return nil }
  }

  private static func rules(
    _ field: String, _ family: AddressFamily, isExport: Bool, _ reader: inout CalicoReader
  ) -> [Rule] {
    reader.json.at(field).elements.enumerated().map { index, element in
      var inner = CalicoReader(element, of: reader)
      let rule = rule(&inner, family)
      reader.take(inner, "\(field)[\(index)]")
      return rule
    }
  }

  private static func rule(_ reader: inout CalicoReader, _ family: AddressFamily) -> Rule {
    var rule = Rule()
    if reader.json["action"].isNull { reader.report("action", .null, "Accept or Reject") }
    rule.isAccepted = reader.choice("action", Action.self) != .reject
    rule.isFromRemotePeers = reader.choice("source", Source.self) != nil
    rule.interface = reader.text("interface")
    rule.peerType = reader.choice("peerType", PeerType.self)
    rule.prefix = prefixMatch(&reader, family)
    rule.communities = communities(reader.json.at("communities.values"), "communities", &reader)
    if !reader.json["priority"].isNull {
      reader.report("priority", reader.json["priority"], "none: not supported")
    }
    readOperations(&reader, &rule)
    return rule
  }

  private static func prefixMatch(
    _ reader: inout CalicoReader, _ family: AddressFamily
  ) -> PrefixMatch? {
    let comparison = reader.choice("matchOperator", Operator.self)
    guard let prefix = reader.prefix("cidr") else {
      if comparison != nil, reader.json["cidr"].isNull {
        reader.report("cidr", .null, "a prefix beside matchOperator")
      }
      return nil
    }
    guard AddressFamily(of: prefix) == family else {
      reader.report("cidr", reader.json["cidr"], "a prefix of \(family)")
      return nil
    }
    guard let comparison else {
      if reader.json["matchOperator"].isNull {
        reader.report("matchOperator", .null, "Equal, NotEqual, In or NotIn beside cidr")
      }
      return nil
    }
    let width = prefix.address.bitWidth
    let least = reader.integer("prefixLength.min", 0...width) ?? 0
    let most = reader.integer("prefixLength.max", 0...width) ?? width
    guard least <= most else {
      reader.report("prefixLength", reader.json["prefixLength"], "min no greater than max")
      return nil
    }
    return PrefixMatch(
      prefix: prefix, comparison: comparison, lengths: UInt8(least)...UInt8(most))
  }

  private static func communities(
    _ values: JSON, _ field: String, _ reader: inout CalicoReader
  ) -> [CalicoCommunity] {
    values.elements.compactMap { value in
      if let community = CalicoCommunity(value.string ?? "") { return community }
      reader.report(field, value, CalicoCommunity.expected)
      return nil
    }
  }

  private static func readOperations(_ reader: inout CalicoReader, _ rule: inout Rule) {
    for (index, operation) in reader.json["operations"].elements.enumerated() {
      let field = "operations[\(index)]"
      if !operation["addCommunity"].isNull {
        rule.addedCommunities += communities(
          .array([operation["addCommunity"]["value"]]), "\(field).addCommunity.value", &reader)
      } else if let path = operation["prependASPath"]["prefix"].array {
        let numbers = path.compactMap { $0.int.flatMap { UInt32(exactly: $0) } }
        guard (1...10).contains(path.count), numbers.count == path.count else {
          reader.report("\(field).prependASPath.prefix", .array(path), "1 to 10 AS numbers")
          continue
        }
        rule.prependedPath = numbers.map { ASNumber($0) } + rule.prependedPath
      } else {
        reader.report(field, operation, "addCommunity or prependASPath")
      }
    }
    if !rule.isAccepted, !reader.json["operations"].elements.isEmpty {
      reader.report("operations", reader.json["operations"], "none beside action Reject")
    }
  }
}

extension CalicoFilter.Rule {
  /// Whether the pattern is that of an interface.
  func isOn(_ name: String) -> Bool {
    guard let interface else { return true }
    return Self.matches(Array(interface.utf8)[...], Array(name.utf8)[...])
  }

  private static func matches(_ pattern: ArraySlice<UInt8>, _ name: ArraySlice<UInt8>) -> Bool {
    guard let first = pattern.first else { return name.isEmpty }
    if first == UInt8(ascii: "*") {
      return (name.startIndex...name.endIndex).contains {
        matches(pattern.dropFirst(), name[$0...])
      }
    }
    return name.first == first && matches(pattern.dropFirst(), name.dropFirst())
  }
}
