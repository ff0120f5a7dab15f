import Intent
import NetTypes

extension UnitPlan {
  /// A BGP router of the unit that is configured by a text.
  package struct Router: Equatable, Sendable {
    package var role: Role
    /// As `up` writes it, until an operator changes it.
    package var configuration: String
  }

  /// The edge, and the host of a routed unit: in the order that a packet to a pod passes them.
  package var routers: [Router] {
    guard let host else { return [Router(role: edge, configuration: edgeOfNodes)] }
    return [
      Router(role: edge, configuration: edgeOfHost(host)),
      Router(role: host, configuration: reflector),
    ]
  }

  /// The gateways on the way from the edge to a node, in order: who has the route, and the next hop it
  /// must have.
  package func path(to node: IPAddress) -> [(router: Role, nextHop: IPAddress)] {
    guard let host else { return [(edge, node)] }
    return [(edge, configuration.uplinkCIDR[2]), (host, node)]
  }

  private var nodeAddresses: [IPAddress] { nodes.compactMap { address(of: $0) } }

  private func text(
    _ hostname: String, _ routerID: IPAddress, _ statements: [String], policy: [String] = []
  ) -> String {
    let lines =
      [
        "hostname \(hostname)", "!", "router bgp \(configuration.asNumber)",
        " bgp router-id \(routerID)", " bgp graceful-restart restart-time 120",
      ] + statements.map { " " + $0 } + (policy.isEmpty ? [] : ["!"] + policy)
    return lines.joined(separator: "\n") + "\n!\n"
  }

  /// What the edge of a mesh says to the router between the sites: its virtual servers and their
  /// network, and nothing of its nodes. `inside` hears nothing of the mesh: it has the default route.
  private func meshStatements(inside: String) -> (router: [String], policy: [String]) {
    guard let mesh = configuration.mesh else { return ([], []) }
    let neighbor = "neighbor \(mesh.router)"
    return (
      [
        "redistribute connected route-map VIPS", "\(inside) prefix-list NOTHING out",
        "\(neighbor) remote-as \(mesh.routerAS)", "\(neighbor) description wan",
        "\(neighbor) timers 1 3", "\(neighbor) prefix-list VIPS out",
      ],
      [
        "ip prefix-list NOTHING seq 5 deny 0.0.0.0/0 le 32",
        "ip prefix-list VIPS seq 5 permit \(configuration.vipCIDR) le 32", "!",
        "route-map VIPS permit 10", " match ip address prefix-list VIPS",
      ]
    )
  }

  /// The article's text, with every node as a neighbour, and the default route announced to them.
  private var edgeOfNodes: String {
    let group = "neighbor calico-k8s"
    let mesh = meshStatements(inside: group)
    return text(
      "edge", edgeAddress,
      [
        "\(group) peer-group", "\(group) remote-as \(configuration.asNumber)",
        "\(group) default-originate",
      ] + mesh.router + nodeAddresses.map { "neighbor \($0) peer-group calico-k8s" },
      policy: mesh.policy)
  }

  /// One neighbour, however many nodes there are.
  private func edgeOfHost(_ host: Role) -> String {
    let neighbor = "neighbor \(configuration.uplinkCIDR[2])"
    let mesh = meshStatements(inside: neighbor)
    return text(
      "edge", edgeAddress,
      [
        "\(neighbor) remote-as \(configuration.asNumber)", "\(neighbor) description \(host.name)",
        "\(neighbor) default-originate",
      ] + mesh.router, policy: mesh.policy)
  }

  /// Reflects the nodes' blocks to the edge and the edge's default route to the nodes, itself as next
  /// hop of both. Nodes have a mesh of their own, so that theirs are not reflected among them.
  private var reflector: String {
    let edge = "neighbor \(edgeAddress)"
    let group = "neighbor nodes"
    return text(
      "host", gatewayAddress,
      [
        "no bgp client-to-client reflection", "network \(configuration.nodeCIDR)",
        "\(group) peer-group", "\(group) remote-as \(configuration.asNumber)",
        "\(group) next-hop-self force", "\(group) route-reflector-client",
        "\(edge) remote-as \(configuration.asNumber)", "\(edge) description edge",
        "\(edge) next-hop-self force",
      ] + nodeAddresses.map { "neighbor \($0) peer-group nodes" })
  }

  /// The objects that make nodes peer with each other and with their gateway, as the article's author
  /// created them by hand; each is created only where the user has supplied none. A BGPPeer of the
  /// user's for the same address takes the place of ours.
  package var routingManifest: String {
    """
    apiVersion: projectcalico.org/v3
    kind: IPPool
    metadata:
      name: default-ipv4-ippool
    spec:
      cidr: \(configuration.podCIDR)
      blockSize: \(configuration.blockSize)
      natOutgoing: false
      nodeSelector: all()
    ---
    apiVersion: projectcalico.org/v3
    kind: BGPConfiguration
    metadata:
      name: default
      annotations:
        atoll.dev/generated: "true"
    spec:
      logSeverityScreen: Info
      nodeToNodeMeshEnabled: true
      asNumber: \(configuration.asNumber)
    ---
    apiVersion: projectcalico.org/v3
    kind: BGPPeer
    metadata:
      name: \(gateway.name)
      annotations:
        atoll.dev/generated: "true"
    spec:
      peerIP: \(gatewayAddress)
      asNumber: \(configuration.asNumber)

    """
  }
}
