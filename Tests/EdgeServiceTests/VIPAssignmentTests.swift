import Addressing
import Delivery
import Kubernetes
import NetTypes
import Testing

@testable import EdgeService

func service(
  _ name: String, type: String = "LoadBalancer", created: String = "2026-01-01T00:00:00Z",
  requested: String? = nil, held: String? = nil, className: String? = nil
) -> Service {
  var service = Service([
    "apiVersion": "v1", "kind": "Service",
    "metadata": [
      "name": .string(name), "namespace": "default", "creationTimestamp": .string(created),
    ],
    "spec": ["type": .string(type), "ports": [["name": "http", "port": 80]]],
  ])
  if let requested { service.spec["loadBalancerIP"] = .string(requested) }
  if let className { service.spec["loadBalancerClass"] = .string(className) }
  if let held { service.loadBalancerAddresses = [held] }
  return service
}

func assignment(size: Int = 244) -> VIPAssignment {
  let subnet = IPPrefix(.v4(IPv4Address(10, 10, 2, 0)), length: 24)
  return VIPAssignment(pool: VIPAllocator(range: subnet[11]...subnet[10 + size]))
}

extension VIPAssignment {
  fileprivate mutating func given(_ services: [Service]) -> [String: String] {
    let addresses = update(services).addresses
    return Dictionary(uniqueKeysWithValues: addresses.map { ($0.key.name, "\($0.value)") })
  }
}

struct VIPAssignmentTests {
  @Test func `services get the lowest free addresses, the older first`() {
    var pool = assignment()
    let services = [service("b", created: "2026-02-01T00:00:00Z"), service("a"), service("c")]
    #expect(
      pool.given(services) == ["a": "10.10.2.11", "c": "10.10.2.12", "b": "10.10.2.13"])
    #expect(pool.given(services)["b"] == "10.10.2.13")
  }

  @Test func `what the status holds is kept after a restart`() {
    var pool = assignment()
    #expect(
      pool.given([service("a"), service("b", held: "10.10.2.11")])
        == ["a": "10.10.2.12", "b": "10.10.2.11"])
  }

  @Test func `an address that two statuses hold stays with the older`() {
    var pool = assignment()
    let services = [
      service("new", created: "2026-02-01T00:00:00Z", held: "10.10.2.50"),
      service("old", held: "10.10.2.50"),
    ]
    #expect(pool.given(services) == ["old": "10.10.2.50", "new": "10.10.2.11"])
  }

  @Test func `an address asked for is given, and taken instead of the one held`() {
    var pool = assignment()
    #expect(pool.given([service("a", requested: "10.10.2.77")]) == ["a": "10.10.2.77"])
    #expect(
      pool.given([service("a", requested: "10.10.2.78", held: "10.10.2.77")])
        == ["a": "10.10.2.78"])
  }

  @Test(arguments: [
    ("10.10.2.10", "outside the pool"), ("192.0.2.1", "outside the pool"),
    ("10.10.2.11", "already belongs to default/first"), ("nonsense", "is not an IP address"),
  ])
  func `an address that cannot be had is refused with the reason`(text: String, reason: String) {
    var pool = assignment()
    let (addresses, refusals) = pool.update([
      service("first", created: "2025-01-01T00:00:00Z", held: "10.10.2.11"),
      service("second", requested: text),
    ])
    #expect(addresses.count == 1)
    #expect(refusals.map(\.service.name) == ["second"])
    #expect(refusals[0].message.contains(reason))
  }

  @Test func `an exhausted pool is told, and a freed address is given again`() {
    var pool = assignment(size: 1)
    let second = service("b", created: "2026-02-01T00:00:00Z")
    let (addresses, refusals) = pool.update([service("a"), second])
    #expect(addresses.count == 1)
    #expect(refusals[0].message.contains("exhausted"))
    #expect(pool.given([second]) == ["b": "10.10.2.11"])
  }

  @Test func `services of other kinds and classes are left alone`() {
    var pool = assignment()
    #expect(
      pool.given([
        service("a", type: "ClusterIP"), service("b", className: "other"),
        service("c", className: "atoll.dev/edge"),
      ]) == ["c": "10.10.2.11"])
  }
}

struct StatusPlanTests {
  private let vip = IPAddress.v4(IPv4Address(10, 10, 2, 10))

  private func ingress(_ name: String, held: String? = nil) -> Ingress {
    var ingress = Ingress(["metadata": ["name": .string(name), "namespace": "default"]])
    if let held { ingress.loadBalancerAddresses = [held] }
    return ingress
  }

