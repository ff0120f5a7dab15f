import BGP
import NetTypes
import Testing

/// What real implementations sent, replayed on a simulated clock.
@Suite struct ReplayTests {
  @Test(arguments: RecordedSession.all.map(\.peer))
  func `a recorded session comes up and leaves the peer's routes, however TCP cuts it`(
    _ name: String
  ) throws {
    let session = try #require(RecordedSession.all.first { $0.peer == name })
    let bytes = octets(session.octets)
    for seed in UInt64(1)...20 {
      let speaker = replay(bytes, seed: seed)
      let status = try #require(speaker.sessions.first)
      #expect(status.state == .established, "\(status.lastError.map { "\($0)" } ?? "")")
      #expect(status.counters.established == 1)
      let routes = Dictionary(uniqueKeysWithValues: speaker.routes.map { ($0.prefix, $0) })
      #expect(routes[prefix("10.92.0.0/24")]?.attributes.nextHop == address("10.90.0.2"))
      for route in routes.values {
        #expect(route.isBest && !route.isStale)
        #expect(route.attributes.communities == [Community(rawValue: 64512 << 16 | 100)])
        // A route target of a two-octet AS. RFC 4360 §4.
        #expect(route.attributes.extended?.extendedCommunities == [0x0002_fc00_0000_012c])
        let large = LargeCommunity(global: 64512, local1: 1, local2: 2)
        #expect(route.attributes.extended?.largeCommunities == [large])
      }
      // BIRD 1.6 has a daemon for each family.
      let expected: Set = ["10.92.0.0/24"]
      let all = name.contains("1.6") ? expected : expected.union(["2001:db8:92::/48"])
      #expect(Set(routes.keys.map { "\($0)" }) == all)
    }
  }

  /// A speaker after `bytes`, which come in random parts over ten simulated seconds at most.
  private func replay(_ bytes: [UInt8], seed: UInt64) -> Speaker {
    var random = SeededRandom(seed: seed)
    let peer = address("10.90.0.2")
    var configuration = RouterConfiguration(
      localAS: ASNumber(64512), routerID: identifier("10.90.0.1"))
    var neighbor = Neighbor(address: peer, remoteAS: ASNumber(64512))
    neighbor.settings.passive = true
    neighbor.settings.activations = [.ipv4: true, .ipv6: true]
    configuration.neighbors = [neighbor]
    var speaker = Speaker(configuration: configuration, seed: seed)
    var now = Instant.zero
    _ = speaker.handle(.start, at: now)
    let id = speaker.makeConnectionID()
    _ = speaker.handle(.accepted(id, peer: peer, local: address("10.90.0.1")), at: now)
    var rest = bytes[...]
    while !rest.isEmpty {
      let part = rest.prefix(Int.random(in: 1...200, using: &random))
      _ = speaker.handle(.received(id, Array(part)), at: now)
      rest = rest.dropFirst(part.count)
      now = now.advanced(by: .milliseconds(Int.random(in: 0...50, using: &random)))
      if let deadline = speaker.deadline, deadline <= now { _ = speaker.handle(.tick, at: now) }
    }
    return speaker
  }
}
