import DNS
import Delivery
import GSLB
import Intent
import Kubernetes
import NetTypes
import Testing

/// k8gb's Gslb, F5's ExternalDNS and external-dns' DNSEndpoint, as people write them.
struct NameObjectsTests {
  private func translate(_ text: String, unit: String = "east") throws -> NameTranslation {
    var objects = NameObjects()
    for json in try YAML.documents(text + "\n---\n" + Self.ingress, file: "objects.yaml") {
      let object = KubernetesObject(json: json)
      switch object.kind {
      case "Gslb": objects.gslbs.append(object)
      case "ExternalDNS": objects.externalNames.append(object)
      case "DNSEndpoint": objects.endpoints.append(object)
      case "Service": objects.services.append(Service(json: json))
      default: objects.ingresses.append(Ingress(json: json))
      }
    }
    return NameTranslation(objects, unit: unit)
  }

  private static let ingress = """
    apiVersion: networking.k8s.io/v1
    kind: Ingress
    metadata: {name: shop, namespace: shop, labels: {app: shop}}
    spec:
      rules:
      - host: shop.gslb.example
        http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: shop, port: {number: 80}}}}]}
    status: {loadBalancer: {ingress: [{ip: 10.81.0.10}]}}
    """

  private func gslb(_ strategy: String, _ reference: String = "matchLabels: {app: shop}") -> String
  {
    """
    apiVersion: k8gb.io/v1beta1
    kind: Gslb
    metadata: {name: shop, namespace: shop}
    spec:
      resourceRef: {apiVersion: networking.k8s.io/v1, kind: Ingress, \(reference)}
      strategy: \(strategy)
    """
  }

