import NetTypes
import Testing

@testable import Intent

/// `kind: Mesh`: what is said counts, what is not is chosen so that nothing overlaps.
@Suite struct MeshFileTests {
  private func parse(_ spec: String) throws -> MeshFile.Parsed {
    let text = "apiVersion: atoll.dev/v1alpha1\nkind: Mesh\nmetadata: {name: two}\nspec:\n" + spec
    return try #require(try MeshFile.parse(text, file: "mesh.yaml", folder: "/here"))
  }

  @Test func `units and client sites come from the file, manifests for all and for one`() throws {
    let mesh = try parse(
      """
        domain: shop.example
        manifests: [apps]
        units:
        - {name: east, agents: 2, podCIDR: 10.81.0.0/16}
        - {name: west, manifests: [/only/west]}
        clients:
        - {name: berlin}
      """
    ).configuration
    #expect(mesh.name == "two" && mesh.domain == "shop.example" && mesh.clients == ["berlin"])
    #expect(mesh.units.map(\.configuration.name) == ["east", "west"])
    #expect(mesh.units[0].given.contains("podCIDR") && !mesh.units[1].given.contains("podCIDR"))
    #expect(mesh.units[1].configuration.manifests == ["/here/apps", "/only/west"])
  }

  @Test func `networks and AS numbers that nobody chose overlap nothing`() throws {
    var mesh = try parse(
      """
        units:
        - {name: east}
        - {name: west, podCIDR: 10.80.0.0/16, asNumber: 64601}
        - {name: north}
      """
    ).configuration
    let other = try #require(IPPrefix("10.10.21.0/25"))
    mesh.chooseNetworks(avoiding: [other])
    let units = mesh.units.map(\.configuration)
    #expect(units.map { "\($0.podCIDR)" } == ["10.81.0.0/16", "10.80.0.0/16", "10.82.0.0/16"])
    #expect(
      units.map(\.vipCIDR.description) == ["10.10.20.0/24", "10.10.22.0/24", "10.10.23.0/24"])
    #expect(units.map(\.asNumber) == [ASNumber(64602), ASNumber(64601), ASNumber(64603)])
    let networks = units.flatMap { [$0.podCIDR, $0.nodeCIDR, $0.vipCIDR, $0.uplinkCIDR] }
    for (index, network) in networks.enumerated() {
      #expect(!networks[..<index].contains(where: network.overlaps))
    }
  }

  @Test(arguments: [
    ("  clients: []\n", "mesh.yaml:5:3: spec.units: found none, expected at least one"),
    (
      "  units:\n  - {name: Upper}\n",
      "mesh.yaml:6:12: spec.units[].name: found \"Upper\", expected 1 to 10 of a-z, 0-9 and '-', "
        + "not at either end"
    ),
    (
      "  units:\n  - {name: east}\n  clients:\n  - {name: east}\n",
      "mesh.yaml:8:12: spec.clients[].name: found \"east\", expected one that no other site has, "
        + "nor the mesh"
    ),
    (
      "  units:\n  - {name: east, agents: many}\n",
      "mesh.yaml:6:26: spec.units[].agents: found \"many\", expected a number"
    ),
  ])
  func `a mistake is told by line, column and field`(spec: String, expected: String) throws {
    let problem = #expect(throws: FileProblem.self) { try parse(spec) }
    #expect(problem?.description == expected)
  }

  @Test func `a file of another kind is none of a mesh`() throws {
    let unit = "apiVersion: atoll.dev/v1alpha1\nkind: Unit\n"
    #expect(try MeshFile.parse(unit, file: "unit.yaml", folder: ".") == nil)
  }
}
