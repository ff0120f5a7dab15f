import BGP
import NetTypes

/// One speaker whose only peer is played by the test, message by message.
struct Puppet {
  static let own = address("10.0.0.1")
  static let peer = address("10.0.0.2")

  var speaker: Speaker
  var now = Instant.zero
  /// What the speaker has sent and the test has not looked at.
  var received: [Message] = []
  var notices: [String] = []
  var traces: [SpeakerTrace] = []
  var changes: [SessionChange] = []
  var kernel: [IPPrefix: BestRoute] = [:]
  var connection: ConnectionID?
  /// Whether the speaker has closed the connection.
  var isClosed = false
  var options = CodecOptions()
  private var framer = MessageFramer()

  /// - Parameter change: of a configuration with one passive neighbour, of our AS.
  init(
    peerAS: UInt32 = 64512, preserved: Bool? = nil,
    _ change: (inout RouterConfiguration) -> Void = { _ in }
  ) {
    var configuration = RouterConfiguration(localAS: ASNumber(64512), routerID: Self.own.v4)
    configuration.neighbors = [Neighbor(address: Self.peer, remoteAS: ASNumber(peerAS))]
    configuration.neighbors[0].settings.passive = true
    change(&configuration)
    speaker = Speaker(
      configuration: configuration, forwardingWasPreserved: preserved, seed: 1)
    handle(.start)
  }

  mutating func handle(_ event: SpeakerEvent) {
    for action in speaker.handle(event, at: now) {
      switch action {
      case .send(let id, let bytes) where id == connection:
        framer.append(bytes)
        while let frame = try? framer.next() {
          if let message = try? Message(decoding: frame, options: options) {
            received.append(message)
          }
        }
      case .close(let id) where id == connection: isClosed = true
      case .notice(_, let text): notices.append(text)
      case .trace(let trace): traces.append(trace)
      case .session(let change): changes.append(change)
      case .routes(let batch): for (prefix, best) in batch { kernel[prefix] = best }
      default: break
      }
    }
  }

  /// Opens a connection to the speaker.
  mutating func connect(from peer: IPAddress = Self.peer, to own: IPAddress = Self.own) {
    let id = speaker.makeConnectionID()
    connection = id
    isClosed = false
    framer = MessageFramer()
    framer.maximumLength = Message.extendedMaximumLength
    handle(.accepted(id, peer: peer, local: own))
  }

  /// Ends the connection without a word.
  mutating func hangUp() {
    if let connection { handle(.closed(connection)) }
    connection = nil
  }

  mutating func send(_ message: Message) { send(message.encoded(options: options)) }

  mutating func send(_ bytes: [UInt8]) {
    if let connection { handle(.received(connection, bytes)) }
  }

  /// Lets time pass with every timer that runs out in it, and keeps the session alive.
  mutating func wait(_ duration: Duration, keepsAlive: Bool = true) {
    let end = now.advanced(by: duration)
    while let deadline = speaker.deadline, deadline <= end {
      now = max(now, deadline)
      if keepsAlive, speaker.sessions.first?.state == .established { send(.keepalive) }
      handle(.tick)
    }
    now = end
  }

  /// The peer's OPEN: of its AS, for IPv4, with what `change` adds.
  static func open(
    as number: UInt32 = 64512, _ change: (inout Capabilities) -> Void = { _ in }
  ) -> Message {
    var capabilities = Capabilities()
    capabilities.families = [.ipv4]
    capabilities.routeRefresh = true
    capabilities.fourOctetAS = ASNumber(number)
    change(&capabilities)
    return .open(
      OpenMessage(
        asNumber: ASNumber(number), holdTime: 9, identifier: identifier("10.0.0.2"),
        capabilities: capabilities))
  }

  /// Brings a session up.
  mutating func establish(
    as number: UInt32 = 64512, _ change: (inout Capabilities) -> Void = { _ in }
  ) {
    options = CodecOptions(isInternal: number == 64512)
    connect()
    send(Self.open(as: number, change))
    send(.keepalive)
  }

  /// Announces routes with ourselves as next hop.
  mutating func announce(_ prefixes: String..., path: [UInt32] = []) {
    var attributes = PathAttributes(
      asPath: ASPath(sequence: path.map { ASNumber($0) }), nextHop: Self.peer)
    if options.isInternal { attributes.localPreference = 100 }
    send(
      .update(UpdateMessage(attributes: attributes, announced: prefixes.map { prefix($0) })))
  }

  var state: SessionState.Name? { speaker.sessions.first?.state }

  /// The speaker's OPEN, the last one sent.
  var open: OpenMessage? {
    received.reversed().lazy.compactMap {
      if case .open(let open) = $0 { open } else { nil }
    }.first
  }

  /// The last NOTIFICATION sent.
  var notification: NotificationMessage? {
    received.reversed().lazy.compactMap {
      if case .notification(let notification) = $0 { notification } else { nil }
    }.first
  }
}

/// A restart capability for IPv4, as a peer would send it.
func restartCapability(
  coversNotification: Bool = true, preserved: Bool = true
) -> GracefulRestartCapability {
  GracefulRestartCapability(
    isRestarting: false, coversNotification: coversNotification, restartTime: 120,
    families: [.ipv4: preserved])
}
