import BGP
import NetTypes
import Testing

/// The table of RFC 4271 §8.2.2: what each state does with each event.
@Suite struct SessionTests {
  static let localOpen = open(identifier: "1.1.1.1")
  static let peerOpen = open(identifier: "2.2.2.2")

  static func open(identifier id: String, hold: UInt16 = 9, number: UInt32 = 64512) -> OpenMessage {
    var capabilities = Capabilities()
    capabilities.families = [.ipv4]
    capabilities.fourOctetAS = ASNumber(number)
    return OpenMessage(
      asNumber: ASNumber(number), holdTime: hold, identifier: identifier(id),
      capabilities: capabilities)
  }

  static func settings(passive: Bool = false) -> Session.Settings {
    Session.Settings(
      open: localOpen, remoteAS: ASNumber(64512), timers: SessionTimers(), passive: passive)
  }

  static func at(_ seconds: Double) -> Instant {
    Instant(nanoseconds: Int64(seconds * 1_000_000_000))
  }

  /// A session led to `state` by the shortest way, at instant 0.
  static func session(in state: SessionState.Name, passive: Bool = false) -> Session {
    var session = Session(settings: settings(passive: passive), seed: 1)
    let way: [Session.Event] =
      switch state {
      case .idle: []
      case .connect: [.start]
      case .active: [.start, .connectionFailed]
      case .openSent: [.start, .connected]
      case .openConfirm: [.start, .connected, .message(.open(peerOpen))]
      case .established:
        [.start, .connected, .message(.open(peerOpen)), .message(.keepalive)]
      }
    for event in way { _ = session.handle(event, at: .zero) }
    return session
  }

  struct Row: CustomTestStringConvertible, Sendable {
    var state: SessionState.Name
    var name: String
    var event: Session.Event
    var next: SessionState.Name
    var actions: [Session.Action]
    var testDescription: String { "\(state.rawValue), \(name)" }
  }

  static let negotiated = Negotiated(
    local: localOpen, peer: peerOpen, keepalive: .seconds(3), isInternal: true)
  static let cease = NotificationMessage.administrativeShutdown
  static let routes = UpdateMessage(withdrawn: [.defaultIPv4])
  static let fsm = NotificationMessage(.finiteStateMachine)

  static func send(_ notification: NotificationMessage) -> Session.Action {
    .send(.notification(notification))
  }

  static let rows: [Row] = [
    // 1 ManualStart
    Row(state: .idle, name: "1 start", event: .start, next: .connect, actions: [.connect]),
    Row(state: .connect, name: "1 start", event: .start, next: .connect, actions: []),
    Row(state: .established, name: "1 start", event: .start, next: .established, actions: []),
    // 2 ManualStop
    Row(state: .idle, name: "2 stop", event: .stop(cease), next: .idle, actions: []),
    Row(state: .connect, name: "2 stop", event: .stop(cease), next: .idle, actions: [.close]),
    Row(state: .active, name: "2 stop", event: .stop(cease), next: .idle, actions: []),
    Row(
      state: .openSent, name: "2 stop", event: .stop(cease), next: .idle,
      actions: [send(cease), .close]),
    Row(
      state: .openConfirm, name: "2 stop", event: .stop(cease), next: .idle,
      actions: [send(cease), .close]),
    Row(
      state: .established, name: "2 stop", event: .stop(cease), next: .idle,
      actions: [send(cease), .close, .down(.sent(cease))]),
    // 16, 17
    Row(state: .idle, name: "17 accepted", event: .accepted, next: .idle, actions: [.close]),
    Row(
      state: .connect, name: "16 connected", event: .connected, next: .openSent,
      actions: [.send(.open(localOpen))]),
    Row(
      state: .active, name: "17 accepted", event: .accepted, next: .openSent,
      actions: [.send(.open(localOpen))]),
    // 18
    Row(
      state: .connect, name: "18 fails", event: .connectionFailed, next: .active,
      actions: [.failed(.connectionLost)]),
    Row(
      state: .openSent, name: "18 fails", event: .connectionFailed, next: .active,
      actions: [.failed(.connectionLost)]),
    Row(
      state: .openConfirm, name: "18 fails", event: .connectionFailed, next: .idle,
      actions: [.failed(.connectionLost)]),
    Row(
      state: .established, name: "18 fails", event: .connectionFailed, next: .idle,
      actions: [.down(.connectionLost)]),
    // 19
    Row(
      state: .openSent, name: "19 OPEN", event: .message(.open(peerOpen)), next: .openConfirm,
      actions: [.send(.keepalive)]),
    Row(
      state: .openSent, name: "19 OPEN of another AS",
      event: .message(.open(open(identifier: "2.2.2.2", number: 64513))), next: .idle,
      actions: [send(.badPeerAS), .close, .failed(.sent(.badPeerAS))]),
    Row(
      state: .openSent, name: "19 OPEN with our identifier",
      event: .message(.open(open(identifier: "1.1.1.1"))), next: .idle,
      actions: [send(.badBGPIdentifier), .close, .failed(.sent(.badBGPIdentifier))]),
    Row(
      state: .openConfirm, name: "19 OPEN", event: .message(.open(peerOpen)), next: .idle,
      actions: [
        send(.unexpectedInOpenConfirm), .close, .failed(.sent(.unexpectedInOpenConfirm)),
      ]),
    Row(
      state: .established, name: "19 OPEN", event: .message(.open(peerOpen)), next: .idle,
      actions: [send(.unexpectedInEstablished), .close, .down(.sent(.unexpectedInEstablished))]),
    // 21, 22, 28
    Row(
      state: .openSent, name: "22 bad OPEN", event: .malformed(.unsupportedVersion), next: .idle,
      actions: [send(.unsupportedVersion), .close, .failed(.sent(.unsupportedVersion))]),
    Row(
      state: .established, name: "28 bad UPDATE", event: .malformed(.malformedAttributeList),
      next: .idle,
      actions: [
        send(.malformedAttributeList), .close, .down(.sent(.malformedAttributeList)),
      ]),
    // 23
    Row(
      state: .openConfirm, name: "23 collision", event: .collisionDump, next: .idle,
      actions: [send(.connectionCollision), .close, .failed(.collision)]),
    // 24, 25
    Row(
      state: .openSent, name: "25 NOTIFICATION", event: .message(.notification(cease)), next: .idle,
      actions: [.close, .failed(.received(cease))]),
    Row(
      state: .established, name: "25 NOTIFICATION", event: .message(.notification(cease)),
      next: .idle, actions: [.close, .down(.received(cease))]),
    // 26
    Row(
      state: .openSent, name: "26 KEEPALIVE", event: .message(.keepalive), next: .idle,
      actions: [send(.unexpectedInOpenSent), .close, .failed(.sent(.unexpectedInOpenSent))]),
    Row(
      state: .openConfirm, name: "26 KEEPALIVE", event: .message(.keepalive), next: .established,
      actions: [.established(negotiated)]),
    Row(
      state: .established, name: "26 KEEPALIVE", event: .message(.keepalive), next: .established,
      actions: []),
    // 27
    Row(
      state: .openConfirm, name: "27 UPDATE", event: .message(.update(routes)), next: .idle,
      actions: [
        send(.unexpectedInOpenConfirm), .close, .failed(.sent(.unexpectedInOpenConfirm)),
      ]),
    Row(
      state: .established, name: "27 UPDATE", event: .message(.update(routes)), next: .established,
      actions: [.update(routes)]),
    Row(
      state: .connect, name: "27 UPDATE", event: .message(.update(routes)), next: .idle,
      actions: [send(fsm), .close, .failed(.sent(fsm))]),
  ]

