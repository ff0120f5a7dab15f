import Delivery
import Foundation
import Intent
import Kubernetes
import NetTypes
import Testing

@Suite struct EdgeFileTests {
  private static let head = "apiVersion: atoll.dev/v1alpha1\nkind: EdgeConfiguration\n"

  private func parse(_ text: String) throws -> EdgeFile.Parsed {
    try EdgeFile.parse(Self.head + text, file: "edge.yaml")
  }

  @Test func `the form of the documentation is read whole`() throws {
    let parsed = try parse(
      """
      virtualServers:
      - {name: web, address: 127.0.0.1, port: 8080, protocol: http, pool: web}
      pools:
      - name: web
        loadBalancing: round-robin
        monitor: {type: http, path: /healthz, interval: 1s, timeout: 250ms}
        members: [{address: 127.0.0.1, port: 9001}, {address: 127.0.0.1, port: 9002, weight: 3}]
      """)
    #expect(parsed.allProblems.isEmpty && parsed.notices.isEmpty)
    let server = try #require(parsed.configuration.virtualServers.first)
    #expect(server.protocol == .http && server.port == 8080 && server.pool == "web")
    let pool = try #require(parsed.configuration.pools.first)
    #expect(pool.members.map(\.weight) == [1, 3])
    #expect(pool.monitor.timeout == .milliseconds(250) && pool.monitor.path == "/healthz")
  }

  @Test func `rules choose pools by host and path`() throws {
    let parsed = try parse(
      """
      pools: [{name: a}, {name: b}]
      virtualServers:
      - name: web
        address: "::1"
        port: 80
        protocol: http
        pool: a
        rules:
        - {match: {host: b.example, path: {exact: /x}}, pool: b}
        - {match: {path: {prefix: /y}}, pool: a}
        timeouts: {idle: 5m}
      """)
    #expect(parsed.allProblems.isEmpty)
    let server = try #require(parsed.configuration.virtualServers.first)
    #expect(server.rules.map(\.decision) == [.pool("b"), .pool("a")])
    #expect(server.rules.map(\.match.host) == ["b.example", nil])
    #expect(server.rules.map(\.match.path) == [.exact("/x"), .prefix("/y")])
    #expect(server.idleTimeout == .seconds(300))
  }

  @Test(arguments: [
    (
      "pools: [{name: a, loadBalancing: fair}]\nvirtualServers: []", 3,
      "loadBalancing: found \"fair\""
    ),
    ("pools: [{members: []}]\nvirtualServers: []", 3, "name: found nothing, expected a name"),
    (
      "pools:\n- name: a\n  members:\n  - {address: here, port: 1}\nvirtualServers: []", 6,
      "an IPv4 or IPv6 address"
    ),
    (
      "pools:\n- name: a\n  members:\n  - {address: 1.2.3.4, port: 0}\nvirtualServers: []", 6,
      "expected 1 to 65535"
    ),
    (
      "pools:\n- name: a\n  persistence: {type: cookie, key: short}\nvirtualServers: []", 5,
      "persistence.key is 5 bytes, expected 16 bytes or more"
    ),
    ("pools:\n- name: a\n  monitor:\n    interval: fast\nvirtualServers: []", 6, "as 500ms"),
    (
      "pools:\n- name: a\n  monitor:\n    expectedStatus: 500-200\nvirtualServers: []", 6,
      "as 200-399"
    ),
    (
      "pools:\n- name: a\n  members:\n  - {address: 1.2.3.4, port: 1, weight: 0}\nvirtualServers: []",
      6,
      "members[0].weight is 0, expected 1 to 256"
    ),
    (
      "virtualServers:\n- name: w\n  address: 1.2.3.4\n  port: 1\n  pool: nowhere", 7,
      "pool is nowhere, expected a pool that exists"
    ),
  ])
  func `a mistake is told with its line, field and what is expected`(
    _ text: String, _ line: Int, _ words: String
  ) throws {
    let parsed = try parse(text)
    let problem = try #require(parsed.allProblems.first)
    #expect(problem.line == line, "\(problem)")
    #expect(problem.message.contains(words), "\(problem)")
  }

