import NetTypes

/// A TCP connection, opened or accepted.
package struct ConnectionID: Hashable, Comparable, Sendable {
  package let rawValue: UInt64
  package init(rawValue: UInt64) { self.rawValue = rawValue }
  package static func < (a: Self, b: Self) -> Bool { a.rawValue < b.rawValue }
}

/// What happens to a speaker.
package enum SpeakerEvent: Sendable {
  /// Starts every neighbour.
  case start
  /// A connection asked for by `.connect` is open; `local` is our end, `interface` what else its
  /// interface has.
  case connected(
    ConnectionID, local: IPAddress, interface: InterfaceAddresses = InterfaceAddresses())
  /// A peer has opened a connection, under an id from `makeConnectionID`.
  case accepted(
    ConnectionID, peer: IPAddress, local: IPAddress,
    interface: InterfaceAddresses = InterfaceAddresses())
  /// A connection could not be opened, or ended.
  case closed(ConnectionID)
  case received(ConnectionID, [UInt8])
  /// Everything sent on a connection before `.awaitDrain` has left.
  case drained(ConnectionID)
  /// `deadline` has come.
  case tick
  case configure(RouterConfiguration, RoutingPolicy)
  /// A prefix of our own, or other attributes for one.
  case originate(IPPrefix, PathAttributes = PathAttributes())
  case withdraw(IPPrefix)
  /// The cost to a next hop; nil: unreachable.
  case nextHop(IPAddress, cost: UInt32?)
  /// Ends a neighbour's session and starts it again; nil: every neighbour's.
  case reset(IPAddress?)
  /// Has routes exchanged again with a neighbour, nil: with every one, while the session stays:
  /// `asks` for the neighbour's, `tells` ours.
  case refresh(IPAddress?, asks: Bool, tells: Bool)
  /// The way to a neighbour is gone, as BFD found: its session ends and its routes go at once,
  /// graceful restart or not. RFC 5882 §4, RFC 9384.
  case pathDown(IPAddress, reason: String)
  /// Ends every session by Cease. Without it, and TCP just closed, peers restart us gracefully.
  case shutdown
}

/// What a speaker wants done, in this order.
package enum SpeakerAction: Sendable {
  case connect(ConnectionID, ConnectionTarget)
  case send(ConnectionID, [UInt8])
  /// Tell by `.drained` when what was sent so far has left; until then nothing more is sent but what
  /// the session itself needs.
  case awaitDrain(ConnectionID)
  /// Close after what was sent; no event about this connection counts any more.
  case close(ConnectionID)
  /// The Loc-RIB has changed.
  case routes(RouteBatch)
  /// The next hops that paths use have changed: the owner answers by `.nextHop` whenever it learns
  /// the cost of one that was added. Until then it counts as reachable at no cost.
  case nextHops(added: [IPAddress], removed: [IPAddress])
  case session(SessionChange)
  /// The routes of before a restart that were not learnt again may go. RFC 4724 §4.1.
  case converged
  /// Something that an operator may want to know, about one neighbour.
  case notice(IPAddress, String)
  /// Something that `debugging` asks for.
  case trace(SpeakerTrace)
}

package struct ConnectionTarget: Hashable, Sendable {
  package var address: IPAddress
  package var port: UInt16
  package var source: IPAddress?
  /// The interface to take `source` from, while it has none.
  package var sourceInterface: String?
  package var password: String?
  /// 1 to a directly connected external peer. RFC 4271 §5.1.3.
  package var timeToLive: UInt8
  /// What arrives with less is not the peer's. RFC 5082.
  package var minimumTimeToLive: UInt8?
}

/// A change of the Loc-RIB.
package struct BestRoute: Hashable, Sendable {
  package enum Origin: Hashable, Sendable {
    /// Of our own.
    case local
    case peer(IPAddress)
  }
  package var origin: Origin
  /// Empty in a route of our own; several where paths are equal, best first.
  package var nextHops: [IPAddress]

  package init(origin: Origin, nextHops: [IPAddress]) {
    self.origin = origin
    self.nextHops = nextHops
  }
}

package struct SessionChange: Hashable, Sendable {
  package var peer: IPAddress
  package var from: SessionState.Name
  package var to: SessionState.Name
  package var reason: DownReason?
}