  @Test(arguments: ["matchLabels: {app: shop}", "name: shop"])
  func `a Gslb takes its hosts from the Ingress that it names or selects`(
    _ reference: String
  ) throws {
    let result = try translate(gslb("{type: roundRobin, dnsTtlSeconds: 5}", reference))
    let name = try #require(result.announcement.names.first)
    #expect(name.name == DomainName("shop.gslb.example") && name.ttl == 5)
    #expect(name.preferred == .roundRobin)
    #expect(name.members.map(\.address) == [try #require(IPAddress("10.81.0.10"))])
    let monitor = try #require(name.members.first?.monitor)
    #expect(monitor.kind == .http && monitor.host == "shop.gslb.example")
    #expect(
      result.backings.map(\.services) == [[ResourceName(namespace: "shop", name: "shop")]])
    #expect(result.subjects.map(\.problem) == [nil])
  }

  @Test(arguments: [
    ("{type: failover, primaryGeoTag: east}", LoadBalancing.globalAvailability, 0, 1),
    ("{type: failover, primaryGeoTag: west}", .globalAvailability, 1, 1),
    ("{type: roundRobin, weight: {east: 3, west: 1}}", .ratio, 0, 3),
    ("{type: geoip}", .topology, 0, 1),
  ])
  func `strategies become modes, orders and ratios`(
    _ strategy: String, _ mode: LoadBalancing, _ order: Int, _ ratio: Int
  ) throws {
    let name = try #require(try translate(gslb(strategy)).announcement.names.first)
    #expect(name.preferred == mode)
    #expect(name.members.map { Int($0.order) } == [order] && name.members.map(\.ratio) == [ratio])
  }

  @Test func `a unit of weight nought announces the name without a member`() throws {
    let result = try translate(gslb("{type: roundRobin, weight: {west: 1}}"))
    #expect(result.announcement.names.map(\.members.count) == [0])
    #expect(result.backings.count == 1)
  }

  @Test func `a Gslb with an Ingress of its own asks for it, and has the host meanwhile`() throws {
    let result = try translate(
      """
      apiVersion: k8gb.io/v1beta1
      kind: Gslb
      metadata: {name: own, namespace: shop, uid: u1}
      spec:
        strategy: {type: roundRobin}
        ingress:
          rules:
          - host: own.gslb.example
            http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: own, port: {number: 80}}}}]}
      """)
    #expect(result.wantedIngresses.map(\.resourceName.description) == ["shop/own"])
    #expect(result.wantedIngresses.first?.controller?.uid == "u1")
    #expect(result.subjects.map(\.names) == [[try #require(DomainName("own.gslb.example"))]])
    #expect(
      result.subjects[0].problem == "own.gslb.example: nothing in this unit answers for it yet")
  }

  @Test(arguments: [
    ("{type: random}", "strategy.type: found \"random\""),
    ("{}", "strategy.type: found nothing"),
  ])
  func `a strategy that is not known is told`(_ strategy: String, _ words: String) throws {
    let result = try translate(gslb(strategy))
    #expect(result.subjects[0].problem?.contains(words) ?? false)
    #expect(result.announcement.names.isEmpty)
  }

  @Test func `a host that is asked for twice is the first's`() throws {
    let second = gslb("{type: failover}").replacing(
      "name: shop, namespace: shop}", with: "name: two, namespace: shop}")
    let result = try translate(gslb("{type: roundRobin}") + "\n---\n" + second)
    #expect(result.announcement.names.count == 1)
    #expect(
      result.subjects.map(\.problem) == [
        nil, "shop.gslb.example: Gslb shop/shop asked for it first",
      ])
  }

  private func externalName(_ spec: String) -> String {
    """
    apiVersion: cis.f5.com/v1
    kind: ExternalDNS
    metadata: {name: shop, namespace: shop, labels: {f5cr: "true"}}
    spec: \(spec)
    """
  }

  @Test func `an ExternalDNS has F5's modes, monitor, ratio and order`() throws {
    let result = try translate(
      externalName(
        """
        {domainName: shop.gslb.example, dnsRecordType: A, loadBalanceMethod: ratio,
         persistenceEnabled: true, pools: [{dataServerName: /Common/east, dnsRecordType: A,
         loadBalanceMethod: round-robin, lbModeFallback: return-to-dns, order: 2, ratio: 4,
         monitor: {type: https, send: "GET /healthz HTTP/1.1\\r\\n", recv: ok, interval: 10, timeout: 3}}]}
        """))
    #expect(result.subjects.map(\.problem) == [nil])
    let name = try #require(result.announcement.names.first)
    #expect(name.preferred == .ratio && name.fallback == .returnToDNS && name.persistence)
    let member = try #require(name.members.first)
    #expect(member.ratio == 4 && member.order == 2)
    #expect(member.monitor.kind == .https && member.monitor.path == "/healthz")
    #expect(member.monitor.receive == "ok" && member.monitor.interval == .seconds(10))
  }

  @Test(arguments: [
    ("{domainName: a.example, dnsRecordType: MX}", "dnsRecordType: found \"MX\""),
    ("{domainName: a.example, loadBalanceMethod: fair}", "loadBalanceMethod: found \"fair\""),
    ("{loadBalanceMethod: ratio}", "domainName: found nothing"),
    (
      "{domainName: a.example, pools: [{monitor: {type: gateway-icmp}}]}",
      "monitor.type: found \"gateway-icmp\""
    ),
    ("{domainName: a.example}", "a.example: nothing in this unit answers for it yet"),
  ])
  func `what an ExternalDNS asks for and is not there is told`(
    _ spec: String, _ words: String
  ) throws {
    let problem = try #require(try translate(externalName(spec)).subjects[0].problem)
    #expect(problem.contains(words), "\(problem)")
  }

  @Test(arguments: [("east", 1), ("west", 3), ("north", 1)])
  func `of an ExternalDNS with a pool for each data server a unit takes its own`(
    _ unit: String, _ ratio: Int
  ) throws {
    let result = try translate(
      externalName(
        """
        {domainName: shop.gslb.example, loadBalanceMethod: ratio, pools: [
         {dataServerName: /Common/east, ratio: 1}, {dataServerName: /Common/west, ratio: 3}]}
        """), unit: unit)
    #expect(result.announcement.names.first?.members.map(\.ratio) == [ratio])
  }

  @Test func `a LoadBalancer Service answers for the host that it says is its own`() throws {
    let result = try translate(
      externalName("{domainName: db.gslb.example}") + "\n---\n" + """
        apiVersion: v1
        kind: Service
        metadata:
          name: db
          namespace: shop
          annotations: {external-dns.alpha.kubernetes.io/hostname: "other.example, db.gslb.example"}
        spec: {type: LoadBalancer, ports: [{port: 5432, protocol: TCP}]}
        status: {loadBalancer: {ingress: [{ip: 10.81.0.20}]}}
        """)
    let member = try #require(result.announcement.names.first?.members.first)
    #expect(member.port == 5432 && member.monitor == .pathProbe)
  }

  @Test func `a DNSEndpoint's addresses are steered, and its other records stand`() throws {
    let result = try translate(
      """
      apiVersion: externaldns.k8s.io/v1alpha1
      kind: DNSEndpoint
      metadata: {name: extra, namespace: shop}
      spec:
        endpoints:
        - {dnsName: a.gslb.example, recordType: A, recordTTL: 60, targets: [192.0.2.1, 192.0.2.2]}
        - {dnsName: t.gslb.example, recordType: TXT, targets: ['"hello"']}
        - {dnsName: m.gslb.example, recordType: MX, targets: [10 mail.example.]}
        - {dnsName: bad.gslb.example, recordType: A, targets: [here]}
      """)
    let name = try #require(result.announcement.names.first)
    #expect(name.members.count == 2 && name.ttl == 60 && name.members[0].monitor.kind == .none)
    #expect(result.records.map { "\($0.type)" } == ["TXT", "MX"])
    #expect(result.subjects[0].problem == "spec.endpoints[3].targets: expected IPv4 addresses")
  }

  /// What is announced is what voters can take.
  @Test func `what objects come to is a configuration without problems`() throws {
    let result = try translate(gslb("{type: failover, primaryGeoTag: east}"))
    var base = GSLBConfiguration()
    base.health.voters = ["east", "west"]
    let (union, told) = base.union(["east": result.announcement, "west": result.announcement])
    #expect(told.isEmpty && union.validated().problems.isEmpty)
  }
}
