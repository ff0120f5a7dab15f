import Intent
import KubeClient
import KubeServer
import Kubernetes
import Linux
import NetTypes
import Testing
import Transport

@testable import Unit

/// calicoctl's commands on an API server in this process.
@Suite(.serialized) @Loop struct CalicoctlTests {
  private let listener: APIListener
  private let client: CalicoClient

  init() throws {
    let authority = try CertificateAuthority.mint(commonName: "test")
    let server = try authority.issue(.server("apiserver", addresses: [.v4(.loopback)]))
    let admin = try authority.issue(.client("admin", organizations: ["system:masters"]))
    listener = try APIListener(
      api: APIServer(store: try Store(Store.Configuration(path: nil))),
      address: SocketAddress(.v4(.loopback), port: 0),
      tls: .server(server, clientCA: authority.certificatePEM))
    listener.start()
    client = CalicoClient(
      api: try KubeClient(
        kubeconfig: Kubeconfig(
          cluster: "test", server: "https://127.0.0.1:\(listener.address?.port ?? 0)",
          certificateAuthority: authority.certificatePEM,
          clientCertificate: admin.certificatePEM, clientKey: admin.keyPEM)))
  }

  private func peer(_ name: String, _ address: String, _ more: JSON = [:]) -> JSON {
    [
      "apiVersion": "projectcalico.org/v3", "kind": "BGPPeer",
      "metadata": ["name": .string(name), "annotations": more],
      "spec": ["peerIP": .string(address), "asNumber": 64512],
    ]
  }

  @Test func `an object is created once, and a second time refused in calicoctl's words`()
    async throws
  {
    let object = peer("edge", "172.19.0.1")
    let first = await CalicoChange.run(.create, [object], client)
    #expect(first.success == "Successfully created 1 'BGPPeer' resource(s)")
    #expect(first.failure == nil)
    let second = await CalicoChange.run(.create, [object], client)
    #expect(second.success == nil)
    #expect(
      second.failure
        == "Failed to create 'BGPPeer' resource: [resource already exists: BGPPeer(edge)]")
    let lenient = await CalicoChange.run(.create, [object], client, leniency: .skipExisting)
    #expect(lenient.success == "Successfully created 1 'BGPPeer' resource(s)")
  }

  @Test func `a generated object makes way for the user's`() async throws {
    let generated = peer("edge", "172.19.0.1", ["atoll.dev/generated": "true"])
    #expect(await CalicoChange.run(.create, [generated], client).failure == nil)
    let mine = peer("edge", "172.19.0.7")
    let change = await CalicoChange.run(.create, [mine], client)
    #expect(change.success == "Successfully created 1 'BGPPeer' resource(s)")
    let kept = try await client.get(.bgpPeer, "edge")
    #expect(kept.at("spec.peerIP") == "172.19.0.7")
    #expect(!CalicoTranslation.isGenerated(kept))
    #expect(await CalicoChange.run(.create, [mine], client).failure != nil)
  }

  @Test func `apply makes or replaces, and several kinds are counted together`() async throws {
    let configuration: JSON = [
      "apiVersion": "projectcalico.org/v3", "kind": "BGPConfiguration",
      "metadata": ["name": "default"], "spec": ["asNumber": 64600],
    ]
    for address in ["172.19.0.1", "172.19.0.2"] {
      let change = await CalicoChange.run(.apply, [configuration, peer("edge", address)], client)
      #expect(change.success == "Successfully applied 2 resource(s)")
      #expect(try await client.get(.bgpPeer, "edge").at("spec.peerIP") == .string(address))
    }
    #expect(await client.clusterAS() == "64600")
  }

  @Test func `what is not there is told for each name, and the rest is deleted`() async throws {
    _ = await CalicoChange.run(.create, [peer("edge", "172.19.0.1")], client)
    let change = await CalicoChange.run(
      .delete, [peer("nope", ""), peer("edge", "")], client)
    #expect(change.success == "Successfully deleted 1 'BGPPeer' resource(s)")
    #expect(
      change.failure
        == "Failed to delete 'BGPPeer' resource: resource does not exist: BGPPeer(nope) with error: "
        + "bgppeers.crd.projectcalico.org \"nope\" not found")
    let lenient = await CalicoChange.run(
      .delete, [peer("nope", "")], client, leniency: .skipMissing)
    #expect(lenient.failure == nil)
  }

  @Test func `a node is shown with its AS, and patched as calicoctl's documents do`() async throws {
    let node: JSON = [
      "apiVersion": "v1", "kind": "Node",
      "metadata": [
        "name": "a", "annotations": ["projectcalico.org/IPv4Address": "172.19.0.2/16"],
      ],
    ]
    _ = try await client.api.create(.nodes, node)
    let patch: JSON = ["spec": ["bgp": ["routeReflectorClusterID": "244.0.0.1"]]]
    let change = await CalicoChange.run(
      .patch, [["kind": "Node", "metadata": ["name": "a"]]], client, patch: patch)
    #expect(change.success == "Successfully patched 1 'Node' resource")
    let stored = try await client.api.get(.nodes, ResourceName(name: "a"))
    #expect(
      stored["metadata"]["annotations"].strings["projectcalico.org/RouteReflectorClusterID"]
        == "244.0.0.1")
    let listing = await CalicoListing(.node, names: [], format: .wide, client)
    #expect(
      listing.output == """
        NAME   ASN       IPV4            IPV6   
        a      (64512)   172.19.0.2/16          


        """)
    let made = await CalicoChange.run(
      .delete, [["kind": "Node", "metadata": ["name": "a"]]], client)
    #expect(made.failure?.contains("operation Delete is not supported on Node(a)") == true)
  }

  @Test func `a stale resource version is a conflict`() async throws {
    _ = await CalicoChange.run(.create, [peer("edge", "172.19.0.1")], client)
    var object = try await client.get(.bgpPeer, "edge")
    _ = await CalicoChange.run(.apply, [peer("edge", "172.19.0.2")], client)
    object["spec"]["asNumber"] = 1
    let change = await CalicoChange.run(.replace, [object], client)
    #expect(
      change.failure
        == "Failed to replace 'BGPPeer' resource: [update conflict: BGPPeer(edge)]")
  }
}

