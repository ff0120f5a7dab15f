import Foundation
import GSLB
import NetTypes
import Testing

/// `GSLB_SEEDS` runs more than `make test` has time for, and than a debug build would be done with.
private let seedCount: Int = {
  if let given = ProcessInfo.processInfo.environment["GSLB_SEEDS"].flatMap(Int.init) {
    return given
  }
  #if DEBUG
    return 32
  #else
    return 640
  #endif
}()

@Suite struct SimulationTests {
  /// Every way to cut the six directions between three units, with each of them dying or none.
  @Test(arguments: 0..<64) func `in every cut of three units the answers keep their promises`(
    _ mask: Int
  ) {
    let links = [(0, 1), (1, 0), (0, 2), (2, 0), (1, 2), (2, 1)]
    for dying in [nil, 0, 1, 2] {
      for kill in [Simulation.Fault.killUnit, Simulation.Fault.killApplication] {
        var simulation = Simulation(units: 3, seed: UInt64(mask * 4 + (dying ?? 3)))
        simulation.run(for: .seconds(3))
        #expect(simulation.answers == [[0, 1, 2], [0, 1, 2], [0, 1, 2]])
        for (index, link) in links.enumerated() where mask >> index & 1 == 1 {
          simulation.apply(.cut(from: link.0, to: link.1))
        }
        if let dying { simulation.apply(kill(dying)) }
        simulation.run(for: .seconds(4))
        simulation.recover()
        simulation.run(for: .seconds(8))
        #expect(
          simulation.answers == [[0, 1, 2], [0, 1, 2], [0, 1, 2]],
          "cut \(mask), \(dying.map { "\($0) dies" } ?? "none dies")")
        #expect(simulation.check.violations.isEmpty, "cut \(mask): \(simulation.check.violations)")
        if dying == nil { break }
      }
    }
  }

  private static let meshes: [(units: Int, witnesses: Int)] = [(3, 0), (2, 1), (2, 0), (3, 1)]

  @Test(arguments: meshes.indices, 0..<8)
  func `through crashes, pauses, cuts and changes the answers keep their promises`(
    _ mesh: Int, _ part: Int
  ) {
    let (units, witnesses) = Self.meshes[mesh]
    for index in 0..<max(1, seedCount / 32) {
      let seed = UInt64(mesh * 1_000_000 + part * 100_000 + index)
      var simulation = Simulation(units: units, witnesses: witnesses, seed: seed)
      simulation.run(for: .seconds(3))
      simulation.plan(faults: 10, isLossy: index % 4 == 3)
      simulation.run(for: .seconds(40))
      simulation.recover()
      simulation.run(for: .seconds(12))
      let all = Array(0..<units)
      #expect(simulation.answers.allSatisfy { $0 == all }, "seed \(seed): \(simulation.answers)")
      #expect(simulation.check.violations.isEmpty, "\(simulation.check.violations)")
    }
  }

  @Test(arguments: 0..<20) func `a unit that dies leaves the answers within a second, and is timed`(
    _ seed: Int
  ) {
    var simulation = Simulation(units: 2, witnesses: 1, seed: UInt64(seed))
    simulation.run(for: .milliseconds(Int64(3000 + seed * 37)))
    simulation.apply(.killUnit(1))
    simulation.run(for: .seconds(1))
    #expect(simulation.answers == [[0], nil, [0]], "seed \(seed)")
    #expect(simulation.failOvers.count == 2 && simulation.failOvers.allSatisfy { $0 < .seconds(1) })
    simulation.apply(.startUnit(1))
    simulation.run(for: .seconds(5))
    #expect(simulation.answers == [[0, 1], [0, 1], [0, 1]], "seed \(seed)")
  }

  @Test func `one bad link fails no site over`() {
    var simulation = Simulation(units: 2, witnesses: 1, seed: 5)
    simulation.run(for: .seconds(3))
    simulation.apply(.cut(from: 0, to: 1))
    simulation.apply(.cut(from: 1, to: 0))
    for _ in 0..<50 {
      simulation.run(for: .milliseconds(200))
      #expect(simulation.answers == [[0, 1], [0, 1], [0, 1]])
    }
  }

  @Test func `a unit that is cut off refuses, and the others go on without it`() {
    var simulation = Simulation(units: 2, witnesses: 1, seed: 6)
    simulation.run(for: .seconds(3))
    for other in [0, 2] {
      simulation.apply(.cut(from: 1, to: other))
      simulation.apply(.cut(from: other, to: 1))
    }
    simulation.run(for: .milliseconds(1050))
    #expect(simulation.answers == [[0], nil, [0]])
    #expect(simulation.voters[1].isIsolated && !simulation.voters[0].isIsolated)
    simulation.apply(.mendAll)
    simulation.run(for: .seconds(4))
    #expect(simulation.answers == [[0, 1], [0, 1], [0, 1]])
  }

  @Test func `two units without a witness answer what they see themselves`() {
    var simulation = Simulation(units: 2, seed: 7)
    simulation.run(for: .seconds(3))
    simulation.apply(.cut(from: 0, to: 1))
    simulation.apply(.cut(from: 1, to: 0))
    simulation.run(for: .milliseconds(1100))
    #expect(simulation.answers == [[0], [1]])
  }
}
