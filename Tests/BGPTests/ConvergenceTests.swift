import BGP
import NetTypes
import Testing

/// Random events, then a quiet time: what is left must equal what the inputs say from scratch.
@Suite struct ConvergenceTests {
  private static let count = 5

  /// Two ASes: 1 to 3 a mesh of one, 4 and 5 a mesh of the other, 1–4 and 2–5 joined.
  private static func configurations() -> [IPAddress: RouterConfiguration] {
    let all = Simulation.addresses(count)
    let numbers = Dictionary(uniqueKeysWithValues: zip(all, [65001, 65001, 65001, 65002, 65002]))
    let cables = [[0, 1], [0, 2], [1, 2], [3, 4], [0, 3], [1, 4]]
    var result: [IPAddress: RouterConfiguration] = [:]
    for (index, node) in all.enumerated() {
      let peers = cables.filter { $0.contains(index) }.map { all[$0[0] == index ? $0[1] : $0[0]] }
      var configuration = Simulation.configuration(
        node, peers: peers, number: UInt32(numbers[node]!), of: numbers.mapValues { UInt32($0) })
      for position in configuration.neighbors.indices {
        configuration.neighbors[position].settings.nextHopSelf = true
        if [[0, 1], [3, 4]].contains(where: { $0.contains(index) }),
          configuration.neighbors[position].settings.remoteAS == configuration.localAS,
          [0, 1, 3, 4].map({ all[$0] }).contains(peers[position])
        {
          // RFC 7911 within the pairs: what a node learnt outside goes beside its own.
          configuration.neighbors[position].settings.addPath = AddPath()
          configuration.neighbors[position].settings.addPath?.sending = .all
        }
      }
      result[node] = configuration
    }
    return result
  }

  @Test(arguments: 0..<6)
  func `after random events every table equals a computation from scratch`(_ round: Int) {
    let seed = UInt64.random(in: .min ... .max)
    print("seed \(seed)")
    var simulation = Simulation(seed: seed)
    let all = Simulation.addresses(Self.count)
    var configurations = Self.configurations()
    for node in all { simulation.add(node, configurations[node]!) }
    let pool = (0..<8).map { prefix("10.53.0.\($0 * 32)/27") }

    for _ in 0..<120 {
      let node = all.randomElement(using: &simulation.random)!
      let other = all.randomElement(using: &simulation.random)!
      let route = pool.randomElement(using: &simulation.random)!
      switch Int.random(in: 0..<12, using: &simulation.random) {
      case 0...4: simulation.handle(node, .originate(route))
      case 5...6: simulation.handle(node, .withdraw(route))
      case 7: simulation.breakConnections(node, other)
      case 8: simulation.handle(node, .reset(nil))
      case 9:
        configurations[node]!.maximumPaths = Int.random(in: 1...4, using: &simulation.random)
        simulation.handle(node, .configure(configurations[node]!, RoutingPolicy()))
      case 10:
        simulation.crash(node)
        simulation.add(node, configurations[node]!)
      default:
        simulation.sever(node, other)
        simulation.run(for: .seconds(Int.random(in: 1...15, using: &simulation.random)))
        simulation.sever(node, other, false)
      }
      let pause = Int.random(in: 0...3000, using: &simulation.random)
      simulation.run(for: .milliseconds(pause))
    }
    simulation.run(for: .seconds(500))

    for node in all {
      let speaker = simulation.speakers[node]!
      #expect(speaker.sessions.allSatisfy { $0.state == .established }, "seed \(seed), \(node)")
      for session in speaker.sessions {
        // Adj-RIB-In here is Adj-RIB-Out there, without what loop detection refuses.
        let told = simulation.speakers[session.peer]!.announced(to: node).filter {
          !$0.attributes.asPath.contains(speaker.configuration.localAS)
        }
        let heard = speaker.routes.filter { $0.origin == .peer(session.peer) }
        let heardTexts = heard.map { "\($0.prefix) \($0.attributes)" }.sorted()
        let toldTexts = told.map { "\($0.prefix) \($0.attributes)" }.sorted()
        #expect(heardTexts == toldTexts, "seed \(seed), \(node)")
        #expect(session.prefixesReceived == heard.count, "seed \(seed), \(node)")
      }
      #expect(!speaker.routes.contains { $0.isStale }, "seed \(seed)")
      checkSelection(speaker, simulation, node, seed)
      let hops = speaker.routes.filter { $0.origin != .local }.compactMap(\.attributes.nextHop)
      #expect(simulation.nextHops[node] == Set(hops), "seed \(seed): next hops of interest")
      var used = Set(speaker.routes.map(\.attributes))
      for session in speaker.sessions {
        used.formUnion(speaker.announced(to: session.peer).map(\.attributes))
      }
      #expect(speaker.attributeCount == used.count, "seed \(seed): interned sets leak")
    }
  }

  /// The Loc-RIB and the kernel's table against a decision by comparing paths one with another.
  private func checkSelection(
    _ speaker: Speaker, _ simulation: Simulation, _ node: IPAddress, _ seed: UInt64
  ) {
    var expected: [IPPrefix: [IPAddress]] = [:]
    for (prefix, paths) in Dictionary(grouping: speaker.routes, by: \.prefix) {
      let best = naiveBest(paths, speaker)
      #expect(paths.filter(\.isBest) == [best], "seed \(seed), \(node), \(prefix)")
      if best.origin == .local { continue }
      let together = paths.filter { naiveRank($0, speaker) == naiveRank(best, speaker) }
        .sorted { naiveTieBreak($0, simulation) < naiveTieBreak($1, simulation) }
      var hops: [IPAddress] = []
      for path in together.prefix(speaker.configuration.maximumPaths) {
        if let hop = path.attributes.nextHop, !hops.contains(hop) { hops.append(hop) }
      }
      expected[prefix] = hops
    }
    let actual = simulation.kernels[node]?.mapValues(\.nextHops) ?? [:]
    #expect(actual == expected, "seed \(seed), \(node)")
  }

  /// All MEDs are missing here, so that paths can be ordered by a key.
  private func naiveRank(_ path: RouteStatus, _ speaker: Speaker) -> [Int] {
    let isInternal = path.origin != .local && path.isInternal
    return [
      path.origin == .local ? 0 : 1, -Int(path.attributes.localPreference ?? 100),
      path.attributes.asPath.length, Int(path.attributes.origin.rawValue), isInternal ? 1 : 0,
    ]
  }

  private func naiveTieBreak(_ path: RouteStatus, _ simulation: Simulation) -> IPAddress {
    guard case .peer(let peer) = path.origin else { return .v4(.any) }
    return peer
  }

  private func naiveBest(_ paths: [RouteStatus], _ speaker: Speaker) -> RouteStatus {
    paths.min { a, b in
      let (x, y) = (naiveRank(a, speaker), naiveRank(b, speaker))
      if x != y { return x.lexicographicallyPrecedes(y) }
      guard case .peer(let p) = a.origin, case .peer(let q) = b.origin else { return false }
      return p < q
    }!
  }
}
