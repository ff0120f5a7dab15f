import BGP
import NetTypes
import Testing

/// RFC 4271 §6.8: crossing connections, in every order that their messages can arrive in.
@Suite struct CollisionTests {
  /// The two ends' identifiers and AS numbers.
  struct Pair: CustomTestStringConvertible {
    var identifiers: [IPv4Address]
    var numbers: [UInt32] = [64512, 64512]

    init(_ identifiers: [String], numbers: [UInt32] = [64512, 64512]) {
      self.identifiers = identifiers.map { IPv4Address($0)! }
      self.numbers = numbers
    }

    var testDescription: String { "\(identifiers) \(numbers)" }

    static let inside = [Pair(["10.0.0.1", "10.0.0.2"]), Pair(["10.0.0.2", "10.0.0.1"])]
    /// RFC 6286 §2.3.
    static let alike = [
      Pair(["10.0.0.1", "10.0.0.1"], numbers: [64512, 64513]),
      Pair(["10.0.0.1", "10.0.0.1"], numbers: [64513, 64512]),
    ]
  }

  private static func speaker(_ end: Int, _ pair: Pair, restarts: Bool) -> Speaker {
    let addresses = Crossing.addresses
    var configuration = Simulation.configuration(
      addresses[end], peers: addresses, number: pair.numbers[end],
      of: [addresses[1 - end]: pair.numbers[1 - end]])
    configuration.routerID = pair.identifiers[end]
    configuration.gracefulRestart.isEnabled = restarts
    if restarts, end == 1 { configuration.networks = [Crossing.route] }
    return Speaker(
      configuration: configuration, restarting: restarts && end == 1, seed: UInt64(end) + 1)
  }

  /// A speaker of end 0 whose peer has given it a route and crashed.
  private static func helper(_ pair: Pair) -> Speaker {
    var speaker = speaker(0, pair, restarts: true)
    for case .connect(let id, _) in speaker.handle(.start, at: .zero) {
      _ = speaker.handle(.closed(id), at: .zero)
    }
    let peer = ByIdentifierPeer(identifier: pair.identifiers[1])
    let id = speaker.makeConnectionID()
    _ = speaker.handle(
      .accepted(id, peer: Crossing.addresses[1], local: Crossing.addresses[0]), at: .zero)
    for message in [.open(peer.open), .keepalive, .update(peer.table)] as [Message] {
      let bytes = message.encoded(options: CodecOptions(isInternal: true))
      _ = speaker.handle(.received(id, bytes), at: .zero)
    }
    _ = speaker.handle(.closed(id), at: Crossing.beginning)
    return speaker
  }

  /// Follows every order of arrivals to where nothing is under way, and then lets the time pass that
  /// an OPEN waits at most.
  private static func explore(_ start: Crossing, _ check: (Crossing) -> Void) -> Int {
    var seen: Set<[String]> = []
    var open = [start]
    var orders = 0
    while var crossing = open.popLast() {
      let lanes = crossing.lanes
      for lane in lanes {
        var next = crossing
        next.deliver(lane)
        if seen.insert(next.histories).inserted { open.append(next) }
      }
      if lanes.isEmpty {
        orders += 1
        crossing.wait(.seconds(6))
        check(crossing)
      }
    }
    return orders
  }

  /// Both ends have one session, by the same connection, and have heard of nothing else.
  private static func judge(_ crossing: Crossing, sessions: [UInt64], _ faults: inout Set<String>) {
    faults.formUnion(crossing.faults)
    if crossing.open.count != 1 { faults.insert("\(crossing.open.count) connections") }
    for (end, count) in zip(crossing.ends, sessions) {
      switch end {
      case .speaker(let speaker):
        let session = speaker.sessions[0]
        if session.state != .established { faults.insert("\(session.state)") }
        if session.counters.established != count {
          faults.insert("established \(session.counters.established) times")
        }
      case .peer(let peer):
        if peer.states.count(where: { $0 == .established }) != 1 { faults.insert("\(peer.states)") }
      }
    }
  }

  @Test(arguments: Pair.inside + Pair.alike)
  func `two of our own keep one session, whatever arrives first`(_ pair: Pair) {
    let start = Crossing([0, 1].map { .speaker(Self.speaker($0, pair, restarts: false)) })
    var faults: Set<String> = []
    let orders = Self.explore(start) { Self.judge($0, sessions: [1, 1], &faults) }
    #expect(faults.isEmpty)
    #expect(orders > 100)
  }

  @Test(arguments: Pair.inside)
  func `one that restarts loses no route, whatever arrives first`(_ pair: Pair) {
    let start = Crossing([
      .speaker(Self.helper(pair)), .speaker(Self.speaker(1, pair, restarts: true)),
    ])
    var faults: Set<String> = []
    let orders = Self.explore(start) { Self.judge($0, sessions: [2, 1], &faults) }
    #expect(faults.isEmpty)
    #expect(orders > 100)
  }

  @Test(arguments: Pair.inside, ByIdentifierPeer.Manner.allCases)
  func `a peer that goes by the identifiers and we keep the same connection`(
    _ pair: Pair, _ manner: ByIdentifierPeer.Manner
  ) {
    let start = Crossing([
      .speaker(Self.helper(pair)),
      .peer(ByIdentifierPeer(identifier: pair.identifiers[1], manner)),
    ])
    var faults: Set<String> = []
    let orders = Self.explore(start) { Self.judge($0, sessions: [2, 1], &faults) }
    #expect(faults.isEmpty)
    #expect(orders > 100)
  }

