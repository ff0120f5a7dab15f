import Kubernetes
import NetTypes
import Testing

@testable import NodeService

@Suite struct ServiceRulesTests {
  private func service(_ name: String, _ spec: JSON) -> JSON {
    ["metadata": ["name": .string(name), "namespace": "default"], "spec": spec]
  }

  private func slice(_ service: String, port: JSON, _ endpoints: [JSON]) -> JSON {
    [
      "metadata": [
        "name": .string(service + "-x"), "namespace": "default",
        "labels": ["kubernetes.io/service-name": .string(service)],
      ],
      "ports": [port], "endpoints": .array(endpoints),
    ]
  }

  private func endpoint(_ address: String, node: String = "agent-0", ready: Bool = true) -> JSON {
    [
      "addresses": [.string(address)], "nodeName": .string(node),
      "conditions": ["ready": .bool(ready)],
    ]
  }

  @Test func `a Service with two ready endpoints and a node port`() {
    let table = ServiceTable(
      services: [
        service(
          "web",
          [
            "type": "NodePort", "clusterIP": "10.43.0.10",
            "ports": [["name": "http", "port": 80, "nodePort": 30080, "protocol": "TCP"]],
          ])
      ],
      slices: [
        slice(
          "web", port: ["name": "http", "port": 8080, "protocol": "TCP"],
          [
            endpoint("10.53.0.2"), endpoint("10.53.0.1", node: "agent-1"),
            endpoint("10.53.0.3", ready: false),
          ])
      ], nodeName: "agent-0")
    #expect(
      ServiceRules(table: table).script == """
        table ip atoll
        delete table ip atoll
        table ip atoll {
          map service-ips {
            type ipv4_addr . inet_proto . inet_service : verdict
            elements = { 10.43.0.10 . tcp . 80 : goto svc-98feded9ec372edb }
          }
          map node-ports {
            type inet_proto . inet_service : verdict
            elements = { tcp . 30080 : goto ext-98feded9ec372edb }
          }
          set no-endpoints {
            type ipv4_addr . inet_proto . inet_service
          }
          set hairpin {
            type ipv4_addr . ipv4_addr
            elements = { 10.53.0.1 . 10.53.0.1, 10.53.0.2 . 10.53.0.2 }
          }
          chain services {
            ip daddr . meta l4proto . th dport vmap @service-ips
            fib daddr type local meta l4proto . th dport vmap @node-ports
          }
          chain prerouting {
            type nat hook prerouting priority dstnat; policy accept;
            jump services
          }
          chain output {
            type nat hook output priority -100; policy accept;
            jump services
          }
          chain refuse {
            ct state new ip daddr . meta l4proto . th dport @no-endpoints reject
          }
          chain filter-forward {
            type filter hook forward priority filter; policy accept;
            jump refuse
          }
          chain filter-output {
            type filter hook output priority filter; policy accept;
            jump refuse
          }
          chain postrouting {
            type nat hook postrouting priority srcnat; policy accept;
            meta mark & 0x4000 == 0x4000 masquerade
            ip saddr . ip daddr @hairpin masquerade
          }
          chain svc-98feded9ec372edb {
            meta l4proto tcp dnat ip addr . port to numgen random mod 2 map { 0 : 10.53.0.1 . 8080, 1 : 10.53.0.2 . 8080 } comment "default/web:http"
          }
          chain ext-98feded9ec372edb {
            meta mark set meta mark | 0x4000
            goto svc-98feded9ec372edb
          }
        }

        """)
  }

  @Test func `what has no endpoint is rejected, what is headless is left out`() {
    let table = ServiceTable(
      services: [
        service("none", ["clusterIP": "10.43.0.11", "ports": [["port": 53, "protocol": "UDP"]]]),
        service("headless", ["clusterIP": "None", "ports": [["port": 80]]]),
        service("away", ["type": "ExternalName", "externalName": "example.org"]),
      ], slices: [], nodeName: "agent-0")
    #expect(table.entries.map(\.name) == ["default/none"])
    #expect(
      ServiceRules(table: table).script.contains("    elements = { 10.43.0.11 . udp . 53 }\n"))
  }

  @Test func `a sticky Service hashes the client, a local one keeps to its node`() {
    let table = ServiceTable(
      services: [
        service(
          "web",
          [
            "type": "LoadBalancer", "clusterIP": "10.43.0.10", "sessionAffinity": "ClientIP",
            "externalTrafficPolicy": "Local", "ports": [["port": 80, "nodePort": 30080]],
          ])
      ],
      slices: [
        slice(
          "web", port: ["port": 8080], [endpoint("10.53.0.2"), endpoint("10.53.0.1", node: "b")])
      ], nodeName: "agent-0")
    let script = ServiceRules(table: table).script
    #expect(script.contains("jhash ip saddr mod 2 map { 0 : 10.53.0.1 . 8080, 1 : 10.53.0.2"))
    #expect(script.contains("jhash ip saddr mod 1 map { 0 : 10.53.0.2 . 8080 }"))
    #expect(!script.contains("meta mark set"))
  }

  @Test func `endpoints that still serve are used when no other is ready`() {
    let ending: JSON = [
      "addresses": ["10.53.0.9"],
      "conditions": ["ready": false, "serving": true, "terminating": true],
    ]
    let web = service("web", ["clusterIP": "10.43.0.10", "ports": [["port": 80]]])
    let alone = ServiceTable(
      services: [web], slices: [slice("web", port: ["port": 80], [ending])], nodeName: "a")
    #expect(alone.entries.first?.endpoints.map(\.description) == ["10.53.0.9:80"])
    let beside = ServiceTable(
      services: [web],
      slices: [slice("web", port: ["port": 80], [ending, endpoint("10.53.0.1")])], nodeName: "a")
    #expect(beside.entries.first?.endpoints.map(\.description) == ["10.53.0.1:80"])
  }

  @Test func `pods that leave the routed networks are masqueraded when the pool asks for it`() {
    let pool = IPPrefix(.v4(IPv4Address(10, 53, 0, 0)), length: 16)
    let nodes = IPPrefix(.v4(IPv4Address(172, 19, 0, 0)), length: 16)
    let script = ServiceRules(table: ServiceTable(), natOutgoing: [pool], routed: [nodes]).script
    #expect(
      script.contains(
        "ip saddr 10.53.0.0/16 ip daddr != { 10.53.0.0/16, 172.19.0.0/16 } masquerade"))
  }
}
