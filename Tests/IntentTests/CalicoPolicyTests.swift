import BGP
import Delivery
import Intent
import Kubernetes
import NetTypes
import Testing

/// BGPFilters and communities, by what becomes of routes.
@Suite struct CalicoPolicyTests {
  private static let peer = IPAddress.v4(IPv4Address(172, 19, 0, 1))

  private struct Bench {
    var filters: [String: JSON] = [:]
    var configuration: JSON = [:]
    var own: JSON = .null
    var peer: JSON = [:]
    var remoteAS = 64512

    var translation: CalicoTranslation {
      var input = CalicoTranslation.Input(nodeName: "a")
      input.nodes = [
        Node(
          json: [
            "metadata": ["name": "a"],
            "status": ["addresses": [["type": "InternalIP", "address": "172.19.0.2"]]],
          ])
      ]
      input.configurations = [["metadata": ["name": "default"], "spec": configuration]]
      if !own.isNull {
        input.configurations.append(["metadata": ["name": "node.a"], "spec": own])
      }
      input.filters = filters.map { ["metadata": ["name": .string($0)], "spec": $1] }
      var spec: JSON = ["peerIP": "172.19.0.1", "asNumber": JSON(remoteAS)]
      spec.merge(peer)
      if !filters.isEmpty, spec["filters"].isNull { spec["filters"] = JSON(Array(filters.keys)) }
      input.peers = [["metadata": ["name": "edge"], "spec": spec]]
      return CalicoTranslation(input)
    }

    /// What a route becomes; nil: it does not pass.
    func pass(
      _ prefix: String, isExport: Bool = true, source: RouteSource = .bgp,
      _ attributes: PathAttributes = PathAttributes()
    ) throws -> PathAttributes? {
      let translation = translation
      let neighbor = try #require(translation.configuration.neighbors.first)
      let chain = isExport ? neighbor.settings.exportPolicy : neighbor.settings.importPolicy
      let context = PolicyContext(
        isExport: isExport, peer: CalicoPolicyTests.peer,
        learntNextHop: source == .bgp ? .v4(IPv4Address(192, 0, 2, 9)) : nil, source: source)
      return translation.policy.apply(
        chain ?? PolicyChain(), to: try #require(IPPrefix(prefix)), attributes, context)
    }
  }

  @Test func `without filters and communities there is no policy`() {
    let translation = Bench().translation
    #expect(translation.configuration.neighbors.first?.settings.exportPolicy == nil)
    #expect(translation.configuration.neighbors.first?.settings.importPolicy == nil)
    #expect(translation.policy == RoutingPolicy())
  }

  @Test(arguments: [
    ("In", "77.0.0.0/16", true), ("In", "77.0.3.0/24", true), ("In", "77.0.0.0/15", false),
    ("In", "78.0.0.0/16", false), ("Equal", "77.0.0.0/16", true), ("Equal", "77.0.3.0/24", false),
    ("NotEqual", "77.0.0.0/16", false), ("NotEqual", "77.0.3.0/24", true),
    ("NotIn", "77.0.3.0/24", false), ("NotIn", "78.0.0.0/16", true),
  ])
  func `a rule's operator decides which prefixes it is for`(
    comparison: String, prefix: String, matches: Bool
  ) throws {
    var bench = Bench()
    bench.filters["f"] = [
      "exportV4": [
        ["action": "Reject", "matchOperator": .string(comparison), "cidr": "77.0.0.0/16"]
      ]
    ]
    #expect(try (bench.pass(prefix) == nil) == matches)
    #expect(try bench.pass(prefix, isExport: false) != nil)
  }

  @Test func `the first rule that matches decides, and lengths are bounded`() throws {
    var bench = Bench()
    bench.filters["f"] = [
      "importV4": [
        [
          "action": "Accept", "matchOperator": "In", "cidr": "55.0.0.0/16",
          "prefixLength": ["min": 30],
        ],
        ["action": "Reject", "matchOperator": "NotIn", "cidr": "44.0.0.0/16"],
      ]
    ]
    #expect(try bench.pass("55.0.0.4/30", isExport: false) != nil)
    #expect(try bench.pass("55.0.0.0/24", isExport: false) == nil)
    #expect(try bench.pass("44.0.1.0/24", isExport: false) != nil)
    #expect(try bench.pass("fd00::/64", isExport: false) != nil)
  }

  @Test func `what remote peers sent is told from our own`() throws {
    var bench = Bench()
    bench.filters["f"] = ["exportV4": [["action": "Reject", "source": "RemotePeers"]]]
    #expect(try bench.pass("10.1.0.0/26", source: .bgp) == nil)
    #expect(try bench.pass("10.1.0.0/26", source: .local) != nil)
  }

