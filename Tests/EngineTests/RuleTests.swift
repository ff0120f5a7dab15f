import Delivery
import Engine
import Glibc
import Linux
import NetTypes
import Testing

/// HTTP rules as a client and a member meet them. The member answers with the head that it got.
@Suite struct RuleTests {
  private func echo() throws -> TestServer {
    try httpBackend { request, client in
      try client.answer(request.head, fields: "Server: member\r\nX-Powered-By: tests\r\n")
    }
  }

  private func prefix(_ text: String) throws -> IPPrefix { try #require(IPPrefix(text)) }

  private func rule(_ decision: HTTPRule.Decision) -> HTTPRule {
    HTTPRule(name: "r", decision: decision)
  }

  private func rule(
    _ decision: HTTPRule.Decision = .next, _ change: (inout HTTPRule) throws -> Void
  ) rethrows -> HTTPRule {
    var rule = HTTPRule(name: "r", decision: decision)
    try change(&rule)
    return rule
  }

  /// What a client of a server with `rules` is answered, whose pool is the echo.
  private func answer(
    _ rules: [HTTPRule], _ request: String
  ) async throws -> TestResponse {
    let backend = try echo()
    let port = freePort()
    let configuration = single(port, .http, [backend.port]) { $0.rules = rules }
    nonisolated(unsafe) var response = TestResponse(head: "")
    try await withEngine(configuration) { _ in
      let text = request
      response = try await blocking {
        let client = try TestClient(port)
        try client.send(text)
        return try client.response()
      }
    }
    return response
  }

  private static func respond(_ text: String) -> HTTPRule.Decision {
    .respond(HTTPDirectResponse(status: 200, body: Template(literal: text)))
  }

  // MARK: Conditions

  struct Case: Sendable, CustomTestStringConvertible {
    var name: String
    var request: String
    var matches: Bool
    var change: @Sendable (inout HTTPMatch) -> Void
    var testDescription: String { "\(name): \(request)" }

    init(
      _ name: String, _ request: String, _ matches: Bool,
      _ change: @escaping @Sendable (inout HTTPMatch) -> Void
    ) {
      (self.name, self.request, self.matches, self.change) = (name, request, matches, change)
    }
  }

  static let cases: [Case] = [
    Case("exact", "GET /a HTTP/1.1", true) { $0.path = .exact("/a") },
    Case("exact", "GET /a/ HTTP/1.1", false) { $0.path = .exact("/a") },
    Case("exact, query aside", "GET /a?b HTTP/1.1", true) { $0.path = .exact("/a") },
    Case("prefix", "GET /a/b HTTP/1.1", true) { $0.path = .prefix("/a") },
    Case("prefix, whole elements", "GET /ab HTTP/1.1", false) { $0.path = .prefix("/a") },
    Case("prefix of all", "GET /ab HTTP/1.1", true) { $0.path = .prefix("/") },
    Case("regex", "GET /v12/x HTTP/1.1", true) { $0.path = .regex("/v\\d+/.*") },
    Case("regex, whole path", "GET /x/v12/x HTTP/1.1", false) { $0.path = .regex("/v\\d+/.*") },
    Case("dot segments", "GET /x/../a HTTP/1.1", true) { $0.path = .exact("/a") },
    Case("escaped letters", "GET /%61 HTTP/1.1", true) { $0.path = .exact("/a") },
    Case("escaped dots", "GET /x/%2e%2E/a HTTP/1.1", true) { $0.path = .exact("/a") },
    Case("escaped slash stays", "GET /x%2fa HTTP/1.1", false) { $0.path = .exact("/x/a") },
    Case("slashes in a row", "GET //a HTTP/1.1", true) { $0.path = .exact("/a") },
    Case("method", "POST / HTTP/1.1\r\nContent-Length: 0", false) { $0.methods = ["GET"] },
    Case("methods", "PUT / HTTP/1.1\r\nContent-Length: 0", true) { $0.methods = ["GET", "PUT"] },
    Case("host", "GET / HTTP/1.1", true) { $0.host = "H.example" },
    Case("other host", "GET / HTTP/1.1", false) { $0.host = "x.example" },
    Case("wildcard", "GET / HTTP/1.1", true) { $0.host = "*.example" },
    Case("header", "GET / HTTP/1.1\r\nX-A: b", true) {
      $0.headers = [.init(name: "x-a", value: .exact("b"))]
    },
    Case("second of two headers", "GET / HTTP/1.1\r\nX-A: a\r\nX-A: b", true) {
      $0.headers = [.init(name: "x-a", value: .exact("b"))]
    },
    Case("header by regex", "GET / HTTP/1.1\r\nUser-Agent: curl/8", true) {
      $0.headers = [.init(name: "user-agent", value: .regex("^curl/"))]
    },
    Case("absent header", "GET / HTTP/1.1", true) {
      $0.headers = [.init(name: "x-a", value: .absent)]
    },
    Case("absent header that is there", "GET / HTTP/1.1\r\nX-A: b", false) {
      $0.headers = [.init(name: "x-a", value: .absent)]
    },
    Case("query", "GET /?a=1&b=x%20y HTTP/1.1", true) {
      $0.query = [.init(name: "b", value: .exact("x y"))]
    },
    Case("query without value", "GET /?debug HTTP/1.1", true) {
      $0.query = [.init(name: "debug", value: .present)]
    },
    Case("source", "GET / HTTP/1.1", true) { $0.source = [IPPrefix("127.0.0.0/8")!] },
    Case("other source", "GET / HTTP/1.1", false) { $0.source = [IPPrefix("10.0.0.0/8")!] },
    Case("all of them", "GET /a?q=1 HTTP/1.1\r\nX-A: b", true) {
      $0.host = "h.example"
      $0.path = .prefix("/a")
      $0.methods = ["GET"]
      $0.headers = [.init(name: "x-a", value: .exact("b"))]
      $0.query = [.init(name: "q", value: .exact("1"))]
    },
  ]

  @Test(arguments: cases)
  func `a condition holds, or the next rule has its turn`(_ item: Case) async throws {
    let rules = [
      rule(Self.respond("yes")) { item.change(&$0.match) }, rule(Self.respond("no")),
    ]
    let response = try await answer(rules, "\(item.request)\r\nHost: h.example:80\r\n\r\n")
    #expect(response.text == (item.matches ? "yes" : "no"))
  }

  @Test(arguments: ["/..", "/a/../../b", "/%zz", "/a%00", "/%2e%2e/x"])
  func `a path without a normal form is refused`(_ path: String) async throws {
    let response = try await answer(
      [rule(Self.respond("yes"))], "GET \(path) HTTP/1.1\r\nHost: h\r\n\r\n")
    #expect(response.status == 400)
  }

  // MARK: Edits

  @Test func `the member gets the path in normal form`() async throws {
    let edits = rule { $0.edits.request.set = [.init("X-Seen", Template(literal: "1"))] }
    let response = try await answer(
      [edits], "GET /a/./b/%7Euser?x=%2e HTTP/1.1\r\nHost: h\r\n\r\n")
    #expect(response.text.hasPrefix("GET /a/b/~user?x=%2e HTTP/1.1\r\n"))
    #expect(response.text.contains("\r\nX-Seen: 1\r\n"))
  }

  @Test func `fields of the request are removed, set and added`() async throws {
    let first = try rule {
      $0.edits.request.remove = ["x-old"]
      $0.edits.request.set = [.init("X-Client", try Template("${client.address}"))]
      $0.edits.request.add = [.init("X-Trace", try Template("a-${header.x-id}-$$"))]
    }
    let second = try rule {
      $0.edits.request.set = [.init("X-Client", try Template("<${client.address}>"))]
    }
    let response = try await answer(
      [first, second],
      "GET / HTTP/1.1\r\nHost: h\r\nX-OLD: 1\r\nX-Client: forged\r\nX-Id: 7\r\n\r\n")
    #expect(!response.text.contains("X-OLD") && !response.text.contains("forged"))
    #expect(response.text.contains("\r\nX-Trace: a-7-$\r\n"))
    #expect(response.text.contains("\r\nX-Client: <127.0.0.1>\r\n"))
    #expect(!response.text.contains("X-Client: 127.0.0.1"))
  }

  @Test func `fields of the response are removed, set and added`() async throws {
    let edits = try rule {
      $0.edits.response.remove = ["X-Powered-By"]
      $0.edits.response.set = [.init("Server", Template(literal: "edge"))]
      $0.edits.response.add = [.init("X-Path", try Template("${path}"))]
    }
    let response = try await answer([edits], "GET /p HTTP/1.1\r\nHost: h\r\n\r\n")
    #expect(response["x-powered-by"] == nil)
    #expect(response["server"] == "edge")
    #expect(response["x-path"] == "/p")
    #expect(response.head.components(of: "Server:") == 1)
  }

  @Test func `a rewrite replaces prefix, host or the whole path with groups`() async throws {
    let byPrefix = rule {
      $0.match.path = .prefix("/api")
      $0.edits.rewrite = HTTPRewrite(path: .prefix("/v2/"), host: Template(literal: "inner"))
    }
    var response = try await answer([byPrefix], "GET /api/x?y=1 HTTP/1.1\r\nHost: h\r\n\r\n")
    #expect(response.text.hasPrefix("GET /v2/x?y=1 HTTP/1.1\r\nHost: inner\r\n"))
    #expect(response.text.contains("X-Forwarded-Host: h\r\n"))
    let byGroup = try rule {
      $0.match.path = .regex("/user/(\\w+)/(.*)")
      $0.edits.rewrite = HTTPRewrite(path: .whole(try Template("/${2}?user=${1}")))
    }
    response = try await answer([byGroup], "GET /user/eve/home?z HTTP/1.1\r\nHost: h\r\n\r\n")
    #expect(response.text.hasPrefix("GET /home?user=eve HTTP/1.1\r\n"))
  }

  @Test func `a rewrite cannot break the request line`() async throws {
    let rewrite = try rule {
      $0.edits.rewrite = HTTPRewrite(path: .whole(try Template("/${header.x-to}")))
    }
    let response = try await answer(
      [rewrite], "GET / HTTP/1.1\r\nHost: h\r\nX-To: a HTTP/1.0\r\n\r\n")
    #expect(response.status == 400)
  }

  // MARK: Decisions

  @Test func `a redirect keeps what it does not change`() async throws {
    let toTLS = rule(
      .redirect(
        {
          var r = HTTPRedirect(status: 301); r.scheme = "https"; return r
        }()))
    var response = try await answer([toTLS], "GET /a?b=c HTTP/1.1\r\nHost: h.example:80\r\n\r\n")
    #expect(response.status == 301 && response["location"] == "https://h.example/a?b=c")
    let moved = rule(
      .redirect(
        {
          var r = HTTPRedirect(status: 308); r.path = .prefix("/new"); return r
        }())
    ) { $0.match.path = .prefix("/old") }
    response = try await answer([moved], "GET /old/x?y HTTP/1.1\r\nHost: h:8080\r\n\r\n")
    #expect(response.status == 308 && response["location"] == "http://h:8080/new/x?y")
  }

  @Test func `a split goes by weight, and a share of nothing gets nothing`() async throws {
    let (a, b, c) = (try namedBackend("a"), try namedBackend("b"), try namedBackend("c"))
    let port = freePort()
    var configuration = single(port, .http, [a.port]) {
      $0.rules = [
        rule(
          .split([
            .init(pool: "pool", weight: 3), .init(pool: "none", weight: 0),
            .init(pool: "b", weight: 1),
          ]))
      ]
    }
    configuration.pools += [
      Pool(name: "b", members: [member(b.port)]), Pool(name: "none", members: [member(c.port)]),
    ]
    try await withEngine(configuration) { _ in
      let answers = try await blocking {
        let client = try TestClient(port)
        return try (0..<400).map { _ in try client.get().text }
      }
      let share = answers.count { $0 == "b" }
      #expect((60...140).contains(share), "\(share) of 400")
      #expect(!answers.contains("c"))
    }
  }

  // MARK: Checks

  @Test func `clients are let in by network`() async throws {
    let (inside, outside) = (try prefix("127.0.0.0/8"), try prefix("10.0.0.0/8"))
    for (allow, deny, status) in [
      ([inside], [], 200), ([outside], [], 403), ([], [inside], 403), ([inside], [inside], 403),
      ([], [outside], 200),
    ] {
      let response = try await answer(
        [
          rule {
            $0.checks.allow = allow
            $0.checks.deny = deny
          }
        ], "GET / HTTP/1.1\r\nHost: h\r\n\r\n")
      #expect(response.status == status)
    }
  }

  @Test(arguments: [
    ("", 401), ("Authorization: Basic ZXZlOnNlY3JldA==\r\n", 200),
    ("authorization: basic ZXZlOnNlY3JldA==\r\n", 200),
    ("Authorization: Basic ZXZlOndyb25n\r\n", 401), ("Authorization: Basic !!!\r\n", 401),
    ("Authorization: Bearer ZXZlOnNlY3JldA==\r\n", 401),
  ])
  func `a user comes in by a password`(_ fields: String, _ status: Int) async throws {
    // crypt(5), `$5$`, of "secret".
    let hash = "$5$atoll$sTxwlzJAvueuST9rJVrqCucEwQpRAqpyRI.olSI98L7"
    let response = try await answer(
      [
        rule { $0.checks.authentication = BasicAuthentication(realm: "here", users: ["eve": hash]) }
      ],
      "GET / HTTP/1.1\r\nHost: h\r\n\(fields)\r\n")
    #expect(response.status == status)
    #expect((response["www-authenticate"] != nil) == (status == 401))
  }

  @Test func `a slow password keeps waiting who sent it, and nobody else`() async throws {
    let backend = try echo()
    let port = freePort()
    let slow = "$6$rounds=400000$atoll$none"
    let configuration = single(port, .http, [backend.port]) {
      $0.rules = [
        rule {
          $0.match.path = .prefix("/users")
          $0.checks.authentication = BasicAuthentication(realm: "here", users: ["eve": slow])
        }
      ]
    }
    try await withEngine(configuration, { $0.workers = 1 }) { engine in
      try await blocking {
        func wrong(_ encoded: String) throws -> TestClient {
          let client = try TestClient(port)
          try client.send(
            "GET /users HTTP/1.1\r\nHost: h\r\nAuthorization: Basic \(encoded)\r\n\r\n")
          return client
        }
        // `eve:1`, `nobody:2`, `eve:3`, `eve:4`.
        let clients = try ["ZXZlOjE=", "bm9ib2R5OjI=", "ZXZlOjM=", "ZXZlOjQ="].map(wrong)
        // They are with the worker before the next.
        #expect(try TestClient(port).get("/").status == 200)
        var byte: UInt8 = 0
        #expect(recv(clients[3].descriptor, &byte, 1, Int32(MSG_DONTWAIT)) == -1)
        let fifth = try wrong("ZXZlOjU=").response()
        #expect(fifth.status == 503 && fifth["retry-after"] == "1")
        for client in clients { #expect(try client.response().status == 401) }
      }
      #expect(engine.snapshot().servers[0].counts.requests == 6)
    }
  }

  @Test func `a request whose password was checked is read once more, and counted once`()
    async throws
  {
    let hash = "$5$atoll$sTxwlzJAvueuST9rJVrqCucEwQpRAqpyRI.olSI98L7"
    let backend = try echo()
    let port = freePort()
    let configuration = single(port, .http, [backend.port]) {
      $0.rules = [
        rule {
          $0.checks.rateLimit = RateLimit(requests: 1, period: .seconds(3600), burst: 2)
          $0.checks.authentication = BasicAuthentication(realm: "here", users: ["eve": hash])
        }
      ]
    }
    try await withEngine(configuration, { $0.workers = 1 }) { engine in
      let statuses = try await blocking {
        let client = try TestClient(port)
        // With content, and the next request behind it.
        let head = "POST / HTTP/1.1\r\nHost: h\r\nAuthorization: Basic ZXZlOnNlY3JldA==\r\n"
        let request = head + "Content-Length: 5\r\n\r\nhello"
        try client.send(request + request)
        let first = try [client.response(), client.response()]
        try client.send(request)
        return try first.map(\.status) + [client.response().status]
      }
      #expect(statuses == [200, 200, 429])
      let counts = engine.snapshot().servers[0].counts
      #expect(counts.requests == 3)
      #expect(counts.bytesIn == UInt64(3 * 91))
    }
  }

  @Test func `a rate is exact under several threads, and told with the time to wait`() async throws
  {
    let backend = try echo()
    let port = freePort()
    let configuration = single(port, .http, [backend.port]) {
      $0.rules = [
        rule {
          $0.checks.rateLimit = RateLimit(requests: 10, period: .seconds(3600), burst: 25)
        }
      ]
    }
    try await withEngine(configuration, { $0.workers = 2 }) { _ in
      let statuses = try await withThrowingTaskGroup(of: [TestResponse].self) { group in
        for _ in 0..<8 {
          group.addTask {
            try await blocking {
              let client = try TestClient(port)
              return try (0..<10).map { _ in try client.get() }
            }
          }
        }
        var all: [TestResponse] = []
        for try await part in group { all += part }
        return all
      }
      #expect(statuses.count { $0.status == 200 } == 25)
      #expect(statuses.count { $0.status == 429 } == 55)
      #expect(statuses.first { $0.status == 429 }?["retry-after"] == "360")
    }
  }

  @Test func `content beyond a limit is refused by its length, and when it has come without one`()
    async throws
  {
    let limit = rule { $0.checks.bodyLimit = 10 }
    for (request, status) in [
      ("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\n0123456789", 200),
      ("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 11\r\n\r\n0123456789", 413),
      (
        "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nb\r\n01234567890\r\n0\r\n\r\n",
        413
      ),
    ] {
      let response = try await answer([limit], request)
      #expect(response.status == status)
    }
  }

  // MARK: Cross-origin

  @Test func `a preflight is answered here, and a foreign origin gets no permission`() async throws
  {
    let cors = rule {
      $0.edits.cors = CrossOrigin(origins: ["https://*.a.example"], methods: ["GET", "PUT"])
      $0.edits.cors?.credentials = true
      $0.edits.cors?.maxAge = .seconds(600)
    }
    func request(_ method: String, _ origin: String, _ more: String = "") -> String {
      "\(method) / HTTP/1.1\r\nHost: h\r\nOrigin: \(origin)\r\n\(more)\r\n"
    }
    let asks = "Access-Control-Request-Method: PUT\r\nAccess-Control-Request-Headers: x-a\r\n"
    var response = try await answer([cors], request("OPTIONS", "https://w.a.example", asks))
    #expect(response.status == 204)
    #expect(response["access-control-allow-origin"] == "https://w.a.example")
    #expect(response["access-control-allow-methods"] == "GET, PUT")
    #expect(response["access-control-allow-headers"] == "x-a")
    #expect(response["access-control-max-age"] == "600")
    response = try await answer([cors], request("GET", "https://w.a.example"))
    #expect(response.status == 200)
    #expect(response["access-control-allow-credentials"] == "true")
    #expect(response["vary"] == "Origin")
    for origin in ["https://a.example", "http://w.a.example", "https://evil.example"] {
      response = try await answer([cors], request("GET", origin))
      #expect(response.status == 200 && response["access-control-allow-origin"] == nil)
    }
  }

  // MARK: Configuration

  @Test func `an expression that does not compile is told, and the last good rules go on`()
    async throws
  {
    let backend = try echo()
    let port = freePort()
    let good = single(port, .http, [backend.port]) { $0.rules = [rule(Self.respond("good"))] }
    try await withEngine(good) { engine in
      let bad = single(port, .http, [backend.port]) {
        $0.rules = [rule(Self.respond("bad")) { $0.match.path = .regex("/(") }]
      }
      let problems = engine.apply(bad)
      #expect(problems.map(\.field) == ["rules[0].match.path.regex"])
      #expect(problems.first?.found.contains("missing closing parenthesis") == true)
      let text = try await blocking { try TestClient(port).get().text }
      #expect(text == "good")
    }
  }
}

extension String {
  fileprivate func components(of part: String) -> Int {
    var count = 0
    var rest = self[...]
    while let found = rest.firstRange(of: part) {
      count += 1
      rest = rest[found.upperBound...]
    }
    return count
  }
}
