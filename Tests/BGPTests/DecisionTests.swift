import BGP
import NetTypes
import Testing

/// The steps are those at the head of DecisionProcess.swift.
@Suite struct DecisionTests {
  typealias Candidate = DecisionProcess.Candidate

  static func path(
    _ number: UInt8, kind: PathSource.Kind = .internal, id: UInt8? = nil,
    _ change: (inout PathAttributes) -> Void = { _ in }
  ) -> Candidate {
    var attributes = PathAttributes(
      asPath: ASPath(sequence: [ASNumber(65001), ASNumber(65002)]),
      nextHop: .v4(IPv4Address(10, 0, 0, number)), multiExitDiscriminator: 10, localPreference: 100)
    change(&attributes)
    return Candidate(
      metrics: PathMetrics(attributes),
      source: PathSource(
        kind: kind, identifier: IPv4Address(1, 1, 1, id ?? number),
        address: .v4(IPv4Address(10, 0, 0, number))),
      cost: number == 8 ? nil : number == 7 ? 20 : 0)
  }

  struct Case: CustomTestStringConvertible, Sendable {
    var name: String
    var winner: Candidate
    var loser: Candidate
    var step: DecisionStep
    var together = false
    var testDescription: String { name }
  }

  static let cases: [Case] = [
    Case(
      name: "1: a route of our own stays before a learnt one", winner: path(2, kind: .local),
      loser: path(1) { $0.localPreference = 900 }, step: .localOrigin),
    Case(
      name: "-: the higher weight wins before anything else",
      winner: path(2) { $0.extend { $0.weight = 1 } },
      loser: path(1, kind: .local) { $0.localPreference = 900 }, step: .weight),
    Case(
      name: "2: the higher LOCAL_PREF wins",
      winner: path(2) {
        $0.localPreference = 101
        $0.asPath = ASPath(sequence: [ASNumber(65001), ASNumber(2), ASNumber(3)])
      }, loser: path(1), step: .localPreference),
    Case(
      name: "2: a missing LOCAL_PREF is 100", winner: path(2) { $0.localPreference = nil },
      loser: path(1) { $0.localPreference = 99 }, step: .localPreference),
    Case(
      name: "3: the shorter AS_PATH wins",
      winner: path(2) {
        $0.asPath = ASPath(sequence: [ASNumber(65001)])
        $0.origin = .incomplete
      }, loser: path(1), step: .asPathLength),
    Case(
      name: "3: an AS_SET counts one",
      winner: path(2) {
        $0.asPath = ASPath(segments: [.init(.set, [ASNumber(1), ASNumber(2), ASNumber(3)])])
      }, loser: path(1), step: .asPathLength),
    Case(
      name: "4: the lower ORIGIN wins", winner: path(2) { $0.multiExitDiscriminator = 99 },
      loser: path(1) { $0.origin = .egp }, step: .origin),
    Case(
      name: "5: the lower MED wins within one neighbouring AS",
      winner: path(2) { $0.multiExitDiscriminator = 9 }, loser: path(1, kind: .external),
      step: .multiExitDiscriminator),
    Case(
      name: "5: a missing MED is the lowest",
      winner: path(2) { $0.multiExitDiscriminator = nil }, loser: path(1),
      step: .multiExitDiscriminator),
    Case(
      name: "6: external wins over internal", winner: path(2, kind: .external), loser: path(1),
      step: .external),
    Case(
      name: "7: the nearer next hop wins", winner: path(2), loser: path(7), step: .interiorCost),
    Case(
      name: "8: the lower identifier wins", winner: path(2, id: 1), loser: path(1, id: 2),
      step: .identifier, together: true),
    Case(
      name: "8: ORIGINATOR_ID counts for the identifier",
      winner: path(2, id: 200) { $0.extend { $0.originatorID = IPv4Address(1, 1, 1, 1) } },
      loser: path(1, id: 2), step: .identifier, together: true),
    Case(
      name: "9: the shorter CLUSTER_LIST wins", winner: path(2, id: 5),
      loser: path(1, id: 5) { $0.extend { $0.clusterList = [IPv4Address(1, 1, 1, 1)] } },
      step: .clusterList, together: true),
    Case(
      name: "10: the lower address wins", winner: path(1, id: 5), loser: path(2, id: 5),
      step: .peerAddress, together: true),
  ]

