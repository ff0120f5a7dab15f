import BGP
import NetTypes

/// Two ends that have each opened a connection to the other: what is under way on the two may
/// arrive in any order, but on one connection, in one direction, in its own. No time passes.
///
/// Connection 0 was opened by end 0, connection 1 by end 1.
struct Crossing {
  enum Event {
    case opened
    case bytes([UInt8])
    case closed
  }

  /// One that plays a part at one end: a speaker of ours, or a peer of the test's.
  enum End {
    case speaker(Speaker)
    case peer(ByIdentifierPeer)
  }

  /// One connection, toward one end.
  struct Lane: Hashable {
    var connection: Int
    var end: Int
  }

  static let addresses = Simulation.addresses(2)
  static let route = prefix("10.53.2.0/26")
  static let beginning = Instant.zero.advanced(by: .seconds(10))

  var ends: [End]
  var now = Self.beginning
  private var queues: [Lane: [Event]] = [:]
  /// Ends that have closed a connection, or seen it closed.
  private var isClosed: Set<Lane> = []
  private var ids: [[ConnectionID]]
  /// What the two ends were given, which is all that they depend on.
  private(set) var histories = ["", ""]
  /// What must not happen, and did.
  private(set) var faults: [String] = []

  init(_ ends: [End]) {
    self.ends = ends
    ids = [[ConnectionID(rawValue: 0), ConnectionID(rawValue: 0)], []]
    ids[1] = ids[0]
    for end in 0...1 {
      guard case .speaker(var speaker) = self.ends[end] else { continue }
      // Its own attempt is all that it has under way.
      for action in speaker.handle(.start, at: now) + speaker.handle(.tick, at: now) {
        if case .connect(let id, _) = action { ids[end][end] = id }
      }
      ids[end][1 - end] = speaker.makeConnectionID()
      self.ends[end] = .speaker(speaker)
    }
    for connection in 0...1 {
      for end in 0...1 { queues[Lane(connection: connection, end: end)] = [.opened] }
    }
  }

  /// Where something can arrive next.
  var lanes: [Lane] {
    queues.filter { !$0.value.isEmpty }.keys.sorted {
      ($0.connection, $0.end) < ($1.connection, $1.end)
    }
  }

  /// Connections that neither end has closed.
  var open: [Int] {
    (0...1).filter { connection in
      !(0...1).contains { isClosed.contains(Lane(connection: connection, end: $0)) }
    }
  }

  mutating func deliver(_ lane: Lane) {
    guard let event = queues[lane]?.removeFirst() else { return }
    histories[lane.end] += "\(lane.connection)"
    if case .closed = event { isClosed.insert(lane) }
    switch ends[lane.end] {
    case .speaker(var speaker):
      let id = ids[lane.end][lane.connection]
      let address = Self.addresses[lane.end]
      let input: SpeakerEvent =
        switch event {
        case .opened where lane.connection == lane.end: .connected(id, local: address)
        case .opened: .accepted(id, peer: Self.addresses[1 - lane.end], local: address)
        case .bytes(let bytes): .received(id, bytes)
        case .closed: .closed(id)
        }
      let actions = speaker.handle(input, at: now)
      ends[lane.end] = .speaker(speaker)
      perform(actions, lane.end)
    case .peer(var peer):
      let output = peer.handle(event, on: lane.connection, isIncoming: lane.connection != lane.end)
      ends[lane.end] = .peer(peer)
      for (connection, event) in output { carry(event, from: lane.end, on: connection) }
    }
  }

  /// Lets time pass; what is sent meanwhile arrives at once.
  mutating func wait(_ duration: Duration) {
    let end = now.advanced(by: duration)
    while let next = deadline, next <= end {
      now = max(now, next)
      for index in 0...1 {
        guard case .speaker(var speaker) = ends[index] else { continue }
        let actions = speaker.handle(.tick, at: now)
        ends[index] = .speaker(speaker)
        perform(actions, index)
      }
      while let lane = lanes.first { deliver(lane) }
    }
  }

  private var deadline: Instant? {
    ends.compactMap { if case .speaker(let speaker) = $0 { speaker.deadline } else { nil } }.min()
  }

