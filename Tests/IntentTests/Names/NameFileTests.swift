import DNS
import Delivery
import Foundation
import GSLB
import Intent
import Kubernetes
import NetTypes
import Testing

struct NameFileTests {
  private static let head = "apiVersion: atoll.dev/v1alpha1\nkind: NameConfiguration\n"

  private func parse(_ text: String) throws -> NameFile.Parsed {
    try NameFile.parse(Self.head + text, file: "names.yaml")
  }

  /// Two sites and a name, and what a test adds in front of the pools.
  private func gslb(_ more: String = "", pool: String = "", wideIP: String = "") -> String {
    """
    listen: [127.0.0.1:5353]
    gslb:
      dataCentres: [{name: east}, {name: west}]
      servers:
      - {name: east, dataCentre: east, virtualServers: [{name: web, address: 192.0.2.10, port: 80}]}
      - {name: west, dataCentre: west, virtualServers: [{name: web, address: 198.51.100.10, port: 80}]}
    \(more)
      pools:
      - {name: web, members: [{virtualServer: east/web}, {virtualServer: west/web}]\(pool)}
      wideIPs: [{name: www.example.org, pools: [{pool: web}]\(wideIP)}]
    """
  }

  @Test func `the form of the documentation is read whole`() throws {
    let parsed = try parse("zones:\n- {name: example.org, file: example.org.zone}\n" + gslb())
    #expect(parsed.allProblems.isEmpty && parsed.notices.isEmpty, "\(parsed.allProblems)")
    #expect(parsed.server.listen.map(\.description) == ["127.0.0.1:5353"])
    #expect(parsed.zones.map(\.records) == [.file("example.org.zone")])
    let (usable, _) = parsed.gslb.validated()
    let set = try #require(SteeringPlan(usable).sets([:]).first)
    #expect(set.owner == DomainName("www.example.org") && set.tables[0].rows.count == 2)
  }

  @Test(arguments: [
    ("", ", preferred: fair", "", "preferred: found \"fair\""),
    ("", ", fallback: fallback-ip", "", "fallbackIP is missing"),
    ("", ", ttl: -1", "", "ttl: found -1"),
    ("", ", maxAnswers: 65", "", "maxAnswers is 65, expected 1 to 64"),
    ("", "", ", loadBalancing: drop", "loadBalancing is drop"),
    ("", "", ", lastResortPool: none", "lastResortPool is none, expected a pool that exists"),
    ("  health: {lease: 100ms}", "", "", "lease is 0.1 seconds"),
    ("  health: {isolation: maybe}", "", "", "isolation: found \"maybe\""),
    (
      "  topology: [{source: {country: ch}, destination: {pool: web}}]", "", "",
      "source is country ch, expected two capital letters"
    ),
    (
      "  topology: [{source: {subnet: 10.0.0.1/8}, destination: {pool: web}}]", "", "",
      "subnet: found \"10.0.0.1/8\""
    ),
    ("  topology: [{source: {country: CH}}]", "", "", "destination: found nothing"),
  ])
  func `a mistake is told with its place, field and what is expected`(
    _ more: String, _ pool: String, _ wideIP: String, _ words: String
  ) throws {
    do {
      let parsed = try parse(gslb(more, pool: pool, wideIP: wideIP))
      let problem = try #require(parsed.allProblems.first { $0.message.contains(words) })
      #expect(problem.line >= 8, "\(problem)")
    } catch let problem as FileProblem {
      // Health is of the file as a whole.
      #expect(problem.message.contains(words) && problem.line >= 8, "\(problem)")
    }
  }

  @Test func `a bad object blocks no other`() throws {
    let parsed = try parse(
      """
      listen: [127.0.0.1:5353]
      zones:
      - {name: a.example, file: a, records: b}
      - {name: b.example, records: "@ SOA ns host 1 2 3 4 5"}
      gslb:
        dataCentres: [{name: east}]
        servers:
        - {name: bad, dataCentre: east, virtualServers: [{name: web, address: here, port: 80}]}
        - {name: east, dataCentre: east, virtualServers: [{name: web, address: 192.0.2.10, port: 80}]}
        pools: [{name: web, members: [{virtualServer: bad/web}, {virtualServer: east/web}]}]
        wideIPs: [{name: www.example.org, pools: [{pool: web}]}]
      """)
    #expect(parsed.zones.map(\.name) == [DomainName("b.example")])
    #expect(parsed.refusedZones == [try #require(DomainName("a.example"))])
    #expect(parsed.allProblems.map(\.line) == [5, 10, 12])
    #expect(parsed.gslb.validated().usable.pools[0].members.count == 1)
  }

  @Test func `an unknown field is told and ignored`() throws {
    let parsed = try parse("listen: [127.0.0.1:53]\nzones: []\ngslb: {colour: red}")
    #expect(parsed.notices == ["names.yaml:5: unknown field gslb.colour is ignored"])
  }

  @Test(arguments: [
    "zones: []", "listen: [127.0.0.1]\nzones: []", "listen: [127.0.0.1:53]",
    "listen: [127.0.0.1:53]\nzones: []\nworkers: 0",
    "listen: [127.0.0.1:53]\nzones: []\nforward: {servers: []}",
    "listen: [127.0.0.1:53]\nzones: []\npeers: {voter: a}",
    "listen: [127.0.0.1:53]\nzones: []\nserver: {payloadSize: 99}",
  ])
  func `what is wrong as a whole is refused`(_ text: String) {
    #expect(throws: FileProblem.self) { try parse(text) }
  }