@Suite struct CalicoReportTests {
  @Test func `pools and blocks are counted as calicoctl does`() {
    let block: JSON = [
      "spec": [
        "cidr": "10.65.79.0/26",
        "allocations": .array([0, 0, .null, 1, 0, 0] + Array(repeating: .null, count: 58)),
        "attributes": [
          ["handle_id": "h", "secondary": ["pod": "web", "namespace": "default"]],
          ["handle_id": "g", "secondary": [:]],
        ],
      ]
    ]
    let report = CalicoAddressReport(pools: [["spec": ["cidr": "10.65.0.0/16"]]], blocks: [block])
    #expect(
      report.text(showsBlocks: true) == """
        +----------+---------------+-----------+------------+--------------+
        | GROUPING |     CIDR      | IPS TOTAL | IPS IN USE |   IPS FREE   |
        +----------+---------------+-----------+------------+--------------+
        | IP Pool  | 10.65.0.0/16  |     65536 | 5 (0%)     | 65531 (100%) |
        | Block    | 10.65.79.0/26 |        64 | 5 (8%)     | 59 (92%)     |
        +----------+---------------+-----------+------------+--------------+

        """)
    #expect(
      report.text(of: .v4(IPv4Address(10, 65, 79, 1)))
        == "IP 10.65.79.1 is in use\nHandle ID: h\nActive Owner Attributes:\n"
        + "  namespace: default\n  pod: web\n")
    #expect(
      report.text(of: .v4(IPv4Address(10, 65, 79, 2))) == "10.65.79.2 is not assigned\n")
  }

  @Test func `files hold one object, several, or a list, and nothing else than Calico's`() throws {
    let list = """
      apiVersion: projectcalico.org/v3
      kind: BGPPeerList
      items:
      - {apiVersion: projectcalico.org/v3, kind: BGPPeer, metadata: {name: a}}
      - {apiVersion: projectcalico.org/v3, kind: BGPPeer, metadata: {name: b}}
      """
    #expect(try CalicoManifests.objects(in: list, file: "f").count == 2)
    let pod = "apiVersion: v1\nkind: Pod\n"
    let refusal = #expect(throws: CalicoManifests.Invalid.self) {
      try CalicoManifests.objects(in: pod, file: "f")
    }
    #expect(refusal?.description == "Unknown resource type (Pod) and/or version (v1)")
  }
}
