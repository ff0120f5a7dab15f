import GSLB
import NetTypes

extension Simulation {
  enum Fault {
    case cut(from: Int, to: Int)
    case mend(from: Int, to: Int)
    case mendAll
    case killUnit(Int)
    case startUnit(Int)
    case killApplication(Int)
    case startApplication(Int)
    case crash(Int)
    case start(Int)
    case pause(Int)
    case resume(Int)
    case inside(Int, View.Inside)
    case loss(Double)
    case delay(ClosedRange<Duration>)
  }

  mutating func apply(_ fault: Fault) {
    switch fault {
    case .cut(let from, let to): cut[from][to] = true
    case .mend(let from, let to): cut[from][to] = false
    case .mendAll:
      for from in 0..<count { for to in 0..<count { cut[from][to] = false } }
    case .killUnit(let unit):
      isDead[unit] = true
      crash(unit)
    case .startUnit(let unit):
      isDead[unit] = false
      start(unit)
    case .killApplication(let unit): isDead[unit] = true
    case .startApplication(let unit): isDead[unit] = false
    case .crash(let voter): crash(voter)
    case .start(let voter): start(voter)
    case .pause(let voter): if !isCrashed[voter] { pause(voter) }
    case .resume(let voter): resume(voter)
    case .inside(let unit, let inside): learn(unit, inside)
    case .loss(let part): loss = part
    case .delay(let range): delay = range
    }
  }

  /// All is well again, and stays so.
  mutating func recover() {
    apply(.mendAll)
    loss = 0
    for voter in 0..<count {
      resume(voter)
      start(voter)
    }
    for unit in 0..<units {
      isDead[unit] = false
      learn(unit, View.Inside())
    }
  }

  /// Faults at random times, each mended sooner or later.
  mutating func plan(faults: Int, isLossy: Bool) {
    var at = now
    for _ in 0..<faults {
      at = at.advanced(by: .milliseconds(Int64.random(in: 20...4000, using: &random)))
      let end = at.advanced(by: .milliseconds(Int64.random(in: 100...8000, using: &random)))
      let (unit, voter) = (
        Int.random(in: 0..<units, using: &random), Int.random(in: 0..<count, using: &random)
      )
      let other = (voter + Int.random(in: 1..<count, using: &random)) % count
      switch Int.random(in: 0..<(isLossy ? 9 : 8), using: &random) {
      case 0:
        schedule(.fault(.cut(from: voter, to: other)), at: at)
        schedule(.fault(.mend(from: voter, to: other)), at: end)
      case 1:
        for (from, to) in [(voter, other), (other, voter)] {
          schedule(.fault(.cut(from: from, to: to)), at: at)
          schedule(.fault(.mend(from: from, to: to)), at: end)
        }
      case 2:
        for other in 0..<count where other != voter {
          for (from, to) in [(voter, other), (other, voter)] {
            schedule(.fault(.cut(from: from, to: to)), at: at)
            schedule(.fault(.mend(from: from, to: to)), at: end)
          }
        }
      case 3:
        schedule(.fault(.killUnit(unit)), at: at)
        schedule(.fault(.startUnit(unit)), at: end)
      case 4:
        schedule(.fault(.killApplication(unit)), at: at)
        schedule(.fault(.startApplication(unit)), at: end)
      case 5:
        schedule(.fault(.crash(voter)), at: at)
        schedule(.fault(.start(voter)), at: end)
      case 6:
        schedule(.fault(.pause(voter)), at: at)
        schedule(.fault(.resume(voter)), at: end)
      case 7:
        let bad = View.Inside(
          isAnnounced: Bool.random(using: &random), readyEndpoints: 0)
        schedule(.fault(.inside(unit, bad)), at: at)
        schedule(.fault(.inside(unit, View.Inside())), at: end)
      default:
        schedule(.fault(.loss(Double.random(in: 0...0.15, using: &random))), at: at)
      }
    }
  }
}
