import Intent
import Linux
import NetTypes

/// Builds a mesh's namespaces and lines, and repairs what is missing of them. A unit plugs its own end
/// of its line in.
@Loop struct MeshNetworkBuilder {
  let plan: MeshPlan

  /// - Returns: How many things had to be made or mended.
  func build() throws -> Int {
    var made = 0
    for name in plan.namespaces {
      if !NetworkNamespace.exists(named: name) {
        try NetworkNamespace.create(named: name)
        made += 1
      }
      try inside(name) { try $0.setUp("lo") }
    }
    try NetworkNamespace.open(named: plan.routerNamespace).with {
      try Sysctl.set("net.ipv4.ip_forward", "1")
      try Sysctl.set("net.ipv4.conf.all.rp_filter", "0")
      try Sysctl.set("net.ipv4.conf.default.rp_filter", "0")
    }
    try inside(plan.linksNamespace) { netlink in
      for line in plan.lines where try netlink.link(named: line.site) == nil {
        try netlink.addBridge(line.site)
        try netlink.setUp(line.site)
        made += 1
      }
    }
    for line in plan.lines { made += try line.routerCable.plug() }
    for client in plan.configuration.clients { made += try connect(client) }
    return made
  }

  private func connect(_ client: String) throws -> Int {
    guard let line = plan.line(of: client) else { return 0 }
    let namespace = plan.namespace(ofClient: client)
    let made = try line.siteCable(
      namespace: namespace, interface: "eth0", address: line.siteAddress
    ).plug()
    return try inside(namespace) { netlink in
      let route = Route(destination: .defaultIPv4, gateway: line.routerAddress.address)
      if try netlink.routes().contains(where: { $0.destination == route.destination }) {
        return made
      }
      try netlink.addRoute(route)
      return made + 1
    }
  }

  private func inside<Value>(_ name: String, _ body: (Netlink) throws -> Value) throws -> Value {
    try NetworkNamespace.open(named: name).with { try body(try Netlink()) }
  }

  func remove() throws {
    for name in plan.namespaces { try NetworkNamespace.delete(named: name) }
  }
}
