import NetTypes
import Testing

@testable import Delivery

@Suite struct ValidationTests {
  static let address = IPAddress.v4(IPv4Address(10, 10, 2, 11))
  static func member(_ port: UInt16, weight: Int = 1) -> Member {
    Member(address: address, port: port, weight: weight)
  }

  @Test func `one bad object never keeps another from being used`() {
    let configuration = DeliveryConfiguration(
      virtualServers: [
        VirtualServer(name: "a", address: Self.address, port: 80, protocol: .http, pool: "good"),
        VirtualServer(name: "b", address: Self.address, port: 81, protocol: .http, pool: "bad"),
        VirtualServer(name: "c", address: Self.address, port: 82, protocol: .tcp, pool: "gone"),
        VirtualServer(name: "d", address: Self.address, port: 80, protocol: .tcp, pool: "good"),
        VirtualServer(name: "e", address: Self.address, port: 80, protocol: .udp, pool: "good"),
        VirtualServer(name: "a", address: Self.address, port: 83, protocol: .tcp, pool: "good"),
      ],
      pools: [
        Pool(name: "good", members: [Self.member(1)]),
        Pool(name: "bad", members: [Self.member(1, weight: 0)]),
      ])
    let (usable, problems) = configuration.validated()
    #expect(usable.virtualServers.map(\.name) == ["a", "e"])
    #expect(usable.pools.map(\.name) == ["good"])
    #expect(
      problems.map(\.description) == [
        "pool bad: members[0].weight is 0, expected 1 to 256",
        "virtual server b: pool is bad, expected a valid pool",
        "virtual server c: pool is gone, expected a pool that exists",
        "virtual server d: address is 10.10.2.11:80, expected an address and port that are not yet taken",
        "virtual server a: name is a, expected a name no other virtual server has",
      ])
  }

  @Test func `each field that cannot work is named`() {
    var server = VirtualServer(name: "", address: Self.address, port: 0, protocol: .http)
    server.timeouts.connect = .zero
    #expect(server.validate().map(\.field) == ["name", "port", "pool", "timeouts"])
    server.protocol = .tlsPassthrough
    server.tls = ServerTLS()
    #expect(server.validate().map(\.field) == ["name", "port", "pool", "tls", "timeouts"])
    server.protocol = .https
    #expect(server.validate().contains { $0.field == "tls.certificates" })
    server.tls = nil
    #expect(server.validate().contains { $0.field == "tls" })
    let routed = VirtualServer(
      name: "r", address: Self.address, port: 1, protocol: .http,
      routes: [
        HTTPRoute(host: "a..b", pool: "p"), HTTPRoute(host: "*.ok", path: .exact("x"), pool: "p"),
      ])
    #expect(routed.validate().map(\.field) == ["routes[0].host", "routes[1].path"])
    let pool = Pool(
      name: "p", members: [Self.member(0), Self.member(5), Self.member(5)],
      monitor: Monitor(
        kind: .http, path: "a b", interval: .zero, timeout: .zero, rise: 0, fall: 101))
    #expect(
      pool.validate().map(\.field) == [
        "members[0].port", "members[2].address", "monitor.interval", "monitor.timeout",
        "monitor.rise", "monitor.fall", "monitor.path",
      ])
  }
}
