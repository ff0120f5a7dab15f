import Delivery
import NetTypes

/// One of the three things that make a member up, and why it stands so.
package struct Fact: Equatable, Sendable {
  package enum State: String, Sendable { case up, down, unknown }

  package var state: State
  package var why: String
}

/// What a name service knows of a member, the three facts apart.
package struct MemberStatus: Equatable, Sendable {
  package var member: VirtualServerName
  /// The living voters' probes.
  package var probe: Fact
  /// The route to its address, as its unit announces it.
  package var route: Fact
  /// Its unit's ready endpoints.
  package var endpoints: Fact
  package var administration: View.Administration
  /// What follows for the answers.
  package var standing: MemberState.Standing
  /// Thousandths of its whole share.
  package var share: Int
  package var since: Instant
  package var why: String
  /// Each voter's opinion; those whose lease is over are left out.
  package var votes: [(voter: String, probe: View.Probe)]

  package static func == (a: Self, b: Self) -> Bool {
    a.member == b.member && a.probe == b.probe && a.route == b.route
      && a.endpoints == b.endpoints && a.administration == b.administration
      && a.standing == b.standing && a.share == b.share && a.since == b.since && a.why == b.why
      && a.votes.elementsEqual(b.votes, by: ==)
  }
}

extension Voter {
  /// All members, in order of their names.
  package func status(at now: Instant) -> [MemberStatus] {
    members.sorted { $0.key < $1.key }.map { name, member in
      let state = states[name] ?? MemberState(.unknown)
      return MemberStatus(
        member: name, probe: probeFact(name, member), route: routeFact(name, member),
        endpoints: endpointsFact(name, member), administration: member.administration,
        standing: state.standing, share: state.share, since: member.verdict.since,
        why: why(name, member, now), votes: opinions(name, member))
    }
  }

  /// The voters whose views count here, this one included.
  package var livingVoters: [String] {
    ([name] + peers.filter(\.value.isLive).keys).sorted()
  }

  var quorumText: String {
    let missing = peers.filter { !$0.value.isLive }.keys.sorted()
    let heard = "\(voterCount - missing.count) of \(voterCount) voters heard"
    return missing.isEmpty ? heard : "\(heard), not \(missing.joined(separator: ", "))"
  }

  private func opinions(
    _ name: VirtualServerName, _ member: Member
  ) -> [(voter: String, probe: View.Probe)] {
    let others = peers.filter(\.value.isLive).map { voter, peer in
      (voter: voter, probe: peer.view?.members[name]?.probe ?? .unknown)
    }
    return ([(voter: self.name, probe: member.opinion)] + others).sorted { $0.voter < $1.voter }
  }

  /// As `2 of 3 voters' probes fail: east connection refused, client timed out`.
  private func probeFact(_ name: VirtualServerName, _ member: Member) -> Fact {
    if member.monitor.kind == .none { return Fact(state: .up, why: "not probed") }
    let opinions = opinions(name, member)
    let outcome = votes(name, member).outcome
    let whose = "of \(opinions.count) voter\(opinions.count == 1 ? "'s" : "s'") probes"
    func count(_ state: Fact.State) -> Int { opinions.count { $0.probe.kind == state } }
    switch outcome {
    case .unknown: return Fact(state: .unknown, why: "not probed yet")
    case .up: return Fact(state: .up, why: "\(count(.up)) \(whose) answer")
    case .down:
      let reasons = opinions.compactMap { voter, probe in
        if case .down(let reason) = probe { "\(voter) \(reason)" } else { nil }
      }
      return Fact(
        state: .down,
        why: "\(count(.down)) \(whose) fail: \(reasons.joined(separator: ", "))")
    }
  }

  private func routeFact(_ name: VirtualServerName, _ member: Member) -> Fact {
    guard let inside = inside(name, member) else { return silence(member) }
    return inside.isAnnounced
      ? Fact(state: .up, why: "route announced") : Fact(state: .down, why: "route not announced")
  }

  private func endpointsFact(_ name: VirtualServerName, _ member: Member) -> Fact {
    guard let inside = inside(name, member) else { return silence(member) }
    let count = inside.readyEndpoints
    return count > 0
      ? Fact(state: .up, why: "\(count) ready endpoint\(count == 1 ? "" : "s")")
      : Fact(state: .down, why: "no ready endpoint")
  }

  private func silence(_ member: Member) -> Fact {
    Fact(state: .unknown, why: member.owner.map { "nothing heard of \($0)" } ?? "no voter inside")
  }

  func why(_ name: VirtualServerName, _ member: Member, _ now: Instant) -> String {
    let facts = [
      probeFact(name, member), routeFact(name, member), endpointsFact(name, member),
    ]
    let down = facts.filter { $0.state == .down }.map(\.why)
    let administration = member.administration == .enabled ? "" : "\(member.administration); "
    switch member.verdict.state {
    case .unknown: return administration + "unknown: not probed yet"
    case .up:
      return administration + "up: "
        + facts.filter { $0.state == .up }.map(\.why).joined(separator: ", ")
    case .down where !down.isEmpty:
      return administration + "down: \(down.joined(separator: ", "))"
    case .down:
      if member.verdict.isAwaitingResume(member.resumes, member.needsResume) {
        return administration + "down: waits to be resumed"
      }
      let left = member.verdict.holdEnd(configuration.health).map { now.duration(to: $0) }
      let tenths = max(0, (left ?? .zero).inNanoseconds / 100_000_000)
      return administration
        + "down: up again, held for \(tenths / 10).\(tenths % 10) s, fallen \(member.verdict.falls) times"
    }
  }
}
