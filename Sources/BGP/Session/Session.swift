import NetTypes

// The session machine of RFC 4271 §8, of one connection to one peer.
//
//            start                  connected                OPEN               KEEPALIVE
//   Idle ───────────▶ Connect ─────────────────▶ OpenSent ─────────▶ OpenConfirm ─────────▶ Established
//    ▲                 │   ▲                      ▲    │
//    │         failed  ▼   │ ConnectRetryTimer    │    │ connection fails
//    │                Active ─────────────────────┘    │
//    │                 ▲        accepted               │
//    │                 └───────────────────────────────┘
//    └── every error, NOTIFICATION and stop, from any state
//
// Numbers in comments are the events of §8.1. Deviations: a connection that fails in Connect leads
// to Active, not Idle (as with DelayOpen), so that the peer's own connection is taken meanwhile; so
// does one that the peer closes, before Established, because of another (Cease, 7).
// The first ConnectRetryTimers are shorter than the configured one: 250 ms, doubling up to it.
// DelayOpen (events 12, 20) is not offered; damping (6, 7, 13) is a doubling hold in Idle.

/// One run of the session machine. It knows no descriptor: its owner ties it to a connection.
package struct Session: Sendable {
  package struct Settings: Hashable, Sendable {
    package var open: OpenMessage
    package var remoteAS: ASNumber
    package var timers: SessionTimers
    package var passive: Bool
    /// The session needs the peer to have said its role. RFC 9234 §4.2.
    package var needsRole = false
    /// Any AS but ours is welcome, whatever `remoteAS` is.
    package var acceptsAnyExternalAS = false

    package init(
      open: OpenMessage, remoteAS: ASNumber, timers: SessionTimers, passive: Bool = false
    ) {
      self.open = open
      self.remoteAS = remoteAS
      self.timers = timers
      self.passive = passive
    }

    package var isInternal: Bool { open.asNumber == remoteAS }
  }

  package enum Event: Sendable {
    /// 1, 3 and their passive forms 4, 5.
    case start
    /// 2, 8.
    case stop(NotificationMessage)
    /// 16.
    case connected
    /// 17.
    case accepted
    /// 18.
    case connectionFailed
    /// 19, 24–27.
    case message(Message)
    /// 21, 22, 28: what was received cannot be accepted.
    case malformed(NotificationMessage)
    /// 2 in Established, but with an end: Idle until `until`, or for good.
    case hold(NotificationMessage, until: Instant?)
    /// The way to the peer is gone: a Cease that RFC 4271 does not know. RFC 5882 §4, RFC 9384.
    case pathDown(String)
    /// 23.
    case collisionDump
    /// 9, 10, 11, 13: whatever is due.
    case tick
  }

  package enum Action: Hashable, Sendable {
    case connect
    /// Close the connection, or give up opening it.
    case close
    case send(Message)
    case established(Negotiated)
    /// From Established only.
    case down(DownReason)
    /// From a state before Established.
    case failed(DownReason)
    case update(UpdateMessage)
    /// The peer wants a family again.
    case refresh(AddressFamily)
    /// Everything of a family follows, or has come. RFC 7313 §4.
    case refreshBegins(AddressFamily)
    case refreshEnds(AddressFamily)
  }

  package var settings: Settings
  package private(set) var state = SessionState.idle(until: nil)
  /// Failures in a row, which the hold in Idle grows with. RFC 4271 §8.1.1, ConnectRetryCounter.
  package private(set) var failures = 0
  /// Connections begun since the last success, which the ConnectRetryTimer grows with.
  private var attempts = 0
  private var random: SeededRandom

  /// RFC 4271 §8.2.2 suggests four minutes for the hold timer before the peer's OPEN.
  static let openHold = Duration.seconds(240)

  package init(settings: Settings, seed: UInt64) {
    self.settings = settings
    random = SeededRandom(seed: seed)
  }

  package var deadline: Instant? { state.deadline }

  /// Makes a new machine wait for a connection that its owner is about to hand over.
  package mutating func listen() { state = .active(retry: nil) }

  /// What an established peer sent shows that it lives: 27, for who handles updates beside this
  /// machine.
  package mutating func heard(at now: Instant) {
    guard case .established(let negotiated, let timers, let since) = state else { return }
    state = .established(negotiated, held(timers, negotiated, now), since: since)
  }

  package mutating func handle(_ event: Event, at now: Instant) -> [Action] {
    switch event {
    case .start: start(now)
    case .stop(let notification): stop(notification)
    case .connected: connected(now)
    case .accepted: accepted(now)
    case .connectionFailed: connectionFailed(now)
    case .message(let message): received(message, now)
    case .malformed(let notification): end(.sent(notification), now)
    case .hold(let notification, let until): hold(notification, until, now)
    case .pathDown(let reason): end(.pathDown(reason), now)
    case .collisionDump: dump()
    case .tick: tick(now)
    }
  }

  // 1, 3, 4, 5.
  private mutating func start(_ now: Instant) -> [Action] {
    guard case .idle = state else { return [] }
    if settings.passive {
      state = .active(retry: nil)
      return []
    }
    state = .connect(retry: retryDeadline(now))
    return [.connect]
  }

  // 2, 8.
  private mutating func stop(_ notification: NotificationMessage) -> [Action] {
    defer {
      state = .idle(until: nil)
      failures = 0
    }
    switch state {
    case .idle: return []
    case .active: return []
    case .connect: return [.close]
    case .openSent, .openConfirm: return [.send(.notification(notification)), .close]
    case .established:
      return [.send(.notification(notification)), .close, .down(.sent(notification))]
    }
  }

  // 16.
  private mutating func connected(_ now: Instant) -> [Action] {
    switch state {
    case .connect, .active: open(now)
    default: [.close]
    }
  }

  // 17. In Idle connections are refused; elsewhere the owner makes a second machine.
  private mutating func accepted(_ now: Instant) -> [Action] {
    switch state {
    case .active: open(now)
    default: [.close]
    }
  }

  private mutating func open(_ now: Instant) -> [Action] {
    state = .openSent(hold: now.advanced(by: Self.openHold))
    return [.send(.open(settings.open))]
  }

  // 18.
  private mutating func connectionFailed(_ now: Instant) -> [Action] {
    switch state {
    case .idle, .active: return []
    case .connect, .openSent:
      state = .active(retry: settings.passive ? nil : retryDeadline(now))
      return [.failed(.connectionLost)]
    case .openConfirm, .established:
      return end(.connectionLost, now)
    }
  }

  // 23.
  private mutating func dump() -> [Action] {
    defer { state = .idle(until: nil) }
    switch state {
    case .idle, .active: return []
    case .connect: return [.close]
    case .openSent, .openConfirm:
      return [.send(.notification(.connectionCollision)), .close, .failed(.collision)]
    case .established:
      return [.send(.notification(.connectionCollision)), .close, .down(.collision)]
    }
  }

  // 9, 10, 11, 13.
  private mutating func tick(_ now: Instant) -> [Action] {
    switch state {
    case .idle(let until):
      guard let until, until <= now else { return [] }
      return start(now)
    case .connect(let retry):
      guard retry <= now else { return [] }
      state = .connect(retry: retryDeadline(now))
      return [.close, .connect]
    case .active(let retry):
      guard let retry, retry <= now else { return [] }
      state = .connect(retry: retryDeadline(now))
      return [.connect]
    case .openSent(let hold):
      return hold <= now ? end(.holdTimerExpired, now) : []
    case .openConfirm(let negotiated, var timers):
      if let hold = timers.hold, hold <= now { return end(.holdTimerExpired, now) }
      guard let keepalive = timers.keepalive, keepalive <= now else { return [] }
      timers.keepalive = now.advanced(by: jittered(negotiated.keepaliveTime))
      state = .openConfirm(negotiated, timers)
      return [.send(.keepalive)]
    case .established(let negotiated, var timers, let since):
      if let hold = timers.hold, hold <= now { return end(.holdTimerExpired, now) }
      guard let keepalive = timers.keepalive, keepalive <= now else { return [] }
      timers.keepalive = now.advanced(by: jittered(negotiated.keepaliveTime))
      state = .established(negotiated, timers, since: since)
      return [.send(.keepalive)]
    }
  }
}

