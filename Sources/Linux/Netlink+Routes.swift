import CLinux
import Glibc
import NetTypes

/// A route of the kernel's table.
package struct Route: Hashable, Sendable {
  package enum Kind: Hashable, Sendable {
    case unicast, blackhole
    /// Any other RTN_ type: shown, never made.
    case other(UInt8)
  }

  package struct NextHop: Hashable, Sendable {
    package var gateway: IPAddress?
    package var interface: String?
    /// 1...256.
    package var weight: Int = 1

    package init(gateway: IPAddress?, interface: String? = nil, weight: Int = 1) {
      self.gateway = gateway
      self.interface = interface
      self.weight = weight
    }
  }

  package var destination: IPPrefix
  package var kind = Kind.unicast
  package var hops: [NextHop] = []
  package var table: UInt32 = 254
  /// rtm_protocol: who made the route. 3 is RTPROT_BOOT, as `ip route add` makes them.
  package var routingProtocol: UInt8 = 3
  /// Lower is preferred.
  package var metric: UInt32 = 0
  package var preferredSource: IPAddress?
  /// The gateway is reachable on the link although no subnet says so.
  package var isOnLink = false

  package init(destination: IPPrefix, kind: Kind = .unicast, hops: [NextHop] = []) {
    self.destination = destination
    self.kind = kind
    self.hops = hops
  }

  package init(destination: IPPrefix, gateway: IPAddress) {
    self.init(destination: destination, hops: [NextHop(gateway: gateway)])
  }

  package init(destination: IPPrefix, interface: String) {
    self.init(destination: destination, hops: [NextHop(gateway: nil, interface: interface)])
  }

  package var nextHops: [IPAddress] { hops.compactMap(\.gateway) }
}

extension Netlink {
  /// The routes of a table (254 is main), both families.
  package func routes(table: UInt32 = 254) throws -> [Route] {
    var names: [Int32: String] = [:]
    for link in try links() { names[link.index] = link.name }
    return try [AF_INET, AF_INET6].flatMap { family -> [Route] in
      var message = NetlinkMessage(type: UInt16(RTM_GETROUTE))
      message.append(Self.routeHeader(family: family))
      return try dump(message, "list routes").compactMap { Self.route(from: $0, names) }
        .filter { $0.table == table }
    }
  }

  package func addRoute(_ route: Route) throws {
    try request(try encode(route, UInt16(RTM_NEWROUTE), Self.create), "add route", route.subject)
  }

  /// Adds the route, or replaces the one of the same destination, table and metric.
  package func replaceRoute(_ route: Route) throws {
    try request(
      try encode(route, UInt16(RTM_NEWROUTE), Self.replace), "replace route", route.subject)
  }

  /// Deletes the route of that destination, table, metric and protocol.
  package func deleteRoute(_ route: Route) throws {
    try request(try encode(route, UInt16(RTM_DELROUTE), 0), "delete route", route.subject)
  }

  /// Many routes in few system calls. `nil` in the result means done.
  package func replaceRoutes(_ routes: [Route]) throws -> [(code: Int32, detail: String?)?] {
    try batch(try routes.map { try encode($0, UInt16(RTM_NEWROUTE), Self.replace) })
  }

  package func deleteRoutes(_ routes: [Route]) throws -> [(code: Int32, detail: String?)?] {
    try batch(try routes.map { try encode($0, UInt16(RTM_DELROUTE), 0) })
  }

  func encode(_ route: Route, _ type: UInt16, _ flags: UInt16) throws -> NetlinkMessage {
    var message = NetlinkMessage(type: type, flags: flags)
    let direct = route.hops.count == 1 && route.hops[0].gateway == nil
    let kind: UInt8 =
      switch route.kind {
      case .unicast: UInt8(RTN_UNICAST)
      case .blackhole: UInt8(RTN_BLACKHOLE)
      case .other(let number): number
      }
    // A route is deleted whatever its scope.
    let scope =
      type == UInt16(RTM_DELROUTE)
      ? RT_SCOPE_NOWHERE
      : direct && route.destination.isIPv4 ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE
    message.append(
      Self.routeHeader(
        family: route.destination.isIPv4 ? AF_INET : AF_INET6, length: route.destination.length,
        routingProtocol: route.routingProtocol, scope: UInt8(scope.rawValue), kind: kind,
        flags: route.isOnLink ? UInt32(RTNH_F_ONLINK) : 0))
    message.attribute(Int(RTA_DST.rawValue), route.destination.address)
    message.attribute(Int(RTA_TABLE.rawValue), route.table)
    if route.metric != 0 { message.attribute(Int(RTA_PRIORITY.rawValue), route.metric) }
    if let source = route.preferredSource { message.attribute(Int(RTA_PREFSRC.rawValue), source) }
    if route.hops.count == 1 {
      if let gateway = route.hops[0].gateway { Self.append(gateway, to: &message, route) }
      if let interface = route.hops[0].interface {
        let index = try index(of: interface, for: "route \(route.destination)")
        message.attribute(Int(RTA_OIF.rawValue), UInt32(bitPattern: index))
      }
    } else if route.hops.count > 1 {
      message.attribute(Int(RTA_MULTIPATH.rawValue), try multipath(route))
    }
    return message
  }

