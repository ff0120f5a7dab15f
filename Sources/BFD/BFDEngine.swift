import NetTypes

//   datagram ─▶ BFDPacket ─▶ session, by discriminator or by path (§6.3) ─▶ BFDSession ─▶ actions
//
// A session that is removed says AdminDown until the peer has had time to hear of it (§6.8.16).

/// The BFD sessions of a system, sans I/O: datagrams in, datagrams out.
package struct BFDEngine: Sendable {
  package enum Event: Sendable {
    /// Begins a session, or gives one new parameters.
    case add(BFDPath, BFDParameters)
    case remove(BFDPath)
    case received([UInt8], BFDArrival)
    /// `deadline` has come.
    case tick
  }

  package enum Action: Hashable, Sendable {
    case send(BFDPath, [UInt8])
    case changed(BFDPath, BFDChange)
    /// A removed session has said goodbye.
    case closed(BFDPath)
  }

  /// Why a datagram was not used.
  package enum Discard: Hashable, Sendable {
    case malformed(BFDPacket.Refusal)
    /// It has come further than one hop. RFC 5881 §5.
    case timeToLive(UInt8)
    case noSession
    /// The discriminator is of a session with another peer.
    case wrongPeer
  }

  struct Entry: Sendable {
    let path: BFDPath
    var session: BFDSession
    /// Removed, and until when it says so.
    var leaving: Instant?
    var counters = BFDCounters()
    var since: Instant
  }

  /// By local discriminator.
  var entries: [UInt32: Entry] = [:]
  private var discriminators: [BFDPath: UInt32] = [:]
  private var random: SeededRandom
  /// Datagrams that were not used.
  package private(set) var discarded: UInt64 = 0
  package private(set) var lastDiscard: Discard?

  /// - Parameter seed: of discriminators and jitter.
  package init(seed: UInt64) { random = SeededRandom(seed: seed) }

  package mutating func handle(_ event: Event, at now: Instant) -> [Action] {
    switch event {
    case .add(let path, let parameters): return add(path, parameters, now)
    case .remove(let path): return remove(path, now)
    case .received(let bytes, let arrival): return received(bytes, arrival, now)
    case .tick: return tick(now)
    }
  }

  /// When `.tick` is due.
  package var deadline: Instant? {
    entries.values.lazy.compactMap { entry in
      guard let leaving = entry.leaving else { return entry.session.deadline }
      return entry.session.deadline.map { min($0, leaving) } ?? leaving
    }.min()
  }

  private mutating func add(
    _ path: BFDPath, _ parameters: BFDParameters, _ now: Instant
  ) -> [Action] {
    if let discriminator = discriminators[path] {
      entries[discriminator]?.leaving = nil
      return drive(discriminator, .configure(parameters), now)
        + drive(discriminator, .enable, now)
    }
    var discriminator: UInt32 = 0
    while discriminator == 0 || entries[discriminator] != nil {
      discriminator = UInt32(truncatingIfNeeded: random.next())
    }
    discriminators[path] = discriminator
    let session = BFDSession(
      parameters, localDiscriminator: discriminator, seed: random.next(), at: now)
    entries[discriminator] = Entry(path: path, session: session, since: now)
    return drive(discriminator, .tick, now)
  }

  private mutating func remove(_ path: BFDPath, _ now: Instant) -> [Action] {
    guard let discriminator = discriminators[path], let entry = entries[discriminator],
      entry.leaving == nil
    else { return [] }
    let actions = drive(discriminator, .disable, now)
    let session = entries[discriminator]?.session ?? entry.session
    let wait = session.transmitInterval * Int(session.parameters.multiplier)
    entries[discriminator]?.leaving = now.advanced(by: wait)
    return actions
  }

  private mutating func received(
    _ bytes: [UInt8], _ arrival: BFDArrival, _ now: Instant
  ) -> [Action] {
    do {
      if !arrival.isMultihop, arrival.timeToLive != 255 {
        return discard(.timeToLive(arrival.timeToLive))
      }
      let packet = try BFDPacket(decoding: bytes)
      guard let discriminator = session(of: packet, arrival), let entry = entries[discriminator]
      else { return discard(.noSession) }
      guard entry.path.remote == arrival.source, entry.path.isMultihop == arrival.isMultihop else {
        return discard(.wrongPeer)
      }
      entries[discriminator]?.counters.received += 1
      return drive(discriminator, .received(packet), now)
    } catch {
      return discard(.malformed(error))
    }
  }

  private mutating func discard(_ reason: Discard) -> [Action] {
    discarded += 1
    lastDiscard = reason
    return []
  }

  /// RFC 5880 §6.3, §6.8.6; RFC 5881 §3: the first packets know no discriminator, and are matched
  /// by where they came from.
  private func session(of packet: BFDPacket, _ arrival: BFDArrival) -> UInt32? {
    if packet.yourDiscriminator != 0 { return packet.yourDiscriminator }
    var path = BFDPath(
      remote: arrival.source, local: arrival.destination, interface: arrival.interface,
      isMultihop: arrival.isMultihop)
    if let exact = discriminators[path] { return exact }
    path.interface = 0
    return discriminators[path]
  }

  private mutating func tick(_ now: Instant) -> [Action] {
    var actions: [Action] = []
    let due = entries.filter { ($0.value.session.deadline ?? now.advanced(by: .seconds(1))) <= now }
    for discriminator in due.keys.sorted() { actions += drive(discriminator, .tick, now) }
    for (discriminator, entry) in entries {
      guard let leaving = entry.leaving, leaving <= now else { continue }
      entries[discriminator] = nil
      discriminators[entry.path] = nil
      actions.append(.closed(entry.path))
    }
    return actions
  }

  private mutating func drive(
    _ discriminator: UInt32, _ event: BFDSession.Event, _ now: Instant
  ) -> [Action] {
    guard let asked = entries[discriminator]?.session.handle(event, at: now),
      let path = entries[discriminator]?.path
    else { return [] }
    return asked.map { action in
      switch action {
      case .send(let packet):
        entries[discriminator]?.counters.sent += 1
        return .send(path, packet.encoded)
      case .changed(let change):
        entries[discriminator]?.since = now
        if change.to == .up { entries[discriminator]?.counters.ups += 1 }
        if change.from == .up { entries[discriminator]?.counters.downs += 1 }
        return .changed(path, change)
      }
    }
  }
}
