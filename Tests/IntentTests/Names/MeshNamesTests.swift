import DNS
import Intent
import Kubernetes
import NetTypes
import Testing

struct MeshNamesTests {
  private static let text = """
    {"apiVersion": "atoll.dev/v1alpha1", "kind": "MeshNames", "metadata": {"name": "mesh"}, "spec": {
     "domain": "gslb.example", "voter": "east",
     "tls": {"authority": "ca.crt", "certificate": "east.crt", "key": "east.key"},
     "voters": [{"name": "east", "address": "10.81.0.3:8853", "certificateName": "dns-east.mesh"},
                {"name": "client", "address": "[fd00::3]:8853"}],
     "units": [{"name": "east", "dns": "10.81.0.3", "edgeSocket": "/run/edge.sock"},
               {"name": "west", "dns": "fd00:81::3"}]}}
    """

  private func names(_ text: String = Self.text) throws -> MeshNames {
    try MeshNames(json: JSON(parsing: Array(text.utf8)), file: "mesh.json")
  }

  @Test func `a mesh's file is read whole`() throws {
    let names = try names()
    #expect(names.own?.certificateName == "dns-east.mesh")
    #expect(names.voters.map(\.certificateName) == ["dns-east.mesh", "client"])
    #expect(names.units.map(\.edgeSocket) == ["/run/edge.sock", nil])
  }

  @Test(arguments: [
    ("MeshNames", "Mesh", "kind"), ("gslb.example", "gslb..example", "spec.domain"),
    ("\"voter\": \"east\"", "\"voter\": \"north\"", "one of spec.voters, found \"north\""),
    ("10.81.0.3:8853", "10.81.0.3", "spec.voters[0].address"),
    ("fd00:81::3", "west", "spec.units[1].dns"), ("east.key", "", "spec.tls.key"),
  ])
  func `what is missing is told with its place`(
    _ right: String, _ wrong: String, _ words: String
  ) throws {
    let text = Self.text.replacing(right, with: wrong, maxReplacements: 1)
    let problem = try #require(throws: FileProblem.self) { try names(text) }
    #expect("\(problem)".contains(words), "\(problem)")
  }

  @Test func `the mesh's zone has the units as its name servers`() throws {
    let inside = try #require(DomainName("txt.gslb.example"))
    let outside = try #require(DomainName("txt.example"))
    let zone = try names().zone(
      [
        ResourceRecord(inside, .txt, ttl: 5, .txt(["a"])),
        ResourceRecord(outside, .txt, ttl: 5, .txt(["b"])),
      ], serial: SerialNumber(7))
    #expect(zone.validate() == [])
    #expect(
      zone.records.map { "\($0.name) \($0.type)" } == [
        "gslb.example. SOA", "gslb.example. NS", "ns-east.gslb.example. A", "gslb.example. NS",
        "ns-west.gslb.example. AAAA", "txt.gslb.example. TXT",
      ])
  }
}
