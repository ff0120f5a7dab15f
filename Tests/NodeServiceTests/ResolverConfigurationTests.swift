import Kubernetes
import Testing

@testable import NodeService

/// A pod's /etc/resolv.conf, by the rules of Kubernetes' "DNS for Services and Pods".
@Suite struct ResolverConfigurationTests {
  static let node = ResolverConfiguration(
    parsing: """
      # of the machine
      nameserver 192.0.2.53
      search corp.example
      options timeout:1 rotate
      """)

  static func pod(_ spec: JSON) -> PodSpecification {
    PodSpecification(object: ["metadata": ["namespace": "shop", "name": "web"], "spec": spec])
  }

  static let cluster = """
    search shop.svc.cluster.local svc.cluster.local cluster.local corp.example
    nameserver 10.43.0.10
    options ndots:5

    """
  static let own = """
    search corp.example
    nameserver 192.0.2.53
    options timeout:1 rotate

    """

  static let policies: [(JSON, String)] = [
    ([:], cluster), (["dnsPolicy": "ClusterFirst"], cluster),
    (["dnsPolicy": "ClusterFirst", "hostNetwork": true], own),
    (["dnsPolicy": "ClusterFirstWithHostNet", "hostNetwork": true], cluster),
    (["dnsPolicy": "Default"], own), (["dnsPolicy": "None"], ""),
  ]

  @Test(arguments: policies)
  func `a policy says whose names a pod sees`(spec: JSON, expected: String) {
    let resolver = ResolverConfiguration(
      of: Self.pod(spec), cluster: ("10.43.0.10", "cluster.local"), node: Self.node)
    #expect(resolver.text == expected)
  }

  @Test func `dnsConfig adds, and an option of its replaces one of the same name`() {
    let resolver = ResolverConfiguration(
      of: Self.pod([
        "dnsConfig": [
          "nameservers": ["10.43.0.10", "198.51.100.1", "198.51.100.2", "198.51.100.3"],
          "searches": ["shop.example", "cluster.local"],
          "options": [["name": "ndots", "value": "2"], ["name": "edns0"]],
        ]
      ]), cluster: ("10.43.0.10", "cluster.local"), node: Self.node)
    #expect(resolver.nameservers == ["10.43.0.10", "198.51.100.1", "198.51.100.2"])
    #expect(resolver.searches.suffix(2) == ["corp.example", "shop.example"])
    #expect(resolver.text.hasSuffix("options ndots:2 edns0\n"))
  }

  @Test func `where the cluster has no names of its own, ClusterFirst is as Default`() {
    let resolver = ResolverConfiguration(of: Self.pod([:]), cluster: nil, node: Self.node)
    #expect(resolver.text == Self.own)
  }
}
