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
