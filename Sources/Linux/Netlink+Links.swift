import CLinux
import Glibc
import NetTypes

/// A network interface as the kernel lists it.
package struct Link: Hashable, Sendable {
  package let index: Int32
  package let name: String
  /// Administratively up (IFF_UP).
  package let isUp: Bool
  /// Up and with a carrier (IFF_RUNNING).
  package let isRunning: Bool
  package let hardwareAddress: [UInt8]
  package let mtu: Int
  /// The index of the bridge it is a port of.
  package let master: Int32?
}

extension Netlink {
  package func links() throws -> [Link] {
    var message = NetlinkMessage(type: UInt16(RTM_GETLINK))
    message.append(Self.linkHeader())
    return try dump(message, "list links").compactMap(Self.link(from:))
  }

  /// Nil if the namespace has no interface of that name.
  package func link(named name: String) throws -> Link? {
    try links().first { $0.name == name }
  }

  package func addBridge(_ name: String) throws {
    var message = NetlinkMessage(type: UInt16(RTM_NEWLINK), flags: Self.create)
    message.append(Self.linkHeader())
    message.attribute(IFLA_IFNAME, name)
    message.nested(IFLA_LINKINFO) {
      $0.attribute(IFLA_INFO_KIND, Array("bridge".utf8))
    }
    try request(message, "add bridge", name)
  }

  /// A cable: `name` here, `peer` in `namespace`. Addresses of 6 bytes are set where given.
  package func addVeth(
    _ name: String, peer: String, in namespace: borrowing NetworkNamespace,
    hardwareAddress: [UInt8]? = nil, peerHardwareAddress: [UInt8]? = nil, mtu: UInt32? = nil
  ) throws {
    let descriptor = namespace.descriptor
    var message = NetlinkMessage(type: UInt16(RTM_NEWLINK), flags: Self.create)
    message.append(Self.linkHeader())
    message.attribute(IFLA_IFNAME, name)
    if let hardwareAddress { message.attribute(IFLA_ADDRESS, hardwareAddress) }
    if let mtu { message.attribute(IFLA_MTU, mtu) }
    message.nested(IFLA_LINKINFO) { info in
      info.attribute(IFLA_INFO_KIND, Array("veth".utf8))
      info.nested(IFLA_INFO_DATA) { data in
        data.nested(VETH_INFO_PEER) { other in
          other.append(Self.linkHeader())
          other.attribute(IFLA_IFNAME, peer)
          other.attribute(IFLA_NET_NS_FD, UInt32(bitPattern: descriptor))
          if let peerHardwareAddress {
            other.attribute(IFLA_ADDRESS, peerHardwareAddress)
          }
          if let mtu { other.attribute(IFLA_MTU, mtu) }
        }
      }
    }
    try request(message, "add veth", "\(name) to \(peer)")
  }

  package func deleteLink(_ name: String) throws {
    var message = NetlinkMessage(type: UInt16(RTM_DELLINK))
    message.append(Self.linkHeader())
    message.attribute(IFLA_IFNAME, name)
    try request(message, "delete link", name)
  }

  package func setUp(_ name: String) throws { try setFlags(of: name, up: true) }
  package func setDown(_ name: String) throws { try setFlags(of: name, up: false) }

  private func setFlags(of name: String, up: Bool) throws {
    let flag = UInt32(IFF_UP)
    var message = NetlinkMessage(type: UInt16(RTM_SETLINK))
    message.append(Self.linkHeader(flags: up ? flag : 0, change: flag))
    message.attribute(IFLA_IFNAME, name)
    try request(message, up ? "set up" : "set down", name)
  }

  /// Makes `name` a port of the bridge `master`.
  package func setMaster(of name: String, to master: String) throws {
    guard let bridge = try link(named: master) else {
      throw NetlinkError(
        operation: "set master of \(name)", subject: master, code: ENODEV, detail: nil)
    }
    var message = NetlinkMessage(type: UInt16(RTM_SETLINK))
    message.append(Self.linkHeader())
    message.attribute(IFLA_IFNAME, name)
    message.attribute(IFLA_MASTER, UInt32(bitPattern: bridge.index))
    try request(message, "set master of", name)
  }

  /// Takes `name` off its bridge; it stays up, and what it gets goes nowhere.
  package func removeMaster(of name: String) throws {
    var message = NetlinkMessage(type: UInt16(RTM_SETLINK))
    message.append(Self.linkHeader())
    message.attribute(IFLA_IFNAME, name)
    message.attribute(IFLA_MASTER, UInt32(0))
    try request(message, "remove master of", name)
  }

  /// Sets the hardware address (6 bytes for Ethernet), the MTU or both.
  package func change(
    _ name: String, hardwareAddress: [UInt8]? = nil, mtu: UInt32? = nil
  ) throws {
    var message = NetlinkMessage(type: UInt16(RTM_SETLINK))
    message.append(Self.linkHeader())
    message.attribute(IFLA_IFNAME, name)
    if let hardwareAddress { message.attribute(IFLA_ADDRESS, hardwareAddress) }
    if let mtu { message.attribute(IFLA_MTU, mtu) }
    try request(message, "change", name)
  }

  /// Moves an interface into another namespace; it comes out down and without addresses. `newName`
  /// is its name there.
  package func move(
    _ name: String, to namespace: borrowing NetworkNamespace, as newName: String? = nil
  ) throws {
    let index = try self.index(of: name, for: "move")
    var message = NetlinkMessage(type: UInt16(RTM_SETLINK))
    message.append(Self.linkHeader(index: index))
    message.attribute(IFLA_NET_NS_FD, UInt32(bitPattern: namespace.descriptor))
    if let newName { message.attribute(IFLA_IFNAME, newName) }
    try request(message, "move", name)
  }

  package static let create = UInt16(NLM_F_CREATE) | UInt16(NLM_F_EXCL)
  package static let replace = UInt16(NLM_F_CREATE) | UInt16(NLM_F_REPLACE)

  /// struct ifinfomsg.
  private static func linkHeader(index: Int32 = 0, flags: UInt32 = 0, change: UInt32 = 0) -> [UInt8]
  {
    var header = NetlinkMessage()
    header.append(UInt8(AF_UNSPEC))
    header.append(UInt8(0))
    header.append(UInt16(0))
    header.append(index)
    header.append(flags)
    header.append(change)
    return header.bytes
  }

  package static func link(from reply: NetlinkReply) -> Link? {
    guard reply.type == UInt16(RTM_NEWLINK) || reply.type == UInt16(RTM_DELLINK),
      reply.payload.count >= 16
    else { return nil }
    let attributes = reply.attributes(after: 16)
    let flags = reply.payload[...].integer(at: 8, as: UInt32.self)
    let index = reply.payload[...].integer(at: 4, as: Int32.self)
    let name = attributes.string(IFLA_IFNAME) ?? ""
    let hardwareAddress = attributes[IFLA_ADDRESS].map { Array($0) } ?? []
    let master = attributes.uint32(IFLA_MASTER).map { Int32(bitPattern: $0) }
    return Link(
      index: index, name: name,
      isUp: flags & UInt32(IFF_UP) != 0,
      isRunning: flags & UInt32(IFF_RUNNING) != 0,
      hardwareAddress: hardwareAddress, mtu: Int(attributes.uint32(IFLA_MTU) ?? 0),
      master: master)
  }
}
