import NetTypes

//                               +--+
//                               |  | UP, ADMIN DOWN, TIMER
//                               |  V
//                       DOWN  +------+  INIT
//                +------------|      |------------+
//                |            | DOWN |            |
//                |  +-------->|      |<--------+  |
//                |  |         +------+         |  |
//                |  |               ADMIN DOWN,|  |
//                |  |ADMIN DOWN,          DOWN,|  |
//                |  |TIMER                TIMER|  |
//                V  |                          |  V
//              +------+                      +------+
//         +----|      |                      |      |----+
//     DOWN|    | INIT |--------------------->|  UP  |    |INIT, UP
//         +--->|      | INIT, UP             |      |<---+
//              +------+                      +------+
//
// RFC 5880 §6.2; an arrow's word is the state that the peer's packet carries. From every state the
// operator leads to AdminDown, and from there to Down.
//
// Asynchronous mode. Deviations: we never ask for demand mode, though we keep silent for a peer
// that does (§6.6); no echo function (§6.4), which we refuse by a Required Min Echo RX of zero; Poll
// Sequences run only while the session is Up, as until then new timers are in force at once.

/// What an operator asks of a session. RFC 5880 §6.8.1.
package struct BFDParameters: Hashable, Sendable {
  /// In force once the session is up; before it is at least a second. RFC 5880 §6.8.3.
  package var desiredMinTransmit: Duration
  package var requiredMinReceive: Duration
  package var multiplier: UInt8
  /// Says nothing before the peer has. RFC 5880 §6.1.
  package var isPassive = false

  package init(
    desiredMinTransmit: Duration = .milliseconds(300),
    requiredMinReceive: Duration = .milliseconds(300), multiplier: UInt8 = 3
  ) {
    self.desiredMinTransmit = desiredMinTransmit
    self.requiredMinReceive = requiredMinReceive
    self.multiplier = max(1, multiplier)
  }
}

/// A change of a session's state.
package struct BFDChange: Hashable, Sendable {
  package var from: BFDState
  package var to: BFDState
  /// Ours, of the new state.
  package var diagnostic: BFDDiagnostic
  /// The peer's operator has taken its end down: no sign of a broken path. RFC 5882 §3.2.
  package var isRemoteAdminDown: Bool
}

