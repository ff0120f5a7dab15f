import NetTypes

/// The six states of RFC 4271 §8.2.2, each with the timers that run in it.
package enum SessionState: Hashable, Sendable {
  /// `until` is the IdleHoldTimer; nil: administratively down.
  case idle(until: Instant?)
  /// A connection is being opened; `retry` is the ConnectRetryTimer.
  case connect(retry: Instant)
  /// Waiting for the peer to connect; `retry` is nil in a passive session.
  case active(retry: Instant?)
  /// OPEN sent, the peer's not yet here.
  case openSent(hold: Instant)
  /// Both OPENs exchanged, the peer's KEEPALIVE not yet here.
  case openConfirm(Negotiated, Timers)
  case established(Negotiated, Timers, since: Instant)

  /// Both nil where the hold time is zero.
  package struct Timers: Hashable, Sendable {
    package var hold: Instant?
    package var keepalive: Instant?
  }

  package enum Name: String, Hashable, Sendable {
    case idle = "Idle"
    case connect = "Connect"
    case active = "Active"
    case openSent = "OpenSent"
    case openConfirm = "OpenConfirm"
    case established = "Established"
  }

  package var name: Name {
    switch self {
    case .idle: .idle
    case .connect: .connect
    case .active: .active
    case .openSent: .openSent
    case .openConfirm: .openConfirm
    case .established: .established
    }
  }

  /// What both ends agreed on, once the peer's OPEN is here.
  package var negotiated: Negotiated? {
    switch self {
    case .openConfirm(let negotiated, _), .established(let negotiated, _, _): negotiated
    default: nil
    }
  }

  /// The next instant at which a timer runs out.
  package var deadline: Instant? {
    switch self {
    case .idle(let until): until
    case .connect(let retry): retry
    case .active(let retry): retry
    case .openSent(let hold): hold
    case .openConfirm(_, let timers), .established(_, let timers, _):
      [timers.hold, timers.keepalive].compactMap { $0 }.min()
    }
  }
}

/// What two OPENs add up to.
package struct Negotiated: Hashable, Sendable {
  package var peer: OpenMessage
  /// The smaller of both; zero disables keepalives. RFC 4271 §4.2.
  package var holdTime: Duration
  package var keepaliveTime: Duration
  package var families: [AddressFamily]
  package var options: CodecOptions

  package init(local: OpenMessage, peer: OpenMessage, keepalive: Duration, isInternal: Bool) {
    self.peer = peer
    let seconds = Int64(min(local.holdTime, peer.holdTime))
    holdTime = .seconds(seconds)
    keepaliveTime = min(keepalive, holdTime / 3)
    // RFC 4760 §8: a peer that says nothing speaks IPv4 unicast.
    let theirs = peer.capabilities.families.isEmpty ? [.ipv4] : peer.capabilities.families
    families = local.capabilities.families.filter(theirs.contains)
    options = CodecOptions(
      fourOctetAS: local.capabilities.fourOctetAS != nil && peer.capabilities.fourOctetAS != nil,
      isInternal: isInternal)
  }
}

/// Why a session ended.
package enum DownReason: Hashable, Sendable, CustomStringConvertible {
  /// TCP ended without a NOTIFICATION: the one case that graceful restart covers. RFC 4724 §4.2.
  case connectionLost
  case holdTimerExpired
  case sent(NotificationMessage)
  case received(NotificationMessage)
  case collision

  package var description: String {
    switch self {
    case .connectionLost: "connection lost"
    case .holdTimerExpired: "hold timer expired"
    case .sent(let notification): "sent \(notification)"
    case .received(let notification): "received \(notification)"
    case .collision: "connection collision"
    }
  }
}
