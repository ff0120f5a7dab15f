import CLinux
import Glibc
import NetTypes

extension Netlink {
  /// The addresses of an interface, or of all.
  package func addresses(of interface: String? = nil) throws -> [InterfaceAddress] {
    var index: Int32?
    if let interface {
      guard let link = try link(named: interface) else { return [] }
      index = link.index
    }
    var message = NetlinkMessage(type: UInt16(RTM_GETADDR))
    message.append(Self.addressHeader(family: AF_UNSPEC, length: 0, index: 0))
    return try dump(message, "list addresses").compactMap { reply -> InterfaceAddress? in
      guard reply.payload.count >= 8 else { return nil }
      if let index, reply.payload[...].integer(at: 4, as: Int32.self) != index { return nil }
      let attributes = reply.attributes(after: 8)
      let length = Int(reply.payload[1])
      guard
        let address = attributes.address(IFA_LOCAL)
          ?? attributes.address(IFA_ADDRESS), length <= address.bitWidth
      else { return nil }
      return InterfaceAddress(address, length: length)
    }
  }

  /// The addresses of the interface that has `address`; empty if none has.
  package func addresses(beside address: IPAddress) throws -> [InterfaceAddress] {
    var message = NetlinkMessage(type: UInt16(RTM_GETADDR))
    message.append(Self.addressHeader(family: AF_UNSPEC, length: 0, index: 0))
    var found: [Int32: [InterfaceAddress]] = [:]
    for reply in try dump(message, "list addresses") where reply.payload.count >= 8 {
      let attributes = reply.attributes(after: 8)
      let length = Int(reply.payload[1])
      guard let own = attributes.address(IFA_LOCAL) ?? attributes.address(IFA_ADDRESS),
        length <= own.bitWidth
      else { continue }
      let index = reply.payload[...].integer(at: 4, as: Int32.self)
      found[index, default: []].append(InterfaceAddress(own, length: length))
    }
    return found.values.first { $0.contains { $0.address == address } } ?? []
  }

  package func addAddress(_ address: InterfaceAddress, to interface: String) throws {
    try change(address, interface, UInt16(RTM_NEWADDR), Self.replace, "add address")
  }

  package func deleteAddress(_ address: InterfaceAddress, from interface: String) throws {
    try change(address, interface, UInt16(RTM_DELADDR), 0, "delete address")
  }

  private func change(
    _ address: InterfaceAddress, _ interface: String, _ type: UInt16, _ flags: UInt16,
    _ operation: String
  ) throws {
    let index = try self.index(of: interface, for: operation)
    var message = NetlinkMessage(type: type, flags: flags)
    let family = address.address.isIPv4 ? AF_INET : AF_INET6
    message.append(
      Self.addressHeader(family: family, length: UInt8(address.prefix.length), index: index))
    message.attribute(IFA_LOCAL, address.address)
    message.attribute(IFA_ADDRESS, address.address)
    if case .v4 = address.address, address.prefix.length < 31 {
      message.attribute(IFA_BROADCAST, address.prefix.last)
    }
    if family == AF_INET6 {
      // Nobody else has our addresses: no waiting for duplicate address detection.
      message.attribute(IFA_FLAGS, UInt32(IFA_F_NODAD))
    }
    try request(message, operation, "\(address) on \(interface)")
  }

  package func index(of interface: String, for operation: String) throws -> Int32 {
    guard let link = try link(named: interface) else {
      throw NetlinkError(operation: operation, subject: interface, code: ENODEV, detail: nil)
    }
    return link.index
  }

  /// struct ifaddrmsg.
  private static func addressHeader(family: Int32, length: UInt8, index: Int32) -> [UInt8] {
    var header = NetlinkMessage()
    header.append(UInt8(family))
    header.append(length)
    header.append(UInt8(0))
    header.append(UInt8(0))
    header.append(index)
    return header.bytes
  }
}
