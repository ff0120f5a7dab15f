import Intent
import Kubernetes
import NetTypes
import Testing

@Suite struct CalicoServiceTests {
  private func service(
    _ name: String, _ clusterIP: String, policy: String = "Cluster", type: String = "LoadBalancer",
    external: [String] = [], balancer: [String] = []
  ) -> Service {
    Service(
      json: [
        "metadata": ["name": .string(name), "namespace": "default"],
        "spec": [
          "type": .string(type), "clusterIP": .string(clusterIP),
          "externalTrafficPolicy": .string(policy), "externalIPs": JSON(external),
        ],
        "status": [
          "loadBalancer": ["ingress": .array(balancer.map { ["ip": .string($0)] })]
        ],
      ])
  }

  private func slice(_ service: String, on node: String, ready: Bool = true) -> EndpointSlice {
    EndpointSlice(
      json: [
        "metadata": [
          "namespace": "default", "labels": ["kubernetes.io/service-name": .string(service)],
        ],
        "endpoints": [
          [
            "addresses": ["10.1.0.1"], "nodeName": .string(node),
            "conditions": ["ready": .bool(ready)],
          ]
        ],
      ])
  }

  private func routes(
    _ spec: JSON, _ services: [Service], _ slices: [EndpointSlice] = [], labels: JSON = [:]
  ) -> [String] {
    CalicoServiceRoutes.prefixes(
      configurations: [["metadata": ["name": "default"], "spec": spec]], services: services,
      slices: slices, node: Node(json: ["metadata": ["name": "a", "labels": labels]])
    ).map(\.description)
  }

  private let all: JSON = [
    "serviceClusterIPs": [["cidr": "10.43.0.0/16"]],
    "serviceExternalIPs": [["cidr": "104.244.42.129/32"], ["cidr": "172.217.3.0/24"]],
    "serviceLoadBalancerIPs": [["cidr": "10.10.2.0/24"]],
  ]

  @Test func `prefixes are announced whole, single addresses while a Service has them`() {
    #expect(routes([:], [service("x", "10.43.0.9")]) == [])
    #expect(routes(all, []) == ["10.10.2.0/24", "10.43.0.0/16", "172.217.3.0/24"])
    let claimed = service("x", "10.43.0.9", external: ["104.244.42.129", "172.217.3.7"])
    #expect(
      routes(all, [claimed])
        == ["10.10.2.0/24", "10.43.0.0/16", "104.244.42.129/32", "172.217.3.0/24"])
  }

  @Test func `local Services are announced where their endpoints are, within the prefixes`() {
    let local = service(
      "x", "10.43.0.9", policy: "Local", external: ["172.217.3.7", "8.8.8.8"],
      balancer: ["10.10.2.20"])
    let whole = ["10.10.2.0/24", "10.43.0.0/16", "172.217.3.0/24"]
    #expect(routes(all, [local], [slice("x", on: "b")]) == whole)
    #expect(routes(all, [local], [slice("x", on: "a", ready: false)]) == whole)
    #expect(
      Set(routes(all, [local], [slice("x", on: "a")]))
        == Set(whole + ["10.43.0.9/32", "172.217.3.7/32", "10.10.2.20/32"]))
  }

  @Test func `a node that takes no traffic from outside announces nothing`() {
    let labels: JSON = ["node.kubernetes.io/exclude-from-external-load-balancers": "true"]
    #expect(routes(all, [], labels: labels) == [])
  }

  @Test func `a Service without an address of its own has none to announce`() {
    let headless = service("x", "None", policy: "Local", external: ["172.217.3.7"])
    #expect(!routes(all, [headless], [slice("x", on: "a")]).contains("172.217.3.7/32"))
  }
}
