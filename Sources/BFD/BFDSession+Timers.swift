import NetTypes

extension BFDSession {
  /// Between periodic packets, before jitter. RFC 5880 §6.8.2.
  package var transmitInterval: Duration { max(transmitInForce, remoteMinReceive) }

  /// How long the peer may be silent. RFC 5880 §6.8.4. Zero before its first packet.
  package var detectionTime: Duration {
    max(receiveInForce, remoteMinTransmit) * Int(remoteMultiplier)
  }

  /// RFC 5880 §6.8.7, the conditions for sending anything but a Final.
  var mayTransmit: Bool {
    if parameters.isPassive, remoteDiscriminator == 0 { return false }
    return remoteMinReceive > .zero
  }

  /// Towards a peer in demand mode only Poll Sequences are sent, once both ends are up.
  var transmitsPeriodically: Bool {
    let isDemanded = isRemoteDemand && state == .up && remoteState == .up
    return mayTransmit && (!isDemanded || isPolling)
  }

  var isPolling: Bool {
    if case .idle = poll { false } else { true }
  }

  /// What is sent now, were it sent now.
  var packet: BFDPacket {
    var packet = BFDPacket(
      state: state, multiplier: parameters.multiplier, myDiscriminator: localDiscriminator,
      desiredMinTransmit: desiredMinTransmit, requiredMinReceive: requiredMinReceive)
    packet.diagnostic = diagnostic
    packet.yourDiscriminator = remoteDiscriminator
    packet.isPoll = isPolling
    return packet
  }

  mutating func transmit(_ now: Instant) -> Action {
    lastSent = now
    nextTransmit = now.advanced(by: jittered(transmitInterval))
    return .send(packet)
  }

  /// 75 to 100 % of the interval; to 90 % where one lost packet is too many. RFC 5880 §6.8.7.
  private mutating func jittered(_ interval: Duration) -> Duration {
    let percent = parameters.multiplier == 1 ? 7500...9000 : 7500...10_000
    return interval * Int.random(in: percent, using: &random) / 10_000
  }

  /// Brings what our packets say to what state and parameters ask for. RFC 5880 §6.8.3.
  ///
  /// While the session is up, an end goes by the stricter of old and new until the peer has heard:
  /// it sends as often as before, and waits as long as before.
  mutating func adoptTimers() {
    let transmit =
      state == .up
      ? parameters.desiredMinTransmit : max(parameters.desiredMinTransmit, Self.slowInterval)
    let receive = parameters.requiredMinReceive
    let isNew = transmit != desiredMinTransmit || receive != requiredMinReceive
    desiredMinTransmit = transmit
    requiredMinReceive = receive
    if state == .up {
      transmitInForce = min(transmitInForce, transmit)
      receiveInForce = max(receiveInForce, receive)
      if isNew { poll = isPolling ? .runningThenAnother : .running }
    } else {
      transmitInForce = transmit
      receiveInForce = receive
      poll = .idle
    }
    hastenTransmission()
  }

  mutating func pollFinished() {
    switch poll {
    case .idle: return
    case .runningThenAnother: poll = .running
    case .running:
      poll = .idle
      transmitInForce = desiredMinTransmit
      receiveInForce = requiredMinReceive
    }
  }

  /// A shorter interval counts from the last packet, not from the next. RFC 5880 §6.8.3.
  mutating func hastenTransmission() {
    guard let lastSent else { return }
    let latest = lastSent.advanced(by: transmitInterval)
    if latest < nextTransmit { nextTransmit = latest }
  }
}
