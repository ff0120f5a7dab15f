import BGP
import Intent
import Kubernetes
import NetTypes
import Testing

@testable import Unit

@Suite struct MeshPlanTests {
  private var mesh: MeshConfiguration {
    var mesh = MeshConfiguration()
    for name in ["east", "west"] {
      var unit = UnitConfiguration()
      unit.name = name
      unit.agents = 1
      mesh.units.append(.init(unit))
    }
    mesh.clients = ["client"]
    mesh.chooseNetworks()
    return mesh
  }

  @Test func `every site has a line of its own to the router`() throws {
    let plan = try MeshPlan(mesh)
    #expect(
      plan.lines.map { "\($0.site) \($0.siteAddress) \($0.routerAddress)" } == [
        "east 172.30.0.2/30 172.30.0.1/30", "west 172.30.0.6/30 172.30.0.5/30",
        "client 172.30.0.10/30 172.30.0.9/30",
      ])
    #expect(plan.namespaces == ["atoll-mesh-links", "atoll-mesh-wan", "atoll-mesh-client"])
    #expect(plan.processes.map(\.name) == ["wan", "client"])
    #expect(
      plan.lines.allSatisfy { $0.sitePort.utf8.count <= 15 && $0.routerPort.utf8.count <= 15 })
    let cables = plan.units.flatMap(\.cables).filter { $0.interface == "eth2" }
    #expect(cables.map(\.namespace) == ["atoll-east-edge", "atoll-west-edge"])
    #expect(cables.map(\.switchNamespace) == ["atoll-mesh-links", "atoll-mesh-links"])
  }

  @Test func `the router peers with each edge, which tells it its virtual servers only`() throws {
    let plan = try MeshPlan(mesh)
    let router = try ZebosConfiguration(parsing: plan.routerConfiguration)
    #expect(router.router?.neighbors.count == 2)
    for unit in plan.units {
      let text = try #require(unit.routers.first).configuration
      _ = try ZebosConfiguration(parsing: text)
      #expect(
        text.contains(" neighbor \(try #require(unit.configuration.mesh).router) remote-as 65000\n")
      )
      #expect(text.contains("prefix-list VIPS seq 5 permit \(unit.configuration.vipCIDR) le 32\n"))
      #expect(text.contains(" neighbor calico-k8s prefix-list NOTHING out\n"))
    }
  }

  @Test func `a unit that stands alone says nothing of a mesh`() throws {
    let text = try #require(try UnitPlan(UnitConfiguration()).routers.first).configuration
    #expect(!text.contains("VIPS") && !text.contains("65000"))
  }

  @Test func `each voter is told of all, and of its own keys`() throws {
    let plan = try MeshPlan(mesh)
    let spec = plan.names(for: "west")["spec"]
    #expect(spec["voter"].string == "west")
    #expect(spec["voters"].elements.compactMap { $0["name"].string } == ["east", "west", "client"])
    #expect(spec["voters"][2]["address"].string == "172.30.0.10:8853")
    #expect(spec["tls"]["key"].string == "/var/lib/atoll/mesh/pki/dns-west.key")
    #expect(spec["units"][0]["edgeSocket"].isNull)
    #expect(spec["units"][1]["edgeSocket"].string == "/run/atoll/west/edge.sock")
  }

  @Test func `a record keeps what was chosen`() throws {
    let plan = try MeshPlan(mesh)
    let record = MeshRecord(configuration: plan.configuration)
    let read = try MeshRecord(json: record.json)
    #expect(try MeshPlan(read.configuration).units == plan.units)
    var again = mesh
    again.units[1].configuration.podCIDR = IPPrefix(.v4(IPv4Address(10, 99, 0, 0)), length: 16)
    again.units[1].given = ["podCIDR"]
    again.keepNetworks(of: read.configuration)
    #expect(again.units[0].configuration.podCIDR == plan.units[0].configuration.podCIDR)
    #expect(again.units[1].configuration.podCIDR.description == "10.99.0.0/16")
  }

  @Test func `networks that overlap are refused across units, and lines with both`() {
    var clash = mesh
    clash.units[1].configuration.podCIDR = clash.units[0].configuration.podCIDR
    let error = #expect(throws: UnitError.self) { try MeshPlan(clash) }
    #expect(error?.description.hasPrefix("pod-cidr 10.80.0.0/16 overlaps pod-cidr") == true)
    clash = mesh
    clash.linkCIDR = IPPrefix(.v4(IPv4Address(172, 22, 3, 0)), length: 24)
    #expect(throws: UnitError.self) { try MeshPlan(clash) }
    clash.linkCIDR = IPPrefix(.v4(IPv4Address(172, 30, 0, 0)), length: 29)
    #expect(throws: UnitError.self) { try MeshPlan(clash) }
  }

  @Test func `a unit has no part in the namespaces of one whose name begins alike`() {
    #expect(Role.isRoleName("edge") && Role.isRoleName("agent-12"))
    #expect(!Role.isRoleName("two-edge") && !Role.isRoleName("agent-x"))
  }
}

@Suite struct NamesReportTests {
  static let status: JSON = [
    "quorum": ["live": ["east"], "voters": ["east", "west"], "isolated": false],
    "wideIPs": [
      [
        "name": "whoami.gslb.example.", "ttl": 5,
        "failOver": ["from": "west/whoami", "seconds": 0.845],
        "answer": ["10.10.20.10", "10.10.21.10"],
        "members": [
          [
            "unit": "east", "address": "10.10.20.10", "up": true, "share": 100,
            "probe": ["state": "up", "why": "2 of 3"], "route": ["state": "up"],
            "endpoints": ["state": "unknown"],
          ],
          ["unit": "west", "address": "10.10.21.10", "up": true, "draining": true],
        ],
      ],
      [
        "name": "shop.gslb.example.", "ttl": 30, "answer": ["10.10.21.11"],
        "members": [
          ["unit": "west", "address": "10.10.21.11"]
        ],
      ],
    ],
  ]

  @Test func `a unit's names are told, and those that still lead to it`() {
    let report = NamesReport(Self.status)
    #expect(report.live == ["east"] && report.voters.count == 2 && !report.isIsolated)
    #expect(report.names(of: "west", app: nil).map(\.ttl) == [.seconds(5), .seconds(30)])
    #expect(report.names(of: "west", app: "whoami").map(\.name) == ["whoami.gslb.example."])
    #expect(report.answered(with: "west", app: "shop.gslb.example") == ["shop.gslb.example."])
    #expect(report.answered(with: "east", app: nil) == ["whoami.gslb.example."])
    #expect(report.names[0].members[0].endpoints == "unknown")
    #expect(report.names[0].members[1].isDraining)
    #expect(report.names[0].failOver == .init(member: "west/whoami", seconds: 0.845))
    #expect(report.names[1].failOver == nil)
  }
}
