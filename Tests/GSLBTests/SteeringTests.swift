import DNS
import GSLB
import NetTypes
import Testing

@Suite struct SteeringTests {
  @Test func `round robin gives each member its turn`() {
    let set = sites(["a", "b", "c"]).set()
    #expect(leads(set) == [1, 2, 3])
    #expect(set.tables[0].turn == .rotating && set.whenEmpty == .noData && set.ttl == 30)
  }

  @Test func `ratio gives turns in proportion, smoothly`() {
    let configuration = sites(["a", "b"], mode: .ratio) { $0.members[0].ratio = 3 }
    #expect(leads(configuration.set()) == [1, 1, 2, 1])
  }

  @Test func `weights that need too many turns are rounded, and none to nothing`() {
    let configuration = sites(["a", "b"], mode: .ratio) { $0.members[0].ratio = 65_535 }
    let shares = counts(configuration.set())
    #expect(shares[2] == 1 && (250...260).contains(shares[1] ?? 0))
  }

  @Test func `global availability gives the first that is available`() {
    let configuration = sites(["a", "b", "c"], mode: .globalAvailability)
    #expect(leads(configuration.set()) == [1])
    #expect(leads(configuration.set(["a": MemberState(.down)])) == [2])
    let two = sites(["a", "b", "c"], mode: .globalAvailability) { $0.maxAnswers = 2 }
    #expect(two.set().tables[0].rows == [[0, 1]])
  }

