import Intent
import Linux
import NetTypes

/// Builds a unit's namespaces and cables, and repairs what is missing of them; what is there and
/// right stays untouched.
@Loop struct NetworkBuilder {
  let plan: UnitPlan

  /// - Returns: How many things had to be made or mended.
  func build() throws -> Int {
    if let mesh = plan.configuration.mesh {
      guard NetworkNamespace.exists(named: "atoll-\(mesh.mesh)-links") else {
        throw UnitError(
          "mesh \(mesh.mesh) of unit \(plan.configuration.name) is down: `atoll up --name \(mesh.mesh)` first"
        )
      }
    }
    var made = 0
    for role in plan.roles where !NetworkNamespace.exists(named: role.namespace) {
      try NetworkNamespace.create(named: role.namespace)
      made += 1
    }
    for role in plan.roles { try prepare(role) }
    try inside(plan.networkSwitch) { netlink in
      for bridge in Attachment.Bridge.allCases
      where try plan.attachments.contains(where: { $0.bridge == bridge })
        && netlink.link(named: bridge.rawValue) == nil
      {
        try netlink.addBridge(bridge.rawValue)
        try netlink.setUp(bridge.rawValue)
        made += 1
      }
    }
    for cable in plan.cables { made += try cable.plug() }
    for role in [plan.client, plan.dns] { made += try giveGateway(to: role) }
    return made
  }

  private func inside<Value>(_ role: Role, _ body: (Netlink) throws -> Value) throws -> Value {
    try NetworkNamespace.open(named: role.namespace).with { try body(try Netlink()) }
  }

  private func prepare(_ role: Role) throws {
    try inside(role) { netlink in
      try netlink.setUp("lo")
      switch role.kind {
      case .edge, .host, .server, .agent:
        try Sysctl.set("net.ipv4.ip_forward", "1")
        // Replies may come back another way while routes move.
        try Sysctl.set("net.ipv4.conf.all.rp_filter", "0")
        try Sysctl.set("net.ipv4.conf.default.rp_filter", "0")
        try Sysctl.set("net.ipv4.fib_multipath_hash_policy", "1")
      case .networkSwitch, .client, .dns: break
      }
    }
  }

  /// Client and name service are hosts like any other: they have a gateway.
  private func giveGateway(to role: Role) throws -> Int {
    try inside(role) { netlink in
      let route = Route(destination: .defaultIPv4, gateway: plan.edgeVIPAddress)
      if try netlink.routes().contains(where: { $0.destination == route.destination }) { return 0 }
      try netlink.addRoute(route)
      return 1
    }
  }

  /// Removes the namespaces and with them every interface, address and route of the unit.
  static func remove(unit: String) throws {
    for name in Role.namespaces(of: unit) { try NetworkNamespace.delete(named: name) }
  }
}
