import Linux
import Logging
import NetTypes

/// The virtual addresses on the edge's interface: each a host address of its own.
@Loop struct VIPInterface {
  let name: String
  let prefix: IPPrefix
  private let log = Logger(label: "edge")

  init(name: String, prefix: IPPrefix) {
    self.name = name
    self.prefix = prefix
  }

  /// What to add and remove so that the interface holds `wanted`; only host addresses within the
  /// prefix are ours, so the interface's own address stays.
  nonisolated static func changes(
    present: [InterfaceAddress], wanted: Set<IPAddress>, prefix: IPPrefix
  ) -> (add: [IPAddress], remove: [IPAddress]) {
    let held = Set(present.map(\.address))
    let ours = present.filter {
      Int($0.prefix.length) == $0.address.bitWidth && prefix.contains($0.address)
    }
    return (
      wanted.subtracting(held).sorted(),
      ours.map(\.address).filter { !wanted.contains($0) }.sorted()
    )
  }

  /// - Parameter removing: Whether addresses that are not wanted go.
  func apply(_ wanted: Set<IPAddress>, removing: Bool) throws {
    let netlink = try Netlink()
    let changes = Self.changes(
      present: try netlink.addresses(of: name), wanted: wanted, prefix: prefix)
    for address in changes.add {
      try netlink.addAddress(InterfaceAddress(address, length: address.bitWidth), to: name)
      log.info("virtual address added", metadata: ["address": "\(address)"])
    }
    guard removing else { return }
    for address in changes.remove {
      try netlink.deleteAddress(
        InterfaceAddress(address, length: address.bitWidth), from: name)
      log.info("virtual address removed", metadata: ["address": "\(address)"])
    }
  }
}