  @Test func `an interface's pattern is that of the node's way out, or never matches`() throws {
    var bench = Bench()
    bench.filters["f"] = ["exportV4": [["action": "Reject", "interface": "*.calico"]]]
    #expect(try bench.pass("10.1.0.0/26") != nil)
    bench.filters["f"] = ["exportV4": [["action": "Reject", "interface": "eth*"]]]
    #expect(try bench.pass("10.1.0.0/26", source: .bgp) == nil)
    #expect(try bench.pass("10.1.0.0/26", source: .local) != nil)
  }

  @Test func `rules match communities and peer types, and change what they accept`() throws {
    var bench = Bench()
    bench.filters["f"] = [
      "exportV4": [
        ["action": "Reject", "peerType": "eBGP"],
        [
          "action": "Accept", "communities": ["values": ["65000:1", "65000:1:2"]],
          "operations": [
            ["addCommunity": ["value": "65000:9"]], ["prependASPath": ["prefix": [65001, 65002]]],
          ],
        ],
        ["action": "Reject"],
      ]
    ]
    #expect(try bench.pass("10.0.0.0/8") == nil)
    var attributes = PathAttributes()
    attributes.extend {
      $0.largeCommunities = [LargeCommunity(global: 65000, local1: 1, local2: 2)]
    }
    let passed = try #require(try bench.pass("10.0.0.0/8", attributes))
    #expect(passed.communities.map(\.description) == ["65000:9"])
    #expect(passed.asPath.description == "65001 65002")
    bench.remoteAS = 65010
    #expect(try bench.pass("10.0.0.0/8", attributes) == nil)
  }

  @Test func `prefixes are announced with their communities, and those of the node win`() throws {
    var bench = Bench()
    bench.configuration = [
      "communities": [["name": "large", "value": "63400:300:100"]],
      "prefixAdvertisements": [
        ["cidr": "172.218.4.0/26", "communities": ["large", "63400:120"]]
      ],
    ]
    let passed = try #require(try bench.pass("172.218.4.7/32"))
    #expect(passed.communities.map(\.description) == ["63400:120"])
    #expect(passed.extended?.largeCommunities.map(\.description) == ["63400:300:100"])
    #expect(try bench.pass("10.0.0.0/8")?.communities == [])
    bench.own = ["prefixAdvertisements": [["cidr": "10.0.0.0/8", "communities": ["large"]]]]
    #expect(try bench.pass("172.218.4.7/32")?.extended == nil)
    #expect(try bench.pass("10.1.0.0/16")?.extended?.largeCommunities.count == 1)
  }

  @Test func `communities are given before a filter's rules decide`() throws {
    var bench = Bench()
    bench.configuration = [
      "prefixAdvertisements": [["cidr": "10.0.0.0/8", "communities": ["63400:120"]]]
    ]
    bench.filters["f"] = [
      "exportV4": [["action": "Reject", "matchOperator": "In", "cidr": "10.9.0.0/16"]]
    ]
    #expect(try bench.pass("10.9.0.0/24") == nil)
    #expect(try bench.pass("10.8.0.0/24")?.communities.count == 1)
  }

  @Test func `a kept next hop is the one that was learnt`() throws {
    var bench = Bench()
    bench.peer = ["keepOriginalNextHop": true]
    let kept = PathAttributes(nextHop: .v4(IPv4Address(172, 19, 0, 2)))
    #expect(try bench.pass("10.0.0.0/8", kept)?.nextHop?.description == "192.0.2.9")
    bench.peer = ["keepOriginalNextHop": true, "nextHopMode": "Auto"]
    #expect(try bench.pass("10.0.0.0/8", kept)?.nextHop?.description == "172.19.0.2")
  }

  @Test func `a filter that is not there or cannot be read lets nothing through, and is told`()
    throws
  {
    var bench = Bench()
    bench.peer = ["filters": ["missing"]]
    #expect(
      bench.translation.problems.map(\.description) == [
        "BGPPeer edge: spec.filters is \"missing\", expected a BGPFilter that exists: nothing passes"
      ])
    #expect(try bench.pass("10.0.0.0/8") == nil)
    #expect(try bench.pass("10.0.0.0/8", isExport: false) == nil)
    bench.peer = [:]
    bench.filters["bad"] = [
      "importV4": [
        ["action": "Perhaps"], ["action": "Accept", "cidr": "fd00::/8", "matchOperator": "In"],
        ["action": "Accept", "matchOperator": "Like", "cidr": "10.0.0.0/8"],
      ]
    ]
    #expect(
      bench.translation.problems.map(\.field) == [
        "spec.importV4[0].action", "spec.importV4[1].cidr", "spec.importV4[2].matchOperator",
      ])
    #expect(try bench.pass("10.0.0.0/8") == nil)
  }
}
