import CLinux
import Glibc
import NetTypes

/// A nexthop object of the kernel: routes name it by its id, so that changing it changes them all.
package struct NexthopObject: Hashable, Sendable {
  package enum Kind: Hashable, Sendable {
    /// A gateway, or with nil the link itself; the interface by its index.
    case hop(gateway: IPAddress?, interface: Int32)
    /// Other objects, of equal weight.
    case group([UInt32], Buckets?)
    case blackhole
  }

  /// Of a resilient group: flows hash to buckets, and buckets stay with their member as long as it
  /// lives. Nil in `Kind.group`: the kernel spreads flows by hash alone.
  package struct Buckets: Hashable, Sendable {
    package var count: UInt16
    /// How long a bucket must be without traffic before it may move to a member that came back.
    package var idle: Duration
    /// How long the group may stay unbalanced before busy buckets move too; zero: for ever.
    package var unbalanced: Duration

    package init(count: UInt16, idle: Duration, unbalanced: Duration = .zero) {
      self.count = count
      self.idle = idle
      self.unbalanced = unbalanced
    }
  }

  package var id: UInt32
  package var routingProtocol: UInt8
  package var kind: Kind

  package init(id: UInt32, routingProtocol: UInt8, kind: Kind) {
    self.id = id
    self.routingProtocol = routingProtocol
    self.kind = kind
  }
}

extension Netlink {
  /// Every nexthop object.
  /// - Throws: `NetlinkError` of EOPNOTSUPP or EINVAL where the kernel has none.
  package func nexthops() throws -> [NexthopObject] {
    var message = NetlinkMessage(type: UInt16(RTM_GETNEXTHOP))
    message.append(Self.nexthopHeader())
    return try dump(message, "list nexthops").compactMap(Self.nexthop(from:))
  }

  /// Makes the object, or changes the one of that id where it stands.
  package func setNexthop(_ nexthop: NexthopObject) throws {
    var message = NetlinkMessage(type: UInt16(RTM_NEWNEXTHOP), flags: Self.replace)
    var family = AF_UNSPEC
    switch nexthop.kind {
    case .hop(let gateway, _): family = gateway?.isIPv4 ?? true ? AF_INET : AF_INET6
    case .blackhole: family = AF_INET
    case .group: break
    }
    message.append(
      Self.nexthopHeader(family: family, routingProtocol: nexthop.routingProtocol))
    message.attribute(Int(NHA_ID), nexthop.id)
    switch nexthop.kind {
    case .hop(let gateway, let interface):
      message.attribute(Int(NHA_OIF), UInt32(bitPattern: interface))
      if let gateway { message.attribute(Int(NHA_GATEWAY), gateway) }
    case .blackhole:
      message.attribute(Int(NHA_BLACKHOLE), [])
    case .group(let members, let buckets):
      var group = NetlinkMessage()
      for member in members {
        group.append(member)
        // The weight less one, and padding: struct nexthop_grp.
        group.append(UInt32(0))
      }
      message.attribute(Int(NHA_GROUP), group.bytes)
      if let buckets { Self.append(buckets, to: &message) }
    }
    try request(message, "set nexthop", "\(nexthop.id)")
  }

  /// Deletes the object, and with it every route that leads to it.
  package func deleteNexthop(_ id: UInt32) throws {
    var message = NetlinkMessage(type: UInt16(RTM_DELNEXTHOP))
    message.append(Self.nexthopHeader())
    message.attribute(Int(NHA_ID), id)
    try request(message, "delete nexthop", "\(id)")
  }

  private static func append(_ buckets: NexthopObject.Buckets, to message: inout NetlinkMessage) {
    message.attribute(
      Int(NHA_GROUP_TYPE), withUnsafeBytes(of: UInt16(NEXTHOP_GRP_TYPE_RES)) { Array($0) })
    message.nested(Int(NHA_RES_GROUP)) { inner in
      inner.attribute(
        Int(NHA_RES_GROUP_BUCKETS), withUnsafeBytes(of: buckets.count) { Array($0) })
      inner.attribute(Int(NHA_RES_GROUP_IDLE_TIMER), buckets.idle.clockTicks)
      inner.attribute(Int(NHA_RES_GROUP_UNBALANCED_TIMER), buckets.unbalanced.clockTicks)
    }
  }

  static func nexthop(from reply: NetlinkReply) -> NexthopObject? {
    guard reply.type == UInt16(RTM_NEWNEXTHOP), reply.payload.count >= 8 else { return nil }
    let attributes = reply.attributes(after: 8)
    guard let id = attributes.uint32(Int(NHA_ID)) else { return nil }
    let kind: NexthopObject.Kind
    if let group = attributes[Int(NHA_GROUP)] {
      let members = stride(from: 0, to: group.count - 7, by: 8).map {
        group.integer(at: $0, as: UInt32.self)
      }
      kind = .group(members, buckets(in: attributes))
    } else if let index = attributes.uint32(Int(NHA_OIF)) {
      kind = .hop(
        gateway: attributes.address(Int(NHA_GATEWAY)), interface: Int32(bitPattern: index))
    } else {
      kind = .blackhole
    }
    return NexthopObject(id: id, routingProtocol: reply.payload[2], kind: kind)
  }

  private static func buckets(in attributes: NetlinkAttributes) -> NexthopObject.Buckets? {
    guard let inner = attributes[Int(NHA_RES_GROUP)].map({ NetlinkAttributes($0) }),
      let count = inner[Int(NHA_RES_GROUP_BUCKETS)], count.count >= 2
    else { return nil }
    return NexthopObject.Buckets(
      count: count.integer(at: 0, as: UInt16.self),
      idle: Duration(clockTicks: inner.uint32(Int(NHA_RES_GROUP_IDLE_TIMER)) ?? 0),
      unbalanced: Duration(clockTicks: inner.uint32(Int(NHA_RES_GROUP_UNBALANCED_TIMER)) ?? 0))
  }

  /// struct nhmsg.
  private static func nexthopHeader(family: Int32 = AF_UNSPEC, routingProtocol: UInt8 = 0)
    -> [UInt8]
  {
    [UInt8(family), 0, routingProtocol, 0, 0, 0, 0, 0]
  }
}

extension Duration {
  /// Hundredths of a second: USER_HZ, which is 100 on every architecture of Linux that Swift knows.
  fileprivate var clockTicks: UInt32 {
    UInt32(clamping: components.seconds * 100 + components.attoseconds / 10_000_000_000_000_000)
  }

  fileprivate init(clockTicks: UInt32) { self = .milliseconds(Int64(clockTicks) * 10) }
}
