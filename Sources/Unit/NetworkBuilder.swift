import Intent
import Linux
import NetTypes

/// Builds a unit's namespaces and cables, and repairs what is missing of them; what is there and
/// right stays untouched.
@Loop struct NetworkBuilder {
  let plan: UnitPlan

  /// - Returns: How many things had to be made or mended.
  func build() throws -> Int {
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
    for attachment in plan.attachments { made += try plug(attachment) }
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

  /// One cable: its role's interface with its address, the other end in the switch's bridge.
  private func plug(_ attachment: Attachment) throws -> Int {
    let missing = try inside(attachment.role) { try $0.link(named: attachment.interface) == nil }
    if missing {
      let peer = try NetworkNamespace.open(named: attachment.role.namespace)
      try inside(plan.networkSwitch) { netlink in
        if try netlink.link(named: attachment.switchPort) != nil {
          try netlink.deleteLink(attachment.switchPort)
        }
        try netlink.addVeth(
          attachment.switchPort, peer: attachment.interface, in: peer)
        try netlink.setMaster(of: attachment.switchPort, to: attachment.bridge.rawValue)
        try netlink.setUp(attachment.switchPort)
      }
    }
    return try inside(attachment.role) { netlink in
      var made = missing ? 1 : 0
      if try !netlink.addresses(of: attachment.interface).contains(attachment.address) {
        try netlink.addAddress(attachment.address, to: attachment.interface)
        if !missing { made += 1 }
      }
      if try netlink.link(named: attachment.interface)?.isUp != true {
        try netlink.setUp(attachment.interface)
        if !missing { made += 1 }
      }
      return made
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
    for name in NetworkNamespace.names(withPrefix: "atoll-\(unit)-") {
      try NetworkNamespace.delete(named: name)
    }
  }
}