  /// A file with every field of the schema, so that the reader would name what it lacks.
  private static let everything = """
    metadata: {}
    listen: ["127.0.0.1:5353", "[::1]:5353"]
    workers: 2
    server:
      identifier: a
      payloadSize: 1400
      cookies: false
      rateLimit: {responsesPerSecond: 10, window: 5, slip: 3}
    forward: {servers: ["192.0.2.53:53"], allow: [10.0.0.0/8], timeout: 2s}
    zones:
    - {name: a.example, file: a.zone, notify: ["192.0.2.1:53"], allowTransfer: [192.0.2.0/24]}
    - {name: b.example, records: "@ SOA ns host 1 2 3 4 5"}
    peers:
      voter: east
      listen: 10.0.0.1:8853
      authority: ca.pem
      certificate: east.pem
      key: east.key
      voters: [{name: west, address: "10.0.0.2:8853", certificateName: dns-west}]
    gslb:
      geography: places.mmdb
      health:
        voters: [east, west, client]
        viewInterval: 100ms
        lease: 800ms
        isolation: refuse
        holdDown: 2s
        longestHoldDown: 30s
        holdMemory: 60s
      dataCentres: [{name: east, enabled: true}]
      servers:
      - name: east
        dataCentre: east
        voter: east
        enabled: true
        monitor: {type: http, path: /}
        virtualServers:
        - {name: web, address: 192.0.2.10, port: 80, monitor: {type: tcp}, enabled: true}
      pools:
      - name: web
        type: A
        preferred: topology
        alternate: ratio
        fallback: fallback-ip
        fallbackIP: 192.0.2.99
        ttl: 5
        maxAnswers: 2
        manualResume: true
        rampedReturn: 10s
        enabled: true
        members: [{virtualServer: east/web, ratio: 2, enabled: true}]
      - name: srv
        type: SRV
        members:
        - {virtualServer: east/web, target: east.example, priority: 2, weight: 3, port: 443}
      - name: https
        type: HTTPS
        members: [{target: east.example, parameters: alpn=h2}]
      regions: [{name: r, sources: [{subnet: 10.0.0.0/8}, {country: CH}, {continent: EU}]}]
      topology:
      - {source: {region: r}, destination: {dataCentre: east}, weight: 2}
      - {source: {continent: EU}, destination: {server: east}}
      - {source: {country: CH}, destination: {pool: web}}
      - {source: {subnet: 10.0.0.0/8}, destination: {subnet: 192.0.2.0/24}}
      wideIPs:
      - name: www.example.org
        aliases: [example.org]
        type: A
        loadBalancing: ratio
        pools: [{pool: web, ratio: 2}]
        lastResortPool: web
        persistence: true
        enabled: true
    """

  @Test func `the published schema has the fields and words of the reader`() throws {
    let path = URL(filePath: #filePath).deletingLastPathComponent()
      .appending(path: "../../../docs/name-configuration.schema.json")
    let schema = try JSON(parsing: Array(try Data(contentsOf: path)))
    let all = try parse(Self.everything)
    #expect(all.allProblems.isEmpty && all.notices.isEmpty, "\(all.allProblems) \(all.notices)")
    let nodes = try YAML.documents(Self.head + Self.everything, file: "names.yaml")
    var unknown: [String] = []
    check(try #require(nodes.first), schema, schema, "", &unknown)
    #expect(unknown.isEmpty)
    // And nothing of the schema that the reader does not take: it is all in the file above.
    func keys(_ name: String) -> Set<String> {
      Set((schema["$defs"][name]["properties"].object ?? [:]).keys)
    }
    #expect(
      keys("pool") == [
        "name", "type", "preferred", "alternate", "fallback", "fallbackIP", "ttl", "maxAnswers",
        "manualResume", "rampedReturn", "enabled", "members",
      ])
    #expect(
      keys("wideIP") == [
        "name", "aliases", "type", "loadBalancing", "pools", "lastResortPool", "persistence",
        "enabled",
      ])
    #expect(keys("monitor").contains("expectedStatus"))
    func words(_ name: String) -> [String] {
      schema["$defs"][name]["enum"].elements.compactMap(\.string)
    }
    #expect(words("loadBalancing") == LoadBalancing.allCases.map(\.rawValue))
    #expect(words("recordType") == SteeredType.allCases.map(\.rawValue))
  }

  /// Fields that the schema does not have, and those it asks for and the file lacks.
  private func check(
    _ json: JSON, _ schema: JSON, _ root: JSON, _ path: String, _ unknown: inout [String]
  ) {
    var schema = schema
    if let reference = schema["$ref"].string, let name = reference.split(separator: "/").last {
      schema = root["$defs"][String(name)]
    }
    if let members = json.object {
      for (name, value) in members {
        let field = schema["properties"][name]
        if field.isNull, schema["additionalProperties"].bool == false {
          unknown.append("\(path).\(name)")
        }
        check(value, field, root, "\(path).\(name)", &unknown)
      }
      for name in schema["required"].elements.compactMap(\.string) where members[name] == nil {
        unknown.append("\(path).\(name) is required")
      }
    }
    for element in json.elements { check(element, schema["items"], root, "\(path)[]", &unknown) }
    let words = schema["enum"].elements
    if !words.isEmpty, !words.contains(json) { unknown.append("\(path) is \(json)") }
  }
}
