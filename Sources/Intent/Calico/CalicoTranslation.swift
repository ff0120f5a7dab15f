import BGP
import Delivery
import Kubernetes
import NetTypes

/// Calico's BGPConfiguration, BGPPeer and BGPFilter objects as the configuration and the policy of
/// one node's speaker.
///
///     mesh ◀─ peers that a unit generated ◀─ the user's: reverse ◀─ the user's: as written
///                 (of one address, the last one holds)
///
/// Objects of `projectcalico.org/v3` and `crd.projectcalico.org/v1` are alike. A problem of one
/// object is told for that object; the others hold.
package struct CalicoTranslation {
  package private(set) var configuration: RouterConfiguration
  package private(set) var policy = RoutingPolicy()
  package private(set) var problems: [Problem] = []

  /// Every object that has a say, as the API gives it.
  package struct Input {
    package var nodeName: String
    package var nodes: [Kubernetes.Node] = []
    /// BGPConfiguration objects: `default`, and `node.NAME`.
    package var configurations: [JSON] = []
    /// BGPPeer objects.
    package var peers: [JSON] = []
    /// BGPFilter objects.
    package var filters: [JSON] = []
    /// Of the Secrets that peers and mesh name; never told in a problem.
    package var passwords: [CalicoSecretKey: String] = [:]
    /// This node's blocks of pod addresses.
    package var blocks: [IPPrefix] = []
    /// IPPool objects: blocks of one with `disableBGPExport` are not announced.
    package var pools: [JSON] = []
    /// What this node announces for Services; see `CalicoServiceRoutes`.
    package var serviceRoutes: [IPPrefix] = []
    /// The interface by which the node reaches everybody else.
    package var interface = "eth0"
    /// In force where no BGPConfiguration says otherwise.
    package var defaultAS = ASNumber(64512)

    package init(nodeName: String) { self.nodeName = nodeName }
  }

  private let input: Input
  private let settings: CalicoConfiguration
  private let own: Node?
  /// What belongs to a neighbour beside its settings, by address.
  private var usage: [IPAddress: CalicoPolicy.Usage] = [:]

  package init(_ input: Input) {
    self.input = input
    settings = CalicoConfiguration(input.configurations, nodeName: input.nodeName)
    problems = settings.problems
    own = input.nodes.first { $0.name == input.nodeName }
    configuration = RouterConfiguration(localAS: settings.asNumber ?? input.defaultAS)
    configuration.localAS = own.map(asNumber(of:)) ?? clusterAS
    configuration.routerID = own?.bgpAddresses.lazy.compactMap(\.v4).first
    configuration.clusterID = own?.clusterID
    configuration.listenPort = settings.listenPort(of: input.nodeName)
    if settings.bindsNodeAddress { configuration.listenAddresses = own?.bgpAddresses ?? [] }
    configuration.networks = announcedBlocks + input.serviceRoutes
    configuration.unprogrammed = settings.servicePrefixes
    if settings.isMeshEnabled { addMesh() }
    addPeers()
    addPolicy()
  }

  /// Made by a unit for want of a user's.
  package static func isGenerated(_ object: JSON) -> Bool {
    object["metadata"]["annotations"]["atoll.dev/generated"].string == "true"
  }

  private var clusterAS: ASNumber { settings.asNumber ?? input.defaultAS }

  /// A node's own AS, or the cluster's.
  private func asNumber(of node: Node) -> ASNumber { node.asNumber ?? clusterAS }

  private var announcedBlocks: [IPPrefix] {
    let silent = input.pools.filter { $0["spec"]["disableBGPExport"].bool == true }
      .compactMap { $0["spec"]["cidr"].string.flatMap { IPPrefix($0) } }
    return input.blocks.filter { block in !silent.contains { $0.contains(block) } }
  }

  // MARK: Neighbours

  /// Every other node, by its address. Route reflectors stand outside.
  private mutating func addMesh() {
    if own?.clusterID != nil { return }
    let object = "BGPConfiguration default"
    guard let password = password(settings.meshPassword, object, "spec.nodeMeshPassword") else {
      return
    }
    for node in input.nodes.sorted(by: { $0.name < $1.name })
    where node.name != input.nodeName && node.clusterID == nil {
      for address in addresses(of: node) {
        var neighbor = neighbor(address, asNumber(of: node), toNode: node)
        neighbor.settings.description = CalicoPeerType.mesh.rawValue
        neighbor.settings.password = password.text
        neighbor.settings.restartTime = settings.meshRestartTime
        neighbor.settings.sourceAddress = own?.address(like: address)
        add(neighbor, CalicoPolicy.Usage())
      }
    }
  }

  private mutating func addPeers() {
    let peers = input.peers.compactMap { CalicoPeer($0, problems: &problems) }
    let users = peers.filter { !$0.isGenerated }
    for peer in peers where peer.isGenerated { addForward(peer) }
    for peer in users { addReverse(peer) }
    for peer in users { addForward(peer) }
  }

  /// The peering as it is written.
  private mutating func addForward(_ peer: CalicoPeer) {
    guard own.map(peer.isFor) ?? (peer.isGlobal || peer.node == input.nodeName) else { return }
    switch peer.target {
    case .address(let address, let port, let remoteAS):
      let node = input.nodes.first { $0.bgpAddresses.contains(address) }
      if let node, node.name == input.nodeName { return }
      var neighbor = neighbor(address, remoteAS, toNode: node)
      if let port { neighbor.port = port }
      add(neighbor, from: peer)
    case .nodes(let selector):
      for node in input.nodes where selector.matches(node.labels) { addNode(node, from: peer) }
    }
  }

  /// The other end of a peering that another node has with this one: both ends are to be configured.
  private mutating func addReverse(_ peer: CalicoPeer) {
    guard let own else { return }
    switch peer.target {
    case .address(let address, _, _): guard own.bgpAddresses.contains(address) else { return }
    case .nodes(let selector): guard selector.matches(own.labels) else { return }
    }
    for node in input.nodes where peer.isFor(node) { addNode(node, from: peer) }
  }

  private mutating func addNode(_ node: Node, from peer: CalicoPeer) {
    guard node.name != input.nodeName else { return }
    for address in addresses(of: node) {
      add(neighbor(address, asNumber(of: node), toNode: node), from: peer)
    }
  }

  private mutating func add(_ neighbor: Neighbor, from peer: CalicoPeer) {
    guard let password = password(peer.password, peer.object, "spec.password") else { return }
    var neighbor = neighbor
    let type: CalicoPeerType = peer.isGlobal ? .global : .node
    neighbor.settings.description = type.rawValue
    neighbor.settings.password = password.text
    neighbor.settings.restartTime = peer.restartTime
    neighbor.settings.allowOwnAS = peer.allowedLocalAS
    neighbor.settings.ttlSecurityHops = peer.ttlSecurityHops
    if peer.ttlSecurityHops != nil { neighbor.settings.ebgpMultihop = nil }
    if peer.nextHopMode == .own { neighbor.settings.nextHopSelf = true }
    if peer.usesNodeAddress {
      neighbor.settings.sourceAddress = own?.address(like: neighbor.address)
    }
    add(
      neighbor,
      CalicoPolicy.Usage(filters: peer.filters, keepsNextHop: peer.nextHopMode == .keep))
  }

  /// A neighbour as every one of Calico's is: an external one may be hops away.
  private func neighbor(_ address: IPAddress, _ remoteAS: ASNumber, toNode node: Node?) -> Neighbor
  {
    var neighbor = Neighbor(address: address, remoteAS: remoteAS)
    if let node { neighbor.port = settings.listenPort(of: node.name) }
    if remoteAS != configuration.localAS {
      neighbor.settings.ebgpMultihop = 255
    } else if let clusterID = configuration.clusterID, node?.clusterID != clusterID {
      // RFC 4456: all but the reflectors of the same cluster are clients.
      neighbor.settings.routeReflectorClient = true
    }
    return neighbor
  }

  private mutating func add(_ neighbor: Neighbor, _ usage: CalicoPolicy.Usage) {
    self.usage[neighbor.address] = usage
    if let index = configuration.neighbors.firstIndex(where: { $0.address == neighbor.address }) {
      configuration.neighbors[index] = neighbor
    } else {
      configuration.neighbors.append(neighbor)
    }
  }

  /// A node's addresses of the families that this node has too.
  private func addresses(of node: Node) -> [IPAddress] {
    guard let own else { return node.bgpAddresses }
    return node.bgpAddresses.filter { own.address(like: $0) != nil }
  }

  private struct Password { var text: String? }

  /// Nil, and a problem, if there is to be one and it cannot be had: no session comes up without.
  private mutating func password(
    _ key: CalicoSecretKey?, _ object: String, _ field: String
  ) -> Password? {
    guard let key else { return Password() }
    guard let text = input.passwords[key] else {
      report(object, field, "\(key), which is not there", "one in namespace kube-system")
      return nil
    }
    guard (1...80).contains(text.utf8.count) else {
      report(object, field, "\(text.utf8.count) octets in \(key)", "1 to 80 octets")
      return nil
    }
    return Password(text: text)
  }

  private mutating func report(
    _ object: String, _ field: String, _ found: String, _ expected: String
  ) {
    let problem = Problem(object: object, field: field, found: found, expected: expected)
    if !problems.contains(problem) { problems.append(problem) }
  }

  // MARK: Policy

  private mutating func addPolicy() {
    var policy = CalicoPolicy(advertisements: settings.advertisements, interface: input.interface)
    for filter in input.filters {
      if let filter = CalicoFilter(filter, problems: &problems) { policy.add(filter) }
    }
    let known = Set(input.filters.compactMap { $0["metadata"]["name"].string })
    for peer in input.peers {
      let names = peer["spec"]["filters"].elements.compactMap(\.string)
      for name in names where !known.contains(name) {
        let object = "BGPPeer \(peer["metadata"]["name"].string ?? "")"
        report(object, "spec.filters", "\"\(name)\"", "a BGPFilter that exists: nothing passes")
      }
    }
    for index in configuration.neighbors.indices {
      let neighbor = configuration.neighbors[index]
      guard let usage = usage[neighbor.address] else { continue }
      let isInternal = neighbor.settings.remoteAS == configuration.localAS
      configuration.neighbors[index].settings.importPolicy = policy.importChain(
        usage, isInternal: isInternal)
      configuration.neighbors[index].settings.exportPolicy = policy.exportChain(
        usage, isInternal: isInternal)
    }
    self.policy = policy.policy
  }
}

