import DNS
import Intent
import Kubernetes
import NetTypes
import Testing

/// Kubernetes DNS-Based Service Discovery 1.1.0, by its sections.
struct ClusterNamesTests {
  private let settings = ClusterNames.Settings(
    domain: DomainName("cluster.local")!, server: IPAddress("10.10.2.3")!,
    reverse: [IPPrefix("10.43.0.0/16")!, IPPrefix("10.53.0.0/16")!, IPPrefix("fd00:43::/64")!])

  /// Owner, type and data of the records that are there besides the zones' own.
  private func records(
    services: String = "", slices: String = "", pods: String = ""
  ) throws -> [String] {
    func parsed<View: ObjectView>(_ text: String, _ make: (JSON) -> View) throws -> [View] {
      try YAML.documents(text, file: "objects.yaml").map(make)
    }
    var names = ClusterNames()
    names.services = try parsed(services, Service.init(json:))
    names.slices = try parsed(slices, EndpointSlice.init(json:))
    names.pods = try parsed(pods, Pod.init(json:))
    let zones = names.zones(settings, serial: SerialNumber(7))
    for zone in zones { #expect(zone.validate() == []) }
    return zones.flatMap(\.records).filter { record in
      ![.soa, .ns, .txt].contains(record.type) && "\(record.name)" != "ns.dns.cluster.local."
    }.map { "\($0.name) \($0.type) \($0.data.description(as: $0.type))" }
  }

  /// §2.2.
  @Test func `the schema's version is told`() {
    let zones = ClusterNames().zones(settings, serial: SerialNumber(7))
    #expect(
      zones[0].records.contains {
        "\($0.name)" == "dns-version.cluster.local." && $0.data == .txt(["1.1.0"])
      })
    #expect(
      zones.map { "\($0.origin)" } == [
        "cluster.local.", "43.10.in-addr.arpa.", "53.10.in-addr.arpa.",
        "0.0.0.0.0.0.0.0.3.4.0.0.0.0.d.f.ip6.arpa.",
      ])
  }

  /// §2.3.
  @Test func `a Service has its addresses, its named ports and its reverse names`() throws {
    let found = try records(
      services: """
        {metadata: {name: web, namespace: shop}, spec: {clusterIP: 10.43.0.9,
         clusterIPs: [10.43.0.9, "fd00:43::9"], ports: [{name: http, port: 80},
         {port: 81}, {name: dns, port: 53, protocol: UDP}]}}
        """)
    #expect(
      found == [
        "web.shop.svc.cluster.local. A 10.43.0.9",
        "web.shop.svc.cluster.local. AAAA fd00:43::9",
        "_http._tcp.web.shop.svc.cluster.local. SRV 0 100 80 web.shop.svc.cluster.local.",
        "_dns._udp.web.shop.svc.cluster.local. SRV 0 100 53 web.shop.svc.cluster.local.",
        "9.0.43.10.in-addr.arpa. PTR web.shop.svc.cluster.local.",
        "9.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.3.4.0.0.0.0.d.f.ip6.arpa. PTR "
          + "web.shop.svc.cluster.local.",
      ])
  }

  private static let headless =
    "{metadata: {name: db, namespace: shop}, spec: {clusterIP: None, ports: [{name: sql, port: 5432}]}}"
  private static let slice = """
    {metadata: {name: db-1, namespace: shop, labels: {kubernetes.io/service-name: db}},
     addressType: IPv4, ports: [{name: sql, port: 5432, protocol: TCP}],
     endpoints: [{addresses: [10.53.0.7], hostname: db-0, conditions: {ready: true}},
      {addresses: [10.53.1.8], conditions: {ready: true}},
      {addresses: [10.53.2.9], conditions: {ready: false}}]}
    """

  /// §2.4.
  @Test func `a headless Service has its ready endpoints, by hostname or address`() throws {
    #expect(
      try records(services: Self.headless, slices: Self.slice) == [
        "db.shop.svc.cluster.local. A 10.53.0.7",
        "db-0.db.shop.svc.cluster.local. A 10.53.0.7",
        "_sql._tcp.db.shop.svc.cluster.local. SRV 0 100 5432 db-0.db.shop.svc.cluster.local.",
        "db.shop.svc.cluster.local. A 10.53.1.8",
        "10-53-1-8.db.shop.svc.cluster.local. A 10.53.1.8",
        "_sql._tcp.db.shop.svc.cluster.local. SRV 0 100 5432 10-53-1-8.db.shop.svc.cluster.local.",
        "7.0.53.10.in-addr.arpa. PTR db-0.db.shop.svc.cluster.local.",
      ])
  }

  @Test func `endpoints that are not ready are there where the Service says so`() throws {
    let service = Self.headless.replacing(
      "clusterIP: None", with: "clusterIP: None, publishNotReadyAddresses: true")
    let found = try records(services: service, slices: Self.slice)
    #expect(found.contains("db.shop.svc.cluster.local. A 10.53.2.9"))
  }

  /// §2.5.
  @Test func `an external name is an alias`() throws {
    let found = try records(
      services:
        "{metadata: {name: out, namespace: shop}, spec: {type: ExternalName, externalName: db.example.com}}"
    )
    #expect(found == ["out.shop.svc.cluster.local. CNAME db.example.com."])
  }

  @Test func `a pod has the name of its address, unless it has ended or has the host's`() throws {
    let found = try records(
      pods: """
        {metadata: {name: a, namespace: shop}, status: {phase: Running, podIP: 10.53.0.7, podIPs: [{ip: 10.53.0.7}]}}
        ---
        {metadata: {name: b, namespace: shop}, status: {phase: Succeeded, podIP: 10.53.0.8}}
        ---
        {metadata: {name: c, namespace: shop}, spec: {hostNetwork: true}, status: {phase: Running, podIP: 172.19.0.2}}
        """)
    #expect(found == ["10-53-0-7.shop.pod.cluster.local. A 10.53.0.7"])
  }
}
