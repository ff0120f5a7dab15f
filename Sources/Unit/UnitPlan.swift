import Intent
import NetTypes

/// A unit worked out from its configuration: every namespace, link and address, as values.
///
/// ```
///  client ──┐ vips 10.10.2.0/24 ┌── eth1 edge eth0 ──┐ nodes 172.19.0.0/16 ┌── server-0
///           └──── bridge ───────┘                    └────── bridge ───────┼── agent-0
///                        (both bridges live in the switch's namespace)     └── agent-1 …
/// ```
package struct UnitPlan: Equatable, Sendable {
  package let configuration: UnitConfiguration
  package let roles: [Role]
  package let attachments: [Attachment]

  package init(_ configuration: UnitConfiguration) throws(UnitError) {
    try Self.check(configuration)
    self.configuration = configuration
    let unit = configuration.name
    let servers = (0..<configuration.servers).map { Role(unit: unit, kind: .server($0)) }
    let agents = (0..<configuration.agents).map { Role(unit: unit, kind: .agent($0)) }
    let edge = Role(unit: unit, kind: .edge)
    let client = Role(unit: unit, kind: .client)
    roles = [Role(unit: unit, kind: .networkSwitch), client, edge] + servers + agents
    let nodes = configuration.nodeCIDR
    let vips = configuration.vipCIDR
    attachments =
      [
        Attachment(
          role: edge, interface: "eth0", bridge: .nodes,
          address: InterfaceAddress(nodes[1], length: Int(nodes.length))),
        Attachment(
          role: edge, interface: "eth1", bridge: .vips,
          address: InterfaceAddress(vips[1], length: Int(vips.length))),
        Attachment(
          role: client, interface: "eth0", bridge: .vips,
          address: InterfaceAddress(vips[2], length: Int(vips.length))),
      ]
      + (servers + agents).enumerated().map { index, role in
        Attachment(
          role: role, interface: "eth0", bridge: .nodes,
          address: InterfaceAddress(nodes[2 + index], length: Int(nodes.length)))
      }
  }

  package var nodes: [Role] { roles.filter(\.isNode) }
  package var edge: Role { Role(unit: configuration.name, kind: .edge) }
  package var client: Role { Role(unit: configuration.name, kind: .client) }
  package var networkSwitch: Role { Role(unit: configuration.name, kind: .networkSwitch) }
  package var controlPlane: Role { Role(unit: configuration.name, kind: .server(0)) }

  /// The edge's address on the node network: every node's BGP peer and way out.
  package var edgeAddress: IPAddress { configuration.nodeCIDR[1] }
  /// The edge's address on the VIP network: the client's gateway.
  package var edgeVIPAddress: IPAddress { configuration.vipCIDR[1] }
  package var clientAddress: IPAddress { configuration.vipCIDR[2] }
  /// The address that all Ingresses share.
  package var ingressVIP: IPAddress { configuration.vipCIDR[10] }
  /// Addresses of the VIP network that no Service may take.
  package static let reservedVIPs = 11
  package var apiServer: SocketAddress { SocketAddress(configuration.nodeCIDR[2], port: 6443) }

  package func address(of role: Role) -> IPAddress? {
    attachments.first { $0.role == role }?.address.address
  }

  package func role(named name: String) throws(UnitError) -> Role {
    if let role = roles.first(where: { $0.name == name || $0.nodeName == name }) { return role }
    let known = roles.map(\.name).joined(separator: ", ")
    throw UnitError("role \"\(name)\": unit \(configuration.name) has \(known)")
  }
}

/// One host of a unit: a network namespace with a part to play.
package struct Role: Hashable, Sendable {
  package enum Kind: Hashable, Sendable {
    case networkSwitch
    case client
    case edge
    case server(Int)
    case agent(Int)
  }

  package let unit: String
  package let kind: Kind

  /// `switch`, `client`, `edge`, `server-0`, `agent-1`.
  package var name: String {
    switch kind {
    case .networkSwitch: "switch"
    case .client: "client"
    case .edge: "edge"
    case .server(let index): "server-\(index)"
    case .agent(let index): "agent-\(index)"
    }
  }

  package var namespace: String { "atoll-\(unit)-\(name)" }
  package var nodeName: String { "\(unit)-\(name)" }

  package var isNode: Bool {
    switch kind {
    case .server, .agent: true
    case .networkSwitch, .client, .edge: false
    }
  }
}

/// One cable: an interface of a role, plugged into a bridge of the switch.
package struct Attachment: Hashable, Sendable {
  package enum Bridge: String, Sendable, CaseIterable {
    case nodes, vips
  }

  package let role: Role
  package let interface: String
  package let bridge: Bridge
  package let address: InterfaceAddress

  /// The switch's end of the cable; within the kernel's 15 bytes.
  package var switchPort: String { bridge == .vips ? "\(role.name)-vip" : role.name }
}
