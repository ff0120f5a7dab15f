import Intent
import NetTypes
import Testing
import Unit

@Suite struct UnitPlanTests {
  @Test func `the default plan has the reference architecture's addresses`() throws {
    let plan = try UnitPlan(UnitConfiguration())
    #expect(
      plan.roles.map(\.namespace) == [
        "atoll-cpaas1-switch", "atoll-cpaas1-client", "atoll-cpaas1-edge", "atoll-cpaas1-dns",
        "atoll-cpaas1-server-0", "atoll-cpaas1-agent-0", "atoll-cpaas1-agent-1",
        "atoll-cpaas1-agent-2",
      ])
    let nodes = plan.nodes.compactMap { plan.address(of: $0)?.description }
    #expect(nodes == ["172.19.0.2", "172.19.0.3", "172.19.0.4", "172.19.0.5"])
    #expect(plan.edgeAddress.description == "172.19.0.1")
    #expect(plan.ingressVIP.description == "10.10.2.10")
    #expect(plan.apiServer.description == "172.19.0.2:6443")
  }

  @Test func `switch ports fit the kernel's 15 bytes`() throws {
    var configuration = UnitConfiguration()
    configuration.agents = 200
    let plan = try UnitPlan(configuration)
    #expect(plan.attachments.allSatisfy { $0.switchPort.utf8.count <= 15 })
    #expect(Set(plan.attachments.map(\.switchPort)).count == plan.attachments.count)
  }

  @Test(arguments: [
    ("name", "Upper"), ("name", "-x"), ("name", ""), ("name", "a-name-that-is-too-long-by-far"),
  ])
  func `a name that is no label is refused with what was found`(field: String, name: String) {
    var configuration = UnitConfiguration()
    configuration.name = name
    let error = #expect(throws: UnitError.self) { try UnitPlan(configuration) }
    #expect(error?.description.hasPrefix("\(field): found \"\(name)\", expected") == true)
  }

  @Test func `networks that overlap are refused by both names`() {
    var configuration = UnitConfiguration()
    configuration.vipCIDR = IPPrefix(.v4(IPv4Address(172, 19, 4, 0)), length: 24)
    let error = #expect(throws: UnitError.self) { try UnitPlan(configuration) }
    #expect(
      error?.description
        == "vip-cidr 172.19.4.0/24 overlaps node-cidr 172.19.0.0/16: choose another")
  }

  @Test func `a pod network with fewer blocks than nodes is refused with both numbers`() {
    var configuration = UnitConfiguration()
    configuration.podCIDR = IPPrefix(.v4(IPv4Address(10, 53, 0, 0)), length: 25)
    let error = #expect(throws: UnitError.self) { try UnitPlan(configuration) }
    #expect(
      error?.description
        == "pod-cidr 10.53.0.0/25 holds 2 blocks of /26, expected one for each of 4 nodes")
  }

  @Test func `a second unit must have networks and host ports of its own`() throws {
    let first = UnitRecord(
      configuration: UnitConfiguration(),
      publishes: [PublishedPort(hostPort: 8080, port: 80, target: .edge)])
    var second = UnitConfiguration()
    second.name = "west"
    let clash = #expect(throws: UnitError.self) {
      try UnitPlan(second).checkAgainst([first])
    }
    #expect(
      clash?.description
        == "pod-cidr 10.53.0.0/16 overlaps pod-cidr 10.53.0.0/16 of unit cpaas1: "
        + "choose another with --pod-cidr")
    second.podCIDR = IPPrefix(.v4(IPv4Address(10, 54, 0, 0)), length: 16)
    second.nodeCIDR = IPPrefix(.v4(IPv4Address(172, 20, 0, 0)), length: 16)
    second.vipCIDR = IPPrefix(.v4(IPv4Address(10, 10, 3, 0)), length: 24)
    try UnitPlan(second).checkAgainst([first])
    second.publishes = [PublishedPort(hostPort: 8080, port: 80, target: .edge)]
    #expect(throws: UnitError.self) { try UnitPlan(second).checkAgainst([first]) }
  }

  @Test func `a routed plan has a host between edge and nodes, the edge's one neighbour`() throws {
    var configuration = UnitConfiguration()
    configuration.topology = .routed
    let plan = try UnitPlan(configuration)
    #expect(plan.gateway.namespace == "atoll-cpaas1-host")
    #expect(plan.edgeAddress.description == "172.18.0.1")
    #expect(plan.gatewayAddress.description == "172.19.0.1")
    let node = IPAddress.v4(IPv4Address(172, 19, 0, 3))
    #expect(
      plan.path(to: node).map { "\($0.router.name) \($0.nextHop)" } == [
        "edge 172.18.0.2", "host 172.19.0.3",
      ])
    let texts = plan.routers.map(\.configuration)
    for text in texts { _ = try ZebosConfiguration(parsing: text) }
    #expect(texts[0].split(separator: "\n").count { $0.contains("remote-as") } == 1)
    #expect(texts[1].contains(" neighbor nodes next-hop-self force\n"))
    #expect(
      plan.processes(publishes: []).map(\.name).prefix(4) == ["apiserver", "edge", "dns", "host"])
  }

  @Test func `the uplink of a routed unit must be a network of its own`() throws {
    var configuration = UnitConfiguration()
    configuration.topology = .routed
    configuration.uplinkCIDR = IPPrefix(.v4(IPv4Address(172, 19, 9, 0)), length: 30)
    let inside = #expect(throws: UnitError.self) { try UnitPlan(configuration) }
    #expect(
      inside?.description
        == "uplink-cidr 172.19.9.0/30 overlaps node-cidr 172.19.0.0/16: choose another")
    configuration.uplinkCIDR = IPPrefix(.v4(IPv4Address(172, 18, 0, 0)), length: 31)
    #expect(throws: UnitError.self) { try UnitPlan(configuration) }
    // A switched unit has no such network, and so no clash with one.
    configuration.topology = .switched
    _ = try UnitPlan(configuration)
    configuration.topology = .routed
    configuration.uplinkCIDR = IPPrefix(.v4(IPv4Address(172, 18, 0, 0)), length: 30)
    var other = configuration
    other.name = "west"
    other.podCIDR = IPPrefix(.v4(IPv4Address(10, 54, 0, 0)), length: 16)
    other.nodeCIDR = IPPrefix(.v4(IPv4Address(172, 20, 0, 0)), length: 16)
    other.vipCIDR = IPPrefix(.v4(IPv4Address(10, 10, 3, 0)), length: 24)
    let record = UnitRecord(configuration: configuration, publishes: [])
    let clash = #expect(throws: UnitError.self) { try UnitPlan(other).checkAgainst([record]) }
    #expect(
      clash?.description
        == "uplink-cidr 172.18.0.0/30 overlaps uplink-cidr 172.18.0.0/30 of unit cpaas1: "
        + "choose another with --uplink-cidr")
  }

  @Test func `a record survives its JSON form`() throws {
    var configuration = UnitConfiguration()
    configuration.topology = .routed
    configuration.manifests = ["/a/b.yaml"]
    let record = UnitRecord(
      configuration: configuration,
      publishes: [
        PublishedPort(hostPort: 6443, port: 6443, target: .server),
        PublishedPort(hostPort: 8080, port: 80, target: .edge),
        PublishedPort(hostPort: 9000, port: 90, target: .address(.v4(IPv4Address(10, 10, 2, 11)))),
      ])
    #expect(try UnitRecord(json: record.json) == record)
  }

  @Test func `a role that dies at once starts at once, then ever later, and a long run forgives`() {
    var policy = RestartPolicy()
    let pauses = (0..<10).map { _ in policy.pause(afterRunOf: .milliseconds(1)) }
    #expect(pauses[0] == .zero)
    #expect(pauses[1] == .milliseconds(100))
    #expect(pauses[2] == .milliseconds(200))
    #expect(pauses[9] == RestartPolicy.limit)
    #expect(policy.pause(afterRunOf: .seconds(60)) == .zero)
  }
}
