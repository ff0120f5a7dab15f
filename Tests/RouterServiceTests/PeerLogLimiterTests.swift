import NetTypes
import Testing

@testable import RouterService

@Suite struct PeerLogLimiterTests {
  private let peer = IPAddress.v4(IPv4Address(172, 19, 0, 2))
  private let other = IPAddress.v4(IPv4Address(172, 19, 0, 3))

  @Test func `the first lines of a peer are told, the others counted once a minute`() {
    var limiter = PeerLogLimiter()
    var told = 0
    for second in 0..<30 where limiter.tells(peer, at: .zero.advanced(by: .seconds(second))) {
      told += 1
    }
    #expect(told == PeerLogLimiter.limit)
    let tellsOther = limiter.tells(other, at: .zero.advanced(by: .seconds(30)))
    #expect(tellsOther)
    let end = Instant.zero.advanced(by: PeerLogLimiter.window)
    #expect(limiter.deadline == end)
    #expect(limiter.summaries(at: .zero.advanced(by: .seconds(59))) == [])
    #expect(
      limiter.summaries(at: end)
        == [PeerLogLimiter.Summary(peer: peer, untold: 30 - PeerLogLimiter.limit)])
    #expect(limiter.deadline == nil)
    let tellsAgain = limiter.tells(peer, at: end)
    #expect(tellsAgain)
  }

  @Test func `a peer that changes now and then is always told of`() {
    var limiter = PeerLogLimiter()
    for minute in 0..<20 {
      let tells = limiter.tells(peer, at: .zero.advanced(by: .seconds(20 * minute)))
      #expect(tells)
    }
  }
}
