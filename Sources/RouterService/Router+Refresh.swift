import BGP
import NetTypes

extension Router {
  /// Has routes exchanged again without ending a session: `clear bgp X soft`.
  /// - Parameters:
  ///   - neighbor: Nil: every neighbour.
  ///   - asks: The neighbour is asked for its routes, by route refresh. RFC 2918.
  ///   - tells: The neighbour is told ours.
  package func refresh(_ neighbor: IPAddress?, asks: Bool, tells: Bool) {
    drive(.refresh(neighbor, asks: asks, tells: tells))
  }
}
