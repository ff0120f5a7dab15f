import NetTypes

extension Voter {
  /// Between two views of ours, however much there is to tell.
  private static let shortestPause = Duration.milliseconds(10)

  mutating func learned(_ name: VirtualServerName, _ inside: View.Inside, _ now: Instant) {
    guard let member = members[name] else {
      if name.server == self.name { early[name] = inside }
      return
    }
    guard member.owner == self.name else { return }
    if inside.isGood { members[name]?.lastInsideGood = now }
    guard member.inside != inside else { return }
    members[name]?.inside = inside
    members[name]?.administration = inside.administration
    // Connections alone wait for the next view.
    guard member.inside?.isSame(as: inside) != true else { return }
    hasNews = true
    needsVerdicts = true
  }

  mutating func received(_ view: View, _ now: Instant) -> [Action] {
    guard var peer = peers[view.voter], view.stamp > peer.view?.stamp ?? .none else { return [] }
    take(announcementOf: view, &peer, now)
    if peer.view.map({ !$0.saysTheSame(as: view) }) ?? true { needsVerdicts = true }
    peer.view = view
    peer.lastHeard = now
    if let echo = view.heard[name]?.stamp, echo.incarnation == incarnation,
      let at = sent.last(where: { $0.sequence == echo.sequence })?.at
    {
      peer.countsUntil = max(peer.countsUntil ?? now, at.advanced(by: configuration.health.lease))
    }
    peers[view.voter] = peer
    let isLive = peer.countsUntil.map { $0 > now } ?? false
    // So that a voter that starts, or comes back, need not wait for our next view.
    if !isLive { hasNews = true }
    takeInsides(view, now)
    return relay(view, now)
  }

  /// What is kept of a view beyond its lease.
  mutating func takeInsides(_ view: View, _ now: Instant) {
    for (name, told) in view.members {
      guard let known = members[name] else { continue }
      if let age = told.age {
        let sign = Instant(nanoseconds: now.nanoseconds - age.inNanoseconds)
        members[name]?.lastSign = max(known.lastSign ?? sign, sign)
      }
      if told.resumes > known.resumes {
        members[name]?.resumes = told.resumes
        needsVerdicts = true
        hasNews = true
      }
      guard known.owner == view.voter, let inside = told.inside else { continue }
      members[name]?.administration = inside.administration
      if inside.isGood { members[name]?.lastInsideGood = now }
    }
  }

  /// Passes a view on to those who do not hear its voter themselves, or are not heard.
  private func relay(_ view: View, _ now: Instant) -> [Action] {
    let deaf = peers.filter { name, peer in
      if name == view.voter { return false }
      guard isHeard(peer, now), let heard = peer.view?.heard[view.voter]?.stamp else { return true }
      // One view behind is it is on the way to hear.
      return heard.incarnation < view.stamp.incarnation
        || (heard.incarnation == view.stamp.incarnation
          && heard.sequence + 1 < view.stamp.sequence)
    }
    return deaf.isEmpty ? [] : [.send(view, to: deaf.keys.sorted())]
  }

  /// Some view of it has come lately, whether it hears us or not.
  func isHeard(_ peer: Peer, _ now: Instant) -> Bool {
    peer.lastHeard.map { $0.advanced(by: configuration.health.lease) > now } ?? false
  }

  /// Ends leases that are over, and begins those that have come.
  mutating func expire(_ now: Instant) {
    for (name, peer) in peers {
      let isLive = peer.countsUntil.map { $0 > now } ?? false
      guard isLive != peer.isLive else { continue }
      peers[name]?.isLive = isLive
      needsVerdicts = true
    }
  }

  /// When the next view of ours is due; of no meaning without peers.
  var viewTime: Instant {
    guard hasNews else { return nextView }
    return min(nextView, lastSent?.advanced(by: Self.shortestPause) ?? nextView)
  }

  mutating func viewDue(_ now: Instant) -> [Action] {
    guard !peers.isEmpty, viewTime <= now else { return [] }
    hasNews = false
    sequence += 1
    lastSent = now
    nextView = now.advanced(by: configuration.health.viewInterval)
    let oldest = Instant(nanoseconds: now.nanoseconds - configuration.health.lease.inNanoseconds)
    sent.removeAll { $0.at < oldest }
    sent.append((sequence, now))
    return [.send(view(now), to: peers.keys.sorted())]
  }

  private func view(_ now: Instant) -> View {
    var view = View(
      voter: name, stamp: View.Stamp(incarnation: incarnation, sequence: sequence))
    view.heard = peers.compactMapValues { peer in
      peer.view.map { View.Heard($0.stamp, announcement: peer.announcement?.digest ?? 0) }
    }
    view.digest = digest
    if isAnnouncementMissing(now) { view.announcement = announcement }
    view.members = members.mapValues { member in
      var told = View.Member(member.opinion, inside: member.inside, resumes: member.resumes)
      told.age = member.lastAnswer.map { $0.duration(to: now) }
      return told
    }
    return view
  }
}

extension View.Stamp {
  fileprivate static let none = View.Stamp(incarnation: 0, sequence: 0)
}

extension View {
  /// As far as votes go: round trips, reasons and connections change all the time.
  fileprivate func saysTheSame(as other: View) -> Bool {
    members.count == other.members.count
      && members.allSatisfy { name, member in
        guard let theirs = other.members[name] else { return false }
        return member.probe.kind == theirs.probe.kind
          && member.inside.map { theirs.inside?.isSame(as: $0) ?? false }
            ?? (theirs.inside == nil)
      }
  }
}

extension View.Probe {
  var kind: Fact.State {
    switch self {
    case .unknown: .unknown
    case .up: .up
    case .down: .down
    }
  }
}

extension View.Inside {
  var isGood: Bool { isAnnounced && readyEndpoints > 0 }

  fileprivate func isSame(as other: Self) -> Bool {
    isAnnounced == other.isAnnounced && (readyEndpoints > 0) == (other.readyEndpoints > 0)
      && administration == other.administration
  }
}
