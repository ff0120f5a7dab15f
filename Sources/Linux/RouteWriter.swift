import CLinux
import Glibc
import NetTypes

/// Where a route leads, as the kernel takes it.
package enum RouteTarget: Hashable, Sendable {
  case blackhole
  /// The id of a nexthop object.
  case nexthop(UInt32)
  /// Gateways, for a kernel without nexthop objects.
  case gateways([GatewayHop])
}

/// A gateway and the index of the interface that it is reached by. Without a gateway: the link itself.
package struct GatewayHop: Hashable, Sendable {
  package var gateway: IPAddress?
  package var interface: Int32

  package init(gateway: IPAddress?, interface: Int32) {
    self.gateway = gateway
    self.interface = interface
  }
}

/// Whose routes are written: those of one table, protocol and metric. Others' stay as they are, for
/// a route replaces another only if table and metric are the same.
package struct RouteOwner: Hashable, Sendable {
  package var table: UInt32
  package var routingProtocol: UInt8
  package var metric: UInt32

  package init(table: UInt32, routingProtocol: UInt8, metric: UInt32) {
    self.table = table
    self.routingProtocol = routingProtocol
    self.metric = metric
  }
}

/// Writes many routes in few system calls.
///
/// Requests lie one behind the other in one buffer, some hundred to a datagram, and only the last of
/// a datagram asks to be acknowledged: refusals come back by themselves, with the request's number.
/// The kernel is done with a datagram when `send` returns, so nothing is gained by sending ahead.
///
/// Hand routes over in no particular order: the kernel's trie is rebuilt again and again where
/// sorted ones go out of it (355,000 routes a second deleted in random order, 38,000 in ascending).
package final class RouteWriter {
  private let netlink: Netlink
  private let owner: RouteOwner
  private let failed: (IPPrefix, NetlinkError) -> Void
  private let buffer: UnsafeMutableRawBufferPointer
  private var end = 0
  /// Where the last request begins.
  private var last = 0
  private var pending: [(prefix: IPPrefix, isDeletion: Bool)] = []

  /// Requests in a datagram: their refusals, about a kilobyte each, must fit the receive buffer.
  private static let limit = 512
  private static let capacity = 128 << 10
  /// More than a route of 256 gateways takes.
  private static let reserve = 16 << 10

  /// - Parameter failed: Called from `finish`, or from a call before it, for each refused route.
  package init(
    _ netlink: Netlink, _ owner: RouteOwner,
    failed: @escaping (IPPrefix, NetlinkError) -> Void
  ) {
    self.netlink = netlink
    self.owner = owner
    self.failed = failed
    buffer = .allocate(byteCount: Self.capacity, alignment: 8)
    pending.reserveCapacity(Self.limit)
  }

  deinit { buffer.deallocate() }

  /// Adds the route, or replaces ours.
  package func replace(_ prefix: IPPrefix, _ target: RouteTarget) throws {
    let kind = target == .blackhole ? RTN_BLACKHOLE : RTN_UNICAST
    let scope: UInt8 =
      if case .gateways(let hops) = target, prefix.isIPv4, hops.allSatisfy({ $0.gateway == nil }) {
        UInt8(RT_SCOPE_LINK.rawValue)
      } else {
        UInt8(RT_SCOPE_UNIVERSE.rawValue)
      }
    try begin(
      prefix, UInt16(RTM_NEWROUTE), Netlink.replace, kind: UInt8(kind), scope: scope)
    switch target {
    case .blackhole: break
    case .nexthop(let id): attribute(Int(RTA_NH_ID.rawValue), id)
    case .gateways(let hops): append(hops, to: prefix)
    }
    close()
  }

  /// Deletes our route to `prefix`; one that is not there is no failure.
  package func delete(_ prefix: IPPrefix) throws {
    try begin(
      prefix, UInt16(RTM_DELROUTE), 0, kind: 0, scope: UInt8(RT_SCOPE_NOWHERE.rawValue))
    close()
  }

  /// Sends what is left.
  package func finish() throws {
    if pending.isEmpty { return }
    let flags = UInt16(NLM_F_ACK) | buffer.load(fromByteOffset: last + 6, as: UInt16.self)
    buffer.storeBytes(of: flags, toByteOffset: last + 6, as: UInt16.self)
    let descriptor = netlink.descriptor
    try system("send", "netlink") { send(descriptor, buffer.baseAddress, end, 0) }
    end = 0
    defer { pending.removeAll(keepingCapacity: true) }
    let first = netlink.sequence &- UInt32(pending.count) &+ 1
    while true {
      for reply in try netlink.receive() where reply.type == UInt16(NLMSG_ERROR) {
        let index = Int(reply.sequence &- first)
        guard pending.indices.contains(index) else { continue }
        report(reply, pending[index])
        if index == pending.count - 1 { return }
      }
    }
  }

  private func report(_ reply: NetlinkReply, _ request: (prefix: IPPrefix, isDeletion: Bool)) {
    guard let (code, detail) = Netlink.failure(in: reply) else { return }
    if request.isDeletion, code == ESRCH || code == ENOENT { return }
    failed(
      request.prefix,
      NetlinkError(
        operation: request.isDeletion ? "delete route" : "replace route",
        subject: "\(request.prefix)", code: code, detail: detail))
  }

  private func begin(
    _ prefix: IPPrefix, _ type: UInt16, _ flags: UInt16, kind: UInt8, scope: UInt8
  ) throws {
    if pending.count == Self.limit || end + Self.reserve > Self.capacity { try finish() }
    last = end
    netlink.sequence &+= 1
    pending.append((prefix, type == UInt16(RTM_DELROUTE)))
    put(UInt32(0))
    put(type)
    put(UInt16(NLM_F_REQUEST) | flags)
    put(netlink.sequence)
    put(UInt32(0))
    // struct rtmsg; the table is in RTA_TABLE, which has 32 bits.
    put(UInt8(prefix.isIPv4 ? AF_INET : AF_INET6))
    put(prefix.length)
    put(UInt16(0))
    put(UInt8(0))
    put(owner.routingProtocol)
    put(scope)
    put(kind)
    put(UInt32(0))
    address(Int(RTA_DST.rawValue), prefix.address)
    attribute(Int(RTA_TABLE.rawValue), owner.table)
    attribute(Int(RTA_PRIORITY.rawValue), owner.metric)
  }

  private func close() {
    buffer.storeBytes(of: UInt32(end - last), toByteOffset: last, as: UInt32.self)
  }

  private func append(_ hops: [GatewayHop], to prefix: IPPrefix) {
    if hops.count == 1 {
      gateway(hops[0].gateway, prefix)
      attribute(Int(RTA_OIF.rawValue), UInt32(bitPattern: hops[0].interface))
      return
    }
    let start = end
    put(UInt16(0))
    put(UInt16(RTA_MULTIPATH.rawValue))
    for hop in hops {
      let hopStart = end
      put(UInt16(0))
      put(UInt16(0))
      put(hop.interface)
      gateway(hop.gateway, prefix)
      buffer.storeBytes(of: UInt16(end - hopStart), toByteOffset: hopStart, as: UInt16.self)
    }
    buffer.storeBytes(of: UInt16(end - start), toByteOffset: start, as: UInt16.self)
  }

  /// A next hop of the other family goes into RTA_VIA. RFC 8950.
  private func gateway(_ gateway: IPAddress?, _ prefix: IPPrefix) {
    guard let gateway else { return }
    if gateway.isIPv4 == prefix.isIPv4 {
      address(Int(RTA_GATEWAY.rawValue), gateway)
      return
    }
    put(UInt16(6 + gateway.bitWidth / 8))
    put(UInt16(RTA_VIA.rawValue))
    put(UInt16(gateway.isIPv4 ? AF_INET : AF_INET6))
    octets(gateway)
    put(UInt16(0))  // Padding: 4 + 2 + 4 or 16 is two octets short of a multiple of 4.
  }

  private func attribute(_ type: Int, _ value: UInt32) {
    put(UInt16(8))
    put(UInt16(truncatingIfNeeded: type))
    put(value)
  }

  private func address(_ type: Int, _ address: IPAddress) {
    put(UInt16(4 + address.bitWidth / 8))
    put(UInt16(truncatingIfNeeded: type))
    octets(address)
  }

  private func octets(_ address: IPAddress) {
    switch address {
    case .v4(let a): put(a.rawValue.bigEndian)
    case .v6(let a):
      put(a.high.bigEndian)
      put(a.low.bigEndian)
    }
  }

  private func put<Value: FixedWidthInteger>(_ value: Value) {
    buffer.storeBytes(of: value, toByteOffset: end, as: Value.self)
    end += MemoryLayout<Value>.size
  }
}