  @Test(arguments: cases)
  func `a step decides`(_ test: Case) {
    let process = DecisionProcess()
    for swapped in [false, true] {
      let candidates = swapped ? [test.loser, test.winner] : [test.winner, test.loser]
      let outcome = process.decide(candidates)
      let winner = swapped ? 1 : 0
      #expect(outcome.best == winner)
      #expect(outcome.removedBy[1 - winner] == test.step)
      #expect(outcome.multipath == (test.together ? [winner, 1 - winner] : [winner]))
    }
  }

  @Test func `0: an unreachable next hop is no path`() {
    let outcome = DecisionProcess().decide(
      [Self.path(8) { $0.localPreference = 900 }])
    #expect(outcome.best == nil)
    #expect(outcome.removedBy == [.unreachable])
  }

  @Test func `5: MEDs of different neighbouring ASes are compared only if asked`() {
    let low = Self.path(2) { $0.multiExitDiscriminator = 1 }
    let other = Self.path(1) { $0.asPath = ASPath(sequence: [ASNumber(65009), ASNumber(65002)]) }
    let usual = DecisionProcess().decide([low, other])
    #expect(usual.best == 1)
    let always = DecisionProcess(alwaysCompareMED: true)
    #expect(always.decide([low, other]).best == 0)
  }

  @Test func `the outcome does not depend on the order of arrival`() {
    // The well-known case where comparing in pairs runs in circles.
    let a = Self.path(1, kind: .external) { $0.multiExitDiscriminator = 10 }
    let b = Self.path(2) { $0.multiExitDiscriminator = 5 }
    let c = Self.path(3) { $0.asPath = ASPath(sequence: [ASNumber(65009), ASNumber(65002)]) }
    let orders = [[a, b, c], [a, c, b], [b, a, c], [b, c, a], [c, a, b], [c, b, a]]
    let best = Set(
      orders.map { order in
        let outcome = DecisionProcess().decide(order)
        return order[outcome.best!].source.address
      })
    #expect(best == [address("10.0.0.2")])
  }

  @Test func `no more paths are installed together than allowed`() {
    let paths = (1...5).map { Self.path($0) }
    let outcome = DecisionProcess(maximumPaths: 3).decide(paths)
    #expect(outcome.multipath == [0, 1, 2])
  }

  @Test func `internal paths join only with the same AS_PATH, unless that is relaxed`() {
    let a = Self.path(1)
    let b = Self.path(2) { $0.asPath = ASPath(sequence: [ASNumber(65001), ASNumber(65009)]) }
    #expect(DecisionProcess().decide([a, b]).multipath == [0])
    #expect(DecisionProcess(relaxesASPath: true).decide([a, b]).multipath == [0, 1])
  }

  @Test func `external paths join within one neighbouring AS, unless that is relaxed`() {
    let a = Self.path(1, kind: .external)
    let b = Self.path(2, kind: .external) {
      $0.asPath = ASPath(sequence: [ASNumber(65001), ASNumber(65009)])
    }
    let c = Self.path(3, kind: .external) {
      $0.asPath = ASPath(sequence: [ASNumber(65003), ASNumber(65002)])
    }
    #expect(DecisionProcess().decide([a, b, c]).multipath == [0, 1])
    #expect(DecisionProcess(relaxesASPath: true).decide([a, b, c]).multipath == [0, 1, 2])
  }

  @Test func `internal paths have a limit of their own`() {
    let paths = (1...5).map { Self.path($0) }
    let process = DecisionProcess(maximumPaths: 4, maximumPathsInternal: 2)
    #expect(process.decide(paths).multipath == [0, 1])
    let external = (1...5).map { Self.path($0, kind: .external) }
    #expect(process.decide(external).multipath == [0, 1, 2, 3])
  }

  @Test func `the default preference is the router's`() {
    let a = Self.path(1) { $0.localPreference = nil }
    let b = Self.path(2) { $0.localPreference = 150 }
    #expect(DecisionProcess().decide([a, b]).best == 1)
    #expect(DecisionProcess(defaultPreference: 200).decide([a, b]).best == 0)
  }

  @Test func `the ranking is what would be best without those before`() {
    let a = Self.path(1) { $0.localPreference = 300 }
    let b = Self.path(2) { $0.localPreference = 200 }
    let gone = Self.path(8)
    let c = Self.path(3)
    #expect(DecisionProcess().ranking([c, gone, a, b]) == [2, 3, 0])
  }
}
