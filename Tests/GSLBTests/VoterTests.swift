import DNS
import Delivery
import GSLB
import NetTypes
import Testing

/// One voter by hand; views of others as they would send them.
private struct Bench {
  var voter = Voter(name: "east", incarnation: 5, seed: 1, at: .zero)
  var now = Instant.zero
  var actions: [Voter.Action] = []
  /// Members whose probes answer without being told to.
  var answering: Set<VirtualServerName> = []
  private var sequences: [String: UInt64] = [:]

  init(_ names: [String], change: (inout GSLBConfiguration) -> Void = { _ in }) {
    var configuration = sites(names)
    change(&configuration)
    handle(.configure(configuration, geography: { _ in [] }))
  }

  mutating func handle(_ event: Voter.Event) {
    let new = voter.handle(event, at: now)
    actions += new
    for case .probe(let target) in new where answering.contains(target.member) {
      succeed(target.member)
    }
  }

  mutating func wait(_ milliseconds: Int64) {
    let end = now.advanced(by: .milliseconds(milliseconds))
    while case let next = max(now, voter.deadline), next <= end {
      now = next
      handle(.tick)
    }
    now = end
  }

  var lastView: View? {
    actions.compactMap { action in
      if case .send(let view, _) = action, view.voter == "east" { view } else { nil }
    }.last
  }

  var lastSets: [SteeredSet]? {
    actions.compactMap { if case .publish(let sets) = $0 { sets } else { nil } }.last
  }

  /// A view of another, that has heard our last.
  mutating func hear(_ name: String, _ members: [VirtualServerName: View.Member]) {
    sequences[name, default: 0] += 1
    var view = View(
      voter: name, stamp: View.Stamp(incarnation: 1, sequence: sequences[name] ?? 0))
    if let stamp = lastView?.stamp { view.heard["east"] = View.Heard(stamp) }
    view.members = members
    handle(.received(view))
  }

  mutating func succeed(_ name: VirtualServerName, _ milliseconds: Int64 = 2) {
    handle(.answered(name, roundTrip: .milliseconds(milliseconds)))
  }

  func status(_ server: String) -> MemberStatus? {
    voter.status(at: now).first { $0.member.server == server }
  }
}

private let up = View.Member(.up(roundTrip: .milliseconds(1)))
private func down(_ reason: String) -> View.Member { View.Member(.down(reason: reason)) }

@Suite struct VoterTests {
  @Test func `a voter alone has its next deadline ahead, however long it has run`() {
    var bench = Bench(["east"])
    bench.now = Instant.zero.advanced(by: .seconds(3 * 3600))
    for _ in 0..<10 { bench.handle(.tick) }
    #expect(bench.voter.deadline > bench.now)
  }

