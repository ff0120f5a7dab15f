import DNS
import GSLB
import NetTypes
import Testing

@Suite struct TopologyTests {
  private func configuration(_ records: [TopologyRecord]) -> GSLBConfiguration {
    var configuration = sites(["a", "b", "c"], mode: .topology) {
      $0.alternate = .globalAvailability
    }
    configuration.topology = records
    return configuration
  }

  /// Who leads for a client, by the longest prefix of the classes.
  private func leads(for client: String, _ set: SteeredSet) -> [Int] {
    let client = address(client)
    let table = set.classes.filter { $0.prefix.contains(client) }.max {
      $0.prefix.length < $1.prefix.length
    }
    return GSLBTests.leads(set, table: table?.table ?? 0)
  }

  @Test func `the destination with the most weight wins for the client's subnet`() {
    let set = configuration([
      TopologyRecord(.subnet(prefix("192.0.2.0/24")), to: .dataCentre("a"), weight: 10),
      TopologyRecord(.subnet(prefix("192.0.2.0/24")), to: .server("b"), weight: 20),
    ]).set()
    #expect(leads(for: "192.0.2.1", set) == [2])
    // No record fits: the alternate mode.
    #expect(leads(for: "198.51.100.1", set) == [1])
  }

  @Test func `the narrowest source counts, whatever the weights`() {
    let set = configuration([
      TopologyRecord(.subnet(prefix("10.0.0.0/8")), to: .dataCentre("a"), weight: 100),
      TopologyRecord(.subnet(prefix("10.9.0.0/16")), to: .dataCentre("a"), weight: 1),
      TopologyRecord(.subnet(prefix("10.0.0.0/8")), to: .dataCentre("b"), weight: 50),
    ]).set()
    #expect(leads(for: "10.1.0.1", set) == [1])
    #expect(leads(for: "10.9.0.1", set) == [2])
  }

  @Test func `equal weights share, and the member that is down leaves its clients to the rest`() {
    let records = [
      TopologyRecord(.subnet(prefix("10.0.0.0/8")), to: .dataCentre("a"), weight: 5),
      TopologyRecord(.subnet(prefix("10.0.0.0/8")), to: .subnet(prefix("10.2.0.0/16")), weight: 5),
      TopologyRecord(.subnet(prefix("10.0.0.0/8")), to: .dataCentre("c"), weight: 1),
    ]
    #expect(leads(for: "10.1.1.1", configuration(records).set()) == [1, 2])
    let down = MemberState(.down)
    #expect(leads(for: "10.1.1.1", configuration(records).set(["a": down, "b": down])) == [3])
  }

  @Test func `countries, continents and regions become prefixes by the geography`() {
    var configuration = configuration([
      TopologyRecord(.continent("EU"), to: .dataCentre("c"), weight: 1),
      TopologyRecord(.country("CH"), to: .dataCentre("b"), weight: 1),
      TopologyRecord(.region("offices"), to: .dataCentre("a"), weight: 1),
    ])
    configuration.regions = [
      TopologyRegion(
        name: "offices", sources: [.subnet(prefix("203.0.113.0/28")), .country("LI")])
    ]
    let set = configuration.set(geography: { source in
      switch source {
      case .continent("EU"): [prefix("203.0.113.0/24"), prefix("198.51.100.0/24")]
      case .country("CH"): [prefix("203.0.113.0/25")]
      case .country("LI"): [prefix("198.51.100.0/28")]
      default: []
      }
    })
    #expect(leads(for: "203.0.113.200", set) == [3])
    // Every destination has its own record here, of equal weight: the three share.
    #expect(leads(for: "203.0.113.100", set) == [2, 3])
    #expect(leads(for: "203.0.113.1", set) == [1, 2, 3])
    #expect(leads(for: "198.51.100.1", set) == [1, 3])
    #expect(leads(for: "198.51.100.99", set) == [3])
  }

  @Test func `a wide IP without topology has no classes`() {
    var configuration = configuration([
      TopologyRecord(.subnet(prefix("10.0.0.0/8")), to: .dataCentre("a"), weight: 5)
    ])
    configuration.pools[0].preferred = .roundRobin
    #expect(configuration.set().classes.isEmpty)
    #expect(configuration.set().tables.count == 1)
  }

  @Test func `a wide IP chooses its pool by topology`() {
    var configuration = configuration([
      TopologyRecord(.subnet(prefix("10.0.0.0/8")), to: .pool("far"), weight: 5)
    ])
    configuration.pools[0].preferred = .roundRobin
    var far = configuration.pools[0]
    far.name = "far"
    far.members = [far.members.removeLast()]
    configuration.pools.append(far)
    configuration.wideIPs[0].pools.append(.init("far"))
    configuration.wideIPs[0].loadBalancing = .topology
    #expect(leads(for: "10.0.0.1", configuration.set()) == [3])
    // Nothing fits: pools in turn.
    #expect(leads(for: "192.0.2.1", configuration.set()).count == 6)
  }
}
