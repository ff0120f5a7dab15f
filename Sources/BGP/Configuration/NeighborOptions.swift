import NetTypes

/// What a route passes on its way in or out; each by its name in the router's policy, in this order.
/// A name that the policy does not know lets nothing through.
package struct PolicyChain: Hashable, Sendable {
  /// What the routes of one family pass.
  package struct Names: Hashable, Sendable {
    /// `distribute-list`.
    package var accessList: String?
    package var prefixList: String?
    package var asPathList: String?
    package var routeMap: String?

    package init(
      accessList: String? = nil, prefixList: String? = nil, asPathList: String? = nil,
      routeMap: String? = nil
    ) {
      self.accessList = accessList
      self.prefixList = prefixList
      self.asPathList = asPathList
      self.routeMap = routeMap
    }

    package var isEmpty: Bool { self == Names() }
  }

  package var ipv4: Names
  package var ipv6: Names

  /// The same for every family.
  package init(prefixList: String? = nil, asPathList: String? = nil, routeMap: String? = nil) {
    ipv4 = Names(prefixList: prefixList, asPathList: asPathList, routeMap: routeMap)
    ipv6 = ipv4
  }

  package subscript(family: AddressFamily) -> Names {
    get { family == .ipv4 ? ipv4 : ipv6 }
    set { if family == .ipv4 { ipv4 = newValue } else { ipv6 = newValue } }
  }

  package var isEmpty: Bool { ipv4.isEmpty && ipv6.isEmpty }
}

/// How many prefixes a neighbour may announce. RFC 4271 §6.7, RFC 4486 §4.
package struct MaximumPrefixes: Hashable, Sendable {
  package var count: Int
  /// Percent of `count` at which a warning is given.
  package var warningPercent = 75
  /// Beyond `count` there is a warning and no more.
  package var warnsOnly = false
  /// How long the session stays down; nil: until an operator clears it.
  package var restart: Duration?

  package init(_ count: Int) { self.count = count }
}

/// RFC 7911.
package struct AddPath: Hashable, Sendable {
  package enum Sending: Hashable, Sendable {
    case bestOnly
    case all
    /// The best of each neighbouring AS.
    case bestPerAS
    /// The best few.
    case best(Int)
  }

  package var receives = true
  package var sending = Sending.bestOnly

  package init() {}
}

/// What a speaker is to its peer; raw values go onto the wire. RFC 9234 §4.1.
package enum PeerRole: UInt8, Hashable, Sendable, CaseIterable {
  case provider = 0
  case routeServer = 1
  case routeServerClient = 2
  case customer = 3
  case peer = 4
}

/// Timers of a BFD session. RFC 5880 §6.8.1.
package struct BFDSettings: Hashable, Sendable {
  /// Required Min RX Interval.
  package var receiveInterval = Duration.milliseconds(300)
  /// Desired Min TX Interval.
  package var transmitInterval = Duration.milliseconds(300)
  package var multiplier: UInt8 = 3
  /// Several hops. RFC 5883.
  package var isMultihop = false

  package init() {}
}

/// Connections from a prefix become neighbours of a peer group: `bgp listen range`.
package struct ListenRange: Hashable, Sendable {
  package var prefix: IPPrefix
  package var peerGroup: String

  package init(prefix: IPPrefix, peerGroup: String) {
    self.prefix = prefix
    self.peerGroup = peerGroup
  }
}

/// Routes of the kernel's table that are announced.
package struct Redistribution: Hashable, Sendable {
  package enum Source: String, Hashable, Sendable, CaseIterable {
    /// Subnets of interfaces that are up.
    case connected
    /// Routes that other programs made.
    case kernel
    /// Routes that `ip route` made, and static ones of routing daemons.
    case `static`
  }

  package var source: Source
  package var family: AddressFamily
  package var metric: UInt32?
  package var routeMap: String?

  package init(
    _ source: Source, family: AddressFamily, metric: UInt32? = nil, routeMap: String? = nil
  ) {
    self.source = source
    self.family = family
    self.metric = metric
    self.routeMap = routeMap
  }
}