  // MARK: - Step by step

  /// Our connection is established and nothing but that was said on it; on the peer's, which the
  /// identifiers are for, its OPEN has come.
  private struct Waiting {
    var speaker = CollisionTests.helper(Pair.inside[0])
    var now = Crossing.beginning
    var ours = ConnectionID(rawValue: 0)
    var theirs = ConnectionID(rawValue: 0)
    let peer = ByIdentifierPeer(identifier: Pair.inside[0].identifiers[1])
    var sent: [ConnectionID: [Message]] = [:]
    var closed: [ConnectionID] = []
    var changes: [SessionChange] = []

    init() {
      for case .connect(let id, _) in speaker.handle(.tick, at: now) { ours = id }
      theirs = speaker.makeConnectionID()
      handle(.connected(ours, local: Crossing.addresses[0]))
      send(.open(peer.open), on: ours)
      handle(.accepted(theirs, peer: Crossing.addresses[1], local: Crossing.addresses[0]))
      send(.keepalive, on: ours)
      send(.open(peer.open), on: theirs)
      changes = []
    }

    mutating func handle(_ event: SpeakerEvent) {
      for action in speaker.handle(event, at: now) {
        switch action {
        case .send(let id, let bytes):
          let options = CodecOptions(isInternal: true)
          if let message = try? Message(decoding: bytes[...], options: options) {
            sent[id, default: []].append(message)
          }
        case .close(let id): closed.append(id)
        case .session(let change): changes.append(change)
        default: break
        }
      }
    }

    mutating func send(_ message: Message, on id: ConnectionID) {
      handle(.received(id, message.encoded(options: CodecOptions(isInternal: true))))
    }

    var session: SessionStatus { speaker.sessions[0] }
    var hasRoute: Bool { speaker.routes.contains { $0.prefix == Crossing.route } }
  }

  @Test func `an OPEN waits unanswered while the peer may keep either connection`() {
    let bench = Waiting()
    #expect(bench.session.state == .established)
    #expect(bench.sent[bench.theirs]?.count == 1)
    #expect(bench.closed.isEmpty)
  }

  @Test(
    arguments: [
      .keepalive, .update(UpdateMessage()), .routeRefresh(RouteRefreshMessage(.ipv4)),
    ] as [Message])
  func `what a peer sends only once Established closes the other connection`(_ message: Message) {
    var bench = Waiting()
    bench.send(message, on: bench.ours)
    #expect(bench.closed == [bench.theirs])
    #expect(bench.sent[bench.theirs]?.last == .notification(.connectionCollision))
    #expect(bench.session.state == .established)
  }

  @Test func `an OPEN waits five seconds`() {
    var bench = Waiting()
    bench.now = bench.now.advanced(by: .seconds(5))
    #expect(bench.speaker.deadline.map { $0 <= bench.now } == true)
    bench.handle(.tick)
    #expect(bench.closed == [bench.theirs])
    #expect(bench.session.state == .established)
  }

  @Test func `a connection that goes while its OPEN waits changes nothing`() {
    var bench = Waiting()
    bench.handle(.closed(bench.theirs))
    #expect(bench.session.state == .established && bench.session.lastError == nil)
    #expect(bench.changes.isEmpty && bench.closed.isEmpty)
  }

  @Test(arguments: [true, false])
  func `a session goes on by the connection that the peer keeps`(_ says: Bool) {
    var bench = Waiting()
    if says { bench.send(.notification(.connectionCollision), on: bench.ours) }
    if !says { bench.handle(.closed(bench.ours)) }
    #expect(bench.sent[bench.theirs]?.last == .keepalive)
    #expect(bench.session.state == .established && bench.hasRoute)
    bench.send(.keepalive, on: bench.theirs)
    #expect(bench.session.state == .established && bench.session.counters.established == 2)
    #expect(bench.changes.isEmpty && bench.hasRoute)
    // Everything is told on it.
    #expect(
      bench.sent[bench.theirs]?.contains { if case .update = $0 { true } else { false } } == true)
  }

  @Test func `a session that goes on by a connection which fails is down after all`() {
    var bench = Waiting()
    bench.handle(.closed(bench.ours))
    bench.handle(.closed(bench.theirs))
    #expect(bench.changes.map(\.from) == [.established])
    #expect(bench.session.lastError == .connectionLost)
  }

  @Test func `a session that goes on by a connection which stays mute is down after all`() {
    var bench = Waiting()
    bench.handle(.closed(bench.ours))
    bench.now = bench.now.advanced(by: .seconds(5))
    bench.handle(.tick)
    #expect(bench.changes.map(\.from) == [.established])
    bench.send(.keepalive, on: bench.theirs)
    #expect(bench.session.state == .established && bench.session.counters.established == 3)
  }

  @Test func `a neighbor that is shut down while its session is handed over is down once`() {
    var bench = Waiting()
    bench.handle(.closed(bench.ours))
    bench.handle(.shutdown)
    #expect(bench.closed == [bench.theirs])
    #expect(bench.changes.map(\.from) == [.established])
    #expect(!bench.hasRoute)
  }
}
