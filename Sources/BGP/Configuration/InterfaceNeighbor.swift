import NetTypes

/// A peer known by its interface alone: `neighbor eth0 interface remote-as external`.
///
/// It becomes a neighbour like any other once its link-local address is heard in a router
/// advertisement. One interface leads to one peer.
package struct InterfaceNeighbor: Equatable, Sendable {
  package var interface: String
  package var peerGroup: String?
  package var settings: NeighborSettings

  package init(
    interface: String, peerGroup: String? = nil, settings: NeighborSettings = NeighborSettings()
  ) {
    self.interface = interface
    self.peerGroup = peerGroup
    self.settings = settings
  }
}

extension RouterConfiguration {
  /// With the interface neighbours whose addresses are known as neighbours.
  /// - Parameter heard: Link-local addresses by interface.
  package func including(_ heard: [String: IPv6Address]) -> RouterConfiguration {
    var result = self
    for interfaceNeighbor in interfaceNeighbors {
      guard let address = heard[interfaceNeighbor.interface] else { continue }
      var neighbor = Neighbor(
        address: .v6(address), peerGroup: interfaceNeighbor.peerGroup,
        settings: interfaceNeighbor.settings)
      neighbor.interface = interfaceNeighbor.interface
      // Routes of IPv4 are what an unnumbered link is for. RFC 8950.
      let group = interfaceNeighbor.peerGroup.flatMap(peerGroup)?.settings.activations ?? [:]
      if group[.ipv4] == nil, neighbor.settings.activations[.ipv4] == nil {
        neighbor.settings.activations[.ipv4] = true
      }
      result.neighbors.append(neighbor)
    }
    return result
  }
}

extension RouterConfiguration {
  func interfaceNeighborProblems(_ groups: Set<String>) -> [Problem] {
    var problems: [Problem] = []
    var interfaces: Set<String> = []
    for neighbor in interfaceNeighbors {
      let object = "neighbor \(neighbor.interface)"
      if !interfaces.insert(neighbor.interface).inserted {
        problems.append(Problem(object, "interface", "listed twice", "one entry per interface"))
      }
      if let name = neighbor.peerGroup, !groups.contains(name) {
        problems.append(Problem(object, "peer group", name, "a peer group that exists"))
      }
      let unknown = Neighbor(
        address: .v6(.any), peerGroup: neighbor.peerGroup, settings: neighbor.settings)
      if resolved(unknown) == nil {
        problems.append(Problem(object, "remote AS", "missing", "one here or in its peer group"))
      }
    }
    return problems
  }
}
