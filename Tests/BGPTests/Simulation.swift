import BGP
import NetTypes

/// Speakers on a simulated clock, joined by connections that delay what they carry but keep its
/// order. The same seed gives the same run.
struct Simulation {
  private struct Wire {
    var peer: IPAddress
    /// The peer's life that the connection belongs to.
    var life: Int
    var connection: ConnectionID
    /// What comes later arrives no earlier.
    var lastDelivery = Instant.zero
  }

  private struct Delivery {
    var at: Instant
    var order: Int
    var to: IPAddress
    var life: Int
    var event: SpeakerEvent
  }

  private struct End: Hashable {
    var speaker: IPAddress
    var connection: ConnectionID
  }

  var now = Instant.zero
  var random: SeededRandom
  private(set) var speakers: [IPAddress: Speaker] = [:]
  /// The kernel's table of each speaker; it outlives its speaker.
  var kernels: [IPAddress: [IPPrefix: BestRoute]] = [:]
  /// The next hops that each speaker has asked about.
  var nextHops: [IPAddress: Set<IPAddress>] = [:]
  var changes: [IPAddress: [SessionChange]] = [:]
  var hasConverged: Set<IPAddress> = []
  /// How long connections take to send what they were given.
  var drainDelay = Duration.microseconds(100)
  private var wires: [End: Wire] = [:]
  private var queue: [Delivery] = []
  private var nextOrder = 0
  /// Counts crashes: what was under way to an earlier life is lost.
  private var lives: [IPAddress: Int] = [:]
  private var severed: Set<Set<IPAddress>> = []
  /// What TCP sends again once two speakers reach each other again.
  private var held: [Set<IPAddress>: [(Wire, SpeakerEvent)]] = [:]

  init(seed: UInt64) { random = SeededRandom(seed: seed) }

  mutating func add(_ address: IPAddress, _ configuration: RouterConfiguration) {
    hasConverged.remove(address)
    nextHops[address] = []
    speakers[address] = Speaker(
      configuration: configuration, restarting: !(kernels[address] ?? [:]).isEmpty,
      seed: random.next())
    handle(address, .start)
  }

  /// As kill -9: the connections end without a NOTIFICATION, the kernel keeps its table.
  mutating func crash(_ address: IPAddress) {
    speakers[address] = nil
    lives[address, default: 0] += 1
    for (end, _) in wires.sorted(by: { $0.key.connection < $1.key.connection })
    where end.speaker == address { drop(end) }
  }

  /// Ends the connections between two speakers, as if by RST.
  mutating func breakConnections(_ a: IPAddress, _ b: IPAddress) {
    for (end, wire) in wires.sorted(by: { $0.key.connection < $1.key.connection })
    where end.speaker == a && wire.peer == b {
      deliver(.closed(end.connection), to: a, life(a), .zero)
      drop(end)
    }
  }

  /// Holds back everything between two speakers from now on, or no more.
  mutating func sever(_ a: IPAddress, _ b: IPAddress, _ isSevered: Bool = true) {
    if isSevered {
      severed.insert([a, b])
      return
    }
    severed.remove([a, b])
    for (wire, event) in held.removeValue(forKey: [a, b]) ?? [] {
      deliver(event, to: wire.peer, wire.life, .microseconds(50))
    }
  }

  mutating func handle(_ address: IPAddress, _ event: SpeakerEvent) {
    for action in speakers[address]?.handle(event, at: now) ?? [] { perform(action, address) }
  }

  mutating func run(for duration: Duration) {
    let end = now.advanced(by: duration)
    while true {
      let delivery = queue.indices.min {
        (queue[$0].at, queue[$0].order) < (queue[$1].at, queue[$1].order)
      }
      let timer = speakers.compactMap { address, speaker in speaker.deadline.map { ($0, address) } }
        .min { $0 < $1 }
      let deliveryAt = delivery.map { queue[$0].at } ?? Instant(nanoseconds: .max)
      let timerAt = timer?.0 ?? Instant(nanoseconds: .max)
      let next = min(deliveryAt, timerAt)
      guard next <= end else { break }
      now = max(now, next)
      if let delivery, deliveryAt <= timerAt {
        let item = queue.remove(at: delivery)
        if item.life == life(item.to) { handle(item.to, item.event) }
      } else if let timer {
        handle(timer.1, .tick)
      }
    }
    now = end
  }

