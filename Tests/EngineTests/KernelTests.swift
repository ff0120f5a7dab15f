import Delivery
import Engine
import Glibc
import Linux
import NetTypes
import Testing

/// Mode kernel and egress on real packets, all in namespaces of the test's own.
@Suite(.serialized, .enabled(if: geteuid() == 0, "needs root to make network namespaces"))
struct KernelTests {
  /// Serves, runs `body`, stops, and looks that nothing is left.
  private func serve(
    _ scene: KernelScene, _ configuration: DeliveryConfiguration,
    _ body: (Engine) async throws -> Void
  ) async throws {
    let host = try await NFTables.list(["ruleset"])
    let engine = try await Engine(scene.settings())
    await engine.report { Issue.record("\($0)") }
    #expect(await engine.apply(configuration) == [])
    await engine.settleKernel()
    do {
      try await body(engine)
    } catch {
      await engine.drain(.zero)
      throw error
    }
    await engine.drain(.zero)
    #expect(try await scene.nft("tables") == "")
    #expect(try await NFTables.list(["ruleset"]) == host)
  }

  private func configuration(
    _ servers: [VirtualServer], _ members: [Member],
    _ method: Pool.LoadBalancing = .ratio, monitor: Monitor = .none,
    _ change: (inout Pool) -> Void = { _ in }
  ) -> DeliveryConfiguration {
    var pool = Pool(name: "pool", loadBalancing: method, members: members, monitor: monitor)
    change(&pool)
    return DeliveryConfiguration(virtualServers: servers, pools: [pool])
  }

  @Test func `connections go to three members by weight and are counted for each`() async throws {
    let scene = try KernelScene()
    let members = [
      scene.member(1, weight: 3), scene.member(2, weight: 2), scene.member(3, weight: 1),
    ]
    try await serve(scene, configuration([scene.server("web")], members)) { engine in
      #expect(try scene.tally(60) == ["m1": 30, "m2": 20, "m3": 10])
      // The member sees the edge, so that its answer comes back this way.
      let answers = try (0..<6).map { _ in try scene.answer(KernelScene.virtual) }
      #expect(Set(answers) == ["m1 10.91.11.1", "m2 10.91.12.1", "m3 10.91.13.1"])
      try await engine.readKernelCounts()
      let snapshot = await engine.snapshot()
      #expect(snapshot.pools[0].members.map(\.counts.connections) == [33, 22, 11])
      let server = snapshot.servers[0].counts
      #expect(server.connections == 66)
      // SYN, its answer, the handshake's end, a byte, the answer and what acknowledges them.
      #expect(server.packetsIn >= 66 * 3 && server.packetsOut >= 66 * 2)
      #expect(server.bytesIn >= server.packetsIn * 40 && server.bytesOut > 66 * 40 * 2)
    }
  }

