import BGP
import Linux
import NetTypes
import RouterService
import Testing

@Suite(.serialized, .enabled(if: isRoot, "needs root: network namespaces"))
struct NextHopTrackingTests {
  @Loop @Test func `a next hop behind another host is shown with its reason, then used`()
    async throws
  {
    let net = try TwoNamespaces()
    let far = net.right + "f"
    try NetworkNamespace.create(named: far)
    defer { try? NetworkNamespace.delete(named: far) }
    let other = try NetworkNamespace.open(named: far)
    try net.with(net.right) { netlink in
      try netlink.addVeth("eth1", peer: "eth0", in: other)
      try netlink.addAddress(InterfaceAddress("10.91.0.1/24")!, to: "eth1")
      try netlink.setUp("eth1")
    }
    try other.with {
      let netlink = try Netlink()
      try netlink.addAddress(InterfaceAddress("10.91.0.2/24")!, to: "eth0")
      try netlink.setUp("eth0")
    }
    let left = net.router(net.left, peer: "10.90.0.2")
    // The host in between reflects, and leaves the next hop as it is.
    let host = net.router(net.right, peer: "10.90.0.1") {
      $0.neighbors[0].settings.routeReflectorClient = true
      $0.neighbors.append(Neighbor(address: address("10.91.0.2"), remoteAS: ASNumber(64512)))
    }
    let node = net.router(far, peer: "10.91.0.1") { $0.networks = [prefix("10.53.0.0/26")] }
    for router in [left, host, node] { try router.start() }

    #expect(await eventually { !left.status.routes.isEmpty })
    #expect(await eventually { try net.routes(in: net.right).count == 1 })
    let entry = left.status.routes.first
    #expect(entry?.nextHopProblem == "Network is unreachable")
    #expect(entry?.path.isBest == false && entry?.path.removedBy == .unreachable)
    #expect(try net.routes(in: net.left).isEmpty)

    // As `ip route add` by hand: the host is the gateway.
    let route = Route(destination: prefix("10.91.0.0/24"), gateway: address("10.90.0.2"))
    try net.with(net.left) { try $0.addRoute(route) }
    #expect(await eventually { try net.routes(in: net.left).count == 1 })
    #expect(
      try net.routes(in: net.left)[prefix("10.53.0.0/26")]?.nextHops == [address("10.90.0.2")])
    #expect(left.status.routes.first?.nextHopProblem == nil)

