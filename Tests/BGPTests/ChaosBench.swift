import BGP
import NetTypes

/// One speaker on a simulated clock, and peers that obey no rule. Beside it stands a model, kept
/// from what was sent and what RFC 7606 says of it: what the speaker must hold after each step.
struct ChaosBench {
  /// The peer's end of one connection.
  struct Link {
    var id: ConnectionID
    var framer = MessageFramer()
    /// What the speaker has sent.
    var heard: [Message.Kind] = []
    var saidOpen = false
    var saidKeepalive = false
    /// It says nothing any more: half open.
    var isMute = false
    var lastSpoke: Instant
  }

  struct Peer {
    var address: IPAddress
    var link: Link?
    /// Adj-RIB-In, from scratch; nil: known by prefix alone, as attributes were discarded.
    var routes: [IPPrefix: PathAttributes] = [:]
  }

  static let own = IPv4Address(10, 0, 0, 254)
  static let number = ASNumber(64512)
  static let hold = Duration.seconds(9)
  static let pool = (0..<12).map { prefix("10.53.\($0).0/26") }

  var now = Instant.zero
  var random: SeededRandom
  var speaker: Speaker
  var peers: [Peer]
  var locRIB: [IPPrefix: BestRoute] = [:]
  /// The last steps, for a failure's message.
  var trace: [String] = []

  init(seed: UInt64, peers count: Int) {
    random = SeededRandom(seed: seed)
    let addresses = (1...count).map { IPAddress.v4(IPv4Address(10, 0, 0, UInt8($0))) }
    var configuration = RouterConfiguration(localAS: Self.number, routerID: Self.own)
    configuration.maximumPaths = 1
    configuration.neighbors = addresses.map { Neighbor(address: $0, remoteAS: Self.number) }
    speaker = Speaker(configuration: configuration, seed: seed)
    peers = addresses.map { Peer(address: $0) }
    handle(.start)
  }

  func session(_ peer: Int) -> SessionStatus? {
    speaker.sessions.first { $0.peer == peers[peer].address }
  }

  func isEstablished(_ peer: Int) -> Bool { session(peer)?.state == .established }

  mutating func handle(_ event: SpeakerEvent) {
    for action in speaker.handle(event, at: now) { perform(action) }
  }

  private mutating func perform(_ action: SpeakerAction) {
    switch action {
    // These peers connect, and are connected to by nobody.
    case .connect(let id, _): handle(.closed(id))
    case .send(let id, let bytes):
      guard let peer = peers.firstIndex(where: { $0.link?.id == id }) else { return }
      peers[peer].link?.framer.append(bytes)
      while let frame = try? peers[peer].link?.framer.next() {
        if let kind = Message.Kind(rawValue: frame[frame.startIndex + 18]) {
          peers[peer].link?.heard.append(kind)
        }
      }
    case .close(let id):
      guard let peer = peers.firstIndex(where: { $0.link?.id == id }) else { return }
      lose(peer)
    case .routes(let batch):
      for (prefix, best) in batch { locRIB[prefix] = best }
    // They read at once what they are sent.
    case .awaitDrain(let id): handle(.drained(id))
    case .nextHops, .session, .converged, .notice, .trace: break
    }
  }

  /// The session is gone, and no graceful restart was agreed on.
  private mutating func lose(_ peer: Int) {
    peers[peer].link = nil
    peers[peer].routes = [:]
  }

  mutating func run(for duration: Duration) {
    let end = now.advanced(by: duration)
    while true {
      // Peers that are well keep their sessions up.
      for peer in peers.indices {
        guard let link = peers[peer].link, link.saidKeepalive, !link.isMute,
          link.lastSpoke.advanced(by: .seconds(2)) <= now
        else { continue }
        say(peer, Message.keepalive.encoded(options: CodecOptions()))
      }
      let next = min(speaker.deadline ?? end, end, now.advanced(by: .seconds(1)))
      now = max(now, next)
      if let deadline = speaker.deadline, deadline <= now { handle(.tick) }
      if now >= end { return }
    }
  }

  mutating func accept(_ peer: Int) {
    let id = speaker.makeConnectionID()
    peers[peer].link = Link(id: id, lastSpoke: now)
    handle(.accepted(id, peer: peers[peer].address, local: .v4(Self.own)))
  }

  mutating func die(_ peer: Int) {
    guard let id = peers[peer].link?.id else { return }
    lose(peer)
    handle(.closed(id))
  }

  /// Octets as TCP may cut them: whole, or in two parts with time between.
  mutating func say(_ peer: Int, _ bytes: [UInt8]) {
    guard let id = peers[peer].link?.id else { return }
    peers[peer].link?.lastSpoke = now
    if bytes.count > 1, Int.random(in: 0..<4, using: &random) == 0 {
      let cut = Int.random(in: 1..<bytes.count, using: &random)
      handle(.received(id, Array(bytes[..<cut])))
      if peers[peer].link?.id == id { handle(.received(id, Array(bytes[cut...]))) }
    } else {
      handle(.received(id, bytes))
    }
  }

  func open(_ peer: Int) -> [UInt8] {
    var capabilities = Capabilities()
    capabilities.families = [.ipv4]
    capabilities.fourOctetAS = Self.number
    capabilities.routeRefresh = true
    let open = OpenMessage(
      asNumber: Self.number, holdTime: UInt16(Self.hold.components.seconds),
      identifier: peers[peer].address.v4 ?? .any, capabilities: capabilities)
    return Message.open(open).encoded(options: CodecOptions())
  }
}
