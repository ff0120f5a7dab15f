import Addressing
import Kubernetes
import NetTypes
import Testing

@testable import NodeService

@Suite struct CalicoObjectTests {
  /// As `kubectl get ipamblocks.crd.projectcalico.org -o json` printed of a Calico 3.15 cluster,
  /// shortened to a /30.
  private let block: JSON = [
    "apiVersion": "crd.projectcalico.org/v1", "kind": "IPAMBlock",
    "metadata": ["name": "10-53-68-192-30"],
    "spec": [
      "affinity": "host:k3d-cpaas1-agent-1", "allocations": [0, .null, 1, .null],
      "attributes": [
        [
          "handle_id": "ipip-tunnel-addr-k3d-cpaas1-agent-1",
          "secondary": ["node": "k3d-cpaas1-agent-1", "type": "ipipTunnelAddress"],
        ],
        [
          "handle_id": "k8s-pod-network.5f",
          "secondary": ["namespace": "default", "node": "k3d-cpaas1-agent-1", "pod": "web"],
        ],
      ],
      "cidr": "10.53.68.192/30", "deleted": false, "strictAffinity": false,
      "unallocated": [3, 1],
    ],
  ]

  @Test func `a block of Calico's is read and written back unchanged`() throws {
    let decoded = try IPAMBlock(calico: block)
    #expect(decoded.host == "k3d-cpaas1-agent-1")
    #expect(decoded.addresses(of: "k8s-pod-network.5f").map(\.description) == ["10.53.68.194"])
    #expect(decoded.calicoObject == block)
  }

  @Test func `pools and affinities are read and written back`() throws {
    let pool = try IPPool(
      name: "default-ipv4-ippool", cidr: #require(IPPrefix("10.53.0.0/16")), natOutgoing: true)
    #expect(try IPPool(calico: pool.calicoObject) == pool)
    let affinity = BlockAffinity(
      host: "agent-1", cidr: try #require(IPPrefix("10.53.68.192/26")))
    #expect(affinity.calicoObject.at("metadata.name") == "agent-1-10-53-68-192-26")
    #expect(try BlockAffinity(calico: affinity.calicoObject) == affinity)
  }

  @Test(
    arguments: [
      (
        "cidr", "10.53.0.1/16",
        "IPPool p: spec.cidr is \"10.53.0.1/16\", expected a prefix as 10.53.0.0/16"
      ),
      ("blockSize", "x", nil),
    ] as [(String, String, String?)])
  func `an error names the object, the field, what was found and what was expected`(
    field: String, value: String, message: String?
  ) throws {
    var object = try IPPool(name: "p", cidr: #require(IPPrefix("10.53.0.0/16"))).calicoObject
    object["spec"][field] = .string(value)
    if let message {
      let error = #expect(throws: CalicoObjectError.self) { try IPPool(calico: object) }
      #expect(error?.description == message)
    } else {
      #expect(try IPPool(calico: object).blockLength == 26)
    }
  }

  @Test func `an allocation without its attribute is refused`() {
    var broken = block
    broken["spec"]["allocations"][0] = 7
    let error = #expect(throws: CalicoObjectError.self) { try IPAMBlock(calico: broken) }
    #expect(
      error?.description
        == "IPAMBlock 10-53-68-192-30: spec.allocations[0] is 7, expected null or an index below 2"
    )
  }
}