    try net.with(net.left) { try $0.deleteRoute(route) }
    #expect(await eventually { try net.routes(in: net.left).isEmpty })
    for router in [left, host, node] { router.stop(graceful: false) }
  }

  @Loop @Test func `a default route that BGP gave makes no next hop reachable`() async throws {
    let net = try TwoNamespaces()
    let left = net.router(net.left, peer: "10.90.0.2")
    let right = net.router(net.right, peer: "10.90.0.1") {
      $0.neighbors[0].settings.defaultOriginate = true
    }
    try left.start()
    try right.start()
    #expect(await eventually { try net.routes(in: net.left).count == 1 })
    let problem = try NetworkNamespace.open(named: net.left).with {
      let kernel = try KernelRoutes()
      kernel.set(prefix("10.53.0.0/26"), .nextHops([address("10.77.0.1")]))
      try kernel.flush()
      return kernel.state(of: prefix("10.53.0.0/26"))
    }
    #expect(problem == .failed("next hop 10.77.0.1: only a default route leads there"))
    left.stop(graceful: false)
    right.stop(graceful: false)
  }

  @Loop @Test func `a route that somebody deletes is back at once`() async throws {
    let net = try TwoNamespaces()
    let left = net.router(net.left, peer: "10.90.0.2")
    let right = net.router(net.right, peer: "10.90.0.1") {
      $0.networks = (0..<200).map { prefix("10.92.\($0).0/24") }
    }
    try left.start()
    try right.start()
    #expect(await eventually { try net.routes(in: net.left).count == 200 })
    for _ in 0..<3 {
      try net.with(net.left) { netlink in
        for number in 0..<200 {
          var route = Route(destination: prefix("10.92.\(number).0/24"))
          (route.routingProtocol, route.metric) = (167, 167)
          try netlink.deleteRoute(route)
        }
      }
      #expect(await eventually { try net.routes(in: net.left).count == 200 })
    }
    left.stop(graceful: false)
    right.stop(graceful: false)
  }

  @Loop @Test func `connected and static routes are announced while they are there`() async throws {
    let net = try TwoNamespaces()
    let left = net.router(net.left, peer: "10.90.0.2") {
      $0.networks = [prefix("10.93.0.0/24")]
      $0.redistributions = [
        Redistribution(.connected, family: .ipv4, metric: 7),
        Redistribution(.static, family: .ipv4), Redistribution(.kernel, family: .ipv4),
      ]
    }
    let right = net.router(net.right, peer: "10.90.0.1") { $0.networks = [prefix("10.92.0.0/24")] }
    try left.start()
    try right.start()
    let seen = { @Loop in
      Dictionary(
        right.status.routes.filter { $0.path.origin != .local }.map {
          ($0.path.prefix, $0.path.attributes)
        }
      ) { $1 }
    }
    let subnet = prefix("10.90.0.0/24")
    #expect(await eventually { seen().count == 2 })
    #expect(seen()[subnet]?.origin == .incomplete && seen()[subnet]?.multiExitDiscriminator == 7)
    #expect(seen()[prefix("10.93.0.0/24")]?.origin == .igp)

    var (manual, other) = (
      Route(destination: prefix("10.94.0.0/24"), gateway: address("10.90.0.2")),
      Route(destination: prefix("10.95.0.0/24"), gateway: address("10.90.0.2"))
    )
    manual.routingProtocol = 4
    other.routingProtocol = 12
    try net.with(net.left) {
      try $0.addRoute(manual)
      try $0.addRoute(other)
      try $0.addAddress(InterfaceAddress("10.96.0.1/24")!, to: "eth0")
    }
    #expect(await eventually { seen().count == 5 })
    #expect(seen()[manual.destination]?.multiExitDiscriminator == nil)
    // What right announced is in left's kernel by us, and is not announced back as left's own.
    #expect(try net.routes(in: net.left).count == 1)
    #expect(
      !left.status.routes.contains {
        $0.path.prefix == prefix("10.92.0.0/24") && $0.path.origin == .local
      })

    try net.with(net.left) {
      try $0.deleteRoute(manual)
      try $0.deleteAddress(InterfaceAddress("10.96.0.1/24")!, from: "eth0")
    }
    #expect(await eventually { seen().count == 3 })
    var configuration = left.configuration
    try net.with(net.left) { try $0.addRoute(manual) }
    configuration.redistributions = [.connected, .static, .kernel].map {
      Redistribution($0, family: .ipv4, routeMap: "by source")
    }
    var policy = RoutingPolicy()
    policy.routeMaps["by source"] = RouteMap([
      RouteMap.Clause(
        10, matches: [.source(.connected)], changes: [.metric(.value(11))]),
      RouteMap.Clause(20, matches: [.source(.static)], changes: [.metric(.value(12))]),
      RouteMap.Clause(30, matches: [.source(.kernel)], changes: [.metric(.value(13))]),
    ])
    try left.apply(configuration, policy: policy)
    let metrics = { @Loop in
      [subnet, manual.destination, other.destination].map { seen()[$0]?.multiExitDiscriminator }
    }
    #expect(await eventually { metrics() == [11, 12, 13] }, "\(metrics())")
    configuration.redistributions = [Redistribution(.connected, family: .ipv4, routeMap: "none")]
    try left.apply(configuration)
    #expect(await eventually { seen().count == 1 })
    left.stop(graceful: false)
    right.stop(graceful: false)
  }
}
