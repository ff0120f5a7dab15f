import CLinux
import Glibc
import NetTypes

/// What the kernel would do with a packet, and by which route: `ip route get ADDRESS fibmatch`.
package struct RouteLookup: Hashable, Sendable {
  /// The route that matched.
  package var prefix: IPPrefix
  package var table: UInt32
  package var routingProtocol: UInt8
  package var metric: UInt32
  /// RTN_UNICAST, RTN_LOCAL and so on.
  package var kind: UInt8
  /// Nil: the address is on the link itself.
  package var gateway: IPAddress?
  /// The interface's index.
  package var interface: Int32

  package var isLocal: Bool { kind == UInt8(RTN_LOCAL) }
  package var isUnicast: Bool { kind == UInt8(RTN_UNICAST) }
}

extension Netlink {
  /// Asks by which way the kernel would send to `address`.
  /// - Parameter interface: The only one to consider, as a link-local address needs it.
  /// - Throws: `NetlinkError` with the kernel's reason, as `Network is unreachable`.
  package func lookUp(_ address: IPAddress, interface: Int32? = nil) throws -> RouteLookup {
    // IPv6 always tells the table, and refuses to be asked.
    let flags = address.isIPv4 ? UInt32(RTM_F_LOOKUP_TABLE) : 0
    let matched = try get(address, interface, flags: flags | UInt32(RTM_F_FIB_MATCH))
    var lookup = matched
    // The route may have several gateways: take the one that a packet would.
    if matched.isUnicast {
      let used = try get(address, interface, flags: flags)
      (lookup.gateway, lookup.interface) = (used.gateway, used.interface)
    }
    return lookup
  }

  private func get(_ address: IPAddress, _ interface: Int32?, flags: UInt32) throws -> RouteLookup {
    var message = NetlinkMessage(type: UInt16(RTM_GETROUTE))
    message.append([
      UInt8(address.isIPv4 ? AF_INET : AF_INET6), UInt8(address.bitWidth), 0, 0, 0, 0, 0, 0,
    ])
    message.append(flags)
    message.attribute(Int(RTA_DST.rawValue), address)
    if let interface { message.attribute(Int(RTA_OIF.rawValue), UInt32(bitPattern: interface)) }
    let reply = try ask(message, "look up", "\(address)")
    guard reply.type == UInt16(RTM_NEWROUTE), reply.payload.count >= 12 else {
      throw NetlinkError(operation: "look up", subject: "\(address)", code: EBADMSG, detail: nil)
    }
    let attributes = reply.attributes(after: 12)
    let destination =
      attributes.address(Int(RTA_DST.rawValue)) ?? (address.isIPv4 ? .v4(.any) : .v6(.any))
    let hop = Self.gateways(attributes).first
    return RouteLookup(
      prefix: IPPrefix(destination, length: min(Int(reply.payload[1]), destination.bitWidth)),
      table: attributes.uint32(Int(RTA_TABLE.rawValue)) ?? UInt32(reply.payload[4]),
      routingProtocol: reply.payload[5],
      metric: attributes.uint32(Int(RTA_PRIORITY.rawValue)) ?? 0, kind: reply.payload[7],
      gateway: hop?.gateway, interface: hop?.interface ?? 0)
  }

  /// Sends one request that is answered by one message.
  private func ask(_ message: NetlinkMessage, _ operation: String, _ subject: String) throws
    -> NetlinkReply
  {
    sequence &+= 1
    let bytes = message.finished(sequence: sequence)
    try system("send", "netlink") { send(descriptor, bytes, bytes.count, 0) }
    var answer: NetlinkReply?
    while true {
      for reply in try receive() where reply.sequence == sequence {
        guard reply.type == UInt16(NLMSG_ERROR) else {
          answer = reply
          continue
        }
        // The acknowledgement comes behind the answer.
        if let (code, detail) = Self.failure(in: reply) {
          throw NetlinkError(operation: operation, subject: subject, code: code, detail: detail)
        }
        guard let answer else {
          throw NetlinkError(operation: operation, subject: subject, code: ENOMSG, detail: nil)
        }
        return answer
      }
    }
  }
}
