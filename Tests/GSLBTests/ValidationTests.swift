import DNS
import Delivery
import GSLB
import NetTypes
import Testing

@Suite struct ValidationTests {
  private static let mistakes: [(String, @Sendable (inout GSLBConfiguration) -> Void)] = [
    (
      "server a: dataCentre is \"nowhere\", expected a data centre that exists",
      { $0.servers[0].dataCentre = "nowhere" }
    ),
    ("server a: voter is \"x\", expected one of the voters", { $0.servers[0].voter = "x" }),
    (
      "server a: virtualServers[0].port is 0, expected 1 to 65535",
      { $0.servers[0].virtualServers[0].port = 0 }
    ),
    ("pool web: preferred is none", { $0.pools[0].preferred = .none }),
    ("pool web: fallbackIP is missing", { $0.pools[0].fallback = .fallbackIP }),
    (
      "pool web: fallbackIP is ::1, expected an address that an A record holds",
      {
        $0.pools[0].fallback = .fallbackIP
        $0.pools[0].fallbackIP = address("::1")
      }
    ),
    ("pool web: maxAnswers is 0, expected 1 to 64", { $0.pools[0].maxAnswers = 0 }),
    ("pool web: ttl is 4294967295", { $0.pools[0].ttl = .max }),
    (
      "pool web: members[0].virtualServer is z/web, expected a virtual server that exists",
      { $0.pools[0].members[0].virtualServer = web("z") }
    ),
    ("members[1].ratio is 0", { $0.pools[0].members[1].ratio = 0 }),
    (
      "members[0].virtualServer is at ::1, expected one at an IPv4 address",
      { $0.servers[0].virtualServers[0].address = address("::1") }
    ),
    (
      "wide IP www.gslb.example. A: loadBalancing is drop",
      { $0.wideIPs[0].loadBalancing = .drop }
    ),
    (
      "pools[1] is other, expected a pool that exists",
      { $0.wideIPs[0].pools.append(.init("other")) }
    ),
    ("wide IP www.gslb.example. A: pools is none of use", { $0.wideIPs[0].pools = [] }),
    (
      "pools[0] is web of A, expected a pool of AAAA",
      { $0.wideIPs[0].type = .aaaa }
    ),
    ("name is www.gslb.example., expected a name that no", { $0.wideIPs.append($0.wideIPs[0]) }),
    ("pool web: name is web, expected a name no other has", { $0.pools.append($0.pools[0]) }),
    ("server a/b: name is \"a/b\", expected a name without /", { $0.servers[0].name = "a/b" }),
    (
      "region r: sources[0] is country ch, expected two capital letters, as CH",
      { $0.regions = [TopologyRegion(name: "r", sources: [.country("ch")])] }
    ),
    (
      "topology record 0: destination is pool(\"x\"), expected one that exists",
      { $0.topology = [TopologyRecord(.continent("EU"), to: .pool("x"))] }
    ),
    (
      "topology record 0: source is region x, expected a region that exists",
      { $0.topology = [TopologyRecord(.region("x"), to: .pool("web"))] }
    ),
    ("health: lease is 0.1 seconds", { $0.health.lease = .milliseconds(100) }),
    ("health: voters is a, a", { $0.health.voters = ["a", "a", "b"] }),
  ]

  @Test(arguments: mistakes.indices)
  func `a mistake is told with object, field and what is expected`(
    _ index: Int
  ) {
    let (words, change) = Self.mistakes[index]
    var configuration = sites(["a", "b"])
    change(&configuration)
    let (usable, problems) = configuration.validated()
    #expect(usable.validated().problems.isEmpty, "what was found sound is not")
    #expect(problems.contains { "\($0)".contains(words) }, "\(problems)")
  }

  @Test func `a right configuration is used whole`() {
    let configuration = sites(["a", "b"])
    let (usable, problems) = configuration.validated()
    #expect(problems.isEmpty && usable == configuration)
  }

  @Test func `a bad object blocks no other`() {
    var configuration = sites(["a", "b"])
    configuration.servers[0].dataCentre = "nowhere"
    configuration.wideIPs[0].pools.append(.init("missing"))
    let (usable, problems) = configuration.validated()
    #expect(usable.servers.map(\.name) == ["b"])
    #expect(usable.pools[0].members.map(\.virtualServer) == [web("b")])
    #expect(usable.wideIPs.count == 1 && problems.count == 3)
    #expect(leads(usable.set()) == [2])
  }
}
