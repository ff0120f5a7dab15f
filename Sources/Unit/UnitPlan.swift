import Intent
import Linux
import NetTypes

/// A unit worked out from its configuration: every namespace, link and address, as values.
///
/// ```
///  client ──┐ vips 10.10.2.0/24 ┌── eth1 edge eth0 ──┐ nodes 172.19.0.0/16 ┌── server-0
///     dns ──┴──── bridge ───────┘                    └────── bridge ───────┼── agent-0
///                        (both bridges live in the switch's namespace)     └── agent-1 …
/// ```
/// In a routed unit a host stands between edge and nodes, with a network of its own on each side:
/// ```
///  edge eth0 ── uplink 172.18.0.0/30 ── eth1 host eth0 ── nodes 172.19.0.0/16 ── server-0 …
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
    let dns = Role(unit: unit, kind: .dns)
    let hosts = configuration.topology == .routed ? [Role(unit: unit, kind: .host)] : []
    roles = [Role(unit: unit, kind: .networkSwitch), client, edge, dns] + hosts + servers + agents
    let nodes = configuration.nodeCIDR
    let vips = configuration.vipCIDR
    let uplink = configuration.uplinkCIDR
    let gateway = InterfaceAddress(nodes[1], length: Int(nodes.length))
    attachments =
      [
        hosts.isEmpty
          ? Attachment(role: edge, interface: "eth0", bridge: .nodes, address: gateway)
          : Attachment(
            role: edge, interface: "eth0", bridge: .uplink,
            address: InterfaceAddress(uplink[1], length: Int(uplink.length))),
        Attachment(
          role: edge, interface: "eth1", bridge: .vips,
          address: InterfaceAddress(vips[1], length: Int(vips.length))),
        Attachment(
          role: client, interface: "eth0", bridge: .vips,
          address: InterfaceAddress(vips[2], length: Int(vips.length))),
        Attachment(
          role: dns, interface: "eth0", bridge: .vips,
          address: InterfaceAddress(vips[3], length: Int(vips.length))),
      ]
      + hosts.flatMap { host in
        [
          Attachment(role: host, interface: "eth0", bridge: .nodes, address: gateway),
          Attachment(
            role: host, interface: "eth1", bridge: .uplink,
            address: InterfaceAddress(uplink[2], length: Int(uplink.length))),
        ]
      }
      + (servers + agents).enumerated().map { index, role in
        Attachment(
          role: role, interface: "eth0", bridge: .nodes,
          address: InterfaceAddress(nodes[2 + index], length: Int(nodes.length)))
      }
  }

  package var nodes: [Role] { roles.filter(\.isNode) }
  package var edge: Role { Role(unit: configuration.name, kind: .edge) }
  /// Nil in a switched unit.
  package var host: Role? { roles.first { $0.kind == .host } }
  /// What stands on the node network and leads out of it: every node's BGP peer.
  package var gateway: Role { host ?? edge }
  package var client: Role { Role(unit: configuration.name, kind: .client) }
  package var dns: Role { Role(unit: configuration.name, kind: .dns) }
  package var networkSwitch: Role { Role(unit: configuration.name, kind: .networkSwitch) }
  package var controlPlane: Role { Role(unit: configuration.name, kind: .server(0)) }

  /// The gateway's address on the node network.
  package var gatewayAddress: IPAddress { configuration.nodeCIDR[1] }
  /// The edge's address on the side of the nodes.
  package var edgeAddress: IPAddress {
    host == nil ? gatewayAddress : configuration.uplinkCIDR[1]
  }
  /// The edge's address on the VIP network: the client's gateway.
  package var edgeVIPAddress: IPAddress { configuration.vipCIDR[1] }
  package var clientAddress: IPAddress { configuration.vipCIDR[2] }
  package var dnsAddress: IPAddress { configuration.vipCIDR[3] }
  /// The address that all Ingresses share.
  package var ingressVIP: IPAddress { configuration.vipCIDR[10] }
  /// Addresses of the VIP network that no Service may take.
  package static let reservedVIPs = 11
  /// The ClusterIP that pods ask for names.
  package var clusterDNS: IPAddress { configuration.serviceCIDR[10] }
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
    /// The name service, on the VIP network.
    case dns
    /// The router between edge and nodes, in a routed unit.
    case host
    case server(Int)
    case agent(Int)
  }

  package let unit: String
  package let kind: Kind

  /// `switch`, `client`, `edge`, `dns`, `host`, `server-0`, `agent-1`.
  package var name: String {
    switch kind {
    case .networkSwitch: "switch"
    case .client: "client"
    case .edge: "edge"
    case .dns: "dns"
    case .host: "host"
    case .server(let index): "server-\(index)"
    case .agent(let index): "agent-\(index)"
    }
  }

  package var namespace: String { "atoll-\(unit)-\(name)" }
  package var nodeName: String { "\(unit)-\(name)" }

  package var isNode: Bool {
    switch kind {
    case .server, .agent: true
    case .networkSwitch, .client, .edge, .dns, .host: false
    }
  }
}

extension Role {
  /// The namespaces that there are of a unit's roles. A unit `a` has no part in those of `a-b`.
  static func namespaces(of unit: String) -> [String] {
    let prefix = "atoll-\(unit)-"
    return NetworkNamespace.names(withPrefix: prefix).filter {
      isRoleName($0.dropFirst(prefix.count))
    }
  }

  static func isRoleName(_ name: Substring) -> Bool {
    if ["switch", "client", "edge", "dns", "host"].contains(name) { return true }
    return ["server-", "agent-"].contains {
      name.hasPrefix($0) && Int(name.dropFirst($0.count)) != nil
    }
  }
}

/// One cable: an interface of a role, plugged into a bridge of the switch.
package struct Attachment: Hashable, Sendable {
  package enum Bridge: String, Sendable, CaseIterable {
    case nodes, vips, uplink
  }

  package let role: Role
  package let interface: String
  package let bridge: Bridge
  package let address: InterfaceAddress

  /// The switch's end of the cable; within the kernel's 15 bytes.
  package var switchPort: String {
    switch bridge {
    case .nodes: role.name
    case .vips: "\(role.name)-vip"
    case .uplink: "\(role.name)-uplink"
    }
  }
}
