import BGP
import Delivery
import Intent
import Kubernetes
import NetTypes
import Testing

@Suite struct CalicoTests {
  private func node(
    _ name: String, _ address: String, labels: JSON = [:], annotations: JSON = [:]
  ) -> Kubernetes.Node {
    Kubernetes.Node(
      json: [
        "metadata": ["name": JSON(name), "labels": labels, "annotations": annotations],
        "status": ["addresses": [["type": "InternalIP", "address": JSON(address)]]],
      ])
  }

  private func object(_ name: String, _ spec: JSON) -> JSON {
    ["metadata": ["name": .string(name)], "spec": spec]
  }

  private func translate(
    _ name: String = "a", _ change: (inout CalicoTranslation.Input) -> Void
  ) -> CalicoTranslation {
    var input = CalicoTranslation.Input(nodeName: name)
    input.nodes = [node("a", "172.19.0.2"), node("b", "172.19.0.3"), node("c", "172.19.0.4")]
    change(&input)
    return CalicoTranslation(input)
  }

  private func neighbor(_ translation: CalicoTranslation, _ address: String) -> Neighbor? {
    translation.configuration.neighbors.first { "\($0.address)" == address }
  }

  private func peers(_ translation: CalicoTranslation) -> [String] {
    translation.configuration.neighbors.map(\.address.description).sorted()
  }

  @Test func `a node peers with the others and with the global peer`() {
    var input = CalicoTranslation.Input(nodeName: "a")
    input.nodes = [node("a", "172.19.0.2"), node("b", "172.19.0.3")]
    input.configurations = [
      ["metadata": ["name": "default"], "spec": ["asNumber": 64513]]
    ]
    input.peers = [
      ["metadata": ["name": "edge"], "spec": ["peerIP": "172.19.0.1", "asNumber": 64512]]
    ]
    let router = CalicoTranslation(input).configuration
    #expect(router.localAS == ASNumber(64513))
    #expect(router.routerID == IPv4Address(172, 19, 0, 2))
    let peers = router.neighbors.map { "\($0.address) \($0.settings.remoteAS?.description ?? "")" }
    #expect(peers == ["172.19.0.3 64513", "172.19.0.1 64512"])
  }

  @Test(arguments: [["edge", "mine"], ["mine", "edge"]])
  func `a peer of the user's takes the place of the generated one of its address`(
    _ order: [String]
  ) {
    let peers: [String: JSON] = [
      "edge": [
        "metadata": ["name": "edge", "annotations": ["atoll.dev/generated": "true"]],
        "spec": ["peerIP": "172.19.0.1", "asNumber": 64512],
      ],
      "mine": [
        "metadata": ["name": "mine"], "spec": ["peerIP": "172.19.0.1", "asNumber": 65000],
      ],
    ]
    var input = CalicoTranslation.Input(nodeName: "a")
    input.nodes = [node("a", "172.19.0.2")]
    input.peers = order.compactMap { peers[$0] }
    let neighbors = CalicoTranslation(input).configuration.neighbors
    #expect(neighbors.map(\.settings.remoteAS) == [ASNumber(65000)])
  }

  @Test func `one bad peer is named and the others hold`() {
    var input = CalicoTranslation.Input(nodeName: "a")
    input.nodes = [node("a", "172.19.0.2", labels: ["rack": "r1"])]
    input.peers = [
      ["metadata": ["name": "bad"], "spec": ["peerIP": "nowhere", "asNumber": 1]],
      [
        "metadata": ["name": "rack"],
        "spec": ["peerIP": "10.0.0.1", "asNumber": 1, "nodeSelector": "rack == 'r1'"],
      ],
      [
        "metadata": ["name": "other"],
        "spec": ["peerIP": "10.0.0.2", "asNumber": 1, "nodeSelector": "rack in {'r2','r3'}"],
      ],
    ]
    let translation = CalicoTranslation(input)
    #expect(translation.configuration.neighbors.map(\.address.description) == ["10.0.0.1"])
    #expect(translation.problems.map(\.object) == ["BGPPeer bad"])
  }

  // MARK: BGPConfiguration

  @Test func `a node listens where its own BGPConfiguration says, and others call it there`() {
    let configurations = [
      object("default", ["listenPort": 178]), object("node.b", ["listenPort": 1790]),
    ]
    let a = translate { $0.configurations = configurations }
    #expect(a.configuration.listenPort == 178)
    #expect(neighbor(a, "172.19.0.3")?.port == 1790)
    #expect(neighbor(a, "172.19.0.4")?.port == 178)
    let b = translate("b") { $0.configurations = configurations }
    #expect(b.configuration.listenPort == 1790)
    let peer = object("p", ["peerIP": "172.19.0.3", "asNumber": 64512])
    let explicit = translate {
      $0.configurations = configurations
      $0.peers = [peer]
    }
    #expect(neighbor(explicit, "172.19.0.3")?.port == 1790)
  }

