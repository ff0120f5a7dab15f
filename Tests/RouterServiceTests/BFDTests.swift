import BFD
import BGP
import Glibc
import Linux
import NetTypes
import RouterService
import Testing

let dropEverything = """
  table inet cut {
    chain in { type filter hook input priority 0; drop; };
    chain out { type filter hook output priority 0; drop; };
  }
  """
let mend = "delete table inet cut"

extension BFDSettings {
  static let fast: BFDSettings = {
    var settings = BFDSettings()
    settings.receiveInterval = .milliseconds(50)
    settings.transmitInterval = .milliseconds(50)
    return settings
  }()
}

/// Routers of ours at both ends. The hold time is 90 s: whatever ends a session here is BFD.
@Suite(.serialized, .enabled(if: isRoot, "needs root: network namespaces"))
struct BFDTests {
  @Loop private func router(
    _ net: TwoNamespaces, _ name: String, _ change: (inout RouterConfiguration) -> Void = { _ in }
  ) -> Router {
    net.router(name, peer: name == net.left ? "10.90.0.2" : "10.90.0.1") {
      $0.timers.hold = .seconds(90)
      $0.timers.keepalive = .seconds(30)
      $0.neighbors[0].settings.bfd = .fast
      if name == net.right { $0.networks = [prefix("10.92.0.0/24")] }
      change(&$0)
    }
  }

  @Loop private func isUp(_ router: Router) -> Bool {
    router.status.bfd.first?.state == .up && router.status.sessions.first?.state == .established
  }

  @Loop @Test func `a path that carries nothing any more takes session and routes with it`()
    async throws
  {
    let net = try TwoNamespaces()
    let (left, right) = (router(net, net.left), router(net, net.right))
    defer {
      left.stop(graceful: false)
      right.stop(graceful: false)
    }
    try left.start()
    try right.start()
    #expect(await eventually { isUp(left) && isUp(right) })
    #expect(await eventually { try net.routes(in: net.left)[prefix("10.92.0.0/24")] != nil })
    let status = try #require(left.status.bfd.first)
    #expect(status.path == BFDPath(remote: address("10.90.0.2"), local: address("10.90.0.1")))
    #expect(await eventually { left.status.bfd.first?.detectionTime == .milliseconds(150) })

    try await NFTables.apply(dropEverything, inNamespace: net.right)
    #expect(await eventually { try net.routes(in: net.left).isEmpty })
    #expect(left.status.sessions.first?.state != .established)
    #expect(left.status.bfd.first?.diagnostic == .controlDetectionTimeExpired)

    try await NFTables.apply(mend, inNamespace: net.right)
    #expect(await eventually { isUp(left) && isUp(right) })
    #expect(await eventually { try net.routes(in: net.left)[prefix("10.92.0.0/24")] != nil })
    #expect(left.status.bfd.first?.counters.ups == 2)
  }

  @Loop @Test func `a peer that stops watching is no reason to end the session`() async throws {
    let net = try TwoNamespaces()
    let (left, right) = (router(net, net.left), router(net, net.right))
    defer {
      left.stop(graceful: false)
      right.stop(graceful: false)
    }
    try left.start()
    try right.start()
    #expect(await eventually { isUp(left) && isUp(right) })
    var configuration = right.configuration
    configuration.neighbors[0].settings.bfd = nil
    try right.apply(configuration)
    #expect(await eventually { left.status.bfd.first?.remoteState == .adminDown })
    #expect(right.status.bfd.isEmpty)
    #expect(left.status.bfd.first?.state == .down)
    #expect(left.status.sessions.first?.state == .established)
    #expect(left.status.sessions.first?.counters.established == 1)
  }

