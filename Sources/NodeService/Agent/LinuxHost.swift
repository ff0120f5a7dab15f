import Addressing
import Delivery
import Glibc
import Kubernetes
import Linux
import Logging
import NetTypes

/// The namespace that a node's process runs in: its forwarding, its address, its packet filter.
@Loop package final class LinuxHost: NodeHost {
  private let address: InterfaceAddress
  private let interface: String
  private let log: Logger
  /// Announces blocks by BGP as Calico's objects say.
  package var speaker: (any BlockSpeaker)?

  package init(address: InterfaceAddress, interface: String, log: Logger) {
    self.address = address
    self.interface = interface
    self.log = log
  }

  package func prepare() throws {
    try Sysctl.set("net.ipv4.ip_forward", "1")
    // Pods' replies leave by another way than their requests came when routes move.
    for scope in ["all", "default"] {
      try Sysctl.set("net.ipv4.conf.\(scope).rp_filter", "0")
      try Sysctl.set("net.ipv4.conf.\(scope).send_redirects", "0")
    }
    try Netlink().setUp("lo")
    try ensureAddress()
  }

  package func ensureAddress() throws {
    let netlink = try Netlink()
    guard try netlink.link(named: interface) != nil,
      try !netlink.addresses(of: interface).contains(where: { $0.address == address.address })
    else { return }
    try netlink.addAddress(address, to: interface)
    log.warning("put \(address) back on \(interface)")
  }

  package func applyRules(_ script: String) async throws { try await NFTables.apply(script) }

  package func route(blocks: [IPPrefix], calico: CalicoState) -> [Problem] {
    speaker?.announce(blocks, calico) ?? []
  }
}

/// Speaks BGP for a node.
@Loop package protocol BlockSpeaker: AnyObject {
  /// What is wrong with the objects; what is right of them holds.
  func announce(_ blocks: [IPPrefix], _ calico: CalicoState) -> [Problem]
}