/// One end of a BFD session. It knows no socket: packets in, packets out.
package struct BFDSession: Sendable {
  package enum Event: Sendable {
    /// A packet that passed the checks of `BFDPacket` and was found to be this session's.
    case received(BFDPacket)
    /// `deadline` has come.
    case tick
    case configure(BFDParameters)
    /// The operator takes the session down. RFC 5880 §6.8.16.
    case disable
    case enable
  }

  package enum Action: Hashable, Sendable {
    case send(BFDPacket)
    case changed(BFDChange)
  }

  /// A Poll Sequence. RFC 5880 §6.5.
  enum Poll: Sendable {
    case idle
    case running
    /// Timers have changed again since it began: another must follow.
    case runningThenAnother
  }

  /// While a session is not up, neither end sends more often. RFC 5880 §6.8.3.
  package static let slowInterval = Duration.seconds(1)

  package internal(set) var parameters: BFDParameters
  package internal(set) var state = BFDState.down
  package internal(set) var diagnostic = BFDDiagnostic.none
  package let localDiscriminator: UInt32
  /// Zero while unknown.
  package internal(set) var remoteDiscriminator: UInt32 = 0
  package internal(set) var remoteState = BFDState.down
  package internal(set) var remoteDiagnostic = BFDDiagnostic.none
  package internal(set) var remoteMultiplier: UInt8 = 0
  package internal(set) var remoteMinTransmit = Duration.zero
  /// One microsecond until the peer has said it. RFC 5880 §6.8.1.
  package internal(set) var remoteMinReceive = Duration.microseconds(1)
  package internal(set) var remoteMinEchoReceive = Duration.zero
  package internal(set) var isRemoteDemand = false
  package internal(set) var isRemoteIndependent = false

  /// What our packets say.
  var desiredMinTransmit: Duration
  var requiredMinReceive: Duration
  /// What we go by: the same, but for an end that slows down before the peer has heard of it.
  var transmitInForce: Duration
  var receiveInForce: Duration
  var poll = Poll.idle

  var lastSent: Instant?
  var nextTransmit: Instant
  /// When the peer will have been silent for the detection time; nil while it is silent already.
  var detection: Instant?
  var random: SeededRandom

  package init(
    _ parameters: BFDParameters, localDiscriminator: UInt32, seed: UInt64, at now: Instant
  ) {
    self.parameters = parameters
    self.localDiscriminator = localDiscriminator
    random = SeededRandom(seed: seed)
    desiredMinTransmit = max(parameters.desiredMinTransmit, Self.slowInterval)
    requiredMinReceive = parameters.requiredMinReceive
    transmitInForce = desiredMinTransmit
    receiveInForce = requiredMinReceive
    nextTransmit = now
  }

  package mutating func handle(_ event: Event, at now: Instant) -> [Action] {
    switch event {
    case .received(let packet): return received(packet, now)
    case .tick: return tick(now)
    case .configure(let new): return configure(new, now)
    case .disable:
      // A session that starts again begins from nothing.
      poll = .idle
      return state == .adminDown ? [] : move(to: .adminDown, .administrativelyDown, now)
    case .enable:
      return state == .adminDown ? move(to: .down, diagnostic, now) : []
    }
  }

  /// When `.tick` is due; nil while there is nothing to wait for.
  package var deadline: Instant? {
    let transmit = transmitsPeriodically ? nextTransmit : nil
    guard let transmit, let detection else { return transmit ?? detection }
    return min(transmit, detection)
  }

  private mutating func tick(_ now: Instant) -> [Action] {
    var actions: [Action] = []
    if let detection, detection <= now { actions += detectionTimeExpired(now) }
    if transmitsPeriodically, nextTransmit <= now { actions.append(transmit(now)) }
    return actions
  }

  /// RFC 5880 §6.8.4, and §6.8.1 of bfd.RemoteDiscr.
  private mutating func detectionTimeExpired(_ now: Instant) -> [Action] {
    detection = nil
    remoteDiscriminator = 0
    remoteState = .down
    remoteMinReceive = .microseconds(1)
    isRemoteDemand = false
    switch state {
    case .initial, .up: return move(to: .down, .controlDetectionTimeExpired, now)
    case .down, .adminDown: return []
    }
  }

  // RFC 5880 §6.8.6, from where the session is found; numbers are ours.
  private mutating func received(_ packet: BFDPacket, _ now: Instant) -> [Action] {
    // 1. A peer that does not know our discriminator yet cannot be in Init or Up.
    if packet.yourDiscriminator == 0, packet.state != .down, packet.state != .adminDown {
      return []
    }
    // 2. What the peer says of itself.
    remoteDiscriminator = packet.myDiscriminator
    remoteState = packet.state
    remoteDiagnostic = packet.diagnostic
    remoteMultiplier = packet.multiplier
    remoteMinTransmit = packet.desiredMinTransmit
    remoteMinReceive = packet.requiredMinReceive
    remoteMinEchoReceive = packet.requiredMinEchoReceive
    isRemoteDemand = packet.isDemand
    isRemoteIndependent = packet.isControlPlaneIndependent
    // 3. The end of a Poll Sequence of ours.
    if packet.isFinal { pollFinished() }
    // 4. New timers count from now.
    hastenTransmission()
    detection = now.advanced(by: detectionTime)
    // 5. The state machine.
    var actions: [Action] = []
    switch (state, packet.state) {
    case (.adminDown, _): return []
    case (.down, .adminDown): break
    case (_, .adminDown), (.up, .down): actions = move(to: .down, .neighborSignaledDown, now)
    case (.down, .down): actions = move(to: .initial, diagnostic, now)
    case (.down, .initial), (.initial, .initial), (.initial, .up):
      actions = move(to: .up, .none, now)
    case (.down, .up), (.initial, .down), (.up, .initial), (.up, .up): break
    }
    // 6. A Poll is answered at once, whatever the timers say.
    if packet.isPoll {
      var answer = self.packet
      answer.isPoll = false
      answer.isFinal = true
      actions.append(.send(answer))
    }
    return actions
  }

  /// Takes a new state and tells the peer at once. RFC 5880 §6.8.7.
  private mutating func move(
    to new: BFDState, _ diagnostic: BFDDiagnostic, _ now: Instant
  ) -> [Action] {
    let change = BFDChange(
      from: state, to: new, diagnostic: diagnostic, isRemoteAdminDown: remoteState == .adminDown)
    state = new
    self.diagnostic = diagnostic
    adoptTimers()
    // The detection time counts from the last packet; only its length may have changed.
    var actions: [Action] = [.changed(change)]
    if mayTransmit { actions.append(transmit(now)) }
    return actions
  }

  private mutating func configure(_ new: BFDParameters, _ now: Instant) -> [Action] {
    guard new != parameters else { return [] }
    parameters = new
    adoptTimers()
    return mayTransmit ? [transmit(now)] : []
  }
}