  @Test func `the same source keeps its member, and one that goes takes only its own along`()
    async throws
  {
    let scene = try KernelScene()
    let all = (1...3).map { scene.member($0) }
    try NetworkNamespace.open(named: scene.client).with {
      let netlink = try Netlink()
      for number in 10..<40 {
        try netlink.addAddress(InterfaceAddress("10.91.1.\(number)/24")!, to: "eth0")
      }
    }
    func members() throws -> [String] {
      try (10..<40).map { number in
        let client = try scene.connect(
          KernelScene.virtual, bound: IPAddress("10.91.1.\(number)")!)
        return String(try client.ask().prefix(2))
      }
    }
    let wanted = configuration([scene.server("web")], all, .consistentHash)
    try await serve(scene, wanted) { engine in
      let first = try members()
      #expect(Set(first) == ["m1", "m2", "m3"])
      #expect(try members() == first)
      var less = wanted
      less.pools[0].members[1].state = .draining
      #expect(await engine.apply(less) == [])
      await engine.settleKernel()
      for (old, new) in zip(first, try members()) where old != "m2" { #expect(old == new) }
    }
  }

  @Test func `a member that goes down leaves within its probe, and comes back`() async throws {
    let scene = try KernelScene()
    for number in 1...3 { try scene.mark(number, isUp: true) }
    let members = (1...3).map { scene.member($0) }
    let wanted = configuration([scene.server("web")], members, monitor: scene.monitor)
    try await serve(scene, wanted) { engine in
      #expect(try scene.tally(6) == ["m1": 2, "m2": 2, "m3": 2])
      let held = try (0..<3).map { _ in try scene.connect(KernelScene.virtual) }
      #expect(Set(try held.map { try $0.ask() }).count == 3)
      try scene.mark(2, isUp: false)
      try await eventually("m2 is down") {
        engine.snapshot().pools[0].members.map(\.isUp) == [true, false, true]
      }
      await engine.settleKernel()
      #expect(try scene.tally(6) == ["m1": 3, "m3": 3])
      // serviceDown: none. What is under way goes on, and is counted on.
      #expect(Set(try held.map { try $0.ask() }).count == 3)
      try scene.mark(2, isUp: true)
      try await eventually("m2 is up") { engine.snapshot().pools[0].members.allSatisfy(\.isUp) }
      await engine.settleKernel()
      #expect(try scene.tally(6) == ["m1": 2, "m2": 2, "m3": 2])
    }
  }

  @Test func `serviceDown reset ends connections, and reselect moves flows of datagrams`()
    async throws
  {
    let scene = try KernelScene()
    for number in 1...3 { try scene.mark(number, isUp: true) }
    let wanted = configuration(
      [scene.server("web"), scene.server("dns", .udp)], [scene.member(1), scene.member(2)],
      monitor: scene.monitor
    ) { $0.serviceDown = .reselect }
    try await serve(scene, wanted) { engine in
      let streams = try (0..<2).map { _ in try scene.connect(KernelScene.virtual) }
      let flows = try (0..<2).map { _ in try scene.connect(KernelScene.virtual, SOCK_DGRAM) }
      let names = try streams.map { String(try $0.ask().prefix(2)) }
      #expect(Set(try flows.map { try $0.ask().prefix(2) }) == ["m1", "m2"])
      #expect(Set(names) == ["m1", "m2"])
      try scene.mark(2, isUp: false)
      try await eventually("m2 is down") { !engine.snapshot().pools[0].members[1].isUp }
      await engine.settleKernel()
      for (stream, name) in zip(streams, names) {
        if name == "m1" {
          #expect(try stream.ask().hasPrefix("m1"))
        } else {
          #expect(throws: (any Error).self) { try stream.ask() }
        }
      }
      for flow in flows { #expect(try flow.ask().hasPrefix("m1")) }
    }
  }

  @Test func `without any member new connections are refused at once`() async throws {
    let scene = try KernelScene()
    try await serve(scene, configuration([scene.server("web")], [])) { _ in
      let error = #expect(throws: SystemError.self) { try scene.answer(KernelScene.virtual) }
      #expect(error?.code == ECONNREFUSED)
    }
  }

  @Test func `datagrams and IPv6 go the same way`() async throws {
    let scene = try KernelScene()
    var wanted = configuration(
      [scene.server("dns", .udp), scene.server("plain")], [scene.member(1), scene.member(2)])
    wanted.virtualServers += [
      scene.server("dns6", .udp, v6: true, pool: "six"),
      scene.server("web6", v6: true, pool: "six"),
    ]
    wanted.pools.append(
      Pool(
        name: "six", loadBalancing: .ratio,
        members: [scene.member(2, v6: true), scene.member(3, weight: 2, v6: true)]))
    try await serve(scene, wanted) { engine in
      #expect(try scene.tally(4, KernelScene.virtual, SOCK_DGRAM) == ["m1": 2, "m2": 2])
      #expect(try scene.tally(6, KernelScene.virtual6) == ["m2": 2, "m3": 4])
      #expect(try scene.tally(6, KernelScene.virtual6, SOCK_DGRAM) == ["m2": 2, "m3": 4])
      // The flow stays where it began.
      let flow = try scene.connect(KernelScene.virtual6, SOCK_DGRAM)
      #expect(Set(try (0..<4).map { _ in try flow.ask() }).count == 1)
      try await engine.readKernelCounts()
      let counts = await engine.snapshot().servers.map(\.counts.connections)
      #expect(counts == [4, 0, 7, 6])
    }
  }

  @Test func `without SNAT members see the client`() async throws {
    let scene = try KernelScene()
    var server = scene.server("web")
    server.snat = SourceTranslation.none
    try await serve(scene, configuration([server], [scene.member(1)])) { _ in
      let answer = try scene.answer(KernelScene.virtual)
      #expect(answer == "m1 10.91.1.2")
    }
  }

  @Test func `changes of one virtual server break no connection of another`() async throws {
    let scene = try KernelScene()
    var wanted = configuration(
      [scene.server("steady"), scene.server("other", port: 81, pool: "other")],
      [scene.member(1), scene.member(2)])
    wanted.pools.append(Pool(name: "other", members: [scene.member(3)]))
    try await serve(scene, wanted) { engine in
      let load = KernelLoad(scene)
      defer { load.end() }
      let old = try scene.connect(KernelScene.virtual, port: 81)
      #expect(try old.ask().hasPrefix("m3"))
      for turn in 0..<40 {
        var next = wanted
        next.pools[1].members = [scene.member(turn % 2 + 1), scene.member(3, weight: 1 + turn % 3)]
        if turn % 4 == 3 { next.virtualServers.removeLast() }
        #expect(await engine.apply(next) == [])
        await engine.settleKernel()
      }
      // Even a virtual server that went and came lets its connections be.
      #expect(try old.ask().hasPrefix("m3"))
      let (asked, failed) = load.stop()
      #expect(asked > 100 && failed == 0, "\(failed) of \(asked)")
    }
  }

  @Test func `a table that a process has left is taken over with its connections and counts`()
    async throws
  {
    let scene = try KernelScene()
    let wanted = configuration([scene.server("web")], [scene.member(1), scene.member(2)])
    let first = try await Engine(scene.settings())
    await first.apply(wanted)
    await first.settleKernel()
    let held = try scene.connect(KernelScene.virtual)
    let name = try held.ask()
    await first.drain(.zero, forGood: false)
    #expect(try held.ask() == name)
    #expect(try scene.tally(4) == ["m1": 2, "m2": 2])
    try await serve(scene, configuration([scene.server("web")], [scene.member(1)])) { engine in
      #expect(try held.ask() == name)
      #expect(try scene.tally(4) == ["m1": 4])
      try await engine.readKernelCounts()
      #expect(await engine.snapshot().servers[0].counts.connections == 7)
    }
  }

  @Test func `what leaves has the address that its source is given`() async throws {
    let scene = try KernelScene()
    try scene.serve(scene.client, "far")
    let (far, far6) = (IPAddress("10.91.1.2")!, IPAddress("fd91:1::2")!)
    try scene.serve(scene.members[1], "near", port: 81)
    var wanted = DeliveryConfiguration(egress: [
      Egress(
        name: "pool", sources: [IPPrefix("10.91.11.0/24")!],
        addresses: [IPAddress("192.0.2.77")!, IPAddress("192.0.2.78")!]),
      Egress(name: "automap", sources: [IPPrefix("10.91.0.0/16")!, IPPrefix("fd91:13::/64")!]),
    ])
    wanted.egress[1].exceptions = [IPPrefix("10.91.12.0/24")!]
    try await serve(scene, wanted) { engine in
      func seen(_ number: Int, _ address: IPAddress, _ kind: __socket_type = SOCK_STREAM) throws
        -> String
      { try scene.connect(address, from: scene.members[number - 1], kind).ask() }
      let own = try seen(1, far)
      #expect(["far 192.0.2.77", "far 192.0.2.78"].contains(own))
      #expect(try seen(1, far, SOCK_DGRAM) == own)
      #expect(try seen(3, far) == "far 10.91.1.1")
      #expect(try seen(3, far6) == "far fd91:1::1")
      #expect(try seen(2, far6) == "far fd91:12::2")
      // A destination that is excepted sees the source as it is.
      let near = IPAddress("10.91.12.2")!
      #expect(
        try scene.connect(near, from: scene.members[2], port: 81).ask() == "near 10.91.13.2")
      let held = try scene.connect(far, from: scene.members[0])
      #expect(try held.ask() == own)
      var less = wanted
      less.egress.remove(at: 0)
      #expect(await engine.apply(less) == [])
      await engine.settleKernel()
      // What is under way keeps its address.
      #expect(try held.ask() == own)
      #expect(try seen(1, far) == "far 10.91.1.1")
    }
  }

  @Test func `a machine that does not forward refuses with the reason`() async throws {
    let scene = try KernelScene()
    try NetworkNamespace.open(named: scene.edge).with { try Sysctl.set("net.ipv4.ip_forward", "0") }
    let engine = try await Engine(scene.settings())
    let wanted = configuration([scene.server("web")], [scene.member(1)])
    #expect(
      await engine.apply(wanted).map(\.description) == [
        "virtual server web: mode is net.ipv4.ip_forward = 0, expected net.ipv4.ip_forward = 1, "
          + "so that the kernel forwards"
      ])
    await engine.drain(.zero)
  }