  @Loop @Test func `timers change under a session that stays up`() async throws {
    let net = try TwoNamespaces()
    let (left, right) = (router(net, net.left), router(net, net.right))
    defer {
      left.stop(graceful: false)
      right.stop(graceful: false)
    }
    try left.start()
    try right.start()
    #expect(await eventually { isUp(left) && isUp(right) })
    var configuration = right.configuration
    configuration.neighbors[0].settings.bfd?.transmitInterval = .milliseconds(100)
    configuration.neighbors[0].settings.bfd?.multiplier = 5
    try right.apply(configuration)
    #expect(await eventually { left.status.bfd.first?.detectionTime == .milliseconds(500) })
    #expect(left.status.bfd.first?.counters.downs == 0)
    #expect(left.status.sessions.first?.counters.established == 1)
  }

  @Loop @Test func `a peer beyond a router is watched over several hops`() async throws {
    let net = try TwoNamespaces()
    try net.with(net.right) { try $0.addAddress(InterfaceAddress("10.93.0.2/32")!, to: "lo") }
    try net.with(net.left) { netlink in
      var route = Route(destination: prefix("10.93.0.2/32"))
      route.hops = [Route.NextHop(gateway: address("10.90.0.2"))]
      _ = try netlink.replaceRoutes([route])
    }
    let left = router(net, net.left) { $0.neighbors[0].address = address("10.93.0.2") }
    let right = router(net, net.right) {
      $0.neighbors[0].settings.sourceAddress = address("10.93.0.2")
      $0.neighbors[0].settings.bfd?.isMultihop = true
    }
    defer {
      left.stop(graceful: false)
      right.stop(graceful: false)
    }
    try left.start()
    try right.start()
    #expect(await eventually { isUp(left) && isUp(right) })
    #expect(left.status.bfd.first?.path.isMultihop == true)
  }

  @Loop @Test func `a path that could not be watched is tried again`() async throws {
    let net = try TwoNamespaces()
    let (left, right) = (router(net, net.left), router(net, net.right))
    defer {
      left.stop(graceful: false)
      right.stop(graceful: false)
    }
    // Somebody else has BFD's port.
    let taken = try NetworkNamespace.open(named: net.left).with {
      let socket = try Datagrams.socket(isIPv4: true)
      try Sockets.bind(socket.rawValue, to: SocketAddress(.v4(.any), port: 3784))
      return socket
    }
    try left.start()
    try right.start()
    #expect(await eventually { left.status.sessions.first?.state == .established })
    #expect(left.status.bfd.isEmpty)
    _ = consume taken
    #expect(await eventually { isUp(left) && isUp(right) })
    #expect(left.status.sessions.first?.counters.established == 1)
  }

  /// RFC 5881 §5: what has crossed a router is not the peer, whatever it says.
  @Loop @Test func `a packet with a TTL below 255 is none of the session's`() async throws {
    let net = try TwoNamespaces()
    let service = BFDService(namespace: net.path(net.left))
    defer { service.stop() }
    let path = BFDPath(remote: address("10.90.0.2"), local: address("10.90.0.1"))
    try service.add(path, BFDParameters())
    let packet = BFDPacket(
      state: .down, multiplier: 3, myDiscriminator: 5, desiredMinTransmit: .seconds(1),
      requiredMinReceive: .seconds(1))
    var socket: Int32 = -1
    try net.with(net.right) { _ in socket = try Datagrams.socket(isIPv4: true).release() }
    defer { close(socket) }
    let target = SocketAddress(address("10.90.0.1"), port: 3784)
    // 64 is what the kernel sends with.
    #expect(
      await eventually {
        Datagrams.send(socket, packet.encoded, to: target)
        return service.discarded > 0
      })
    #expect(service.sessions.first?.state == .down)
    #expect(service.sessions.first?.counters.received == 0)
    try Sockets.setOption(socket, Int32(IPPROTO_IP), IP_TTL, 255)
    #expect(
      await eventually {
        Datagrams.send(socket, packet.encoded, to: target)
        return service.sessions.first?.state == .initial
      })
  }
}