  /// A next hop of the other family goes into RTA_VIA. RFC 8950.
  private static func append(_ gateway: IPAddress, to message: inout NetlinkMessage, _ route: Route)
  {
    if gateway.isIPv4 == route.destination.isIPv4 {
      message.attribute(Int(RTA_GATEWAY.rawValue), gateway)
    } else {
      var via = NetlinkMessage()
      via.append(UInt16(gateway.isIPv4 ? AF_INET : AF_INET6))
      via.append(gateway.octets)
      message.attribute(Int(RTA_VIA.rawValue), via.bytes)
    }
  }

  /// struct rtnexthop for each hop.
  private func multipath(_ route: Route) throws -> [UInt8] {
    var hops = NetlinkMessage()
    for hop in route.hops {
      var inner = NetlinkMessage()
      if let gateway = hop.gateway { Self.append(gateway, to: &inner, route) }
      hops.append(UInt16(8 + inner.bytes.count))
      hops.append(route.isOnLink ? UInt8(RTNH_F_ONLINK) : 0)
      hops.append(UInt8(clamping: hop.weight - 1))
      hops.append(try hop.interface.map { try index(of: $0, for: "route") } ?? 0)
      hops.append(inner.bytes)
    }
    return hops.bytes
  }

  /// struct rtmsg.
  private static func routeHeader(
    family: Int32, length: UInt8 = 0, routingProtocol: UInt8 = 0, scope: UInt8 = 0,
    kind: UInt8 = 0, flags: UInt32 = 0
  ) -> [UInt8] {
    var header = NetlinkMessage()
    // The table is in RTA_TABLE, which has 32 bits.
    for byte in [UInt8(family), length, 0, 0, 0, routingProtocol, scope, kind] {
      header.append(byte)
    }
    header.append(flags)
    return header.bytes
  }

  package static func route(from reply: NetlinkReply, _ names: [Int32: String]) -> Route? {
    let payload = reply.payload
    guard reply.type == UInt16(RTM_NEWROUTE) || reply.type == UInt16(RTM_DELROUTE),
      payload.count >= 12
    else { return nil }
    let family = Int32(payload[0])
    guard family == AF_INET || family == AF_INET6 else { return nil }
    let attributes = reply.attributes(after: 12)
    let zero: IPAddress = family == AF_INET ? .v4(.any) : .v6(.any)
    let address = attributes.address(Int(RTA_DST.rawValue)) ?? zero
    guard Int(payload[1]) <= address.bitWidth else { return nil }
    var route = Route(destination: IPPrefix(address, length: Int(payload[1])))
    switch payload[7] {
    case UInt8(RTN_UNICAST): route.kind = .unicast
    case UInt8(RTN_BLACKHOLE): route.kind = .blackhole
    case let other: route.kind = .other(other)
    }
    route.table = attributes.uint32(Int(RTA_TABLE.rawValue)) ?? UInt32(payload[4])
    route.routingProtocol = payload[5]
    route.metric = attributes.uint32(Int(RTA_PRIORITY.rawValue)) ?? 0
    route.preferredSource = attributes.address(Int(RTA_PREFSRC.rawValue))
    route.isOnLink = payload[...].integer(at: 8, as: UInt32.self) & UInt32(RTNH_F_ONLINK) != 0
    if let multipath = attributes[Int(RTA_MULTIPATH.rawValue)] {
      route.hops = hops(in: multipath, names)
    } else {
      let index = attributes.uint32(Int(RTA_OIF.rawValue)).map(Int32.init(bitPattern:))
      let gateway = gateway(in: attributes)
      if gateway != nil || index != nil {
        route.hops = [Route.NextHop(gateway: gateway, interface: index.flatMap { names[$0] })]
      }
    }
    return route
  }

  static func gateway(in attributes: NetlinkAttributes) -> IPAddress? {
    if let gateway = attributes.address(Int(RTA_GATEWAY.rawValue)) { return gateway }
    guard let via = attributes[Int(RTA_VIA.rawValue)], via.count > 2 else { return nil }
    let octets = Array(via.dropFirst(2))
    return octets.count == 4
      ? .v4(IPv4Address(octets[0], octets[1], octets[2], octets[3]))
      : IPv6Address(octets: octets).map { .v6($0) }
  }

  private static func hops(in bytes: ArraySlice<UInt8>, _ names: [Int32: String]) -> [Route.NextHop]
  {
    var hops: [Route.NextHop] = []
    var rest = bytes
    while rest.count >= 8 {
      let length = Int(rest.integer(at: 0, as: UInt16.self))
      guard length >= 8, length <= rest.count else { break }
      let index = rest.integer(at: 4, as: Int32.self)
      let attributes = NetlinkAttributes(
        rest[(rest.startIndex + 8)..<(rest.startIndex + length)])
      hops.append(
        Route.NextHop(
          gateway: gateway(in: attributes), interface: names[index],
          weight: Int(rest.integer(at: 3, as: UInt8.self)) + 1))
      rest = rest.dropFirst((length + 3) & ~3)
    }
    return hops
  }
}

extension Route {
  var subject: String {
    let hops = hops.map { hop in
      [hop.gateway.map { "via \($0)" }, hop.interface.map { "dev \($0)" }]
        .compactMap { $0 }.joined(separator: " ")
    }
    return ([destination.description] + hops).joined(separator: " ")
  }
}
