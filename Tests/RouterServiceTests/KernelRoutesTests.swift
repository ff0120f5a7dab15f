import Linux
import NetTypes
import RouterService
import Testing

@Suite(.serialized, .enabled(if: isRoot, "needs root: network namespaces"))
struct KernelRoutesTests {
  let target = prefix("10.99.0.0/24")
  func gateways(_ numbers: Int...) -> KernelRoutes.Target {
    .nextHops(numbers.map { address("10.90.\($0).2") })
  }

  @Loop func routes(_ star: Star, table: UInt32 = 254) throws -> [IPPrefix: RouteTarget] {
    try star.with { netlink in
      var found: [IPPrefix: RouteTarget] = [:]
      try netlink.scanRoutes(table: table, routingProtocol: 167) { found[$0.prefix] = $0.target }
      return found
    }
  }

  @Loop func nexthops(_ star: Star) throws -> Set<NexthopObject> {
    try star.with { Set(try $0.nexthops().filter { $0.routingProtocol == 167 }) }
  }

  @Loop @Test func `a lost path moves only its own flows, and gets flows again when it is back`()
    async throws
  {
    let star = try Star(ends: 3)
    var options = KernelRoutes.Options()
    options.idleTime = .milliseconds(100)
    let kernel = try star.kernel(options)
    #expect(kernel.limitation == nil)
    for prefix in [target, prefix("10.98.0.0/24")] { kernel.set(prefix, gateways(1, 2, 3)) }
    try kernel.flush()
    let before = try await star.flows(300)
    #expect(before.count == 300)
    for end in 0..<3 { #expect(before.values.filter { $0 == end }.count > 40) }
    let installed = try routes(star)

    // By BGP: the group is changed where it stands, routes are not touched.
    for prefix in [target, prefix("10.98.0.0/24")] { kernel.set(prefix, gateways(1, 2)) }
    try kernel.flush()
    #expect(try routes(star) == installed)
    let after = try await star.flows(300)
    #expect(after.count == 300)
    for (flow, end) in before where end != 2 { #expect(after[flow] == end) }
    #expect(!after.values.contains(2))

    for prefix in [target, prefix("10.98.0.0/24")] { kernel.set(prefix, gateways(1, 2, 3)) }
    try kernel.flush()
    #expect(try routes(star) == installed)
    // Flows that are alive stay; those of buckets that have been idle come to the one that is back.
    try await Loop.sleep(.milliseconds(500))
    let again = try await star.flows(300, from: 30000)
    #expect(again.values.filter { $0 == 2 }.count > 40)
    try kernel.removeAll()
    #expect(try routes(star).isEmpty)
    #expect(try nexthops(star).isEmpty)
  }

  @Loop @Test func `one prefix that loses a path keeps the flows of the others`() async throws {
    let star = try Star(ends: 3)
    let kernel = try star.kernel()
    for prefix in [target, prefix("10.98.0.0/24")] { kernel.set(prefix, gateways(1, 2, 3)) }
    try kernel.flush()
    let before = try await star.flows(200)
    kernel.set(target, gateways(1, 2))
    try kernel.flush()
    let after = try await star.flows(200)
    #expect(after.count == 200)
    for (flow, end) in before where end != 2 { #expect(after[flow] == end) }
    #expect(try routes(star)[target] != routes(star)[prefix("10.98.0.0/24")])
  }

  @Loop @Test func `a link that goes takes its flows elsewhere, and its routes come back with it`()
    async throws
  {
    let star = try Star(ends: 3)
    let kernel = try star.kernel()
    let single = prefix("10.97.0.0/24")
    kernel.set(target, gateways(1, 2, 3))
    kernel.set(single, gateways(3))
    try kernel.flush()
    let before = try await star.flows(200)
    try star.with { try $0.setDown("eth3") }
    // The kernel alone has moved what went by eth3.
    let after = try await star.flows(200)
    for (flow, end) in before where end != 2 { #expect(after[flow] == end) }
    #expect(after.count == 200 && !after.values.contains(2))
    let moved = try kernel.nextHopsMayHaveChanged()
    #expect(moved == [address("10.90.3.2")])
    #expect(try routes(star)[single] == nil)
    #expect(
      kernel.state(of: single) == .failed("next hop 10.90.3.2: Network is unreachable"))
    try star.with { try $0.setUp("eth3") }
    #expect(await eventually { try !kernel.nextHopsMayHaveChanged().isEmpty })
    #expect(try routes(star)[single] != nil)
    #expect(kernel.state(of: single) == .installed)
    #expect(kernel.state(of: target) == .installed)
    guard case .nexthop(let id)? = try routes(star)[target],
      case .group(let members, let buckets)? = try nexthops(star).first(where: { $0.id == id })?
        .kind
    else {
      Issue.record("no group")
      return
    }
    #expect(members.count == 3 && buckets?.count == 256)
  }

  @Loop @Test func `a second life takes over routes and nexthops as they stand, no packet lost`()
    async throws
  {
    let star = try Star(ends: 3)
    let others = (0..<50).map { prefix("10.100.\($0).0/24") }
    var first: KernelRoutes? = try star.kernel()
    first?.set(target, gateways(1, 2, 3))
    for other in others { first?.set(other, gateways(1, 2)) }
    first?.set(prefix("10.96.0.0/24"), gateways(3))
    try first?.flush()
    let installed = try routes(star)
    let objects = try nexthops(star)
    let stream = try await star.lost {
      // As kill -9: nothing is removed.
      first = nil
      try await Loop.sleep(.milliseconds(50))
      let second = try star.kernel()
      #expect(try second.adopt())
      second.set(target, gateways(1, 2, 3))
      for other in others.dropLast() { second.set(other, gateways(1, 2)) }
      try second.flush()
      #expect(try routes(star) == installed)
      try second.sweep()
      try await Loop.sleep(.milliseconds(50))
    }
    #expect(stream.sent > 50 && stream.lost == 0)
    var expected = installed
    expected[prefix("10.96.0.0/24")] = nil
    expected[others[49]] = nil
    #expect(try routes(star) == expected)
    #expect(try nexthops(star) == objects)
  }

  @Loop @Test func `nexthops that nobody took over are swept`() async throws {
    let star = try Star(ends: 3)
    let first = try star.kernel()
    first.set(target, gateways(1, 2, 3))
    try first.flush()
    let second = try star.kernel()
    #expect(try second.adopt())
    second.set(target, gateways(2))
    try second.flush()
    try second.sweep()
    #expect(try nexthops(star).count == 1)
    #expect(try routes(star).count == 1)
  }

  @Loop @Test func `without nexthop objects routes name their gateways`() async throws {
    let star = try Star(ends: 2)
    var options = KernelRoutes.Options()
    options.usesNexthops = false
    let kernel = try star.kernel(options)
    kernel.set(target, gateways(1, 2))
    kernel.set(prefix("10.98.0.0/24"), gateways(2))
    try kernel.flush()
    #expect(try nexthops(star).isEmpty)
    let found = try star.with { try $0.routes().filter { $0.routingProtocol == 167 } }
    #expect(
      found.first { $0.destination == target }?.nextHops == [
        address("10.90.1.2"), address("10.90.2.2"),
      ])
    #expect(try await star.flows(100).count == 100)
    kernel.set(target, gateways(2))
    try kernel.flush()
    #expect(Set(try await star.flows(20).values) == [1])
    try kernel.audit()
    #expect(kernel.state(of: target) == .installed)
  }

  @Loop @Test(arguments: [100, 70_000]) func `each table has routes of its own`(table: Int)
    async throws
  {
    let star = try Star(ends: 1)
    var options = KernelRoutes.Options()
    options.table = UInt32(table)
    let (main, other) = (try star.kernel(), try star.kernel(options))
    main.set(target, gateways(1))
    other.set(target, gateways(1))
    other.set(prefix("10.98.0.0/24"), .blackhole)
    try main.flush()
    try other.flush()
    #expect(try routes(star, table: UInt32(table)).count == 2)
    try main.removeAll()
    #expect(try routes(star).isEmpty)
    try other.audit()
    #expect(try routes(star, table: UInt32(table)).count == 2)
    #expect(try nexthops(star).count == 1)
  }

  @Loop @Test func `routes of others stay, at the same prefix too`() async throws {
    let star = try Star(ends: 2)
    var others: [Route] = []
    for (number, metric) in [(11, 20), (12, 32), (186, 166), (4, 0)] as [(UInt8, UInt32)] {
      var route = Route(destination: target, gateway: address("10.90.2.2"))
      (route.routingProtocol, route.metric) = (number, metric)
      try star.with { try $0.addRoute(route) }
      others.append(route)
    }
    let kernel = try star.kernel()
    _ = try kernel.adopt()
    kernel.set(target, gateways(1))
    try kernel.flush()
    try kernel.sweep()
    try kernel.audit()
    kernel.set(target, nil)
    try kernel.flush()
    try kernel.removeAll()
    let left = try star.with { try $0.routes().filter { $0.destination == target } }
    #expect(Set(left.map(\.routingProtocol)) == Set(others.map(\.routingProtocol)))
  }

  @Loop @Test func `many routes go in, move and go out`() async throws {
    let star = try Star(ends: 2)
    let kernel = try star.kernel()
    let many = (0..<20_000).map {
      IPPrefix(.v4(IPv4Address(rawValue: 0x1400_0000 + UInt32($0) << 8)), length: 24)
    }
    for prefix in many { kernel.set(prefix, gateways(1)) }
    try kernel.flush()
    #expect(try routes(star).count == 20_000)
    for prefix in many.prefix(5000) { kernel.set(prefix, gateways(2)) }
    for prefix in many.suffix(5000) { kernel.set(prefix, nil) }
    try kernel.flush()
    #expect(try routes(star).count == 15_000)
    try star.with { netlink in
      for prefix in many.prefix(3) {
        var route = Route(destination: prefix)
        (route.routingProtocol, route.metric) = (167, 167)
        try netlink.deleteRoute(route)
      }
    }
    try kernel.audit()
    #expect(try routes(star).count == 15_000)
    for prefix in many { kernel.set(prefix, nil) }
    try kernel.flush()
    #expect(try routes(star).isEmpty)
    #expect(try nexthops(star).isEmpty)
  }

  @Loop @Test func `routes of IPv6 share a group, which is changed where it stands`() async throws {
    let star = try Star(ends: 3)
    try star.with { netlink in
      for end in 1...3 {
        try netlink.addAddress(InterfaceAddress("2001:db8:\(end)::1/64")!, to: "eth\(end)")
      }
    }
    let kernel = try star.kernel()
    let many = (0..<100).map { prefix("2001:db8:99:\(String($0, radix: 16))::/64") }
    let ways = { (ends: [Int]) in
      KernelRoutes.Target.nextHops(ends.map { address("2001:db8:\($0)::2") })
    }
    for prefix in many { kernel.set(prefix, ways([1, 2, 3])) }
    try kernel.flush()
    let installed = try routes(star)
    #expect(installed.count == 100 && Set(installed.values).count == 1)
    #expect(try nexthops(star).count == 4)
    for prefix in many { kernel.set(prefix, ways([1, 2])) }
    try kernel.flush()
    #expect(try routes(star) == installed)
    let shown = try star.with { try $0.routes().filter { $0.destination == many[7] } }
    #expect(
      shown.map { Set($0.nextHops) } == [[address("2001:db8:1::2"), address("2001:db8:2::2")]])
    for prefix in many { kernel.set(prefix, nil) }
    try kernel.flush()
    #expect(try routes(star).isEmpty)
    #expect(try nexthops(star).isEmpty)
  }

  @Loop @Test func `a route of IPv4 takes a gateway of IPv6`() async throws {
    let star = try Star(ends: 1)
    try star.with { try $0.addAddress(InterfaceAddress("2001:db8::1/64")!, to: "eth1") }
    let kernel = try star.kernel()
    kernel.set(target, .nextHops([address("2001:db8::2")]))
    try kernel.flush()
    #expect(kernel.state(of: target) == .installed)
    let found = try star.with { try $0.routes().filter { $0.destination == target } }
    #expect(found.map(\.nextHops) == [[address("2001:db8::2")]])
  }
}
