import DNS
import Delivery
import GSLB
import NetTypes
import Testing

@Suite struct AnnouncementTests {
  private func announcement(
    _ address: String, change: (inout Announcement.Name) -> Void = { _ in }
  ) -> Announcement {
    var name = Announcement.Name(GSLBTests.name("app.gslb.example"))
    name.members = [Announcement.Member("app", address: GSLBTests.address(address), port: 443)]
    change(&name)
    var announcement = Announcement()
    announcement.names = [name]
    return announcement
  }

  private func base() -> GSLBConfiguration {
    var configuration = GSLBConfiguration()
    configuration.health.voters = ["east", "west", "client"]
    return configuration
  }

  @Test func `the members of all units are in one pool, in order`() throws {
    var west = announcement("10.2.0.1")
    west.names[0].members[0].order = 0
    var east = announcement("10.1.0.1") { $0.preferred = .globalAvailability }
    east.names[0].members[0].order = 1
    west.names[0].preferred = .globalAvailability
    let (union, problems) = base().union(["west": west, "east": east])
    let (usable, mistakes) = union.validated()
    #expect(problems.isEmpty && mistakes.isEmpty, "\(problems) \(mistakes)")
    #expect(leads(usable.set()) == [2])
    #expect(usable.servers.map(\.voter) == ["east", "west"])
    #expect(usable.pools[0].members.map(\.virtualServer?.server) == ["west", "east"])
  }

  @Test func `where units differ the first has the say, and the others are told`() {
    let east = announcement("10.1.0.1") { $0.ttl = 5 }
    let west = announcement("10.2.0.1") { $0.ttl = 60 }
    let (union, problems) = base().union(["west": west, "east": east])
    #expect(union.pools.map(\.ttl) == [5])
    #expect(
      problems.map(\.description) == [
        "wide IP app.gslb.example. A of west: terms is others than those of east, expected the same in all units"
      ])
  }

  @Test func `what the configuration has itself stands`() {
    var configuration = base()
    configuration.wideIPs = [WideIP(name: name("app.gslb.example"))]
    let (union, problems) = configuration.union(["east": announcement("10.1.0.1")])
    #expect(union.wideIPs.count == 1 && union.pools.isEmpty && problems.count == 1)
  }

  @Test func `places of units make topology`() {
    var (east, west) = (announcement("10.1.0.1"), announcement("10.2.0.1"))
    for index in [0, 1] {
      if index == 0 { east.names[0].preferred = .topology }
      if index == 1 { west.names[0].preferred = .topology }
    }
    east.places = [.subnet(prefix("192.0.2.0/25"))]
    west.places = [.subnet(prefix("192.0.2.128/25"))]
    let set = base().union(["east": east, "west": west]).configuration.validated().usable.set()
    #expect(set.classes.map { leads(set, table: $0.table) } == [[1], [2]])
  }

  /// A witness without objects learns all from the units, keeps what it has while a unit is dead, and
  /// forgets what a unit withdraws.
  @Test func `an announcement travels until it is held, and is kept beyond its voter's death`() {
    var voters = ["east", "client"].map {
      Voter(name: $0, incarnation: 1, seed: 3, at: .zero)
    }
    var configuration = base()
    configuration.health.voters = ["east", "client"]
    var now = Instant.zero
    var bodies = 0
    func run(_ voter: Int, _ event: Voter.Event) {
      for action in voters[voter].handle(event, at: now) {
        guard case .send(let view, _) = action else { continue }
        if view.announcement != nil { bodies += 1 }
        run(1 - voter, .received(view))
      }
    }
    for voter in 0..<2 { run(voter, .configure(configuration, geography: { _ in [] })) }
    run(0, .announce(announcement("10.1.0.1")))
    func pass(_ milliseconds: Int64, only: [Int] = [0, 1]) {
      for _ in 0..<milliseconds / 10 {
        now = now.advanced(by: .milliseconds(10))
        for voter in only { run(voter, .tick) }
      }
    }
    pass(100)
    #expect(voters[1].configuration.wideIPs.map(\.name) == [name("app.gslb.example")])
    bodies = 0
    pass(3000)
    #expect(bodies == 0)
    run(0, .announce(Announcement()))
    pass(100)
    #expect(voters[1].configuration.wideIPs.isEmpty)
    run(0, .announce(announcement("10.1.0.9")))
    pass(100)
    pass(5000, only: [1])
    #expect(voters[1].configuration.servers[0].virtualServers[0].address == address("10.1.0.9"))
  }
}
