import Intent
import Linux
import NetTypes

/// An interface of a namespace, plugged into a bridge that lives in another one.
struct Cable: Hashable, Sendable {
  let namespace: String
  let interface: String
  let address: InterfaceAddress
  /// Where the bridge lives.
  let switchNamespace: String
  /// The other end; within the kernel's 15 bytes.
  let port: String
  let bridge: String

  /// Makes what is missing, mends what is wrong, and leaves the rest.
  /// - Returns: How many things that were.
  @Loop func plug() throws -> Int {
    let missing = try inside(namespace) { try $0.link(named: interface) == nil }
    var made = missing ? 1 : 0
    if missing {
      let peer = try NetworkNamespace.open(named: namespace)
      try inside(switchNamespace) { netlink in
        if try netlink.link(named: port) != nil { try netlink.deleteLink(port) }
        try netlink.addVeth(port, peer: interface, in: peer)
      }
    }
    try inside(switchNamespace) { netlink in
      let links = try netlink.links()
      guard let link = links.first(where: { $0.name == port }) else { return }
      let master = links.first { $0.name == bridge }
      if link.master != master?.index {
        try netlink.setMaster(of: port, to: bridge)
        if !missing { made += 1 }
      }
      if !link.isUp { try netlink.setUp(port) }
    }
    try inside(namespace) { netlink in
      if try !netlink.addresses(of: interface).contains(address) {
        try netlink.addAddress(address, to: interface)
        if !missing { made += 1 }
      }
      if try netlink.link(named: interface)?.isUp != true {
        try netlink.setUp(interface)
        if !missing { made += 1 }
      }
    }
    return made
  }

  @Loop private func inside<Value>(_ name: String, _ body: (Netlink) throws -> Value) throws
    -> Value
  {
    try NetworkNamespace.open(named: name).with { try body(try Netlink()) }
  }
}

extension UnitPlan {
  var cables: [Cable] {
    attachments.map { attachment in
      Cable(
        namespace: attachment.role.namespace, interface: attachment.interface,
        address: attachment.address, switchNamespace: networkSwitch.namespace,
        port: attachment.switchPort, bridge: attachment.bridge.rawValue)
    } + [meshCable].compactMap(\.self)
  }

  /// The edge's line to the mesh's router; nil of a unit that stands alone.
  private var meshCable: Cable? {
    configuration.mesh.map { link in
      MeshPlan.Line(site: configuration.name, mesh: link.mesh).siteCable(
        namespace: edge.namespace, interface: "eth2", address: link.address)
    }
  }
}
