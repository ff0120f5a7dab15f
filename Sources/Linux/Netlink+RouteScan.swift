import CLinux
import Glibc
import NetTypes

/// A route as a scan of a table meets it.
package struct ScannedRoute: Sendable {
  package var prefix: IPPrefix
  package var metric: UInt32
  package var target: RouteTarget
}

extension Netlink {
  /// Hands every route of one table and protocol to `body`: the kernel picks them, and each is read
  /// where it lies.
  package func scanRoutes(
    table: UInt32, routingProtocol: UInt8, _ body: (ScannedRoute) -> Void
  ) throws {
    for family in [AF_INET, AF_INET6] {
      var message = NetlinkMessage(type: UInt16(RTM_GETROUTE))
      message.append([UInt8(family), 0, 0, 0, 0, routingProtocol, 0, 0, 0, 0, 0, 0])
      message.attribute(Int(RTA_TABLE.rawValue), table)
      do {
        _ = try scan(message, "list routes") { type, payload in
          guard type == UInt16(RTM_NEWROUTE), payload.count >= 12,
            payload[5] == routingProtocol,
            let route = Self.scanned(payload, table: table)
          else { return }
          body(route)
        }
      } catch let error as NetlinkError where error.code == ENOENT {
        // A table is made with its first route.
      }
    }
  }

  private static func scanned(_ payload: UnsafeRawBufferPointer, table: UInt32) -> ScannedRoute? {
    let isIPv4 = Int32(payload[0]) == AF_INET
    let length = Int(payload[1])
    let isBlackhole = payload[7] == UInt8(RTN_BLACKHOLE)
    var address: IPAddress = isIPv4 ? .v4(.any) : .v6(.any)
    var ownTable = UInt32(payload[4])
    var (metric, id): (UInt32, UInt32) = (0, 0)
    var hasGateways = false
    var offset = 12
    while offset + 4 <= payload.count {
      let size = Int(payload.loadUnaligned(fromByteOffset: offset, as: UInt16.self))
      let type = Int(payload.loadUnaligned(fromByteOffset: offset + 2, as: UInt16.self)) & 0x3fff
      guard size >= 4, offset + size <= payload.count else { break }
      switch type {
      case Int(RTA_DST.rawValue):
        if let found = self.address(payload, at: offset + 4, size: size - 4) { address = found }
      case Int(RTA_TABLE.rawValue) where size >= 8:
        ownTable = payload.loadUnaligned(fromByteOffset: offset + 4, as: UInt32.self)
      case Int(RTA_PRIORITY.rawValue) where size >= 8:
        metric = payload.loadUnaligned(fromByteOffset: offset + 4, as: UInt32.self)
      case Int(RTA_NH_ID.rawValue) where size >= 8:
        id = payload.loadUnaligned(fromByteOffset: offset + 4, as: UInt32.self)
      case Int(RTA_GATEWAY.rawValue), Int(RTA_VIA.rawValue), Int(RTA_OIF.rawValue),
        Int(RTA_MULTIPATH.rawValue):
        hasGateways = true
      default: break
      }
      offset += (size + 3) & ~3
    }
    guard ownTable == table, length <= address.bitWidth else { return nil }
    let target: RouteTarget =
      if id != 0 {
        .nexthop(id)
      } else if !isBlackhole, hasGateways {
        .gateways(gateways(NetlinkAttributes(Array(payload)[12...])))
      } else {
        .blackhole
      }
    return ScannedRoute(
      prefix: IPPrefix(address, length: length), metric: metric, target: target)
  }

  private static func address(_ bytes: UnsafeRawBufferPointer, at offset: Int, size: Int)
    -> IPAddress?
  {
    switch size {
    case 4:
      let word = UInt32(bigEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt32.self))
      return .v4(IPv4Address(rawValue: word))
    case 16:
      let high = UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
      let low = UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: offset + 8, as: UInt64.self))
      return .v6(IPv6Address(high: high, low: low))
    default: return nil
    }
  }

  /// The gateways of a route without a nexthop object.
  static func gateways(_ attributes: NetlinkAttributes) -> [GatewayHop] {
    guard let multipath = attributes[Int(RTA_MULTIPATH.rawValue)] else {
      let index = attributes.uint32(Int(RTA_OIF.rawValue)).map(Int32.init(bitPattern:))
      return [GatewayHop(gateway: gateway(in: attributes), interface: index ?? 0)]
    }
    var hops: [GatewayHop] = []
    var rest = multipath
    while rest.count >= 8 {
      let length = Int(rest.integer(at: 0, as: UInt16.self))
      guard length >= 8, length <= rest.count else { break }
      let inner = NetlinkAttributes(rest[(rest.startIndex + 8)..<(rest.startIndex + length)])
      hops.append(
        GatewayHop(gateway: gateway(in: inner), interface: rest.integer(at: 4, as: Int32.self)))
      rest = rest.dropFirst((length + 3) & ~3)
    }
    return hops
  }
}
