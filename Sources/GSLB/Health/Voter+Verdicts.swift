import Delivery
import NetTypes

extension Voter {
  /// Living voters' opinions of one member.
  struct Votes: Equatable {
    var up = 0
    var down = 0
    var outsideUp = 0
    var outsideDown = 0

    mutating func count(_ opinion: Fact.State, isOutside: Bool) {
      switch opinion {
      case .unknown: return
      case .up:
        up += 1
        if isOutside { outsideUp += 1 }
      case .down:
        down += 1
        if isOutside { outsideDown += 1 }
      }
    }

    var outcome: Fact.State {
      if up + down == 0 { return .unknown }
      if up != down { return down > up ? .down : .up }
      return outsideDown > outsideUp ? .down : .up
    }
  }

  func votes(_ name: VirtualServerName, _ member: Member) -> Votes {
    var votes = Votes()
    votes.count(member.opinion.kind, isOutside: member.owner != self.name)
    for (voter, peer) in peers where peer.isLive {
      guard let opinion = peer.view?.members[name]?.probe else { continue }
      votes.count(opinion.kind, isOutside: member.owner != voter)
    }
    return votes
  }

  /// The owner's word, while its lease lasts.
  func inside(_ name: VirtualServerName, _ member: Member) -> View.Inside? {
    guard let owner = member.owner else { return nil }
    if owner == self.name { return member.inside }
    guard let peer = peers[owner], peer.isLive else { return nil }
    return peer.view?.members[name]?.inside
  }

  private func wish(_ name: VirtualServerName, _ member: Member) -> MemberVerdict.Wish {
    if let inside = inside(name, member), !inside.isGood { return .bad }
    switch votes(name, member).outcome {
    case .up: return .good
    case .down: return .bad
    case .unknown: return member.monitor.kind == .none ? .good : .unknown
    }
  }

  /// When the member's verdict or share is to be looked at again.
  func verdictTime(_ member: Member) -> Instant? {
    if refuses { return nil }
    let isAwaiting = member.verdict.isAwaitingResume(member.resumes, member.needsResume)
    let hold = isAwaiting ? nil : member.verdict.holdEnd(configuration.health)
    guard let hold, let ramp = member.rampDue else { return hold ?? member.rampDue }
    return min(hold, ramp)
  }

  /// It answers nothing, and leaves verdicts as they are.
  var refuses: Bool { isIsolated && configuration.health.effectiveIsolation == .refuse }

  var hasQuorum: Bool { (peers.values.count(where: \.isLive) + 1) * 2 > voterCount }

  /// Until when the answers published hold without another word from the voters: an answer given later,
  /// as by a thread of a process that had been stopped, may be of a name that is another's by now. Nil:
  /// no lease of others is behind them.
  package var answersUntil: Instant? {
    let others = voterCount / 2
    guard others > 0, configuration.health.effectiveIsolation == .refuse, !isIsolated else {
      return nil
    }
    let leases = peers.values.filter(\.isLive).compactMap(\.countsUntil).sorted(by: >)
    return leases.count >= others ? leases[others - 1] : nil
  }

  /// With many members, changes that come within milliseconds are settled together.
  var settleTime: Instant {
    let pause = members.count > 64 ? Duration.milliseconds(5) : .zero
    return lastSettled?.advanced(by: pause) ?? lastEvent
  }

  /// Steps all verdicts, and publishes what follows.
  mutating func settle(_ now: Instant) -> [Action] {
    let timer = verdictDue.map { $0 <= now } ?? false
    let sampling = usesSamples && nextSample <= now
    guard needsVerdicts || timer || sampling, settleTime <= now else { return [] }
    lastSettled = now
    needsVerdicts = false
    var actions: [Action] = []
    let wasIsolated = isIsolated
    isIsolated = !hasQuorum
    if isIsolated != wasIsolated {
      actions.append(.isolated(isIsolated, why: quorumText))
      if !isIsolated { forgetFailures(now) }
    }
    let before = states
    var fallen: [VirtualServerName] = []
    if !refuses {
      for name in members.keys.sorted() {
        guard var member = members[name] else { continue }
        let hadFallen = member.verdict.state == .up
        let isOther = member.verdict.step(
          wish(name, member), resumes: member.resumes, needsResume: member.needsResume,
          configuration.health, at: now)
        members[name] = member
        guard isOther else { continue }
        let isUp = member.verdict.state == .up
        if hadFallen, !isUp { fallen.append(name) }
        actions.append(
          .changed(MemberChange(member: name, isUp: isUp, why: why(name, member, now))))
      }
    }
    if sampling { sample(now) }
    actions += publish(before, fallen, now)
    verdictDue = members.values.lazy.compactMap(verdictTime).min()
    return actions
  }
}
