import NetTypes

/// What a user may say of an atomic unit; every field has the reference architecture's value.
package struct UnitConfiguration: Equatable, Sendable {
  /// A DNS label of at most 20 characters: it names namespaces and nodes.
  package var name = "cpaas1"
  package var servers = 1
  package var agents = 3
  package var podCIDR = IPPrefix(.v4(IPv4Address(10, 53, 0, 0)), length: 16)
  /// The prefix length of a node's block of pod addresses.
  package var blockSize = 26
  package var nodeCIDR = IPPrefix(.v4(IPv4Address(172, 19, 0, 0)), length: 16)
  package var vipCIDR = IPPrefix(.v4(IPv4Address(10, 10, 2, 0)), length: 24)
  package var topology = UnitTopology.switched
  /// The network between edge and host, of a routed unit.
  package var uplinkCIDR = IPPrefix(.v4(IPv4Address(172, 18, 0, 0)), length: 30)
  package var serviceCIDR = IPPrefix(.v4(IPv4Address(10, 43, 0, 0)), length: 16)
  package var asNumber = ASNumber(64512)
  /// Files or folders of Kubernetes manifests, applied when the API server starts.
  package var manifests: [String] = []
  package var publishes: [PublishedPort] = []
  /// Nil of a unit that stands alone.
  package var mesh: MeshLink?

  package init() {}
}

/// A unit's line to the router of its mesh, which the edge announces the virtual servers to.
package struct MeshLink: Equatable, Sendable {
  /// The mesh's name.
  package var mesh: String
  /// The edge's end.
  package var address: InterfaceAddress
  package var router: IPAddress
  package var routerAS: ASNumber

  package init(mesh: String, address: InterfaceAddress, router: IPAddress, routerAS: ASNumber) {
    self.mesh = mesh
    self.address = address
    self.router = router
    self.routerAS = routerAS
  }
}

/// How the edge reaches the nodes.
package enum UnitTopology: String, Sendable, CaseIterable {
  /// Edge and nodes share a network, and the edge is a BGP peer of every node.
  case switched
  /// The nodes are behind a host, which reflects their routes with itself as next hop; it is the
  /// edge's one BGP peer.
  case routed
}

/// A port of the host's loopback that leads into a unit: `8080:80@edge`.
package struct PublishedPort: Hashable, Sendable, CustomStringConvertible {
  package enum Target: Hashable, Sendable {
    /// The shared Ingress address of the edge.
    case edge
    /// A virtual server's own address, as a LoadBalancer Service has.
    case address(IPAddress)
    /// The API server.
    case server
  }

  package var hostPort: UInt16
  package var port: UInt16
  package var target: Target

  package init(hostPort: UInt16, port: UInt16, target: Target) {
    self.hostPort = hostPort
    self.port = port
    self.target = target
  }

  /// Parses `HOSTPORT:PORT@edge|server|ADDRESS`; `@edge` may be left out.
  package init?(_ text: some StringProtocol) {
    let sides = text.split(separator: "@", maxSplits: 1, omittingEmptySubsequences: false)
    let ports = sides[0].split(separator: ":", omittingEmptySubsequences: false)
    guard ports.count == 2, let hostPort = UInt16(ports[0]), let port = UInt16(ports[1]),
      hostPort > 0, port > 0
    else { return nil }
    switch sides.count == 2 ? String(sides[1]) : "edge" {
    case "edge": self.init(hostPort: hostPort, port: port, target: .edge)
    case "server": self.init(hostPort: hostPort, port: port, target: .server)
    case let text:
      guard let address = IPAddress(text) else { return nil }
      self.init(hostPort: hostPort, port: port, target: .address(address))
    }
  }

  package var description: String {
    switch target {
    case .edge: "\(hostPort):\(port)@edge"
    case .server: "\(hostPort):\(port)@server"
    case .address(let address): "\(hostPort):\(port)@\(address)"
    }
  }
}
