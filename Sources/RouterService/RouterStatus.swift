import BFD
import BGP
import NetTypes

/// What a router is doing, at one instant.
package struct RouterStatus: Sendable {
  package var localAS: ASNumber
  /// Nil while no interface has an IPv4 address to take it from.
  package var routerID: IPv4Address?
  /// The instant of this value, which `since` and deadlines are to be measured against.
  package var now: Instant
  package var isRunning: Bool
  package var sessions: [SessionStatus]
  /// Every path, by prefix, best first.
  package var routes: [RouteEntry]
  /// BFD sessions, by peer.
  package var bfd: [BFDStatus] = []

  /// How much each family's table holds.
  package var sizes: [AddressFamily: Size] = [:]

  package struct Size: Hashable, Sendable {
    package var prefixes = 0
    package var paths = 0
  }

  package struct RouteEntry: Sendable {
    package var path: RouteStatus
    /// Of the best path; nil for the others, and for routes of our own without a blackhole.
    package var kernel: KernelRoutes.State?
    /// Why the path's next hop cannot be reached, as `Network is unreachable`; nil if it can, or if
    /// nobody asked.
    package var nextHopProblem: String?
  }
}

/// A change of the best route of one prefix; nil: there is none any more.
package struct RouteChange: Hashable, Sendable {
  package var prefix: IPPrefix
  package var best: BestRoute?
}