  private mutating func perform(_ actions: [SpeakerAction], _ end: Int) {
    for action in actions {
      switch action {
      case .send(let id, let bytes):
        if let connection = ids[end].firstIndex(of: id) {
          carry(.bytes(bytes), from: end, on: connection)
        }
      case .close(let id):
        if let connection = ids[end].firstIndex(of: id) {
          carry(.closed, from: end, on: connection)
        }
      case .connect: faults.append("end \(end) connects again")
      case .session(let change) where change.from == .established:
        faults.append("end \(end) is \(change.to.rawValue): \(String(describing: change.reason))")
      case .routes(let batch):
        for (prefix, best) in batch where prefix == Self.route && best == nil {
          faults.append("end \(end) has lost \(prefix)")
        }
      default: break
      }
    }
  }

  private mutating func carry(_ event: Event, from end: Int, on connection: Int) {
    let (own, other) = (
      Lane(connection: connection, end: end), Lane(connection: connection, end: 1 - end)
    )
    guard !isClosed.contains(own) else { return }
    if case .closed = event {
      isClosed.insert(own)
      queues[own] = []
    }
    if !isClosed.contains(other) { queues[other, default: []].append(event) }
  }
}

/// A peer that does to the letter what RFC 4271 §6.8 says, as BIRD does: in OpenConfirm the
/// identifiers decide, once Established the newer connection goes.
struct ByIdentifierPeer {
  enum State { case idle, openSent, openConfirm, established, closed }
  enum Manner: CaseIterable {
    case asBIRD
    /// Connections in OpenSent are judged too.
    case asFRR
    /// The connection that is not chosen ends without a NOTIFICATION.
    case withoutAWord
  }

  var identifier: IPv4Address
  var manner = Manner.asBIRD
  private(set) var states: [State] = [.idle, .idle]
  private var framers = [MessageFramer(), MessageFramer()]
  private var options = CodecOptions(isInternal: true)

  init(identifier: IPv4Address, _ manner: Manner = .asBIRD) {
    self.identifier = identifier
    self.manner = manner
  }

  var open: OpenMessage {
    var capabilities = Capabilities()
    capabilities.families = [.ipv4]
    capabilities.fourOctetAS = ASNumber(64512)
    capabilities.gracefulRestart = restartCapability()
    return OpenMessage(
      asNumber: ASNumber(64512), holdTime: 180, identifier: identifier, capabilities: capabilities)
  }

  var table: UpdateMessage {
    let attributes = PathAttributes(nextHop: Crossing.addresses[1], localPreference: 100)
    return UpdateMessage(attributes: attributes, announced: [Crossing.route])
  }

  mutating func handle(_ event: Crossing.Event, on connection: Int, isIncoming: Bool)
    -> [(Int, Crossing.Event)]
  {
    switch event {
    case .opened:
      states[connection] = .openSent
      return [(connection, .bytes(Message.open(open).encoded(options: options)))]
    case .closed:
      states[connection] = .closed
      return []
    case .bytes(let bytes):
      framers[connection].append(bytes)
      var output: [(Int, Crossing.Event)] = []
      while states[connection] != .closed, let frame = try? framers[connection].next(),
        let message = try? Message(decoding: frame, options: options)
      {
        output += received(message, connection, isIncoming)
      }
      return output
    }
  }

  private mutating func received(_ message: Message, _ connection: Int, _ isIncoming: Bool)
    -> [(Int, Crossing.Event)]
  {
    switch (states[connection], message) {
    case (.openSent, .open(let open)):
      let isPreferred = (identifier < open.identifier) == isIncoming
      switch states[1 - connection] {
      case .established: return give(up: connection)
      case .openConfirm where !isPreferred: return give(up: connection)
      case .openSent where manner == .asFRR && !isPreferred: return give(up: connection)
      default: break
      }
      var output: [(Int, Crossing.Event)] = []
      if states[1 - connection] == .openConfirm
        || manner == .asFRR && states[1 - connection] == .openSent
      {
        output = give(up: 1 - connection)
      }
      states[connection] = .openConfirm
      return output + [(connection, .bytes(Message.keepalive.encoded(options: options)))]
    case (.openConfirm, .keepalive):
      states[connection] = .established
      return [table, UpdateMessage()].map {
        (connection, .bytes(Message.update($0).encoded(options: options)))
      }
    case (_, .notification):
      states[connection] = .closed
      return [(connection, .closed)]
    default: return []
    }
  }

  private mutating func give(up connection: Int) -> [(Int, Crossing.Event)] {
    states[connection] = .closed
    if manner == .withoutAWord { return [(connection, .closed)] }
    let notification = Message.notification(.connectionCollision).encoded(options: options)
    return [(connection, .bytes(notification)), (connection, .closed)]
  }
}
