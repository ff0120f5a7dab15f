/// Why a session ended.
package enum DownReason: Hashable, Sendable, CustomStringConvertible {
  /// TCP ended without a NOTIFICATION.
  case connectionLost
  case holdTimerExpired
  case sent(NotificationMessage)
  case received(NotificationMessage)
  case collision
  /// The owner found that the way to the peer is gone, as by BFD. RFC 5882 §4.
  case pathDown(String)

  package var description: String {
    switch self {
    case .connectionLost: "connection lost"
    case .holdTimerExpired: "hold timer expired"
    case .sent(let notification): "sent \(notification)"
    case .received(let notification): "received \(notification)"
    case .collision: "connection collision"
    case .pathDown(let reason): "path down, \(reason)"
    }
  }
}
