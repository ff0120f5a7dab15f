import NetTypes

/// The attributes that routes share. RFC 4271 §4.3 and §5, RFC 1997, 4360, 4456, 4760, 8092.
///
/// NEXT_HOP and the next hop of MP_REACH_NLRI are one field here: which of the two goes onto the
/// wire follows from the route's family.
package struct PathAttributes: Hashable, Sendable {
  package enum Origin: UInt8, Hashable, Comparable, Sendable {
    case igp = 0
    case egp = 1
    case incomplete = 2
    package static func < (a: Self, b: Self) -> Bool { a.rawValue < b.rawValue }
  }

  package var origin: Origin
  package var asPath: ASPath
  /// Nil only in routes of our own.
  package var nextHop: IPAddress?
  /// The second next hop of an IPv6 route, on the shared link. RFC 2545 §3.
  package var linkLocalNextHop: IPv6Address?
  package var multiExitDiscriminator: UInt32?
  package var localPreference: UInt32?
  package var extended: Extended?

  /// What most routes lack, kept apart so that they stay small.
  package struct Extended: Hashable, Sendable {
    package var atomicAggregate = false
    package var aggregator: Aggregator?
    package var communities: [Community] = []
    package var extendedCommunities: [UInt64] = []
    package var largeCommunities: [LargeCommunity] = []
    /// OTC, the AS that first kept the route among customers. RFC 9234 §5.
    package var onlyToCustomer: ASNumber?
    package var originatorID: IPv4Address?
    package var clusterList: [IPv4Address] = []
    /// Optional transitive attributes that we pass on without knowing them.
    package var opaque: [OpaqueAttribute] = []
    /// Preference within this router alone, the highest first; never on the wire.
    package var weight: UInt32 = 0
    /// A mark that route maps set and match; never on the wire.
    package var tag: UInt32 = 0

    package init() {}
  }

  package init(
    origin: Origin = .igp, asPath: ASPath = .empty, nextHop: IPAddress? = nil,
    multiExitDiscriminator: UInt32? = nil, localPreference: UInt32? = nil
  ) {
    self.origin = origin
    self.asPath = asPath
    self.nextHop = nextHop
    self.multiExitDiscriminator = multiExitDiscriminator
    self.localPreference = localPreference
  }

  package var communities: [Community] { extended?.communities ?? [] }
  package var originatorID: IPv4Address? { extended?.originatorID }
  package var onlyToCustomer: ASNumber? { extended?.onlyToCustomer }
  package var clusterList: [IPv4Address] { extended?.clusterList ?? [] }
  /// Preference within this router alone; compared before LOCAL_PREF.
  package var weight: UInt32 { extended?.weight ?? 0 }
  package var tag: UInt32 { extended?.tag ?? 0 }

  /// Changes the rarer attributes; they stay nil where none is set.
  package mutating func extend(_ body: (inout Extended) -> Void) {
    var value = extended ?? Extended()
    body(&value)
    extended = value == Extended() ? nil : value
  }

  /// Takes off what never leaves this router.
  package mutating func dropLocalMarks() {
    guard let extended, extended.weight != 0 || extended.tag != 0 else { return }
    extend { ($0.weight, $0.tag) = (0, 0) }
  }

  package struct Aggregator: Hashable, Sendable {
    package var asNumber: ASNumber
    package var address: IPv4Address

    package init(asNumber: ASNumber, address: IPv4Address) {
      self.asNumber = asNumber
      self.address = address
    }
  }

  package struct OpaqueAttribute: Hashable, Sendable {
    package var flags: UInt8
    package var type: UInt8
    package var value: [UInt8]

    package init(flags: UInt8, type: UInt8, value: [UInt8]) {
      self.flags = flags
      self.type = type
      self.value = value
    }
  }
}

/// RFC 1997.
package struct Community: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
  package var rawValue: UInt32
  package init(rawValue: UInt32) { self.rawValue = rawValue }

  /// The peer is about to go: its routes are a last resort. RFC 8326 §3.
  package static let gracefulShutdown = Community(rawValue: 0xFFFF_0000)
  package static let noExport = Community(rawValue: 0xFFFF_FF01)
  package static let noAdvertise = Community(rawValue: 0xFFFF_FF02)
  package static let noExportSubconfederation = Community(rawValue: 0xFFFF_FF03)

  package var description: String {
    Self.wellKnown.first { $0.value == self }?.name ?? "\(rawValue >> 16):\(rawValue & 0xffff)"
  }
}

/// RFC 8092.
package struct LargeCommunity: Hashable, Sendable, CustomStringConvertible {
  package var global: UInt32
  package var local1: UInt32
  package var local2: UInt32

  package init(global: UInt32, local1: UInt32, local2: UInt32) {
    self.global = global
    self.local1 = local1
    self.local2 = local2
  }

  package var description: String { "\(global):\(local1):\(local2)" }
}
