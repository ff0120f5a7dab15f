import Delivery
import NetTypes

extension Voter {
  /// What a unit has announced is kept so long after its voter was last heard.
  private static let announcementLimit = Duration.seconds(86400)

  mutating func configure(_ new: GSLBConfiguration, _ geography: @escaping Geography) {
    own = new
    if !own.health.voters.contains(name) { own.health.voters.append(name) }
    self.geography = geography
    needsUnion = true
    let others = Set(new.health.voters).subtracting([name])
    peers = peers.filter { others.contains($0.key) }
    for voter in others where peers[voter] == nil { peers[voter] = Peer() }
  }

  mutating func announce(_ new: Announcement) {
    guard new != announcement else { return }
    announcement = new
    digest = new == Announcement() ? 0 : new.digest
    needsUnion = true
  }

  /// What a view brings of its voter's announcement.
  mutating func take(announcementOf view: View, _ peer: inout Peer, _ now: Instant) {
    if view.digest == 0 {
      if peer.announcement != nil { needsUnion = true }
      peer.announcement = nil
    } else if view.digest == peer.announcement?.digest {
      peer.announcement?.at = now
    } else if let new = view.announcement {
      peer.announcement = (view.digest, new, now)
      needsUnion = true
      // So that it stops being sent.
      hasNews = true
    }
  }

  /// True while a voter that is heard does not have our announcement.
  func isAnnouncementMissing(_ now: Instant) -> Bool {
    digest != 0
      && peers.values.contains { peer in
        isHeard(peer, now) && peer.view?.heard[name]?.announcement != digest
      }
  }

  mutating func unite(_ now: Instant) -> [Action] {
    needsUnion = false
    needsVerdicts = true
    hasNews = true
    var announcements: [String: Announcement] = digest == 0 ? [:] : [name: announcement]
    for (voter, peer) in peers {
      guard let held = peer.announcement else { continue }
      if held.at.advanced(by: Self.announcementLimit) < now {
        peers[voter]?.announcement = nil
      } else {
        announcements[voter] = held.announcement
      }
    }
    let (union, told) = own.union(announcements)
    let (usable, mistakes) = union.validated()
    configuration = usable
    plan = SteeringPlan(usable, geography: geography)
    usesSamples = usable.pools.contains { pool in
      [pool.preferred, pool.alternate, pool.fallback].contains {
        $0 == .leastConnections || $0 == .roundTripTime
      }
    }
    takeMembers(now)
    guard problems != told + mistakes else { return [] }
    problems = told + mistakes
    return [.problems(problems)]
  }

  private mutating func takeMembers(_ now: Instant) {
    var old = members
    members = [:]
    for server in configuration.servers {
      for virtualServer in server.virtualServers {
        let name = VirtualServerName(server: server.name, name: virtualServer.name)
        let monitor = virtualServer.monitor ?? server.monitor
        var member = old.removeValue(forKey: name) ?? newMember(virtualServer, monitor, now)
        member.address = virtualServer.address
        member.port = virtualServer.port
        member.monitor = monitor
        member.owner = server.voter
        member.needsResume = false
        member.ramp = .zero
        members[name] = member
        if server.voter == self.name, let inside = early.removeValue(forKey: name) {
          learned(name, inside, now)
        }
      }
    }
    for pool in configuration.pools {
      for name in pool.members.compactMap(\.virtualServer) {
        guard var member = members[name] else { continue }
        member.ramp = max(member.ramp, pool.rampedReturn)
        member.needsResume = member.needsResume || pool.manualResume
        members[name] = member
      }
    }
    probeDue = now
    // What is known of a member that comes with its unit's announcement.
    for peer in peers.values { if let view = peer.view { takeInsides(view, now) } }
  }

  private mutating func newMember(
    _ virtualServer: VirtualServer, _ monitor: Monitor, _ now: Instant
  ) -> Member {
    Member(
      address: virtualServer.address, port: virtualServer.port, monitor: monitor,
      nextProbe: soon(monitor, now), verdict: MemberVerdict(at: now))
  }
}