  @Test func `a bad object is refused and blocks no other`() throws {
    let parsed = try parse(
      """
      pools:
      - {name: good, members: [{address: 1.2.3.4, port: 1}]}
      - {name: bad, loadBalancing: fair}
      virtualServers:
      - {name: one, address: 127.0.0.1, port: 1, pool: good}
      - {name: two, address: 127.0.0.1, port: 2, pool: bad}
      """)
    let usable = parsed.configuration.validated().usable
    #expect(usable.virtualServers.map(\.name) == ["one"])
    #expect(usable.pools.map(\.name) == ["good"])
    #expect(parsed.refused == EdgeFile.Refused(virtualServers: [], pools: ["bad"]))
    #expect(parsed.allProblems.map(\.line) == [5, 8])
  }

  @Test func `an unknown field is told and ignored`() throws {
    let parsed = try parse("pools: [{name: a, colour: red}]\nvirtualServers: []")
    #expect(parsed.notices == ["edge.yaml:3: unknown field pools[].colour is ignored"])
    #expect(parsed.allProblems.isEmpty)
  }

  @Test(arguments: [
    "", "kind: EdgeConfiguration", "apiVersion: atoll.dev/v1alpha1\nkind: Edge", "a: [",
    "apiVersion: atoll.dev/v1alpha1\nkind: EdgeConfiguration\npools: 3",
    "apiVersion: atoll.dev/v1alpha1\nkind: EdgeConfiguration\nvirtualServers: 3",
  ])
  func `what is no such file is refused as a whole`(_ text: String) {
    #expect(throws: FileProblem.self) { try EdgeFile.parse(text, file: "edge.yaml") }
  }

