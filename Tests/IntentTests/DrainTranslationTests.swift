import Delivery
import Intent
import Kubernetes
import NetTypes
import Testing

/// Endpoints on a node that is taken out of traffic.
@Suite struct DrainTranslationTests {
  /// The states of the members of one Service's pool: an endpoint on each of `nodes`.
  private func states(_ nodes: [String], draining: Set<String>) -> [Member.State] {
    let endpoints = nodes.enumerated().map { index, node -> JSON in
      [
        "addresses": [.string("10.53.0.\(index + 1)")], "nodeName": .string(node),
        "conditions": ["ready": true],
      ]
    }
    var input = DeliveryTranslation.Input(ingressAddress: .v4(IPv4Address(10, 10, 2, 10)))
    input.services = [
      Service(json: [
        "metadata": ["name": "web", "namespace": "default"],
        "spec": ["type": "LoadBalancer", "ports": [["name": "http", "port": 80]]],
      ])
    ]
    input.slices = [
      EndpointSlice(json: [
        "metadata": [
          "name": "web-1", "namespace": "default",
          "labels": ["kubernetes.io/service-name": "web"],
        ],
        "addressType": "IPv4", "ports": [["name": "http", "port": 8080]],
        "endpoints": .array(endpoints),
      ])
    ]
    input.addresses = [
      ResourceName(namespace: "default", name: "web"): .v4(IPv4Address(10, 10, 2, 11))
    ]
    input.drainingNodes = draining
    return DeliveryTranslation(input).configuration.pools.first?.members.map(\.state) ?? []
  }

  @Test func `endpoints of a draining node keep their connections and get no new ones`() {
    #expect(states(["a", "b", "a"], draining: ["a"]) == [.draining, .enabled, .draining])
    #expect(states(["a", "b"], draining: []) == [.enabled, .enabled])
  }

  @Test func `while nobody else serves, a draining node goes on`() {
    #expect(states(["a", "a"], draining: ["a"]) == [.enabled, .enabled])
  }
}
