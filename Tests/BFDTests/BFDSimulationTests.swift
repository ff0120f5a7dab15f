import BFD
import NetTypes
import Testing

/// Two engines on a simulated clock, and a network between them that delays, reorders and loses.
private struct Simulation {
  struct Flight {
    var at: Instant
    var to: Int
    var bytes: [UInt8]
  }

  static let addresses = [address("10.0.0.1"), address("10.0.0.2")]
  let paths = (0..<2).map { BFDPath(remote: addresses[1 - $0], local: addresses[$0]) }
  var engines: [BFDEngine]
  var now = Instant.zero
  var flights: [Flight] = []
  var changes: [(at: Instant, end: Int, change: BFDChange)] = []
  var random: SeededRandom
  /// Nothing passes.
  var isCut = false
  /// Of a packet to be lost; but never more than `burst` in a row.
  var loss = 0.0
  var burst = 1
  var delay = Duration.milliseconds(1)...Duration.milliseconds(1)
  private var lostInRow = [0, 0]

  init(_ parameters: [BFDParameters], seed: UInt64) {
    random = SeededRandom(seed: seed)
    engines = (0..<2).map { BFDEngine(seed: seed &* 2 &+ UInt64($0)) }
    for end in 0..<2 { handle(end, .add(paths[end], parameters[end])) }
  }

  func status(_ end: Int) -> BFDStatus? { engines[end].session(paths[end]) }
  var areUp: Bool { (0..<2).allSatisfy { status($0)?.state == .up } }
  var downs: Int { changes.filter { $0.change.from == .up }.count }

  mutating func handle(_ end: Int, _ event: BFDEngine.Event) {
    for action in engines[end].handle(event, at: now) {
      switch action {
      case .send(_, let bytes): send(bytes, from: end)
      case .changed(_, let change): changes.append((now, end, change))
      case .closed: break
      }
    }
  }

  private mutating func send(_ bytes: [UInt8], from end: Int) {
    if isCut { return }
    if lostInRow[end] < burst, Double.random(in: 0..<1, using: &random) < loss {
      lostInRow[end] += 1
      return
    }
    lostInRow[end] = 0
    let range = delay.lowerBound.inNanoseconds...delay.upperBound.inNanoseconds
    let wait = Duration.nanoseconds(Int64.random(in: range, using: &random))
    flights.append(Flight(at: now.advanced(by: wait), to: 1 - end, bytes: bytes))
  }

  mutating func run(for duration: Duration) {
    let end = now.advanced(by: duration)
    while true {
      let arrival = flights.indices.min { flights[$0].at < flights[$1].at }
      let next = (engines.compactMap(\.deadline) + (arrival.map { [flights[$0].at] } ?? [])).min()
      guard let next, next <= end else { break }
      now = max(now, next)
      if let arrival, flights[arrival].at <= now {
        let flight = flights.remove(at: arrival)
        let source = Self.addresses[1 - flight.to]
        let destination = Self.addresses[flight.to]
        handle(
          flight.to,
          .received(flight.bytes, BFDArrival(source: source, destination: destination)))
      } else {
        for end in 0..<2 where engines[end].deadline.map({ $0 <= now }) ?? false {
          handle(end, .tick)
        }
      }
    }
    now = end
  }
}

@Suite struct BFDSimulationTests {
  private static let seeds = (0..<20).map { UInt64($0) * 7919 + 1 }

  private func timers(_ transmit: Int, _ receive: Int, _ multiplier: UInt8) -> BFDParameters {
    BFDParameters(
      desiredMinTransmit: .milliseconds(transmit), requiredMinReceive: .milliseconds(receive),
      multiplier: multiplier)
  }

  /// Of two packets one always comes, late by most of an interval at worst.
  @Test(arguments: seeds) func `loss that the multiplier bears is no reason to flap`(
    _ seed: UInt64
  ) {
    var simulation = Simulation([.fast, .fast], seed: seed)
    simulation.loss = 0.4
    simulation.burst = 1
    simulation.delay = .milliseconds(1)...(.milliseconds(45))
    simulation.run(for: .seconds(8))
    #expect(simulation.areUp, "seed \(seed)")
    simulation.run(for: .seconds(60))
    #expect(simulation.downs == 0, "seed \(seed)")
  }

  @Test(arguments: seeds) func `a cut is seen by both ends within the negotiated time`(
    _ seed: UInt64
  ) throws {
    var random = SeededRandom(seed: seed)
    let choices = [10, 50, 300]
    let ends = (0..<2).map { _ in
      timers(
        choices.randomElement(using: &random) ?? 50, choices.randomElement(using: &random) ?? 50,
        UInt8.random(in: 2...5, using: &random))
    }
    var simulation = Simulation(ends, seed: seed)
    simulation.run(for: .milliseconds(Int.random(in: 5000...6000, using: &random)))
    #expect(simulation.areUp, "seed \(seed)")
    for end in 0..<2 {
      let (mine, theirs) = (ends[end], ends[1 - end])
      let status = try #require(simulation.status(end))
      #expect(
        status.transmitInterval == max(mine.desiredMinTransmit, theirs.requiredMinReceive))
      #expect(
        status.detectionTime
          == max(mine.requiredMinReceive, theirs.desiredMinTransmit) * Int(theirs.multiplier))
    }
    let expected = (0..<2).compactMap { simulation.status($0)?.detectionTime }
    let cut = simulation.now
    simulation.isCut = true
    simulation.run(for: .seconds(5))
    for end in 0..<2 {
      let down = try #require(simulation.changes.first { $0.end == end && $0.change.from == .up })
      #expect(down.change.diagnostic == .controlDetectionTimeExpired)
      let took = cut.duration(to: down.at)
      // The last packet may have been on its way.
      #expect(took <= expected[end] + .milliseconds(1), "seed \(seed)")
    }
    // Mended, it comes back.
    simulation.isCut = false
    simulation.run(for: .seconds(5))
    #expect(simulation.areUp, "seed \(seed)")
  }

  @Test(arguments: seeds) func `timers change under a session that stays up`(_ seed: UInt64) {
    var random = SeededRandom(seed: seed)
    var simulation = Simulation([.fast, .fast], seed: seed)
    simulation.delay = .milliseconds(1)...(.milliseconds(5))
    simulation.loss = 0.2
    simulation.run(for: .seconds(8))
    var last = BFDParameters.fast
    for _ in 0..<20 {
      last = timers(
        Int.random(in: 10...800, using: &random), Int.random(in: 10...800, using: &random), 3)
      simulation.handle(0, .add(simulation.paths[0], last))
      simulation.run(for: .milliseconds(Int.random(in: 1...4000, using: &random)))
    }
    simulation.run(for: .seconds(8))
    #expect(simulation.downs == 0, "seed \(seed)")
    #expect(
      simulation.status(0)?.transmitInterval
        == max(last.desiredMinTransmit, .milliseconds(50)))
  }

  @Test func `an end that is removed takes the other down with the reason`() throws {
    var simulation = Simulation([.fast, .fast], seed: 3)
    simulation.run(for: .seconds(5))
    simulation.handle(0, .remove(simulation.paths[0]))
    simulation.run(for: .milliseconds(20))
    let change = try #require(simulation.changes.last?.change)
    #expect(change.to == .down && change.isRemoteAdminDown)
    #expect(simulation.status(1)?.remoteDiagnostic == .administrativelyDown)
  }
}
