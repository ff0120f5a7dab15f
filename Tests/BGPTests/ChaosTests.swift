import BGP
import Glibc
import NetTypes
import Testing

/// Peers that die, flap, stay half open and send what they must not, in every state; after each step
/// the Loc-RIB equals a computation from scratch. `CHAOS_SECONDS` runs it longer than 4 s.
@Suite struct ChaosTests {
  @Test func `whatever peers do, the Loc-RIB is what their valid routes say`() {
    let first = UInt64.random(in: .min ... .max)
    let seconds = getenv("CHAOS_SECONDS").flatMap { Int(String(cString: $0)) } ?? 4
    let end = ContinuousClock.now + .seconds(seconds)
    var rounds = 0
    var steps = 0
    print("chaos: seed \(first)")
    while ContinuousClock.now < end {
      let seed = first &+ UInt64(rounds)
      rounds += 1
      var bench = ChaosBench(seed: seed, peers: 4)
      for _ in 0..<400 {
        steps += 1
        var complaint = bench.step()
        bench.run(for: .milliseconds(Int.random(in: 0...1500, using: &bench.random)))
        complaint = complaint ?? Self.compare(bench)
        if let complaint {
          Issue.record("seed \(seed): \(complaint)\n\(bench.trace.joined(separator: "\n"))")
          return
        }
      }
    }
    print("chaos: \(steps) steps in \(rounds) rounds, Loc-RIB compared after each")
  }

  /// Nil if the speaker holds what the model says, and has chosen as the RFC does.
  private static func compare(_ bench: ChaosBench) -> String? {
    var paths: [IPPrefix: [(peer: IPAddress, attributes: PathAttributes)]] = [:]
    for (index, peer) in bench.peers.enumerated() {
      let heard = bench.speaker.routes.filter { $0.origin == .peer(peer.address) }
      let actual = Dictionary(uniqueKeysWithValues: heard.map { ($0.prefix, $0.attributes) })
      if actual != peer.routes {
        return "of \(peer.address) \(actual) is held, and \(peer.routes) was sent"
      }
      if bench.session(index)?.prefixesReceived != peer.routes.count {
        return
          "\(peer.address) is said to have sent \(bench.session(index)?.prefixesReceived ?? -1)"
      }
      for (prefix, attributes) in peer.routes {
        paths[prefix, default: []].append((peer.address, attributes))
      }
    }
    // RFC 4271 §9.1.2.2 without MED: all paths here are internal, and identifiers are addresses.
    var expected: [IPPrefix: BestRoute] = [:]
    for (prefix, candidates) in paths {
      let best = candidates.min { a, b in
        let (x, y) = (rank(a.attributes), rank(b.attributes))
        return x == y ? a.peer < b.peer : x.lexicographicallyPrecedes(y)
      }
      guard let best, let hop = best.attributes.nextHop else { continue }
      expected[prefix] = BestRoute(origin: .peer(best.peer), nextHops: [hop])
    }
    if bench.locRIB != expected { return "the Loc-RIB is \(bench.locRIB), not \(expected)" }
    let sets = Set(bench.speaker.routes.map(\.attributes)).count
    return bench.speaker.attributeCount == sets ? nil : "attribute sets leak"
  }

  private static func rank(_ attributes: PathAttributes) -> [Int] {
    [
      -Int(attributes.localPreference ?? 100), attributes.asPath.length,
      Int(attributes.origin.rawValue),
    ]
  }
}
