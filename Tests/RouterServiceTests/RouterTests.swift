import BGP
import Linux
import NetTypes
import RouterService
import Testing

@Suite(.serialized, .enabled(if: isRoot, "needs root: network namespaces"))
struct RouterTests {
  @Loop @Test func `two routers meet and their routes are in both kernels`() async throws {
    let net = try TwoNamespaces()
    let left = net.router(net.left, peer: "10.90.0.2") {
      $0.networks = [prefix("10.91.0.0/26")]
    }
    let right = net.router(net.right, peer: "10.90.0.1") {
      $0.neighbors[0].settings.defaultOriginate = true
    }
    try left.start()
    try right.start()
    right.originate(prefix("10.91.0.64/26"))

    #expect(await eventually { try net.routes(in: net.left).count == 2 })
    #expect(await eventually { try net.routes(in: net.right).count == 1 })
    let routes = try net.routes(in: net.left)
    #expect(routes[.defaultIPv4]?.nextHops == [address("10.90.0.2")])
    #expect(routes[prefix("10.91.0.64/26")]?.nextHops == [address("10.90.0.2")])
    #expect(left.status.sessions.map(\.state) == [.established])
    #expect(left.status.routes.filter { $0.kernel == .installed }.count == 2)

    right.withdraw(prefix("10.91.0.64/26"))
    #expect(await eventually { try net.routes(in: net.left).count == 1 })

    right.stop(graceful: false)
    #expect(await eventually { try net.routes(in: net.left).isEmpty })
    left.stop(graceful: false)
  }

  @Loop @Test func `a restart takes routes over without a gap`() async throws {
    let net = try TwoNamespaces()
    let left = net.router(net.left, peer: "10.90.0.2") {
      $0.networks = [prefix("10.91.0.0/26"), prefix("10.91.0.64/26")]
    }
    var right = net.router(net.right, peer: "10.90.0.1") { $0.networks = [prefix("10.92.0.0/24")] }
    try left.start()
    try right.start()
    #expect(await eventually { try net.routes(in: net.right).count == 2 })
    #expect(await eventually { try net.routes(in: net.left).count == 1 })

    // As kill -9: TCP goes without a NOTIFICATION.
    right.stop(graceful: true)
    #expect(await eventually { left.status.sessions[0].state != .established })
    #expect(try net.routes(in: net.right).count == 2)
    #expect(try net.routes(in: net.left).count == 1)
    #expect(left.status.routes.contains { $0.path.isStale })

    try left.apply(
      {
        var configuration = left.configuration
        configuration.networks.removeLast()
        return configuration
      }())
    right = net.router(net.right, peer: "10.90.0.1") { $0.networks = [prefix("10.92.0.0/24")] }
    try right.start()
    // What was not learnt again goes once the peer has said all.
    #expect(await eventually { try net.routes(in: net.right).count == 1 })
    #expect(await eventually { !left.status.routes.contains { $0.path.isStale } })
    #expect(try net.routes(in: net.left).count == 1)
    left.stop(graceful: false)
    right.stop(graceful: false)
  }

  @Loop @Test func `routes come back after the link was down`() async throws {
    let net = try TwoNamespaces()
    let left = net.router(net.left, peer: "10.90.0.2")
    let right = net.router(net.right, peer: "10.90.0.1") { $0.networks = [prefix("10.92.0.0/24")] }
    try left.start()
    try right.start()
    #expect(await eventually { try net.routes(in: net.left).count == 1 })
    try net.with(net.left) { try $0.setDown("eth0") }
    #expect(await eventually { try net.routes(in: net.left).isEmpty })
    try net.with(net.left) { try $0.setUp("eth0") }
    #expect(await eventually { try net.routes(in: net.left).count == 1 })
    left.stop(graceful: false)
    right.stop(graceful: false)
  }

  @Loop @Test func `a route that somebody else made is never touched`() async throws {
    let net = try TwoNamespaces()
    var other = Route(destination: prefix("10.92.0.0/24"), gateway: address("10.90.0.9"))
    other.routingProtocol = 4
    try net.with(net.left) { try $0.addRoute(other) }
    let left = net.router(net.left, peer: "10.90.0.2")
    let right = net.router(net.right, peer: "10.90.0.1") { $0.networks = [prefix("10.92.0.0/24")] }
    try left.start()
    try right.start()
    #expect(await eventually { try net.routes(in: net.left).count == 1 })
    right.stop(graceful: false)
    #expect(await eventually { try net.routes(in: net.left).isEmpty })
    left.stop(graceful: false)
    try net.with(net.left) { netlink in
      let kept = try netlink.routes().filter { $0.destination == other.destination }
      #expect(kept.map(\.routingProtocol) == [4])
      #expect(kept.map(\.nextHops) == [other.nextHops])
    }
  }

  @Loop @Test func `peers with one password meet, with two they do not`() async throws {
    let net = try TwoNamespaces()
    let left = net.router(net.left, peer: "10.90.0.2") { $0.neighbors[0].settings.password = "a" }
    let right = net.router(net.right, peer: "10.90.0.1") { $0.neighbors[0].settings.password = "b" }
    try left.start()
    try right.start()
    try await Loop.sleep(.milliseconds(300))
    #expect(left.status.sessions.map(\.state) != [.established])
    var configuration = right.configuration
    configuration.neighbors[0].settings.password = "a"
    try right.apply(configuration)
    #expect(await eventually { left.status.sessions[0].state == .established })
    left.stop(graceful: false)
    right.stop(graceful: false)
  }

  @Loop @Test func `a configuration resets only the neighbours that it changes`() async throws {
    let net = try TwoNamespaces()
    let left = net.router(net.left, peer: "10.90.0.2")
    let right = net.router(net.right, peer: "10.90.0.1")
    try left.start()
    try right.start()
    #expect(await eventually { left.status.sessions[0].state == .established })
    var configuration = left.configuration
    configuration.neighbors[0].settings.description = "edge"
    configuration.neighbors[0].settings.defaultOriginate = true
    configuration.neighbors.append(
      Neighbor(address: address("10.90.0.7"), remoteAS: ASNumber(64512)))
    try left.apply(configuration)
    #expect(await eventually { try net.routes(in: net.right)[.defaultIPv4] != nil })
    #expect(left.status.sessions.map(\.counters.established) == [1, 0])
    configuration.neighbors.removeFirst()
    try left.apply(configuration)
    #expect(await eventually { try net.routes(in: net.right).isEmpty })
    left.stop(graceful: false)
    right.stop(graceful: false)
  }
}