  @Test func `a rule is read with all its parts`() throws {
    let parsed = try parse(
      """
      pools: [{name: a}, {name: b}]
      virtualServers:
      - name: web
        address: 127.0.0.1
        port: 80
        protocol: http
        rules:
        - name: guard
          match: {source: [10.0.0.1], headers: [{name: X-A, regex: ^b}, {name: X-B, present: false}]}
          allow: [10.0.0.0/8]
          deny: [10.9.0.0/16]
          bodyLimit: 1MiB
          rateLimit: {requests: 10, per: 1m, burst: 20, key: header, header: X-Key}
          basicAuthentication: {realm: r, users: {eve: $5$s$h}}
        - match: {path: {regex: "/u/(.*)"}, methods: [GET], query: [{name: q, value: "1"}]}
          rewrite: {path: "/${1}", host: inner}
          requestHeaders: {set: {X-Id: "${request.id}"}, remove: [X-Old]}
          responseHeaders: {add: {X-Via: atoll}}
          cors: {origins: ["*"], maxAge: 10m}
          split: [{pool: a, weight: 9}, {pool: b}]
        - match: {path: {prefix: /old}}
          redirect: {status: 308, prefix: /new}
        - respond: {status: 404, contentType: text/html, body: "<p>${path}"}
      """)
    #expect(parsed.allProblems.isEmpty && parsed.notices.isEmpty, "\(parsed.allProblems)")
    let rules = try #require(parsed.configuration.virtualServers.first).rules
    #expect(rules.map(\.name) == ["guard", "rule 2", "rule 3", "rule 4"])
    #expect(rules[0].checks.bodyLimit == 1 << 20)
    #expect(rules[0].checks.rateLimit?.key == .header("X-Key"))
    #expect(rules[0].match.headers.map(\.value) == [.regex("^b"), .absent])
    #expect(rules[0].decision == .next)
    #expect(rules[1].edits.rewrite?.path == .whole(try Template("/${1}")))
    #expect(
      rules[1].decision == .split([.init(pool: "a", weight: 9), .init(pool: "b", weight: 1)]))
    #expect(rules[3].edits.isEmpty)
  }

  @Test(arguments: [
    ("{pool: a, respond: {}}", "respond: found pool and respond, expected one of"),
    ("{match: {path: {exact: /, prefix: /}}, pool: a}", "path: found exact and prefix"),
    ("{match: {path: {exact: a}}, pool: a}", "match.path.exact is \"a\", expected a path from /"),
    ("{}", "rules[0] is without effect"),
    ("{requestHeaders: {set: {Host: x}}, pool: a}", "rewrite.host sets it"),
    ("{requestHeaders: {set: {X: \"${what}\"}}, pool: a}", "found \"${what}\", expected text with"),
    ("{rewrite: {path: \"/${1}\"}, pool: a}", "match.path.regex beside it"),
    ("{redirect: {prefix: /x}}", "match.path.prefix beside it"),
    ("{redirect: {status: 200}}", "redirect.status is 200, expected 301"),
    ("{split: [{pool: a, weight: 0}]}", "split is no weight above 0"),
    ("{bodyLimit: 1MB, pool: a}", "bodyLimit: found \"1MB\""),
    ("{allow: [10.0.0.1/8], pool: a}", "allow: found \"10.0.0.1/8\""),
    ("{rateLimit: {requests: 0}, pool: a}", "rateLimit.requests is 0"),
    ("{basicAuthentication: {users: {eve: secret}}, pool: a}", "expected a hash of crypt(5)"),
    ("{cors: {origins: [a]}, pool: a}", "cors.origins[0] is \"a\""),
    ("{pool: nowhere}", "rules[0].pool is nowhere, expected a pool that exists"),
  ])
  func `a mistake in a rule is told with its line`(_ rule: String, _ words: String) throws {
    let parsed = try parse(
      """
      pools: [{name: a}]
      virtualServers:
      - name: web
        address: 127.0.0.1
        port: 80
        protocol: http
        pool: a
        rules:
        - \(rule)
      """)
    let problem = try #require(parsed.allProblems.first)
    #expect(problem.line == 11, "\(problem)")
    #expect(problem.message.contains(words), "\(problem)")
    #expect(!problem.message.contains("secret"))
  }

  @Test func `an access log is JSON of all fields to standard output unless it is said`() throws {
    func log(_ text: String) throws -> AccessLog? {
      let parsed = try parse(
        """
        virtualServers:
        - {name: w, address: 127.0.0.1, port: 1, protocol: http, pool: p, accessLog: \(text)}
        pools: [{name: p, members: []}]
        """)
      #expect(parsed.allProblems.isEmpty && parsed.notices.isEmpty, "\(parsed.allProblems)")
      return parsed.configuration.virtualServers.first?.accessLog
    }
    #expect(try log("{}") == AccessLog())
    #expect(
      try log("{fields: [time, status, header.X-Trace, status], path: /var/log/a}")
        == AccessLog(
          format: .json([.known(.time), .known(.status), .header("X-Trace")]),
          destination: .file("/var/log/a")))
    #expect(
      try log("{format: '${method} $$ ${path}'}")?.format
        == .template([
          .field(.known(.method)), .text(Array(" $ ".utf8)), .field(.known(.path)),
        ]))
  }

  @Test(arguments: [
    ("{format: xml}", "format: found \"xml\", expected json, or text"),
    ("{format: 'a ${foo}'}", "found \"${foo}\", expected ${} of one of time,"),
    ("{format: '${header.Authorization}'}", "found \"${header.Authorization}\""),
    ("{fields: [header.cookie]}", "found \"header.cookie\""),
    ("{fields: []}", "accessLog.format is no field, expected at least one"),
    ("{path: a.log}", "expected a file's absolute path, or stdout"),
    ("{format: '${status}', fields: [time]}", "expected none, as the format names them"),
  ])
  func `what no access log can be is told by its line`(_ text: String, _ words: String) throws {
    let parsed = try parse(
      """
      virtualServers:
      - name: w
        address: 127.0.0.1
        port: 1
        protocol: http
        pool: p
        accessLog: \(text)
      pools: [{name: p, members: []}]
      """)
    let problem = try #require(parsed.allProblems.first)
    #expect(problem.message.contains(words), "\(problem)")
    #expect(problem.line >= 9, "\(problem)")
  }

  @Test func `the published schema and the reader know the same fields and words`() throws {
    let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
    let text = try Data(
      contentsOf: root.appending(path: "docs/edge-configuration.schema.json"))
    let schema = try JSON(parsing: Array(text))
    // A file that has every field of the schema, so that the reader would name what it lacks.
    let all = try parse(
      """
      metadata: {}
      virtualServers:
      - name: w
        address: 127.0.0.1
        port: 1
        protocol: http
        pool: p
        rules: [{match: {host: a.b, path: {exact: /}}, pool: p}, {match: {path: {prefix: /}}, pool: p}]
        timeouts: {connect: 1s, header: 1s, firstByte: 1s, total: 1s, idle: 1s}
        connectionLimit: 100
        proxyProtocol: true
        compression: {types: [text/html], minimumSize: 1KiB, level: 9}
      - {name: k, address: 192.0.2.1, port: 1, mode: kernel, snat: none, pool: k}
      egress:
      - {name: e, source: [10.0.0.0/8], except: [10.1.0.0/16], interface: eth1, addresses: [192.0.2.7]}
      - {name: f, source: [0.0.0.0/0], snat: none}
      pools:
      - {name: k}
      - name: p
        loadBalancing: ratio
        hash: {on: header, name: x}
        persistence: {type: cookie, name: c, timeout: 1h, maxAge: 1h, sameSite: none, secure: true, key: 0123456789abcdef}
        minimumActive: 1
        slowRamp: 1s
        serviceDown: reselect
        ejectAfter: 5
        queue: {length: 10, timeout: 1s}
        retryBudget: 10
        proxyProtocol: v2
        monitor:
          type: https
          interval: 1s
          timeout: 1s
          rise: 1
          fall: 1
          port: 8443
          path: /
          expectedStatus: 200
          host: h
          serverName: h
          verify: true
          send: x
          receive: y
          service: s
          queryName: a.example
          queryType: AAAA
          command: [/bin/true]
        members: [{address: 127.0.0.1, port: 1, weight: 1, priority: 1, connectionLimit: 5, state: enabled, monitor: {type: tcp}, name: m}]
      """)
    #expect(all.allProblems.isEmpty && all.notices.isEmpty, "\(all.allProblems) \(all.notices)")
    func keys(_ json: JSON) -> Set<String> { Set((json["properties"].object ?? [:]).keys) }
    let (server, pool) = (schema["$defs"]["virtualServer"], schema["$defs"]["pool"])
    #expect(
      keys(server) == [
        "name", "address", "port", "protocol", "pool", "rules", "timeouts", "connectionLimit",
        "proxyProtocol", "compression", "accessLog", "tls", "http2", "mode", "snat",
      ])
    #expect(
      keys(schema["$defs"]["egress"]) == [
        "name", "source", "except", "interface", "addresses", "snat",
      ])
    let rule = schema["$defs"]["rule"]
    #expect(
      keys(rule) == [
        "name", "match", "allow", "deny", "basicAuthentication", "bodyLimit", "rateLimit",
        "rewrite", "requestHeaders", "responseHeaders", "cors", "pool", "split", "redirect",
        "respond",
      ])
    #expect(
      keys(rule["properties"]["match"]) == [
        "host", "path", "methods", "headers", "query", "source",
      ])
    #expect(
      keys(pool) == [
        "name", "loadBalancing", "hash", "persistence", "minimumActive", "slowRamp",
        "serviceDown", "ejectAfter", "queue", "retryBudget", "proxyProtocol", "protocol", "tls",
        "monitor",
        "members",
      ])
    #expect(
      keys(pool["properties"]["members"]["items"]) == [
        "address", "port", "weight", "priority", "connectionLimit", "state", "monitor", "name",
      ])
    func words(_ json: JSON) -> [String] { json["enum"].elements.compactMap(\.string) }
    let log = schema["$defs"]["accessLog"]
    #expect(keys(log) == ["format", "fields", "path"])
    #expect(
      words(log["properties"]["fields"]["items"]["anyOf"].elements.first ?? [])
        == AccessLog.Known.allCases.map(\.rawValue))
    #expect(
      words(pool["properties"]["loadBalancing"]) == Pool.LoadBalancing.allCases.map(\.rawValue))
    #expect(
      words(server["properties"]["protocol"])
        == VirtualServer.TransportProtocol.allCases.map(\.rawValue))
    #expect(words(server["properties"]["mode"]) == VirtualServer.Mode.allCases.map(\.rawValue))
    #expect(words(server["properties"]["snat"]) == SourceTranslation.allCases.map(\.rawValue))
    #expect(
      words(schema["$defs"]["monitor"]["properties"]["type"])
        == Monitor.Kind.allCases.map(\.rawValue))
  }
}
