import NetTypes

extension Voter {
  /// Connections and round trips, whose every change is no reason for new answers, are looked at so
  /// often.
  private static let sampleInterval = Duration.seconds(1)

  mutating func sample(_ now: Instant) {
    nextSample = now.advanced(by: Self.sampleInterval)
    for (name, member) in members {
      let connections = inside(name, member)?.connections ?? 0
      members[name]?.sampledConnections = connections
      let roundTrip: Duration? =
        if case .up(let roundTrip) = member.opinion { roundTrip } else { nil }
      members[name]?.sampledRoundTrip = roundTrip
    }
  }

  mutating func publish(
    _ before: [VirtualServerName: MemberState], _ fallen: [VirtualServerName], _ now: Instant
  ) -> [Action] {
    var after: [VirtualServerName: MemberState] = [:]
    for (name, member) in members {
      let ramp = Ramp.share(since: member.verdict.returned, over: member.ramp, at: now)
      members[name]?.rampDue = ramp.next
      after[name] = state(name, member, share: ramp.share)
    }
    states = after
    let sets = plan.sets(refuses ? nil : after)
    guard sets != published else { return [] }
    published = sets
    var actions: [Action] = [.publish(sets)]
    guard !fallen.isEmpty, !refuses else { return actions }
    let old = plan.answered(before)
    for (index, (wideIP, members)) in plan.answered(after).enumerated() {
      for name in fallen where old[index].members.contains(name) && !members.contains(name) {
        guard let last = lastGood(name) else { continue }
        actions.append(
          .failedOver(
            FailOver(
              wideIP: wideIP.name, type: wideIP.type, member: name, time: last.duration(to: now))))
      }
    }
    return actions
  }

  /// The last good sign of what has taken it down.
  private func lastGood(_ name: VirtualServerName) -> Instant? {
    guard let member = members[name] else { return nil }
    if let inside = inside(name, member), !inside.isGood { return member.lastInsideGood }
    return member.lastSign
  }

  private func state(
    _ name: VirtualServerName, _ member: Member, share: Int
  ) -> MemberState {
    var state = MemberState(share: share)
    switch member.verdict.state {
    case .unknown: state.standing = .unknown
    case .up: state.standing = member.administration == .draining ? .draining : .up
    case .down(let goodSince):
      let isEmpty = inside(name, member).map { !$0.isGood } ?? false
      let isDoubtful = !isEmpty && (goodSince != nil || votes(name, member).up > 0)
      let waits = member.verdict.isAwaitingResume(member.resumes, member.needsResume)
      state.standing = isDoubtful && !waits ? .doubtful : .down
    }
    if member.administration == .disabled { state.standing = .disabled }
    if usesSamples {
      state.connections = member.sampledConnections
      state.roundTrip = member.sampledRoundTrip
    }
    return state
  }

  /// Wide IPs that would have no member left that is up, were these drained too.
  package func leftEmpty(byDraining drained: Set<VirtualServerName>) -> [WideIP] {
    configuration.wideIPs.filter { wideIP in
      let names = configuration.pools.filter { pool in
        pool.isEnabled && pool.type == wideIP.type
          && (wideIP.pools.contains { $0.pool == pool.name } || wideIP.lastResortPool == pool.name)
      }.flatMap { $0.members.compactMap(\.virtualServer) }
      func isUp(_ name: VirtualServerName) -> Bool { states[name]?.standing == .up }
      return wideIP.isEnabled && names.contains { drained.contains($0) && isUp($0) }
        && !names.contains { !drained.contains($0) && isUp($0) }
    }
  }
}