  @Test func `mesh password and restart time hold for the mesh alone`() {
    let translation = translate {
      $0.configurations = [
        object(
          "default",
          [
            "nodeMeshPassword": ["secretKeyRef": ["name": "bgp", "key": "mesh"]],
            "nodeMeshMaxRestartTime": "2m30s", "bindMode": "NodeIP",
          ])
      ]
      $0.passwords = [CalicoSecretKey(name: "bgp", key: "mesh"): "s3cret"]
      $0.peers = [object("edge", ["peerIP": "172.19.0.1", "asNumber": 64512])]
    }
    #expect(translation.problems == [])
    #expect(neighbor(translation, "172.19.0.3")?.settings.password == "s3cret")
    #expect(neighbor(translation, "172.19.0.3")?.settings.restartTime == .seconds(150))
    #expect(neighbor(translation, "172.19.0.1")?.settings.password == nil)
    #expect(neighbor(translation, "172.19.0.1")?.settings.restartTime == nil)
    #expect(translation.configuration.listenAddresses.map(\.description) == ["172.19.0.2"])
  }

  @Test func `fields that cannot be read are told one by one, and the others hold`() {
    let translation = translate {
      $0.configurations = [
        object(
          "default",
          [
            "asNumber": "many", "listenPort": 70000, "nodeMeshMaxRestartTime": "soon",
            "serviceClusterIPs": [["cidr": "10.43.0.0/16"], ["cidr": "10.43.0.1/16"]],
            "communities": [["name": "x", "value": "1"]], "bindMode": "Sideways",
            "prefixAdvertisements": [["cidr": "10.0.0.0/8", "communities": ["y"]]],
          ])
      ]
    }
    #expect(
      translation.problems.map(\.field) == [
        "spec.asNumber", "spec.nodeMeshMaxRestartTime", "spec.bindMode", "spec.listenPort",
        "spec.serviceClusterIPs[1].cidr", "spec.communities[0].value",
        "spec.prefixAdvertisements[0].communities",
      ])
    #expect(translation.configuration.unprogrammed.map(\.description) == ["10.43.0.0/16"])
    #expect(translation.configuration.localAS == ASNumber(64512))
    #expect(peers(translation) == ["172.19.0.3", "172.19.0.4"])
  }

  @Test func `a pool that is not to be exported keeps its blocks at home`() throws {
    let blocks = try ["10.1.0.0/26", "10.2.0.0/26"].map { try #require(IPPrefix($0)) }
    let translation = translate {
      $0.blocks = blocks
      $0.pools = [object("quiet", ["cidr": "10.2.0.0/16", "disableBGPExport": true])]
    }
    #expect(translation.configuration.networks == [blocks[0]])
  }

  // MARK: BGPPeer

  @Test func `every field of a BGPPeer finds its place`() {
    let translation = translate {
      $0.peers = [
        object(
          "tor",
          [
            "peerIP": "[fd00::1]:1179", "asNumber": "65000.1", "ttlSecurity": 2,
            "sourceAddress": "None", "maxRestartTime": "30s", "numAllowedLocalASNumbers": 2,
            "password": ["secretKeyRef": ["name": "bgp", "key": "tor"]], "nextHopMode": "Self",
          ]),
        object("far", ["peerIP": "192.0.2.1", "asNumber": 65001, "node": "a"]),
        object("elsewhere", ["peerIP": "192.0.2.2", "asNumber": 65001, "node": "b"]),
      ]
      $0.passwords = [CalicoSecretKey(name: "bgp", key: "tor"): "pass"]
    }
    #expect(translation.problems == [])
    let tor = neighbor(translation, "fd00::1")
    #expect(tor?.port == 1179)
    #expect(tor?.settings.remoteAS == ASNumber(65000 << 16 | 1))
    #expect(tor?.settings.ttlSecurityHops == 2 && tor?.settings.ebgpMultihop == nil)
    #expect(tor?.settings.sourceAddress == nil)
    #expect(tor?.settings.restartTime == .seconds(30))
    #expect(tor?.settings.allowOwnAS == 2)
    #expect(tor?.settings.password == "pass")
    #expect(tor?.settings.nextHopSelf == true)
    #expect(tor?.settings.description == "global")
    let far = neighbor(translation, "192.0.2.1")
    #expect(far?.settings.description == "node specific")
    #expect(far?.settings.ebgpMultihop == 255)
    #expect(far?.settings.sourceAddress?.description == "172.19.0.2")
    #expect(neighbor(translation, "192.0.2.2") == nil)
  }

  @Test(arguments: [
    (["peerIP": "10.0.0.1"] as JSON, "spec.asNumber"),
    (["asNumber": 1] as JSON, "spec.peerIP"),
    (["peerIP": "10.0.0.1", "asNumber": 1, "ttlSecurity": 300] as JSON, "spec.ttlSecurity"),
    (["peerIP": "10.0.0.1", "asNumber": 1, "maxRestartTime": "2h"] as JSON, "spec.maxRestartTime"),
    (["peerIP": "10.0.0.1", "asNumber": 1, "sourceAddress": "Any"] as JSON, "spec.sourceAddress"),
    (["peerIP": "10.0.0.1", "asNumber": 1, "localASNumber": 2] as JSON, "spec.localASNumber"),
    (["peerSelector": "has(rr)", "asNumber": 1] as JSON, "spec.asNumber"),
    (["peerSelector": "has("] as JSON, "spec.peerSelector"),
    (
      ["peerIP": "10.0.0.1", "asNumber": 1, "password": ["secretKeyRef": ["name": "x"]]] as JSON,
      "spec.password"
    ),
    (
      [
        "peerIP": "10.0.0.1", "asNumber": 1,
        "password": ["secretKeyRef": ["name": "x", "key": "y"]],
      ] as JSON, "spec.password"
    ),
  ])
  func `a peering that cannot be had as it was meant is not had at all`(
    spec: JSON, field: String
  ) {
    let translation = translate {
      $0.peers = [object("bad", spec), object("good", ["peerIP": "10.0.0.2", "asNumber": 1])]
    }
    #expect(translation.problems.map(\.object) == ["BGPPeer bad"])
    #expect(translation.problems.map(\.field) == [field])
    #expect(peers(translation) == ["10.0.0.2", "172.19.0.3", "172.19.0.4"])
  }

  @Test func `a gateway to a peer is told of, and the peering stands`() {
    let translation = translate {
      $0.peers = [
        object("p", ["peerIP": "10.0.0.1", "asNumber": 1, "reachableBy": "172.19.0.254"])
      ]
    }
    #expect(translation.problems.map(\.field) == ["spec.reachableBy"])
    #expect(neighbor(translation, "10.0.0.1") != nil)
  }

  @Test func `a peering between nodes is configured at both ends`() {
    let disabled = object("default", ["nodeToNodeMeshEnabled": false])
    let byLabel = object("rr", ["nodeSelector": "!has(rr)", "peerSelector": "has(rr)"])
    for (name, expected) in [
      ("a", ["172.19.0.4"]), ("b", ["172.19.0.4"]), ("c", ["172.19.0.2", "172.19.0.3"]),
    ] {
      let translation = translate(name) {
        $0.nodes[2] = node("c", "172.19.0.4", labels: ["rr": "yes"])
        $0.configurations = [disabled]
        $0.peers = [byLabel]
      }
      #expect(peers(translation) == expected, "\(name)")
    }
    let byAddress = object("b", ["node": "a", "peerIP": "172.19.0.3", "asNumber": 64512])
    for (name, expected) in [("a", ["172.19.0.3"]), ("b", ["172.19.0.2"]), ("c", [])] {
      let translation = translate(name) {
        $0.configurations = [disabled]
        $0.peers = [byAddress]
      }
      #expect(peers(translation) == expected, "\(name)")
    }
  }

  @Test func `a route reflector stands outside the mesh and has all but its like as clients`() {
    func reflector(_ name: String, _ address: String) -> Kubernetes.Node {
      node(
        name, address, labels: ["rr": "yes"],
        annotations: ["projectcalico.org/RouteReflectorClusterID": "244.0.0.1"])
    }
    let nodes = [
      node("a", "172.19.0.2"), reflector("r1", "172.19.0.8"), reflector("r2", "172.19.0.9"),
    ]
    let peer = object("rr", ["nodeSelector": "all()", "peerSelector": "rr == 'yes'"])
    let first = translate("r1") {
      $0.nodes = nodes
      $0.peers = [peer]
    }
    #expect(first.configuration.clusterID == IPv4Address(244, 0, 0, 1))
    #expect(peers(first) == ["172.19.0.2", "172.19.0.9"])
    #expect(neighbor(first, "172.19.0.2")?.settings.routeReflectorClient == true)
    #expect(neighbor(first, "172.19.0.9")?.settings.routeReflectorClient == nil)
    let plain = translate("a") {
      $0.nodes = nodes
      $0.peers = [peer]
    }
    #expect(plain.configuration.clusterID == nil)
    #expect(peers(plain) == ["172.19.0.8", "172.19.0.9"])
    #expect(neighbor(plain, "172.19.0.8")?.settings.routeReflectorClient == nil)
  }
}