extension Session {
  // 19, 24–27.
  private mutating func received(_ message: Message, _ now: Instant) -> [Action] {
    if case .notification(let notification) = message { return ended(by: notification, now) }
    switch (state, message) {
    case (.idle, _), (.connect, _), (.active, _):
      return end(.sent(NotificationMessage(.finiteStateMachine)), now)

    case (.openSent, .open(let open)):
      return accept(open, now)
    case (.openSent, _):
      return end(.sent(.unexpectedInOpenSent), now)

    case (.openConfirm(let negotiated, let timers), .keepalive):
      attempts = 0
      state = .established(negotiated, held(timers, negotiated, now), since: now)
      return [.established(negotiated)]
    case (.openConfirm, _):
      return end(.sent(.unexpectedInOpenConfirm), now)

    case (.established(let negotiated, let timers, let since), .keepalive):
      state = .established(negotiated, held(timers, negotiated, now), since: since)
      return []
    case (.established(let negotiated, let timers, let since), .update(let update)):
      state = .established(negotiated, held(timers, negotiated, now), since: since)
      return [.update(update)]
    case (.established(let negotiated, _, _), .routeRefresh(let message)):
      return refresh(message, negotiated)
    case (.established, _):
      return end(.sent(.unexpectedInEstablished), now)
    }
  }

