import BFD
import NetTypes
import Testing

@Suite struct BFDTimerTests {
  @Test func `a session that is not up sends once a second at most`() {
    var fixture = Fixture()
    fixture.handle(.tick)
    fixture.advance(.seconds(20))
    #expect(fixture.sent.count >= 20 && fixture.sent.count <= 28)
    #expect(fixture.sent.allSatisfy { $0.desiredMinTransmit == .seconds(1) })
    #expect(fixture.sent.allSatisfy { $0.requiredMinReceive == .milliseconds(50) })
  }

  @Test(arguments: [(3, 750, 1000), (1, 750, 900)] as [(UInt8, Int, Int)])
  func `intervals are jittered as RFC 5880 §6.8.7 asks`(
    _ multiplier: UInt8, _ least: Int, _ most: Int
  ) {
    var parameters = BFDParameters.fast
    parameters.multiplier = multiplier
    var fixture = Fixture(parameters)
    fixture.settle()
    var gaps: [Int] = []
    for _ in 0..<2000 {
      guard let deadline = fixture.session.deadline else { break }
      let before = fixture.now
      fixture.now = deadline
      fixture.handle(.tick)
      gaps.append(Int(before.duration(to: deadline) / .microseconds(50)))
      // The peer goes on.
      fixture.receive(.up)
    }
    // The first gap began before.
    let range = gaps.dropFirst()
    #expect(range.min() ?? 0 >= least && range.min() ?? 0 < least + 10)
    #expect(range.max() ?? 0 <= most && range.max() ?? 0 > most - 10)
  }

  @Test func `coming up starts a poll, which ends with the peer's final`() {
    var fixture = Fixture()
    fixture.bring(to: .initial)
    fixture.receive(.initial)
    #expect(fixture.sent.last?.isPoll == true)
    #expect(fixture.sent.last?.desiredMinTransmit == .milliseconds(50))
    fixture.advance(.milliseconds(60))
    #expect(fixture.sent.last?.isPoll == true)
    fixture.receive(.up) { $0.isFinal = true }
    fixture.advance(.milliseconds(60))
    #expect(fixture.sent.last?.isPoll == false)
  }

  @Test func `the peer's required interval slows us down, and zero silences us`() {
    var fixture = Fixture()
    fixture.peer.requiredMinReceive = .milliseconds(200)
    fixture.settle()
    #expect(fixture.session.transmitInterval == .milliseconds(200))
    fixture.receive(.up) { $0.requiredMinReceive = .zero }
    fixture.sent = []
    fixture.advance(.milliseconds(140))
    #expect(fixture.sent.isEmpty)
    // A shorter interval counts from the last packet.
    fixture.receive(.up) { $0.requiredMinReceive = .milliseconds(10) }
    fixture.advance(.zero)
    #expect(fixture.sent.count == 1)
  }

  @Test func `an end that slows down keeps to the old timers until the peer has heard`() {
    var fixture = Fixture()
    fixture.settle()
    fixture.handle(
      .configure(
        BFDParameters(
          desiredMinTransmit: .milliseconds(400), requiredMinReceive: .milliseconds(50))))
    #expect(fixture.sent.last?.isPoll == true)
    #expect(fixture.sent.last?.desiredMinTransmit == .milliseconds(400))
    #expect(fixture.session.transmitInterval == .milliseconds(50))
    fixture.receive(.up) { $0.isFinal = true }
    #expect(fixture.session.transmitInterval == .milliseconds(400))
  }

  @Test func `an end that wants more packets waits as before until the peer has heard`() {
    var fixture = Fixture(
      BFDParameters(
        desiredMinTransmit: .milliseconds(50), requiredMinReceive: .milliseconds(300)))
    fixture.settle()
    fixture.handle(.configure(.fast))
    fixture.receive(.up)
    #expect(fixture.session.detectionTime == .milliseconds(900))
    fixture.receive(.up) { $0.isFinal = true }
    #expect(fixture.session.detectionTime == .milliseconds(150))
  }

  @Test func `timers that change during a poll are polled for in turn`() {
    var fixture = Fixture()
    fixture.settle()
    for milliseconds in [400, 600] {
      fixture.handle(
        .configure(
          BFDParameters(
            desiredMinTransmit: .milliseconds(milliseconds),
            requiredMinReceive: .milliseconds(50))))
    }
    fixture.receive(.up) { $0.isFinal = true }
    #expect(fixture.session.transmitInterval == .milliseconds(50))
    fixture.sent = []
    fixture.advance(.milliseconds(60))
    #expect(fixture.sent.last?.isPoll == true)
    fixture.receive(.up) { $0.isFinal = true }
    #expect(fixture.session.transmitInterval == .milliseconds(600))
  }

  @Test func `a peer in demand mode is left in peace, and answered`() {
    var fixture = Fixture()
    fixture.settle()
    fixture.receive(.up) { $0.isDemand = true }
    fixture.advance(.milliseconds(140))
    #expect(fixture.sent.isEmpty)
    fixture.receive(.up) {
      $0.isDemand = true
      $0.isPoll = true
    }
    #expect(fixture.sent.map(\.isFinal) == [true])
  }
}
