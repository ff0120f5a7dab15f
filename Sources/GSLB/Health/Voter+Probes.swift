import Delivery
import NetTypes

extension Voter {
  /// A first probe within a tenth of the interval, so that many members are not probed at once.
  mutating func soon(_ monitor: Monitor, _ now: Instant) -> Instant {
    now.advanced(by: jittered(monitor.interval / 10, down: 1))
  }

  /// - Parameter down: the part of the whole that may be missing.
  private mutating func jittered(_ duration: Duration, down: Double) -> Duration {
    let part = Double(random.next() >> 11) / Double(UInt64(1) << 53) * down
    return .nanoseconds(Int64(Double(duration.inNanoseconds) * (1 - part)))
  }

  /// What was seen before the process stood still is no opinion any more (step 6).
  mutating func noticeGap(_ now: Instant) {
    let gap = lastEvent.duration(to: now)
    lastEvent = now
    guard !peers.isEmpty, gap > configuration.health.viewInterval * 2 else { return }
    needsVerdicts = true
    for name in members.keys { forgetOpinion(name, now) }
  }

  /// What could not be reached while nobody was heard says more of our link than of the members.
  mutating func forgetFailures(_ now: Instant) {
    for (name, member) in members where member.owner != self.name && member.opinion.kind == .down {
      forgetOpinion(name, now)
    }
  }

  private mutating func forgetOpinion(_ name: VirtualServerName, _ now: Instant) {
    members[name]?.opinion = .unknown
    members[name]?.streak = 0
    members[name]?.nextProbe = now
    probeDue = min(probeDue, now)
  }

  /// What is due in the same hundredth of a second is looked for at once.
  private func onGrid(_ time: Instant) -> Instant {
    Instant(nanoseconds: time.nanoseconds / 10_000_000 * 10_000_000)
  }

  mutating func probesDue(_ now: Instant) -> [Action] {
    guard probeDue <= now else { return [] }
    var due: [VirtualServerName] = []
    var silent: [VirtualServerName] = []
    for (name, member) in members where member.monitor.kind != .none {
      if let began = member.probing {
        if began.advanced(by: member.longestProbe) <= now { silent.append(name) }
      } else if member.nextProbe <= now {
        due.append(name)
      }
    }
    var actions: [Action] = []
    for name in silent.sorted() { actions += failed(name, "no result", now) }
    for name in due.sorted() { actions += probe(name, now) }
    probeDue = members.values.lazy.compactMap(\.probeTime).min() ?? now.advanced(by: .seconds(3600))
    return actions
  }

  private mutating func probe(_ name: VirtualServerName, _ now: Instant) -> [Action] {
    guard let member = members[name] else { return [] }
    members[name]?.probing = now
    return [
      .probe(
        Target(
          member: name, address: member.address, port: member.port, monitor: member.monitor))
    ]
  }

  /// Never later than the interval: the bound of detection counts on it.
  private mutating func following(_ began: Instant, _ monitor: Monitor, _ now: Instant) -> Instant {
    let next = max(now, onGrid(began.advanced(by: jittered(monitor.interval, down: 0.2))))
    probeDue = min(probeDue, next)
    return next
  }

  mutating func answered(_ name: VirtualServerName, _ roundTrip: Duration, _ now: Instant) {
    guard var member = members[name] else { return }
    member.lastAnswer = now
    member.lastSign = now
    switch member.opinion {
    case .up:
      member.streak = 0
      member.opinion = .up(roundTrip: roundTrip)
    case .unknown: change(&member, to: .up(roundTrip: roundTrip))
    case .down:
      member.streak += 1
      if member.streak >= member.monitor.rise { change(&member, to: .up(roundTrip: roundTrip)) }
    }
    let began = member.probing ?? now
    member.probing = nil
    member.nextProbe = following(began, member.monitor, now)
    members[name] = member
  }

  mutating func failed(
    _ name: VirtualServerName, _ reason: String, _ now: Instant
  ) -> [Action] {
    guard var member = members[name] else { return [] }
    let began = member.probing ?? now
    member.probing = nil
    member.nextProbe = following(began, member.monitor, now)
    switch member.opinion {
    case .down(let before):
      member.streak = 0
      if before != reason { member.opinion = .down(reason: reason) }
      members[name] = member
      return []
    case .up, .unknown:
      member.streak += 1
      guard member.streak >= member.monitor.fall else {
        members[name] = member
        // A doubt is resolved at once.
        return probe(name, now)
      }
      change(&member, to: .down(reason: reason))
      members[name] = member
      return []
    }
  }

  private mutating func change(_ member: inout Member, to opinion: View.Probe) {
    member.opinion = opinion
    member.streak = 0
    hasNews = true
    needsVerdicts = true
  }
}

extension Voter.Member {
  /// When it is to be probed, or a probe of it given up.
  var probeTime: Instant? {
    monitor.kind == .none ? nil : probing?.advanced(by: longestProbe) ?? nextProbe
  }

  /// After which a probe whose result never came counts as failed.
  var longestProbe: Duration { monitor.timeout * 2 + .seconds(1) }
}
