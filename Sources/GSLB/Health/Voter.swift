import DNS
import Delivery
import NetTypes

//        own probes ──▶ opinion ──┐                          ┌─▶ quorum? ──▶ isolated: refuse, or own
//   other voters' views ─ lease ──┼─▶ votes ─▶ probe ─┐      │
//                                 └─▶ the owner's view ─▶ route, endpoints, administration
//                                                     └──────┴─▶ wish ─▶ verdict (damped) ─▶ answers
//
// 1. A probe each interval; one that fails is repeated at once. `fall` failures in a row make the
//    own opinion down, `rise` successes up.
// 2. An opinion that changes is told at once, all of them each `viewInterval`.
// 3. A view counts while its lease lasts (see `View`). A voter that lives and that another does not
//    hear is relayed by those who hear both.
// 4. The probe is down when more of the living voters' opinions say so than up. Level, those from
//    outside the member's unit decide, as a unit's way to itself proves little; level again, it is up.
// 5. A member is wished up when the probe is not down and its unit does not say that its route is
//    missing or that it has no ready endpoint.
// 6. A voter that has been stopped for a while has no opinion until it has probed again; nor has one
//    that was isolated, of what it did not reach.
// 7. With views of half of the voters or fewer, itself among them, the name service is isolated.
//
// Invariants: the same views make the same votes everywhere; nothing of a view outlives its lease
// but what an operator has asked for; an isolated service that refuses changes no verdict.