  /// 24, 25. The peer that closes a connection because it has another is not to be shut out.
  private mutating func ended(
    by notification: NotificationMessage, _ now: Instant
  ) -> [Action] {
    guard notification == .connectionCollision,
      state.name == .openSent || state.name == .openConfirm
    else { return end(.received(notification), now) }
    state = .active(retry: settings.passive ? nil : retryDeadline(now))
    return [.close, .failed(.received(notification))]
  }

  /// RFC 2918 §4, RFC 7313 §4; without the latter the subtype is a reserved field.
  private func refresh(_ message: RouteRefreshMessage, _ negotiated: Negotiated) -> [Action] {
    guard let family = message.family, negotiated.families.contains(family) else { return [] }
    if !negotiated.enhancedRouteRefresh { return [.refresh(family)] }
    switch message.subtype {
    case .request: return [.refresh(family)]
    case .begin: return [.refreshBegins(family)]
    case .end: return [.refreshEnds(family)]
    default: return []
    }
  }

  private mutating func accept(_ open: OpenMessage, _ now: Instant) -> [Action] {
    if let objection = settings.objection(to: open) { return end(.sent(objection), now) }
    let negotiated = Negotiated(
      local: settings.open, peer: open, keepalive: settings.timers.keepalive,
      isInternal: settings.isInternal)
    var timers = held(.init(), negotiated, now)
    if negotiated.holdTime > .zero {
      timers.keepalive = now.advanced(by: jittered(negotiated.keepaliveTime))
    }
    state = .openConfirm(negotiated, timers)
    return [.send(.keepalive)]
  }

  private func held(
    _ timers: SessionState.Timers, _ negotiated: Negotiated, _ now: Instant
  ) -> SessionState.Timers {
    var timers = timers
    timers.hold = negotiated.holdTime > .zero ? now.advanced(by: negotiated.holdTime) : nil
    return timers
  }

  /// Ends what there is and goes to Idle, for longer after each failure in a row.
  private mutating func end(_ reason: DownReason, _ now: Instant) -> [Action] {
    // §8.2.2: what Idle does not name has no effect there.
    if case .idle = state { return [] }
    var actions: [Action] = []
    let hasConnection = state.name != .idle && state.name != .active
    switch reason {
    case .sent(let notification) where hasConnection:
      actions.append(.send(.notification(notification)))
    case .holdTimerExpired where hasConnection:
      actions.append(.send(.notification(.holdTimerExpired)))
    case .pathDown where hasConnection:
      actions.append(.send(.notification(.bfdDown)))
    default: break
    }
    if hasConnection, reason != .connectionLost { actions.append(.close) }
    var lasted = Duration.zero
    if case .established(_, _, let since) = state {
      lasted = since.duration(to: now)
      actions.append(.down(reason))
    } else {
      actions.append(.failed(reason))
    }
    if lasted > .seconds(60) { failures = 0 }
    attempts = 0
    if reason == .connectionLost, failures == 0, lasted > .zero {
      // A peer that restarts is back soon: no hold, unless it does so again and again.
      failures = 1
      state = .idle(until: now)
    } else {
      // A path that comes and goes is no fault of the peer's: the hold does not grow with it.
      if case .pathDown = reason { failures = 1 } else { failures = min(failures + 1, 7) }
      state = .idle(until: now.advanced(by: jittered(.seconds(1 << (failures - 1)))))
    }
    return actions
  }

  private mutating func hold(
    _ notification: NotificationMessage, _ until: Instant?, _ now: Instant
  ) -> [Action] {
    defer { state = .idle(until: until) }
    return end(.sent(notification), now)
  }

  /// The first attempts are quick, so that speakers that start together meet at once.
  private mutating func retryDeadline(_ now: Instant) -> Instant {
    let quick = Duration.milliseconds(250 << min(attempts, 16))
    attempts += 1
    return now.advanced(by: jittered(min(settings.timers.connectRetry, quick)))
  }

  /// 75 to 100 % of `duration`. RFC 4271 §10.
  private mutating func jittered(_ duration: Duration) -> Duration {
    duration * Int.random(in: 750...1000, using: &random) / 1000
  }
}