  @Test(arguments: rows)
  func `a state answers an event as the RFC's table says`(_ row: Row) {
    var session = Self.session(in: row.state)
    #expect(session.state.name == row.state)
    let actions = session.handle(row.event, at: .zero)
    #expect(actions == row.actions)
    #expect(session.state.name == row.next)
  }

  @Test(arguments: [SessionState.Name.openSent, .openConfirm, .established])
  func `10: a hold timer that runs out ends the session`(_ state: SessionState.Name) {
    var session = Self.session(in: state)
    let after = state == .openSent ? 240.0 : 9.0
    #expect(session.handle(.tick, at: Self.at(after - 0.01)).contains(.close) == false)
    let actions = session.handle(.tick, at: Self.at(after))
    let end: Session.Action =
      state == .established ? .down(.holdTimerExpired) : .failed(.holdTimerExpired)
    #expect(actions == [Self.send(.holdTimerExpired), .close, end])
    #expect(session.state.name == .idle)
  }

  @Test func `11: keepalives go out every 75 to 100 % of a third of the hold time`() {
    var session = Self.session(in: .established)
    for _ in 0..<100 {
      let deadline = session.deadline!
      #expect(session.handle(.tick, at: deadline) == [.send(.keepalive)])
      _ = session.handle(.message(.keepalive), at: deadline)
      let wait = deadline.duration(to: session.deadline!)
      #expect(wait >= .milliseconds(2250) && wait <= .seconds(3))
    }
  }

  @Test func `9: the retry timer begins anew in Connect and leads there from Active`() {
    for state in [SessionState.Name.connect, .active] {
      var session = Self.session(in: state)
      let deadline = session.deadline!
      let actions = session.handle(.tick, at: deadline)
      #expect(actions == (state == .connect ? [.close, .connect] : [.connect]))
      #expect(session.state.name == .connect)
      #expect(session.deadline! > deadline)
    }
  }

  @Test func `a passive session waits and never connects`() {
    var session = Session(settings: Self.settings(passive: true), seed: 1)
    #expect(session.handle(.start, at: .zero).isEmpty)
    #expect(session.state.name == .active)
    #expect(session.deadline == nil)
  }

  @Test func `13: Idle holds longer after each failure`() {
    var session = Self.session(in: .openSent)
    var last = Duration.zero
    var now = Instant.zero
    for _ in 0..<5 {
      _ = session.handle(.malformed(.unsupportedVersion), at: now)
      let hold = now.duration(to: session.deadline!)
      #expect(hold > last)
      last = hold
      now = session.deadline!
      #expect(session.handle(.tick, at: now) == [.connect])
      _ = session.handle(.connected, at: now)
    }
  }

  @Test func `the smaller hold time counts, and zero stops the timers`() {
    var session = Self.session(in: .openSent)
    let open = Self.open(identifier: "2.2.2.2", hold: 6)
    _ = session.handle(.message(.open(open)), at: .zero)
    #expect(session.state.negotiated?.holdTime == .seconds(6))
    #expect(session.state.negotiated?.keepaliveTime == .seconds(2))

    session = Self.session(in: .openSent)
    _ = session.handle(.message(.open(Self.open(identifier: "2.2.2.2", hold: 0))), at: .zero)
    _ = session.handle(.message(.keepalive), at: .zero)
    #expect(session.state.name == .established)
    #expect(session.deadline == nil)
  }
}