  @Test func `a virtual server that the machine cannot take into the kernel stays with the proxy`()
    async throws
  {
    let scene = try KernelScene()
    try NetworkNamespace.open(named: scene.edge).with { try Sysctl.set("net.ipv4.ip_forward", "0") }
    let engine = try await Engine(scene.settings())
    var wanted = configuration([scene.server("web")], [scene.member(1)])
    wanted.virtualServers[0].address = .v4(.loopback)
    wanted.virtualServers[0].port = freePort()
    wanted.virtualServers[0].mode = .proxy
    #expect(await engine.apply(wanted) == [])
    var moved = wanted
    moved.virtualServers[0].mode = .kernel
    moved.virtualServers[0].address = KernelScene.virtual
    #expect(await engine.apply(moved).map(\.field) == ["mode"])
    #expect(await engine.applied.virtualServers == wanted.virtualServers)
    await engine.drain(.zero)
  }

  @Test func `members changed at run time get no new connections, or more of them`() async throws {
    let scene = try KernelScene()
    let wanted = configuration([scene.server("web")], [scene.member(1), scene.member(2)])
    try await serve(scene, wanted) { engine in
      let (first, second) = (scene.member(1).socketAddress, scene.member(2).socketAddress)
      try await engine.change(pool: "pool", member: first, to: RuntimeChange(state: .disabled))
      await engine.settleKernel()
      #expect(try scene.tally(4) == ["m2": 4])
      try await engine.change(pool: "pool", member: first, to: RuntimeChange())
      try await engine.change(pool: "pool", member: second, to: RuntimeChange(weight: 3))
      await engine.settleKernel()
      #expect(try scene.tally(8) == ["m1": 2, "m2": 6])
    }
  }

  @Test func `a pool that the kernel cannot use stays as it was`() async throws {
    let scene = try KernelScene()
    let wanted = configuration([scene.server("web")], [scene.member(1)])
    try await serve(scene, wanted) { engine in
      var worse = wanted
      worse.pools[0].loadBalancing = .leastConnections
      worse.pools[0].members = [scene.member(2)]
      #expect(
        await engine.apply(worse).map(\.description) == [
          "virtual server web: pool.loadBalancing is least-connections, expected round-robin, "
            + "ratio or consistent-hash, as mode is kernel"
        ])
      await engine.settleKernel()
      let tally = try scene.tally(2)
      #expect(tally == ["m1": 2])
      #expect(await engine.apply(wanted) == [])
    }
  }
}
