import CLinux
import Glibc
import NetTypes

/// An entry of the neighbour table: the hardware address behind an IP address.
package struct Neighbour: Hashable, Sendable {
  package let address: IPAddress
  /// Empty while it is not resolved.
  package let hardwareAddress: [UInt8]
  /// The interface's index.
  package let index: Int32
  /// NUD_PERMANENT: never asked for, never forgotten.
  package let isPermanent: Bool
}

extension Netlink {
  /// The neighbour table, both families.
  package func neighbours() throws -> [Neighbour] {
    var message = NetlinkMessage(type: UInt16(RTM_GETNEIGH))
    message.append(Self.neighbourHeader(family: AF_UNSPEC, index: 0, state: 0))
    return try dump(message, "list neighbours").compactMap { reply in
      guard reply.type == UInt16(RTM_NEWNEIGH), reply.payload.count >= 12 else { return nil }
      let attributes = reply.attributes(after: 12)
      guard let address = attributes.address(NDA_DST) else { return nil }
      return Neighbour(
        address: address, hardwareAddress: attributes[NDA_LLADDR].map { Array($0) } ?? [],
        index: reply.payload[...].integer(at: 4, as: Int32.self),
        isPermanent: reply.payload[...].integer(at: 8, as: UInt16.self) & UInt16(NUD_PERMANENT)
          != 0)
    }
  }

  /// A permanent neighbour: no ARP is asked for it.
  package func setNeighbour(_ address: IPAddress, hardwareAddress: [UInt8], on interface: String)
    throws
  {
    let index = try self.index(of: interface, for: "set neighbour")
    var message = NetlinkMessage(type: UInt16(RTM_NEWNEIGH), flags: Self.replace)
    message.append(
      Self.neighbourHeader(
        family: address.isIPv4 ? AF_INET : AF_INET6, index: index, state: UInt16(NUD_PERMANENT)))
    message.attribute(NDA_DST, address)
    message.attribute(NDA_LLADDR, hardwareAddress)
    try request(message, "set neighbour", "\(address) on \(interface)")
  }

  package func deleteNeighbour(_ address: IPAddress, on interface: String) throws {
    let index = try self.index(of: interface, for: "delete neighbour")
    var message = NetlinkMessage(type: UInt16(RTM_DELNEIGH))
    message.append(
      Self.neighbourHeader(family: address.isIPv4 ? AF_INET : AF_INET6, index: index, state: 0))
    message.attribute(NDA_DST, address)
    try request(message, "delete neighbour", "\(address) on \(interface)")
  }

  /// struct ndmsg.
  private static func neighbourHeader(family: Int32, index: Int32, state: UInt16) -> [UInt8] {
    var header = NetlinkMessage()
    header.append(UInt8(family))
    header.append([0, 0, 0])
    header.append(index)
    header.append(state)
    header.append([0, 0])
    return header.bytes
  }
}