  private func texts(_ objects: EdgeObjects, _ given: [String: String] = [:]) -> [String] {
    var addresses: [ResourceName: IPAddress] = [:]
    for (name, text) in given {
      addresses[ResourceName(namespace: "default", name: name)] = IPAddress(text)
    }
    return StatusPlan.patches(
      objects, addresses: addresses,
      ingresses: Set(objects.ingresses.filter { $0.name != "foreign" }.map(\.resourceName)),
      ingressVIP: vip, isOurs: { $0.hasPrefix("10.10.2.") }
    ).map {
      "\($0.name.name) \($0.patch["status"]["loadBalancer"].members["ingress"]?.text ?? "")"
    }
  }

  @Test func `only statuses that differ are written`() {
    var objects = EdgeObjects()
    objects.services = [
      service("right", held: "10.10.2.11"), service("new"), service("moved", held: "10.10.2.12"),
      service("was", type: "ClusterIP", held: "10.10.2.13"),
      service("foreign", type: "ClusterIP", held: "192.0.2.1"),
    ]
    objects.ingresses = [
      ingress("right", held: "10.10.2.10"), ingress("new"), ingress("foreign"),
      ingress("foreign", held: "192.0.2.1"),
    ]
    #expect(
      texts(objects, ["right": "10.10.2.11", "new": "10.10.2.14", "moved": "10.10.2.15"]) == [
        "new [{\"ip\":\"10.10.2.14\"}]", "moved [{\"ip\":\"10.10.2.15\"}]", "was null",
        "new [{\"ip\":\"10.10.2.10\"}]",
      ])
  }
}

struct VIPInterfaceTests {
  @Test func `only host addresses of the prefix are added and removed`() throws {
    let present = try ["10.10.2.1/24", "10.10.2.11/32", "10.10.2.12/32", "192.0.2.1/32"].map {
      try #require(InterfaceAddress($0))
    }
    let wanted = try ["10.10.2.1", "10.10.2.12", "10.10.2.13"].map {
      try #require(IPAddress($0))
    }
    let prefix = try #require(IPPrefix("10.10.2.0/24"))
    let changes = VIPInterface.changes(present: present, wanted: Set(wanted), prefix: prefix)
    #expect(changes.add.map(\.description) == ["10.10.2.13"])
    #expect(changes.remove.map(\.description) == ["10.10.2.11"])
  }
}

struct DeliveryPlanTests {
  private func objects() -> EdgeObjects {
    var objects = EdgeObjects()
    objects.services = [service("web")]
    objects.slices = [
      EndpointSlice([
        "metadata": [
          "name": "web-1", "namespace": "default",
          "labels": ["kubernetes.io/service-name": "web"],
        ],
        "addressType": "IPv4", "ports": [["name": "http", "port": 8080]],
        "endpoints": [["addresses": ["10.53.0.2"]], ["addresses": ["10.53.0.3"]]],
      ])
    ]
    objects.ingresses = [
      Ingress([
        "apiVersion": "networking.k8s.io/v1", "kind": "Ingress",
        "metadata": ["name": "web", "namespace": "default", "uid": "u1"],
        "spec": [
          "rules": [
            rule("a.example", "/"), rule("-- bad --", "/"), rule("b.example", "/x"),
          ]
        ],
      ])
    ]
    return objects
  }

  private func rule(_ host: JSON, _ path: JSON) -> JSON {
    [
      "host": host,
      "http": [
        "paths": [
          [
            "path": path, "pathType": "Prefix",
            "backend": ["service": ["name": "web", "port": ["name": "http"]]],
          ]
        ]
      ],
    ]
  }

  @Test func `one bad route leaves the others served, and its owner is told`() throws {
    var pool = assignment()
    let vip = IPAddress.v4(IPv4Address(10, 10, 2, 10))
    let plan = DeliveryPlan(objects(), assignment: &pool, ingressVIP: vip)
    let (usable, problems) = plan.configuration.validated()
    #expect(problems.isEmpty)
    let http = try #require(usable.virtualServers.first { $0.protocol == .http })
    #expect(http.routes.compactMap(\.host) == ["a.example", "b.example"])
    #expect(usable.virtualServers.contains { "\($0.address)" == "10.10.2.11" })
    #expect(plan.addresses.map(\.description).sorted() == ["10.10.2.10", "10.10.2.11"])
    #expect(plan.patches.map(\.resource) == [.services, .ingresses])
    #expect(plan.complaints.contains { $0.object.uid == "u1" && $0.message.contains("-- bad --") })
  }

  @Test func `the objects come back from their JSON`() {
    #expect(EdgeObjects(json: objects().json) == objects())
    #expect(EdgeObjects(json: ["services": []]) == nil)
  }
}
