import BFD
import NetTypes
import Testing

@Suite struct BFDEngineTests {
  private static let left = address("10.0.0.1")
  private static let right = address("10.0.0.2")
  private let path = BFDPath(remote: right, local: left)

  private func datagram(_ state: BFDState, to discriminator: UInt32) -> [UInt8] {
    var packet = BFDPacket(
      state: state, multiplier: 3, myDiscriminator: 7, desiredMinTransmit: .milliseconds(50),
      requiredMinReceive: .milliseconds(50))
    packet.yourDiscriminator = discriminator
    return packet.encoded
  }

  private func arrival(_ change: (inout BFDArrival) -> Void = { _ in }) -> BFDArrival {
    var arrival = BFDArrival(source: Self.right, destination: Self.left, interface: 4)
    change(&arrival)
    return arrival
  }

  @Test func `the first packet finds its session by path, later ones by discriminator`() throws {
    var engine = BFDEngine(seed: 1)
    _ = engine.handle(.add(path, .fast), at: .zero)
    _ = engine.handle(.received(datagram(.down, to: 0), arrival()), at: .zero)
    let status = try #require(engine.session(path))
    #expect(status.state == .initial)
    #expect(status.remoteDiscriminator == 7)
    _ = engine.handle(
      .received(datagram(.initial, to: status.localDiscriminator), arrival()), at: .zero)
    #expect(engine.session(path)?.state == .up)
    #expect(engine.discarded == 0)
  }

  @Test func `what came further than a hop, or from elsewhere, or to nobody is discarded`() throws {
    var engine = BFDEngine(seed: 1)
    _ = engine.handle(.add(path, .fast), at: .zero)
    let discriminator = try #require(engine.session(path)?.localDiscriminator)
    func discards(_ bytes: [UInt8], _ arrival: BFDArrival) -> BFDEngine.Discard? {
      var copy = engine
      #expect(copy.handle(.received(bytes, arrival), at: .zero).isEmpty)
      #expect(copy.session(path) == engine.session(path))
      return copy.lastDiscard
    }
    let good = datagram(.down, to: discriminator)
    #expect(discards(good, arrival { $0.timeToLive = 254 }) == .timeToLive(254))
    #expect(discards(good, arrival { $0.source = address("10.0.0.3") }) == .wrongPeer)
    #expect(discards(good, arrival { $0.isMultihop = true }) == .wrongPeer)
    #expect(discards(datagram(.down, to: discriminator &+ 1), arrival()) == .noSession)
    #expect(
      discards(datagram(.down, to: 0), arrival { $0.source = address("10.0.0.3") }) == .noSession)
    #expect(discards([1, 2], arrival()) == .malformed(.version(0)))
  }

  @Test func `several hops have sessions of their own, whatever the TTL`() {
    var engine = BFDEngine(seed: 1)
    let far = BFDPath(remote: Self.right, local: Self.left, isMultihop: true)
    _ = engine.handle(.add(path, .fast), at: .zero)
    _ = engine.handle(.add(far, .fast), at: .zero)
    _ = engine.handle(
      .received(
        datagram(.down, to: 0),
        arrival {
          $0.isMultihop = true
          $0.timeToLive = 60
        }), at: .zero)
    #expect(engine.session(far)?.state == .initial)
    #expect(engine.session(path)?.state == .down)
    #expect(far.port == 4784 && path.port == 3784)
  }

  @Test func `link-local peers of one address are told apart by their interfaces`() {
    var engine = BFDEngine(seed: 1)
    let remote = address("fe80::2")
    let paths = [1, 2].map {
      BFDPath(remote: remote, local: address("fe80::1"), interface: $0)
    }
    for path in paths { _ = engine.handle(.add(path, .fast), at: .zero) }
    _ = engine.handle(
      .received(
        datagram(.down, to: 0),
        BFDArrival(source: remote, destination: address("fe80::1"), interface: 2)), at: .zero)
    #expect(paths.map { engine.session($0)?.state } == [.down, .initial])
  }

  @Test func `a removed session says goodbye for the detection time`() throws {
    var engine = BFDEngine(seed: 1)
    _ = engine.handle(.add(path, .fast), at: .zero)
    let discriminator = try #require(engine.session(path)?.localDiscriminator)
    _ = engine.handle(.received(datagram(.initial, to: discriminator), arrival()), at: .zero)
    #expect(engine.session(path)?.state == .up)

    func states(_ actions: [BFDEngine.Action]) -> [BFDState] {
      actions.compactMap {
        guard case .send(_, let bytes) = $0 else { return nil }
        return try? BFDPacket(decoding: bytes).state
      }
    }
    var said = states(engine.handle(.remove(path), at: .zero))
    #expect(engine.session(path) == nil)
    var isClosed = false
    while let deadline = engine.deadline, deadline < Instant.zero.advanced(by: .seconds(10)) {
      let actions = engine.handle(.tick, at: deadline)
      said += states(actions)
      if actions.contains(.closed(path)) { isClosed = true }
    }
    #expect(said.count >= 3 && said.allSatisfy { $0 == .adminDown })
    #expect(isClosed)
    #expect(engine.deadline == nil)
  }
}

func address(_ text: String) -> IPAddress { IPAddress(text) ?? .v4(.any) }