  private mutating func perform(_ action: SpeakerAction, _ address: IPAddress) {
    switch action {
    case .connect(let id, let target):
      let peer = target.address
      guard !severed.contains([address, peer]) else { return }
      guard let other = speakers[peer]?.makeConnectionID() else {
        return deliver(.closed(id), to: address, life(address), .milliseconds(1))
      }
      wires[End(speaker: address, connection: id)] = Wire(
        peer: peer, life: life(peer), connection: other)
      wires[End(speaker: peer, connection: other)] = Wire(
        peer: address, life: life(address), connection: id)
      carry(.connected(id, local: address), from: End(speaker: peer, connection: other))
      carry(
        .accepted(other, peer: address, local: peer), from: End(speaker: address, connection: id))
    case .send(let id, let bytes):
      let end = End(speaker: address, connection: id)
      guard let wire = wires[end] else { return }
      carry(.received(wire.connection, bytes), from: end)
    case .awaitDrain(let id):
      deliver(.drained(id), to: address, life(address), drainDelay)
    case .close(let id):
      drop(End(speaker: address, connection: id))
    case .routes(let batch):
      for (prefix, best) in batch {
        kernels[address, default: [:]][prefix] = best?.origin == .local ? nil : best
      }
    case .nextHops(let added, let removed):
      nextHops[address, default: []].subtract(removed)
      nextHops[address, default: []].formUnion(added)
    case .session(let change):
      changes[address, default: []].append(change)
    case .converged:
      hasConverged.insert(address)
      // The sweep: what was not learnt again goes.
      let learnt = Set(speakers[address]?.routes.filter(\.isBest).map(\.prefix) ?? [])
      kernels[address] = kernels[address]?.filter { learnt.contains($0.key) }
    case .notice, .trace: break
    }
  }

  private mutating func drop(_ end: End) {
    guard let wire = wires[end] else { return }
    carry(.closed(wire.connection), from: end)
    wires[end] = nil
  }

  private mutating func carry(_ event: SpeakerEvent, from end: End) {
    guard let wire = wires[end] else { return }
    if severed.contains([end.speaker, wire.peer]) {
      held[[end.speaker, wire.peer], default: []].append((wire, event))
      return
    }
    let delay = Duration.microseconds(Int.random(in: 50...5000, using: &random))
    let at = max(now.advanced(by: delay), wire.lastDelivery.advanced(by: .nanoseconds(1)))
    wires[end]?.lastDelivery = at
    deliver(event, to: wire.peer, wire.life, now.duration(to: at))
  }

  private func life(_ address: IPAddress) -> Int { lives[address] ?? 0 }

  private mutating func deliver(
    _ event: SpeakerEvent, to address: IPAddress, _ life: Int, _ delay: Duration
  ) {
    nextOrder += 1
    queue.append(
      Delivery(
        at: now.advanced(by: delay), order: nextOrder, to: address, life: life, event: event))
  }
}

extension Simulation {
  /// `count` speakers at 10.0.0.1 and so on, each the neighbour of every other.
  static func addresses(_ count: Int) -> [IPAddress] {
    (1...count).map { .v4(IPv4Address(10, 0, 0, UInt8($0))) }
  }

  static func configuration(
    _ own: IPAddress, peers: [IPAddress], number: UInt32 = 64512,
    of numbers: [IPAddress: UInt32] = [:]
  ) -> RouterConfiguration {
    var configuration = RouterConfiguration(localAS: ASNumber(number), routerID: own.v4)
    configuration.neighbors = peers.filter { $0 != own }.map {
      Neighbor(address: $0, remoteAS: ASNumber(numbers[$0] ?? number))
    }
    return configuration
  }

  func state(_ speaker: IPAddress, _ peer: IPAddress) -> SessionState.Name? {
    speakers[speaker]?.sessions.first { $0.peer == peer }?.state
  }

  func hops(_ speaker: IPAddress, _ text: String) -> [IPAddress]? {
    kernels[speaker]?[prefix(text)]?.nextHops
  }
}