/// Why there is a peering, in calicoctl's words.
package enum CalicoPeerType: String, Sendable {
  case mesh = "node-to-node mesh"
  case global = "global"
  case node = "node specific"
}

extension Node {
  /// The addresses that peers know it by, one a family at most: Calico's annotations, or its
  /// InternalIP.
  package var bgpAddresses: [IPAddress] {
    let annotated = ["IPv4Address", "IPv6Address"].compactMap { field in
      annotations["projectcalico.org/\(field)"].flatMap {
        InterfaceAddress($0)?.address ?? IPAddress($0)
      }
    }
    if !annotated.isEmpty { return annotated }
    let addresses = status["addresses"].elements
    return addresses.first { $0["type"].string == "InternalIP" }?["address"].string
      .flatMap { IPAddress($0) }.map { [$0] } ?? []
  }

  /// Its address of the same family.
  func address(like other: IPAddress) -> IPAddress? {
    bgpAddresses.first { $0.isIPv4 == other.isIPv4 }
  }

  /// Its own AS number, where it has one.
  var asNumber: ASNumber? {
    annotations["projectcalico.org/ASNumber"].flatMap { ASNumber(text: $0) }
  }

  /// Of the cluster it reflects routes in. RFC 4456 §7.
  var clusterID: IPv4Address? { annotations[CalicoNode.clusterID].flatMap { IPv4Address($0) } }
}