  @Test func `a verdict keeps the votes and their reasons`() throws {
    var bench = Bench(["east", "west", "client"])
    bench.wait(300)
    bench.hear("client", [:])
    bench.succeed(web("east"))
    bench.handle(.failed(web("west"), reason: "connection refused"))
    bench.handle(.failed(web("west"), reason: "connection refused"))
    bench.hear("client", [web("west"): down("timed out"), web("east"): up])
    bench.hear("west", [web("west"): up, web("east"): up])
    let west = try #require(bench.status("west"))
    #expect(
      west.why
        == "down: 2 of 3 voters' probes fail: client timed out, east connection refused")
    #expect(west.probe.state == .down && west.route.state == .unknown)
    #expect(west.votes.map(\.voter) == ["client", "east", "west"])
    let east = try #require(bench.status("east"))
    #expect(east.why == "up: 3 of 3 voters' probes answer")
  }

  @Test func `probe, route and endpoints are told apart`() throws {
    var bench = Bench(["east", "west", "client"])
    bench.wait(300)
    bench.succeed(web("west"))
    let empty = View.Inside(isAnnounced: true, readyEndpoints: 0)
    bench.hear("west", [web("west"): View.Member(.up(roundTrip: .zero), inside: empty)])
    var west = try #require(bench.status("west"))
    #expect(west.probe.state == .up && west.route.state == .up && west.endpoints.state == .down)
    #expect(west.why == "down: no ready endpoint")
    let silent = View.Inside(isAnnounced: false, readyEndpoints: 3)
    bench.hear("west", [web("west"): View.Member(.up(roundTrip: .zero), inside: silent)])
    west = try #require(bench.status("west"))
    #expect(west.why == "down: route not announced" && west.endpoints.why == "3 ready endpoints")
  }

  @Test func `a failure is probed again at once, and a second takes the opinion down`() {
    var bench = Bench(["east", "west", "client"])
    bench.wait(300)
    bench.succeed(web("west"))
    bench.wait(500)
    bench.actions = []
    bench.handle(.failed(web("west"), reason: "timed out"))
    let again = bench.actions.contains {
      if case .probe(let target) = $0 { target.member == web("west") } else { false }
    }
    #expect(again)
    bench.wait(11)
    bench.actions = []
    bench.handle(.failed(web("west"), reason: "timed out"))
    // A change is told at once, to all.
    #expect(bench.lastView?.members[web("west")]?.probe == .down(reason: "timed out"))
  }

  @Test func `a view counts for the lease after what it answers to was sent, not after it came`() {
    var bench = Bench(["east", "west", "client"])
    bench.wait(20)
    let old = bench.lastView?.stamp
    bench.wait(800)
    var view = View(voter: "west", stamp: View.Stamp(incarnation: 1, sequence: 1))
    if let old { view.heard["east"] = View.Heard(old) }
    bench.handle(.received(view))
    #expect(bench.voter.livingVoters == ["east", "west"])
    bench.wait(110)
    #expect(bench.voter.livingVoters == ["east"])
    // What answers to another life of ours counts for nothing.
    view.stamp.sequence = 2
    view.heard["east"] = View.Heard(View.Stamp(incarnation: 4, sequence: 1))
    bench.handle(.received(view))
    #expect(bench.voter.livingVoters == ["east"])
  }

  @Test func `older views and repeated ones change nothing`() {
    var bench = Bench(["east", "west", "client"])
    bench.wait(300)
    bench.hear("west", [web("west"): up])
    bench.hear("west", [web("west"): down("timed out")])
    var old = View(voter: "west", stamp: View.Stamp(incarnation: 1, sequence: 1))
    old.members = [web("west"): up]
    bench.handle(.received(old))
    #expect(bench.status("west")?.votes.last?.probe == .down(reason: "timed out"))
  }

  @Test func `without quorum every name is refused, with it answered again`() {
    var bench = Bench(["east", "west", "client"])
    bench.wait(300)
    #expect(bench.voter.isIsolated && bench.lastSets?[0].whenEmpty == .fail(ede: 14))
    bench.succeed(web("east"))
    bench.hear("client", [web("east"): up])
    #expect(!bench.voter.isIsolated)
    #expect(bench.lastSets.map { leads($0[0]) } == [1])
    bench.wait(1200)
    #expect(bench.voter.isIsolated && bench.lastSets?[0].whenEmpty == .fail(ede: 14))
  }

  @Test func `answers hold as long as the quorum's last lease`() {
    var bench = Bench(["east", "west", "client"])
    bench.wait(300)
    #expect(bench.voter.answersUntil == nil)
    let sent = bench.now
    bench.hear("client", [:])
    // The view answered to the last of ours, of within an interval.
    let until = bench.voter.answersUntil
    #expect(until.map { $0 <= sent.advanced(by: .milliseconds(900)) } ?? false)
    #expect(until.map { $0 >= sent.advanced(by: .milliseconds(700)) } ?? false)
    bench.wait(300)
    bench.hear("west", [:])
    #expect(bench.voter.answersUntil.map { $0 > until ?? .zero } ?? false)
    bench.wait(1000)
    #expect(bench.voter.isIsolated && bench.voter.answersUntil == nil)
  }

  @Test func `with manual resume a member stays out until some operator resumes it`() {
    var bench = Bench(["east", "west", "client"]) { $0.pools[0].manualResume = true }
    bench.wait(300)
    bench.succeed(web("east"))
    bench.succeed(web("west"))
    bench.hear("client", [web("west"): up, web("east"): up])
    bench.handle(.failed(web("west"), reason: "timed out"))
    bench.handle(.failed(web("west"), reason: "timed out"))
    bench.hear("client", [web("west"): down("timed out"), web("east"): up])
    #expect(bench.status("west")?.standing == .down)
    for _ in 0..<20 {
      bench.wait(150)
      bench.succeed(web("west"))
      bench.succeed(web("east"))
      bench.hear("client", [web("west"): up, web("east"): up])
    }
    #expect(bench.status("west")?.why == "down: waits to be resumed")
    // Another voter's operator.
    bench.hear("client", [web("west"): View.Member(.up(roundTrip: .zero), resumes: 1)])
    #expect(bench.status("west")?.standing == .up)
    bench.wait(20)
    #expect(bench.lastView?.members[web("west")]?.resumes == 1)
  }

  @Test func `a member returns by ramp, a tenth at a time`() {
    var bench = Bench(["east"]) {
      $0.health.voters = ["east"]
      $0.servers[0].virtualServers.append(
        GSLB.VirtualServer(name: "b", address: address("10.2.0.1"), port: 80))
      $0.pools[0].members.append(PoolMember(VirtualServerName(server: "east", name: "b")))
      $0.pools[0].rampedReturn = .seconds(9)
    }
    bench.wait(300)
    bench.succeed(VirtualServerName(server: "east", name: "b"))
    bench.succeed(web("east"))
    #expect(bench.lastSets.map { leads($0[0]) } == [1, 2])
    for _ in 0..<2 { bench.handle(.failed(web("east"), reason: "timed out")) }
    #expect(bench.lastSets.map { leads($0[0]) } == [2])
    for _ in 0..<2 { bench.succeed(web("east")) }
    bench.answering = [web("east"), VirtualServerName(server: "east", name: "b")]
    for name in bench.answering { bench.succeed(name) }
    bench.wait(1001)
    #expect(bench.lastSets.map { counts($0[0]) } == [1: 1, 2: 10])
    bench.wait(4500)
    #expect(bench.lastSets.map { counts($0[0]) } == [1: 1, 2: 2])
    bench.wait(4500)
    #expect(bench.lastSets.map { leads($0[0]) } == [1, 2])
  }

  @Test func `what was not reached while isolated is no opinion afterwards`() {
    var bench = Bench(["east", "west", "client"])
    bench.wait(300)
    for _ in 0..<2 { bench.handle(.failed(web("west"), reason: "timed out")) }
    #expect(bench.voter.isIsolated)
    bench.hear("client", [web("west"): up, web("east"): up])
    #expect(bench.status("west")?.why == "up: 1 of 2 voters' probes answer")
  }

  @Test func `a drained unit gets no new clients, and the last one up is told of`() {
    var bench = Bench(["east", "west", "client"])
    bench.wait(300)
    bench.succeed(web("east"))
    bench.succeed(web("west"))
    let draining = View.Inside(administration: .draining)
    bench.hear("client", [web("west"): up, web("east"): up])
    #expect(bench.voter.leftEmpty(byDraining: [web("west")]).isEmpty)
    bench.hear(
      "west", [web("west"): View.Member(.up(roundTrip: .zero), inside: draining), web("east"): up])
    #expect(bench.status("west")?.standing == .draining)
    #expect(bench.lastSets.map { leads($0[0]) } == [1])
    #expect(
      bench.voter.leftEmpty(byDraining: [web("east")]).map(\.name) == [
        name("www.gslb.example")
      ])
  }

  @Test func `a probe whose result never comes counts as failed`() {
    var bench = Bench(["east"]) { $0.health.voters = ["east"] }
    bench.wait(5000)
    #expect(bench.status("east")?.probe.why == "1 of 1 voter's probes fail: east no result")
  }
}
