import BFD
import NetTypes
import Testing

/// One end of a session, and a peer made of packets.
struct Fixture {
  var session: BFDSession
  var now = Instant.zero
  var sent: [BFDPacket] = []
  var changes: [BFDChange] = []
  /// What the peer says of itself.
  var peer = BFDPacket(
    state: .down, multiplier: 3, myDiscriminator: 99, desiredMinTransmit: .milliseconds(50),
    requiredMinReceive: .milliseconds(50))

  init(_ parameters: BFDParameters = .fast) {
    session = BFDSession(parameters, localDiscriminator: 1, seed: 1, at: .zero)
    peer.yourDiscriminator = 1
  }

  mutating func handle(_ event: BFDSession.Event) {
    for action in session.handle(event, at: now) {
      switch action {
      case .send(let packet): sent.append(packet)
      case .changed(let change): changes.append(change)
      }
    }
  }

  mutating func receive(_ state: BFDState, _ change: (inout BFDPacket) -> Void = { _ in }) {
    peer.state = state
    var packet = peer
    change(&packet)
    handle(.received(packet))
  }

  /// Lets time pass, with every tick that comes up.
  mutating func advance(_ duration: Duration) {
    let end = now.advanced(by: duration)
    while let deadline = session.deadline, deadline <= end {
      now = max(now, deadline)
      handle(.tick)
    }
    now = end
  }

  mutating func bring(to state: BFDState) {
    switch state {
    case .adminDown: handle(.disable)
    case .down: break
    case .initial: receive(.down)
    case .up: receive(.initial)
    }
    sent = []
    changes = []
  }

  /// Up, with the timers that were asked for in force.
  mutating func settle() {
    bring(to: .up)
    receive(.up) { $0.isFinal = true }
    sent = []
  }
}

extension BFDParameters {
  static let fast = BFDParameters(
    desiredMinTransmit: .milliseconds(50), requiredMinReceive: .milliseconds(50))
}

@Suite struct BFDSessionTests {
  /// RFC 5880 §6.8.6: our state, the packet's, and what becomes of ours.
  @Test(
    arguments: [
      (.adminDown, .adminDown, .adminDown), (.adminDown, .down, .adminDown),
      (.adminDown, .initial, .adminDown), (.adminDown, .up, .adminDown),
      (.down, .adminDown, .down), (.down, .down, .initial), (.down, .initial, .up),
      (.down, .up, .down),
      (.initial, .adminDown, .down), (.initial, .down, .initial), (.initial, .initial, .up),
      (.initial, .up, .up),
      (.up, .adminDown, .down), (.up, .down, .down), (.up, .initial, .up), (.up, .up, .up),
    ] as [(BFDState, BFDState, BFDState)])
  func `the state machine is RFC 5880's`(_ from: BFDState, _ packet: BFDState, _ to: BFDState) {
    var fixture = Fixture()
    fixture.bring(to: from)
    #expect(fixture.session.state == from)
    fixture.receive(packet)
    #expect(fixture.session.state == to)
    #expect(fixture.changes.map(\.to) == (from == to ? [] : [to]))
    // A new state is told at once.
    #expect(fixture.sent.map(\.state) == (from == to ? [] : [to]))
    if to == .down, from != .down {
      #expect(fixture.session.diagnostic == .neighborSignaledDown)
      #expect(fixture.changes.first?.isRemoteAdminDown == (packet == .adminDown))
    }
  }

  @Test(arguments: [BFDState.initial, .up])
  func `silence for the detection time ends a session`(_ state: BFDState) {
    var fixture = Fixture()
    fixture.bring(to: state)
    fixture.advance(.milliseconds(149))
    #expect(fixture.session.state == state)
    fixture.advance(.milliseconds(1))
    #expect(fixture.session.state == .down)
    #expect(fixture.session.diagnostic == .controlDetectionTimeExpired)
    #expect(fixture.session.remoteDiscriminator == 0)
    #expect(fixture.sent.last?.diagnostic == .controlDetectionTimeExpired)
    #expect(fixture.sent.last?.yourDiscriminator == 0)
  }

  @Test func `the detection time is the peer's multiplier times the slower of both`() {
    var fixture = Fixture()
    fixture.peer.multiplier = 5
    fixture.peer.desiredMinTransmit = .milliseconds(20)
    fixture.bring(to: .up)
    #expect(fixture.session.detectionTime == .milliseconds(250))
    fixture.receive(.up) { $0.desiredMinTransmit = .milliseconds(70) }
    #expect(fixture.session.detectionTime == .milliseconds(350))
  }

  @Test func `a packet that knows no discriminator counts only from a peer that is down`() {
    var fixture = Fixture()
    fixture.receive(.initial) { $0.yourDiscriminator = 0 }
    #expect(fixture.session.state == .down)
    fixture.receive(.down) { $0.yourDiscriminator = 0 }
    #expect(fixture.session.state == .initial)
  }

  @Test func `a poll is answered at once by a final`() {
    var fixture = Fixture()
    fixture.settle()
    fixture.receive(.up) { $0.isPoll = true }
    #expect(fixture.sent.map(\.isFinal) == [true])
    #expect(fixture.sent.map(\.isPoll) == [false])
  }

  @Test func `an operator's down is told as such, and holds until he enables the session`() {
    var fixture = Fixture()
    fixture.settle()
    fixture.handle(.disable)
    #expect(fixture.sent.map(\.state) == [.adminDown])
    #expect(fixture.sent.first?.diagnostic == .administrativelyDown)
    fixture.receive(.up)
    fixture.advance(.seconds(10))
    #expect(fixture.session.state == .adminDown)
    fixture.handle(.enable)
    fixture.receive(.down)
    fixture.receive(.initial)
    #expect(fixture.session.state == .up)
    #expect(fixture.session.diagnostic == .none)
  }

  @Test func `a passive end says nothing before its peer does`() {
    var parameters = BFDParameters.fast
    parameters.isPassive = true
    var fixture = Fixture(parameters)
    fixture.advance(.seconds(5))
    #expect(fixture.sent.isEmpty)
    fixture.receive(.down)
    #expect(!fixture.sent.isEmpty)
  }
}