  @Test func `static persistence moves only the clients of the member that is down`() {
    let configuration = sites(["a", "b", "c"], mode: .staticPersistence)
    let (before, after) = (configuration.set(), configuration.set(["b": MemberState(.down)]))
    #expect(before.tables[0].turn == .byClient)
    for (old, new) in zip(leads(before), leads(after)) { #expect(old == 2 || old == new) }
    for (_, count) in counts(before) { #expect((50...130).contains(count)) }
  }

  @Test func `persistence of a wide IP gives a client's network one member, in proportion`() {
    var configuration = sites(["a", "b"], mode: .ratio) { $0.members[0].ratio = 3 }
    configuration.wideIPs[0].persistence = true
    let set = configuration.set()
    #expect(set.tables[0].turn == .byClient)
    #expect((160...225).contains(counts(set)[1] ?? 0))
  }

  @Test func `the fewest connections win, and near ones share`() {
    let configuration = sites(["a", "b", "c"], mode: .leastConnections)
    let set = configuration.set([
      "a": MemberState(connections: 500), "b": MemberState(connections: 100),
      "c": MemberState(connections: 104),
    ])
    #expect(leads(set) == [2, 3])
  }

  @Test func `the shortest round trip wins, and without any the alternate mode chooses`() {
    let configuration = sites(["a", "b"], mode: .roundTripTime) {
      $0.alternate = .globalAvailability
    }
    let near = MemberState(roundTrip: .milliseconds(3))
    #expect(leads(configuration.set(["a": .init(roundTrip: .milliseconds(40)), "b": near])) == [2])
    #expect(leads(configuration.set()) == [1])
  }

  @Test(arguments: [
    (MemberState.Standing.draining, [2]), (.unknown, [2]), (.doubtful, [2]), (.down, [2]),
    (.disabled, [2]),
  ])
  func `a member of lesser standing waits while another is up`(
    _ standing: MemberState.Standing, _ expected: [Int]
  ) {
    #expect(leads(sites(["a", "b"]).set(["a": MemberState(standing)])) == expected)
  }

  @Test(arguments: [
    (MemberState.Standing.draining, MemberState.Standing.unknown),
    (.unknown, .doubtful), (.doubtful, .down), (.down, .disabled),
  ])
  func `of members that are not up the better standing is used`(
    _ better: MemberState.Standing, _ worse: MemberState.Standing
  ) {
    let set = sites(["a", "b"]).set(["a": MemberState(worse), "b": MemberState(better)])
    #expect(leads(set) == [2])
  }

  @Test func `with all down the fallback decides, and without one everybody is answered`() {
    let down = ["a": MemberState(.down), "b": MemberState(.down)]
    func fallback(_ mode: LoadBalancing) -> SteeredSet {
      sites(["a", "b"]) {
        $0.fallback = mode
        $0.fallbackIP = address("192.0.2.9")
      }.set(down)
    }
    #expect(fallback(.none).tables[0].rows == [[0, 1]])
    #expect(fallback(.globalAvailability).tables[0].rows == [[0]])
    #expect(fallback(.returnToDNS).whenEmpty == .returnToDNS)
    #expect(fallback(.drop).whenEmpty == .drop)
    let ip = fallback(.fallbackIP)
    #expect(ip.records[Int(ip.tables[0].rows[0][0])] == .a(IPv4Address(192, 0, 2, 9)))
    #expect(fallback(.returnToDNS).tables[0].rows.isEmpty)
  }

  @Test func `what an operator has disabled is not even a last resort`() {
    let set = sites(["a", "b"]).set(["a": MemberState(.disabled), "b": MemberState(.disabled)])
    #expect(set.tables[0].rows.isEmpty && set.whenEmpty == .noData)
  }

  @Test func `a member that returns gets its share, and the others the rest`() {
    let half = ["a": MemberState(share: 250)]
    #expect(counts(sites(["a", "b"]).set(half)) == [1: 1, 2: 4])
    let first = sites(["a", "b"], mode: .globalAvailability)
    #expect(counts(first.set(half)) == [1: 1, 2: 3])
  }

  @Test func `pools take turns as the wide IP says`() {
    var configuration = sites(["a", "b", "c"])
    let pool = configuration.pools[0]
    configuration.pools = [pool, pool]
    configuration.pools[0].name = "one"
    configuration.pools[0].members = [pool.members[0], pool.members[1]]
    configuration.pools[1].name = "two"
    configuration.pools[1].members = [pool.members[2]]
    configuration.wideIPs[0].pools = [.init("one"), .init("two", ratio: 3)]
    #expect(leads(configuration.set()) == [1, 3, 2, 3])
    configuration.wideIPs[0].loadBalancing = .ratio
    #expect(counts(configuration.set()) == [1: 1, 2: 1, 3: 6])
    configuration.wideIPs[0].loadBalancing = .globalAvailability
    #expect(leads(configuration.set()) == [1, 2])
    #expect(
      leads(configuration.set(["a": MemberState(.down), "b": MemberState(.draining)])) == [3])
    configuration.wideIPs[0].lastResortPool = "two"
    configuration.pools[1].fallback = .roundRobin
    let down = MemberState(.down)
    #expect(leads(configuration.set(["a": down, "b": down, "c": down])) == [3])
  }

  @Test func `an isolated service refuses every steered name`() {
    let set = SteeringPlan(sites(["a", "b"])).sets(nil)[0]
    #expect(set.whenEmpty == .fail(ede: 14) && set.tables.map(\.rows) == [[]])
  }

  @Test func `aliases are answered the same, and a disabled wide IP not at all`() {
    var configuration = sites(["a"])
    configuration.wideIPs[0].aliases = [name("gslb.example")]
    let sets = SteeringPlan(configuration).sets([:])
    #expect(sets.map(\.owner) == [name("www.gslb.example"), name("gslb.example")])
    configuration.wideIPs[0].isEnabled = false
    #expect(SteeringPlan(configuration).sets([:]).isEmpty)
  }

  @Test func `a disabled data centre, server, virtual server, pool or member is left out`() {
    let disable: [(inout GSLBConfiguration) -> Void] = [
      { $0.dataCentres[0].isEnabled = false }, { $0.servers[0].isEnabled = false },
      { $0.servers[0].virtualServers[0].isEnabled = false },
      { $0.pools[0].members[0].isEnabled = false },
    ]
    for change in disable {
      var configuration = sites(["a", "b"])
      change(&configuration)
      #expect(leads(configuration.set()) == [2])
    }
  }

  @Test func `every type of record is made`() throws {
    var configuration = sites(["a"])
    let target = name("host.example")
    for type in SteeredType.allCases where type != .a && type != .aaaa {
      var member = PoolMember(web("a"), target: target)
      member.priority = 7
      member.parameters = "alpn=h2"
      configuration.pools.append(
        GSLB.Pool(name: "\(type)", type: type, members: [member]))
      configuration.wideIPs.append(
        WideIP(name: name("x.example"), type: type, pools: [.init("\(type)")]))
    }
    let (usable, problems) = configuration.validated()
    #expect(problems.isEmpty, "\(problems)")
    let sets = SteeringPlan(usable).sets([:])
    #expect(sets.map(\.type) == [.a, .cname, .srv, .https])
    #expect(sets[1].records == [.cname(target)])
    #expect(sets[2].records == [.srv(priority: 7, weight: 1, port: 80, target: target)])
    let https = try RecordData(
      presentation: "7 host.example. alpn=h2", type: .https)
    #expect(sets[3].records == [https])
  }
}
