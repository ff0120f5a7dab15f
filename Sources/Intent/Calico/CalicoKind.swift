import Kubernetes

/// The kinds that calicoctl manages here: their names, where they are kept, and their columns.
package enum CalicoKind: String, CaseIterable, Sendable {
  case bgpConfiguration = "BGPConfiguration"
  case bgpPeer = "BGPPeer"
  case bgpFilter = "BGPFilter"
  case ipPool = "IPPool"
  case node = "Node"

  /// As manifests have it and output shows it, whichever group the API stores it under.
  package static let apiVersion = "projectcalico.org/v3"

  /// A kind as typed on a command line: any case, singular, plural or short.
  package init?(typed text: String) {
    let word = text.lowercased()
    guard let kind = Self.allCases.first(where: { $0.words.contains(word) }) else { return nil }
    self = kind
  }

  private var words: [String] {
    switch self {
    case .bgpConfiguration:
      ["bgpconfiguration", "bgpconfigurations", "bgpconfig", "bgpconfigs"]
    case .bgpPeer: ["bgppeer", "bgppeers", "bgpp", "bgpps", "bp", "bps"]
    case .bgpFilter: ["bgpfilter", "bgpfilters", "bgpf", "bgpfs", "bf", "bfs"]
    case .ipPool: ["ippool", "ippools", "ipp", "ipps", "pool", "pools"]
    case .node: ["node", "nodes", "no", "nos"]
    }
  }

  /// A Calico node is a view of the cluster's.
  package var resource: GroupResource {
    switch self {
    case .bgpConfiguration: .bgpConfigurations
    case .bgpPeer: .bgpPeers
    case .bgpFilter: .bgpFilters
    case .ipPool: .ipPools
    case .node: .nodes
    }
  }

  /// As `BGPPeer(edge)`.
  package func identifier(_ name: String) -> String { "\(rawValue)(\(name))" }

  /// One column of `get`.
  package struct Column: Sendable {
    package let heading: String
    /// - Parameter clusterAS: In force where an object has no AS number of its own.
    package let value: @Sendable (_ object: JSON, _ clusterAS: String) -> String

    init(_ heading: String, _ value: @escaping @Sendable (JSON, String) -> String) {
      self.heading = heading
      self.value = value
    }

    /// A field; `missing` where the object has none.
    init(_ heading: String, _ path: String, missing: String = "") {
      self.init(heading) { object, _ in
        let value = object.at(path)
        return value.isNull ? missing : value.string ?? value.text
      }
    }

    /// How many rules two lists have together.
    init(_ heading: String, counting paths: String...) {
      self.init(heading) { object, _ in
        String(paths.reduce(0) { $0 + object.at($1).elements.count })
      }
    }
  }

  package func columns(wide: Bool) -> [Column] {
    let name = Column("NAME", "metadata.name")
    switch self {
    case .bgpConfiguration:
      return [
        name, Column("LOGSEVERITY", "spec.logSeverityScreen"),
        Column("MESHENABLED", "spec.nodeToNodeMeshEnabled", missing: "-"),
        Column("ASNUMBER", "spec.asNumber", missing: "-"),
      ]
    case .bgpPeer:
      let scope = Column("NODE") { object, _ in
        for field in ["node", "nodeSelector"] {
          if let text = object["spec"][field].string, !text.isEmpty { return text }
        }
        return "(global)"
      }
      return [
        name, Column("PEERIP", "spec.peerIP"), scope, Column("ASN", "spec.asNumber", missing: "0"),
      ]
    case .bgpFilter:
      return [
        name, Column("NUMEXPORT", counting: "spec.exportV4", "spec.exportV6"),
        Column("NUMIMPORT", counting: "spec.importV4", "spec.importV6"),
      ]
    case .ipPool:
      let cidr = Column("CIDR", "spec.cidr")
      let selector = Column("SELECTOR", "spec.nodeSelector", missing: "all()")
      guard wide else { return [name, cidr, selector] }
      return [
        name, cidr, Column("NAT", "spec.natOutgoing", missing: "false"),
        Column("IPIPMODE", "spec.ipipMode", missing: "Never"),
        Column("VXLANMODE", "spec.vxlanMode", missing: "Never"),
        Column("DISABLED", "spec.disabled", missing: "false"),
        Column("DISABLEBGPEXPORT", "spec.disableBGPExport", missing: "false"), selector,
      ]
    case .node:
      guard wide else { return [name] }
      let number = Column("ASN") { object, clusterAS in
        let own = object.at("spec.bgp.asNumber")
        if object.at("spec.bgp").isNull { return "" }
        return own.isNull ? "(\(clusterAS))" : own.string ?? own.text
      }
      return [
        name, number, Column("IPV4", "spec.bgp.ipv4Address"),
        Column("IPV6", "spec.bgp.ipv6Address"),
      ]
    }
  }

  /// A table as calicoctl prints it: every cell, the last one too, is as wide as the widest of its
  /// column and three spaces more, five characters at least.
  package func table(_ objects: [JSON], wide: Bool, clusterAS: String) -> String {
    let columns = columns(wide: wide)
    let rows =
      [columns.map(\.heading)]
      + objects.map { object in columns.map { $0.value(object, clusterAS) } }
    let widths = columns.indices.map { column in
      max(5, (rows.map { $0[column].count }.max() ?? 0) + 3)
    }
    let lines = rows.map { row in
      zip(row, widths).map { $0 + String(repeating: " ", count: $1 - $0.count) }.joined()
    }
    return lines.joined(separator: "\n") + "\n"
  }
}
