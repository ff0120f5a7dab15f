import GSLB
import NetTypes
import Testing

/// Holds what must be true of all answers at all times, whatever happens.
struct InvariantCheck {
  /// From a site's death, or from what kept a voter from hearing of it, to the last answer with it.
  /// A view that was lost takes the time of the next.
  static let bound = Duration.seconds(1)
  static let lossyBound = Duration.seconds(3)
  /// For a voter that others are reachable from to have a quorum again.
  static let reunion = Duration.seconds(2)

  private let health: HealthPolicy
  private let units: Int
  private let count: Int
  private var deadSince: [Instant?]
  /// Since when each voter runs, and reaches and is reached by the same others.
  private var stableSince: [Instant]
  private var groups: [[Bool]]
  /// Since when each site lives, in each voter's sight or that of those it hears.
  private var lifeSince: [[Instant?]]
  /// Since when each site is dead, or its own voter tells each voter that it is empty.
  private var uselessSince: [[Instant?]]
  private var falls: [[(count: Int, at: Instant, isUp: Bool)]]
  private(set) var violations: [String] = []

  init(units: Int, voters: Int, _ health: HealthPolicy) {
    self.units = units
    self.health = health
    count = voters
    deadSince = Array(repeating: nil, count: units)
    stableSince = Array(repeating: .zero, count: voters)
    groups = Array(repeating: Array(repeating: true, count: voters), count: voters)
    lifeSince = Array(repeating: Array(repeating: .zero, count: units), count: voters)
    uselessSince = Array(repeating: Array(repeating: nil, count: units), count: voters)
    falls = Array(repeating: Array(repeating: (0, .zero, false), count: units), count: voters)
  }

  mutating func resumed(_ voter: Int, at now: Instant) { stableSince[voter] = now }

  mutating func started(_ voter: Int, at now: Instant) {
    resumed(voter, at: now)
    falls[voter] = Array(repeating: (0, .zero, false), count: units)
  }

  private mutating func report(_ text: String, _ now: Instant, _ seed: UInt64) {
    guard violations.count < 5 else { return }
    violations.append("seed \(seed), at \(Double(now.nanoseconds) / 1e9) s: \(text)")
  }

  /// No flapping faster than the damping.
  mutating func changed(
    _ voter: Int, _ change: Voter.MemberChange, at now: Instant, seed: UInt64
  ) {
    guard let unit = Simulation.names.firstIndex(of: change.member.server) else { return }
    var fall = falls[voter][unit]
    if change.isUp {
      let hold =
        fall.count == 0
        ? .zero : min(health.holdDown * (1 << min(fall.count - 1, 20)), health.longestHoldDown)
      if fall.at.duration(to: now) < hold {
        report("\(Simulation.names[voter]) has \(change.member) up before \(hold)", now, seed)
      }
    } else if fall.isUp {
      fall.count += 1
      fall.at = now
    }
    fall.isUp = change.isUp
    falls[voter][unit] = fall
  }

  mutating func verify(
    answers: [[Int]?], running: [Bool], dead: [Bool], empty: [Bool], cut: [[Bool]],
    isLossy: Bool, at now: Instant, seed: UInt64
  ) {
    for unit in 0..<units where dead[unit] != (deadSince[unit] != nil) {
      deadSince[unit] = dead[unit] ? now : nil
    }
    let new = reachable(running, cut)
    for voter in 0..<count {
      let isOther =
        new[voter] != groups[voter] || new.map { $0[voter] } != groups.map { $0[voter] }
      if isOther || !running[voter] { stableSince[voter] = now }
    }
    groups = new
    for unit in 0..<units {
      for voter in 0..<count {
        let isTold = empty[unit] && groups[voter][unit] && groups[unit][voter]
        let isUseless = dead[unit] || isTold
        if isUseless != (uselessSince[voter][unit] != nil) {
          uselessSince[voter][unit] = isUseless ? now : nil
        }
        let sees = !dead[unit] && !empty[unit] && isInSight(unit, of: voter, cut)
        if sees != (lifeSince[voter][unit] != nil) { lifeSince[voter][unit] = sees ? now : nil }
      }
    }
    let bound = isLossy ? Self.lossyBound : Self.bound
    for voter in 0..<count where running[voter] {
      let stable = stableSince[voter].duration(to: now)
      let size = (0..<count).count { new[voter][$0] && new[$0][voter] }
      let hasQuorum = size * 2 > count
      if let answer = answers[voter] {
        if answer.isEmpty {
          report("\(Simulation.names[voter]) has an empty answer", now, seed)
        }
        let seen = min(stable, life(voter)?.duration(to: now) ?? .zero)
        let isAnyUseful = answer.contains { unit in
          uselessSince[voter][unit].map { $0.duration(to: now) <= bound } ?? true
        }
        if seen > Self.reunion, !isLossy, !isAnyUseful {
          report("\(Simulation.names[voter]) answers no site that lives: \(answer)", now, seed)
        }
        // An isolated service neither keeps a name nor steals one.
        if !hasQuorum, count > 2, stable > bound {
          report("\(Simulation.names[voter]) answers without quorum", now, seed)
        }
        for unit in answer {
          guard let since = deadSince[unit], let life = life(voter) else { continue }
          let elapsed = min(since.duration(to: now), stable, life.duration(to: now))
          if elapsed > bound {
            report(
              "\(Simulation.names[voter]) answers \(Simulation.names[unit]), dead for \(elapsed)",
              now, seed)
          }
        }
      } else if hasQuorum, stable > Self.reunion, !isLossy {
        report("\(Simulation.names[voter]) refuses with quorum", now, seed)
      }
    }
  }

  private func isInSight(_ unit: Int, of voter: Int, _ cut: [[Bool]]) -> Bool {
    (0..<count).contains { other in
      groups[voter][other] && groups[other][voter]
        && (unit == other || !(cut[other][unit] || cut[unit][other]))
    }
  }

  /// Since when the longest living site in sight is there.
  private func life(_ voter: Int) -> Instant? { lifeSince[voter].compactMap(\.self).min() }

  /// From whom to whom a view passes, by others if need be.
  private func reachable(_ running: [Bool], _ cut: [[Bool]]) -> [[Bool]] {
    var reach = (0..<count).map { from in
      (0..<count).map { to in from == to || (running[from] && running[to] && !cut[from][to]) }
    }
    for via in 0..<count where running[via] {
      for from in 0..<count where reach[from][via] {
        for to in 0..<count where reach[via][to] { reach[from][to] = true }
      }
    }
    return reach
  }
}