/// One name service's part in the health of a mesh, sans I/O.
package struct Voter: Sendable {
  package enum Event: Sendable {
    /// A new configuration of this name service alone; what stays keeps its health.
    case configure(GSLBConfiguration, geography: Geography)
    /// What this voter's unit announces from now on.
    case announce(Announcement)
    /// The result of `probe`.
    case answered(VirtualServerName, roundTrip: Duration)
    case failed(VirtualServerName, reason: String)
    /// What this voter's unit knows of a member of its own.
    case inside(VirtualServerName, View.Inside)
    /// From a peer that is who it says to be; the view may be another voter's, relayed.
    case received(View)
    /// An operator lets a member return.
    case resume(VirtualServerName)
    /// `deadline` has come.
    case tick
  }

  package enum Action: Equatable, Sendable {
    /// Probe, and say how it went.
    case probe(Target)
    case send(View, to: [String])
    /// These are the answers from now on.
    case publish([SteeredSet])
    case changed(MemberChange)
    case isolated(Bool, why: String)
    case failedOver(FailOver)
    /// All that is wrong with the configuration and with what units announce.
    case problems([Problem])
  }

  package struct Target: Equatable, Sendable {
    package var member: VirtualServerName
    package var address: IPAddress
    package var port: UInt16
    package var monitor: Monitor
  }

  /// A member's verdict is another.
  package struct MemberChange: Equatable, Sendable {
    package var member: VirtualServerName
    package var isUp: Bool
    package var why: String
  }

  /// A name's answers have left a member that is down.
  package struct FailOver: Equatable, Sendable {
    package var wideIP: DomainName
    package var type: SteeredType
    package var member: VirtualServerName
    /// From the last good sign of the member to the new answer.
    package var time: Duration
  }

  /// What is known here of one member.
  struct Member: Sendable {
    var address: IPAddress
    var port: UInt16
    var monitor: Monitor
    /// The voter inside its unit.
    var owner: String?
    var needsResume = false
    var ramp = Duration.zero

    var opinion = View.Probe.unknown
    /// Results in a row that contradict the opinion.
    var streak = 0
    var nextProbe: Instant
    var probing: Instant?
    var lastAnswer: Instant?
    /// The last answer to any voter, as far as their views tell.
    var lastSign: Instant?

    /// Of our own unit.
    var inside: View.Inside?
    /// The owner's last word, kept beyond its lease.
    var administration = View.Administration.enabled
    /// When the owner last said that route and endpoints are there.
    var lastInsideGood: Instant?
    var resumes: UInt32 = 0
    var verdict: MemberVerdict
    /// When the share grows next.
    var rampDue: Instant?
    var sampledConnections = 0
    var sampledRoundTrip: Duration?
  }

  /// Another voter, and until when its view counts.
  struct Peer: Sendable {
    var view: View?
    var lastHeard: Instant?
    var countsUntil: Instant?
    var isLive = false
    /// The last that came, and when its voter was last heard; kept beyond the lease.
    var announcement: (digest: UInt64, announcement: Announcement, at: Instant)?
  }

  package let name: String
  let incarnation: UInt64
  /// This name service's own, and what its unit announces.
  var own = GSLBConfiguration()
  var announcement = Announcement()
  var digest: UInt64 = 0
  var geography: Geography = { _ in [] }
  /// The union with what all units announce.
  package internal(set) var configuration = GSLBConfiguration()
  package internal(set) var problems: [Problem] = []
  /// The union is to be made anew.
  var needsUnion = false
  /// Of members that no announcement has named yet.
  var early: [VirtualServerName: View.Inside] = [:]
  var plan = SteeringPlan(GSLBConfiguration())
  var members: [VirtualServerName: Member] = [:]
  var peers: [String: Peer] = [:]
  var random: SeededRandom

  var sequence: UInt64 = 0
  /// Our own views that a lease may still count from.
  var sent: [(sequence: UInt64, at: Instant)] = []
  var lastSent: Instant?
  var nextView: Instant
  /// Something in the view is new.
  var hasNews = false
  /// A vote, a lease or a timer of some verdict is another than when they were settled.
  var needsVerdicts = true
  /// The first of all members' probes, and of their verdicts' timers.
  var probeDue: Instant
  var verdictDue: Instant?
  /// Some pool looks at connections or round trips.
  var usesSamples = false
  var nextSample: Instant
  var lastSettled: Instant?

  var lastEvent: Instant

  package internal(set) var isIsolated = false
  var published: [SteeredSet]?
  var states: [VirtualServerName: MemberState] = [:]

  /// - Parameters:
  ///   - incarnation: greater than at any start before.
  ///   - seed: of jitter.
  package init(name: String, incarnation: UInt64, seed: UInt64, at now: Instant) {
    self.name = name
    self.incarnation = incarnation
    random = SeededRandom(seed: seed)
    nextView = now
    nextSample = now
    probeDue = now
    lastEvent = now
  }

  package mutating func handle(_ event: Event, at now: Instant) -> [Action] {
    var actions: [Action] = []
    noticeGap(now)
    switch event {
    case .configure(let configuration, let geography): configure(configuration, geography)
    case .announce(let announcement): announce(announcement)
    case .answered(let member, let roundTrip): answered(member, roundTrip, now)
    case .failed(let member, let reason): actions += failed(member, reason, now)
    case .inside(let member, let inside): learned(member, inside, now)
    case .received(let view): actions += received(view, now)
    case .resume(let member):
      members[member]?.resumes += 1
      hasNews = true
      needsVerdicts = true
    case .tick: break
    }
    expire(now)
    if needsUnion { actions += unite(now) }
    actions += probesDue(now)
    actions += settle(now)
    actions += viewDue(now)
    return actions
  }

  /// When `.tick` is due.
  package var deadline: Instant {
    var first = peers.isEmpty ? probeDue : min(viewTime, probeDue)
    if let due = needsVerdicts ? settleTime : verdictDue.map({ max($0, settleTime) }) {
      first = min(first, due)
    }
    for peer in peers.values where peer.isLive {
      if let end = peer.countsUntil { first = min(first, end) }
    }
    return usesSamples ? min(first, max(nextSample, settleTime)) : first
  }

  /// All of the mesh, in order of their names.
  package var voters: [String] { ([name] + peers.keys).sorted() }

  var voterCount: Int { peers.count + 1 }
}
