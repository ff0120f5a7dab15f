/// What of a virtual server's state the choice of an answer looks at.
package struct MemberState: Equatable, Sendable {
  /// Worse ones are used only while there is no better anywhere in the wide IP.
  package enum Standing: Int, Comparable, Sendable {
    case up
    /// Up, and to get no new clients.
    case draining
    /// Not yet probed.
    case unknown
    /// It waits until it may return, or some voter's probe answers and most do not.
    case doubtful
    case down
    /// Out by an operator: not even a last resort.
    case disabled

    package static func < (a: Self, b: Self) -> Bool { a.rawValue < b.rawValue }
  }

  package var standing: Standing
  /// Thousandths of the whole, while it returns by ramp.
  package var share: Int
  package var connections: Int
  /// Of the probe, from this name service.
  package var roundTrip: Duration?

  package init(
    _ standing: Standing = .up, share: Int = 1000, connections: Int = 0, roundTrip: Duration? = nil
  ) {
    self.standing = standing
    self.share = share
    self.connections = connections
    self.roundTrip = roundTrip
  }
}
