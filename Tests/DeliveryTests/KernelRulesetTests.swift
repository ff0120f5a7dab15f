import NetTypes
import Testing

@testable import Delivery

@Suite struct KernelRulesetTests {
  private func entry(
    _ weights: [Int], _ method: Pool.LoadBalancing = .ratio, name: String = "web",
    isUp: [Bool]? = nil
  ) -> KernelServer {
    var server = VirtualServer(
      name: name, address: IPAddress("192.0.2.1")!, port: 80, protocol: .tcp, pool: "p")
    server.mode = .kernel
    let members = weights.enumerated().map {
      Member(address: IPAddress("10.0.0.\($0 + 1)")!, port: 8080, weight: $1)
    }
    let pool = Pool(name: "p", loadBalancing: method, members: members)
    return KernelServer(server, pool, isUp: isUp ?? weights.map { _ in true })
  }

  @Test func `a new table is one script`() throws {
    let egress = Egress(
      name: "pods", sources: [IPPrefix("10.42.0.0/16")!], exceptions: [IPPrefix("10.0.0.0/8")!])
    let script = KernelRuleset(servers: [entry([2, 1])], egress: [egress])
      .transaction(table: "t", from: nil)
    #expect(script == Self.golden)
  }

  @Test func `what stays as it is is not written`() {
    let (web, other) = (entry([1, 1]), entry([1], name: "other"))
    let old = KernelRuleset(servers: [web, other], egress: [])
    #expect(old.transaction(table: "t", from: old) == nil)
    let down = KernelRuleset(servers: [entry([1, 1], isUp: [true, false]), other], egress: [])
    #expect(
      down.transaction(table: "t", from: old) == """
        add table inet t
        flush chain inet t vs-5ea0e11948721ef1
        add rule inet t vs-5ea0e11948721ef1 goto m-\(old.markName("web", web.pool.members[0].socketAddress))

        """)
  }

  @Test func `a server that goes takes its chains and counters along`() throws {
    let old = KernelRuleset(servers: [entry([1]), entry([1], name: "other")], egress: [])
    let new = KernelRuleset(servers: [entry([1])], egress: [])
    let lines = try #require(new.transaction(table: "t", from: old)).split(separator: "\n")
    #expect(lines.filter { $0.hasPrefix("delete element") }.count == 3 + 1)
    #expect(lines.filter { $0.hasPrefix("delete chain") }.count == 2)
    #expect(lines.filter { $0.hasPrefix("delete counter") }.count == 3)
    #expect(!lines.contains { $0.contains("add rule") || $0.contains("web") })
  }

  @Test func `a table that is known by name alone is written anew, but for its counters`() throws {
    let new = KernelRuleset(servers: [entry([1])], egress: [])
    let name = new.markName("web", SocketAddress("10.0.0.1:8080")!)
    let listing = """
      table inet t {
      \tcounter c-\(name) {
      \t\tpackets 5 bytes 300
      \t}

      \tcounter c-00000000 {
      \t\tpackets 1 bytes 60
      \t}

      \tmap servers4 {
      \t\ttype ipv4_addr . inet_proto . inet_service : verdict
      \t\telements = { 192.0.2.9 . tcp . 80 : goto vs-0 }
      \t}

      \tchain vs-0 {
      \t}

      \tchain accounting {
      \t\ttype filter hook postrouting priority mangle; policy accept;
      \t}
      }
      """
    let script = try #require(
      new.transaction(table: "t", from: KernelRuleset(listing: listing)))
    let lines = script.split(separator: "\n")
    #expect(!lines.contains { $0.hasSuffix("add counter inet t c-\(name)") })
    for line in [
      "flush map inet t servers4", "flush chain inet t accounting", "delete chain inet t vs-0",
      "delete counter inet t c-00000000",
    ] { #expect(lines.contains { $0 == line }, "\(line)") }
    #expect(!lines.contains("add chain inet t accounting"))
    #expect(KernelRuleset.counts(listing: listing)["c-\(name)"]?.packets == 5)
  }

  @Test func `slots follow weights, priorities and health`() {
    #expect(entry([2, 1]).slots == [0, 1, 0])
    #expect(entry([4, 2], .roundRobin).slots == [0, 1])
    #expect(entry([4, 2]).slots == [0, 1, 0])
    #expect(entry([1, 1], isUp: [false, true]).slots == [1])
    #expect(entry([1, 1], isUp: [false, false]).slots == [])
    var spare = entry([1, 1])
    spare.pool.members[1].priority = -1
    #expect(spare.slots == [0])
    spare.isUp[0] = false
    #expect(spare.slots == [1])
  }

  @Test func `of a consistent hash only the lost member's slots move`() {
    let all = entry([1, 1, 1], .consistentHash).slots
    let less = entry([1, 1, 1], .consistentHash, isUp: [true, false, true]).slots
    #expect(all.count == 1021 && less.count == all.count)
    for (old, new) in zip(all, less) { #expect(old == 1 ? new != 1 : old == new) }
    for index in 0..<3 { #expect((300...380).contains(all.count { $0 == index })) }
  }

  private static let refusals: [(String, @Sendable (inout VirtualServer, inout Pool) -> Void)] = [
    ("loadBalancing", { s, p in p.loadBalancing = .fastest }),
    (
      "hash",
      { s, p in
        (p.loadBalancing, p.hash) = (.consistentHash, .serverName)
      }
    ),
    ("persistence", { s, p in p.persistence = Persistence(.source) }),
    ("proxyProtocol", { s, p in s.acceptsProxyProtocol = true }),
    ("pool.proxyProtocol", { s, p in p.proxyProtocol = .v2 }),
    ("queue", { s, p in p.queueLength = 5 }),
    ("tls", { s, p in p.tls = PoolTLS() }),
    ("ejectAfter", { s, p in p.ejectAfter = 5 }),
    ("slowRamp", { s, p in p.slowRamp = .seconds(1) }),
    ("serviceDown", { s, p in p.serviceDown = .drop }),
    (
      "connectionLimit",
      { s, p in
        p.members[0].connectionLimit = 5
      }
    ),
    ("connectionLimit", { s, p in s.connectionLimit = 5 }),
    ("protocol", { s, p in s.protocol = .http }),
    ("timeouts", { s, p in s.timeouts.idle = .seconds(5) }),
    ("address", { s, p in s.address = .v4(.loopback) }),
    (
      "members[1].address",
      { s, p in
        p.members[1].address = IPAddress("fd00::1")!
      }
    ),
    (
      "members[0].address",
      { s, p in
        p.members[0].address = .v4(.loopback)
      }
    ),
    ("snat", { s, p in (s.mode, s.snat) = (.proxy, .automap) }),
  ]

  @Test(arguments: refusals)
  func `what the kernel cannot do is refused by its field`(
    _ field: String, _ change: @Sendable (inout VirtualServer, inout Pool) -> Void
  ) throws {
    let entry = entry([1, 1])
    var (server, pool) = (entry.server, entry.pool)
    #expect(
      DeliveryConfiguration(virtualServers: [server], pools: [pool]).validated().problems == [])
    change(&server, &pool)
    let (usable, problems) = DeliveryConfiguration(virtualServers: [server], pools: [pool])
      .validated()
    #expect(problems.contains { $0.field.hasSuffix(field) }, "\(problems)")
    #expect(usable.virtualServers.isEmpty && usable.pools.count == 1)
  }

  @Test func `an egress without a source or without an address of its family is refused`() {
    let v6 = Egress(
      name: "a", sources: [IPPrefix("fd00::/64")!], addresses: [IPAddress("192.0.2.7")!])
    let (usable, problems) = DeliveryConfiguration(egress: [v6, Egress(name: "b", sources: [])])
      .validated()
    #expect(usable.egress.isEmpty)
    #expect(
      problems.map(\.description) == [
        "egress a: addresses is without IPv6, expected one of it, as fd00::/64 is",
        "egress b: source is empty, expected a prefix",
      ])
  }

  @Test
  func `an egress by an interface leaves the edge's own addresses, and what asks for its own`() {
    var own = Egress(name: "own", sources: [IPPrefix("10.42.0.7/32")!])
    own.snat = .none
    var rest = Egress(name: "rest", sources: [.defaultIPv4])
    (own.interface, rest.interface) = ("eth1", "eth1")
    #expect(
      own.rules + rest.rules == [
        "oifname \"eth1\" ip saddr { 10.42.0.7/32 } counter name \"\(own.counter)\" accept "
          + "comment \"own\"",
        "oifname \"eth1\" meta nfproto ipv4 fib saddr type != local counter name "
          + "\"\(rest.counter)\" masquerade comment \"rest\"",
      ])
    rest.interface = "eth1\" accept"
    own.addresses = [IPAddress("192.0.2.7")!]
    #expect(rest.validate().map(\.field) == ["interface"])
    #expect(own.validate().map(\.field) == ["addresses"])
  }

  private static let golden = """
    add table inet t
    add counter inet t c-d3834abe
    add counter inet t c-fa29c41f
    add counter inet t e-8bfcee0da86a3c2d
    add counter inet t r-d3834abe
    add counter inet t r-fa29c41f
    add counter inet t s-d3834abe
    add counter inet t s-fa29c41f
    add set inet t masqueraded { type mark; }
    add map inet t received { type mark : counter; }
    add map inet t sent { type mark : counter; }
    add map inet t servers4 { type ipv4_addr . inet_proto . inet_service : verdict; }
    add map inet t servers6 { type ipv6_addr . inet_proto . inet_service : verdict; }
    add chain inet t accounting { type filter hook postrouting priority mangle; policy accept; }
    add chain inet t m-d3834abe
    add chain inet t m-fa29c41f
    add chain inet t new
    add chain inet t output { type nat hook output priority -100; policy accept; }
    add chain inet t postrouting { type nat hook postrouting priority srcnat; policy accept; }
    add chain inet t prerouting { type nat hook prerouting priority dstnat; policy accept; }
    add chain inet t vs-5ea0e11948721ef1
    add rule inet t accounting ct mark 0 accept
    add rule inet t accounting ct direction original counter name ct mark map @received
    add rule inet t accounting ct direction reply counter name ct mark map @sent
    add rule inet t m-d3834abe counter name "c-d3834abe" ct mark set 0xd3834abe meta l4proto tcp dnat ip to 10.0.0.1:8080 comment "web"
    add rule inet t m-fa29c41f counter name "c-fa29c41f" ct mark set 0xfa29c41f meta l4proto tcp dnat ip to 10.0.0.2:8080 comment "web"
    add rule inet t new ip daddr . meta l4proto . th dport vmap @servers4
    add rule inet t new ip6 daddr . meta l4proto . th dport vmap @servers6
    add rule inet t output meta l4proto tcp tcp flags & (fin | syn | rst | ack) == syn jump new
    add rule inet t output meta l4proto udp jump new
    add rule inet t postrouting ct status dnat ct mark @masqueraded masquerade
    add rule inet t postrouting ct status dnat accept
    add rule inet t postrouting ip saddr { 10.42.0.0/16 } ip daddr != { 10.0.0.0/8 } counter name "e-8bfcee0da86a3c2d" masquerade comment "pods"
    add rule inet t prerouting meta l4proto tcp tcp flags & (fin | syn | rst | ack) == syn jump new
    add rule inet t prerouting meta l4proto udp jump new
    add rule inet t vs-5ea0e11948721ef1 numgen inc mod 3 vmap { 0 : goto m-d3834abe, 1 : goto m-fa29c41f, 2 : goto m-d3834abe }
    add element inet t masqueraded { 0xd3834abe, 0xfa29c41f }
    add element inet t received { 0xd3834abe : "r-d3834abe", 0xfa29c41f : "r-fa29c41f" }
    add element inet t sent { 0xd3834abe : "s-d3834abe", 0xfa29c41f : "s-fa29c41f" }
    add element inet t servers4 { 192.0.2.1 . tcp . 80 : goto vs-5ea0e11948721ef1 }

    """
}
