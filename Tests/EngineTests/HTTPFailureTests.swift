import Delivery
import Engine
import Glibc
import Linux
import NetTypes
import Synchronization
import Testing

@Suite struct HTTPFailureTests {
  @Test func `what cannot be served gets a status and a line that says why`() async throws {
    let port = freePort()
    let closed = freePort()
    let backend = try namedBackend("x")
    let configuration = DeliveryConfiguration(
      virtualServers: [
        VirtualServer(
          name: "web", address: home, port: port, protocol: .http,
          routes: [
            HTTPRoute(host: "up.example", path: .prefix("/a"), pool: "up"),
            HTTPRoute(host: "down.example", pool: "down"),
            HTTPRoute(host: "empty.example", pool: "empty"),
          ])
      ],
      pools: [
        Pool(name: "up", members: [member(backend.port)]),
        // A first probe in hours: only the traffic, and then the probe that it brings on, tell.
        Pool(
          name: "down", members: [member(closed)],
          monitor: Monitor(kind: .tcp, interval: .seconds(360_000))),
        Pool(name: "empty"),
      ])
    try await withEngine(configuration) { engine in
      let answers = try await blocking {
        let client = try TestClient(port)
        return try [
          ("up.example", "/a/b"), ("up.example", "/b"), ("other", "/a"), ("down.example", "/"),
          ("empty.example", "/"), ("up.example", "/a"),
        ].map { host, path in
          let response = try client.get(path, host: host)
          return "\(response.status) \(response.text)"
        }
      }
      #expect(
        answers == [
          "200 x", "404 virtual server web: no route for this host and path\n",
          "404 virtual server web: no route for this host and path\n",
          "502 virtual server web: pool down: no member could be reached: Connection refused\n",
          "503 virtual server web: pool empty has no member\n", "200 x",
        ])
      try await eventually("member is down") { !engine.snapshot().pools[1].members[0].isUp }
      #expect(
        engine.snapshot().pools[1].members[0].reason == "connect: Connection refused")
    }
  }

  @Test(arguments: [
    ("GET / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
    ("GET / HTTP/1.1\r\n\r\n", 400), ("GET / HTTP/3.0\r\n\r\n", 505),
    ("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: gzip\r\n\r\n", 501),
    ("CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n", 405),
    ("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", 400),
    ("GET / HTTP/1.1\r\nHost: h\r\nX: \(String(repeating: "x", count: 40000))\r\n\r\n", 431),
    ("GET /\(String(repeating: "x", count: 20000)) HTTP/1.1\r\nHost: h\r\n\r\n", 414),
  ])
  func `a bad request is answered, and its connection closed`(
    _ text: String, _ status: Int
  ) async throws {
    let backend = try namedBackend("x")
    let port = freePort()
    try await withEngine(single(port, .http, [backend.port])) { _ in
      let (response, rest) = try await blocking {
        let client = try TestClient(port)
        try client.send(text + "GET /smuggled HTTP/1.1\r\nHost: h\r\n\r\n")
        let response = try client.response()
        return (response, try client.receiveAll())
      }
      #expect(response.status == status)
      #expect(response["connection"] == "close")
      #expect(rest.isEmpty)
    }
  }

  @Test func `a refused connection goes to another member and takes the first one out`()
    async throws
  {
    let good = try namedBackend("good")
    let port = freePort()
    let closed = freePort()
    try await withEngine(single(port, .http, [closed, good.port]), { $0.workers = 1 }) { engine in
      let answers = try await blocking {
        let client = try TestClient(port)
        return try (0..<4).map { _ in
          try client.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nab")
          return try client.response().text
        }
      }
      #expect(answers == ["good", "good", "good", "good"])
      #expect(engine.snapshot().pools[0].members[0].counts.failures >= 1)
    }
  }

  @Test func `a pooled connection that the member closed costs one retry and no failure`()
    async throws
  {
    // Closes each connection with the second request, unanswered.
    let backend = try TestServer { client in
      _ = try client.request()
      try client.answer("ok")
      _ = try client.request()
    }
    let port = freePort()
    try await withEngine(single(port, .http, [backend.port])) { engine in
      let answers = try await blocking {
        let client = try TestClient(port)
        return try (0..<20).map { _ in try client.get().text }
      }
      #expect(answers == Array(repeating: "ok", count: 20))
      #expect(engine.snapshot().servers[0].counts.retries == 19)
    }
  }

  @Test func `a POST that a member may have seen is not sent again`() async throws {
    let backend = try TestServer { client in
      _ = try client.request()
      try client.answer("ok")
      _ = try client.request()
    }
    let port = freePort()
    try await withEngine(single(port, .http, [backend.port])) { _ in
      let statuses = try await blocking {
        let client = try TestClient(port)
        return try (0..<2).map { _ in
          try client.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nab")
          return try client.response().status
        }
      }
      #expect(statuses == [200, 502])
      #expect(backend.accepted.load(ordering: .relaxed) == 1)
    }
  }

  @Test(arguments: [
    ("", 502), ("HTTP/1.1 200 OK\r\nContent-", 502), ("nonsense\r\n\r\n", 502),
    ("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 502),
    ("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n", 502),
  ])
  func `a member that does not answer properly is a bad gateway`(
    _ answer: String, _ status: Int
  ) async throws {
    let backend = try TestServer { client in
      _ = try client.request()
      try client.send(answer)
    }
    let port = freePort()
    try await withEngine(single(port, .http, [backend.port])) { _ in
      let found = try await blocking { try TestClient(port).get().status }
      #expect(found == status)
    }
  }

  @Test func `a response that is cut short is cut for the client too`() async throws {
    let backend = try TestServer { client in
      _ = try client.request()
      try client.send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly this")
    }
    let port = freePort()
    try await withEngine(single(port, .http, [backend.port])) { _ in
      let cut = try await blocking {
        let client = try TestClient(port)
        do {
          _ = try client.get()
          return false
        } catch { return true }
      }
      #expect(cut)
    }
  }

  @Test func `time limits answer 504 and 408 and close what idles`() async throws {
    let backend = try TestServer { client in
      _ = try client.request()
      _ = try client.request()
    }
    let port = freePort()
    let configuration = single(port, .http, [backend.port]) { server in
      server.timeouts.firstByte = .milliseconds(100)
      server.timeouts.header = .milliseconds(100)
      server.timeouts.idle = .milliseconds(300)
    }
    try await withEngine(configuration) { _ in
      let (slow, half, content, idle) = try await blocking {
        let slow = try TestClient(port).get().status
        let client = try TestClient(port)
        try client.send("GET / HTT")
        let half = try client.response().status
        let sender = try TestClient(port)
        try sender.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\nabc")
        let content = try sender.response().status
        return (slow, half, content, try TestClient(port).receiveAll())
      }
      #expect(slow == 504)
      #expect(half == 408)
      #expect(content == 408 || content == 504)
      #expect(idle.isEmpty)
    }
  }

  @Test func `an answer before the whole request ends the connection in order`() async throws {
    let backend = try TestServer { client in
      _ = try client.receive(until: "\r\n\r\n")
      try client.answer(
        "too large", status: "413 Content Too Large", fields: "Connection: close\r\n")
    }
    let port = freePort()
    try await withEngine(single(port, .http, [backend.port])) { _ in
      let response = try await blocking {
        let client = try TestClient(port)
        try client.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 100000000\r\n\r\n")
        return try client.response()
      }
      #expect(response.status == 413)
      #expect(response.text == "too large")
    }
  }

  @Test(.enabled(if: geteuid() == 0, "ICMP sockets need CAP_NET_RAW"))
  func `an ICMP monitor hears the host's echo`() async throws {
    let port = freePort()
    let backend = try namedBackend("x")
    let monitor = Monitor(
      kind: .icmp, interval: .milliseconds(20), timeout: .seconds(2), rise: 1, fall: 1)
    var configuration = single(port, .http, [backend.port], monitor: monitor)
    configuration.pools[0].members.append(
      Member(address: .v4(IPv4Address(127, 9, 9, 9)), port: 1))
    try await withEngine(configuration) { engine in
      // A traffic failure takes it out; only an echo can bring it back.
      try await eventually("ejected") {
        _ = try? TestClient(port).get()
        return !engine.snapshot().pools[0].members[1].isUp
      }
      try await eventually("back") { engine.snapshot().pools[0].members[1].isUp }
    }
  }

  @Test(arguments: ["h2c", "websocket, H2C", "TLS/1.0, HTTP/1.1"])
  func `an upgrade to HTTP or TLS inside the connection is not passed on`(
    _ name: String
  ) async throws {
    let backend = try httpBackend { request, client in try client.answer(request["upgrade"] ?? "-")
    }
    let port = freePort()
    try await withEngine(single(port, .http, [backend.port])) { _ in
      let text = try await blocking {
        try TestClient(port).get(fields: "Connection: Upgrade\r\nUpgrade: \(name)\r\n").text
      }
      #expect(text == "-")
    }
  }

  @Test func `clients that go away leave nothing behind`() async throws {
    let backend = try httpBackend { _, client in
      try client.send("HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
      for _ in 0..<10 { try client.send([UInt8](repeating: 1, count: 100_000)) }
    }
    let port = freePort()
    try await withEngine(single(port, .http, [backend.port])) { engine in
      try await blocking {
        for step in 0..<60 {
          let client = try TestClient(port)
          switch step % 4 {
          case 0: break
          case 1: try client.send("GET / HT")
          case 2: try client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
          default:
            try client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
            _ = try client.receive(1000)
          }
        }
      }
      try await eventually("all closed") {
        engine.snapshot().servers[0].counts.activeConnections == 0
          && engine.snapshot().pools[0].members[0].counts.activeConnections == 0
      }
    }
  }

  @Test func `clients beyond the limit wait for a free place`() async throws {
    let backend = try namedBackend("x")
    let port = freePort()
    try await withEngine(
      single(port, .http, [backend.port]),
      {
        $0.workers = 1
        $0.connectionsPerWorker = 16
      }
    ) { _ in
      let answers = try await blocking {
        var clients = try (0..<40).map { _ in try TestClient(port) }
        for client in clients {
          try client.send("GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
        }
        var answers = 0
        while !clients.isEmpty {
          answers += try clients.removeFirst().response().text == "x" ? 1 : 0
        }
        return answers
      }
      #expect(answers == 40)
    }
  }

  @Test func `without a free place who rests longest makes way, and monitors and control go on`()
    async throws
  {
    let backends = try (0..<2).map { try namedBackend("\($0)") }
    let port = freePort()
    let monitor = Monitor(kind: .tcp, interval: .milliseconds(50), rise: 1, fall: 1)
    try await withEngine(
      single(port, .http, backends.map(\.port), monitor: monitor),
      {
        $0.workers = 1
        $0.connectionsPerWorker = 16
      }
    ) { engine in
      let held = try await blocking {
        // As many as there are places for.
        Held(
          try (0..<7).map { _ in
            let client = try TestClient(port)
            _ = try client.get()
            usleep(20_000)
            return client
          })
      }
      // Whoever has rested for less than a second stays.
      try await Loop.sleep(.milliseconds(1200))
      let texts = try await blocking {
        _ = try held.clients[6].get()
        return try (0..<3).map { _ in try TestClient(port).get().status }
      }
      #expect(texts == [200, 200, 200])
      #expect(engine.snapshot().servers[0].counts.reaped > 0)
      // The first is gone; the one that has just asked is not.
      try await blocking {
        let rest = try held.clients[0].receiveAll()
        let status = try held.clients[6].get().status
        #expect(rest.isEmpty && status == 200)
      }
      backends[0].kill()
      try await eventually("its end is noticed") {
        engine.snapshot().pools[0].members.map(\.isUp) == [false, true]
      }
      #expect(engine.apply(single(port, .http, [backends[1].port], monitor: monitor)) == [])
    }
    backends[1].kill()
  }

  @Test func `monitors take members out and bring them back`() async throws {
    let healthy = Atomic<Bool>(true)
    let backend = try httpBackend { request, client in
      if request.line.hasPrefix("GET /health") {
        try client.answer(
          "", status: healthy.load(ordering: .relaxed) ? "200 OK" : "503 Service Unavailable")
      } else {
        try client.answer("served")
      }
    }
    let port = freePort()
    let monitor = Monitor(
      kind: .http, path: "/health", interval: .milliseconds(20), timeout: .seconds(60), rise: 2,
      fall: 2)
    try await withEngine(single(port, .http, [backend.port], monitor: monitor)) { engine in
      let first = try await blocking { try TestClient(port).get().status }
      #expect(first == 200)
      healthy.store(false, ordering: .relaxed)
      try await eventually("down") { !engine.snapshot().pools[0].members[0].isUp }
      #expect(
        engine.snapshot().pools[0].members[0].reason == "status 503, expected 200 to 399")
      let second = try await blocking { try TestClient(port).get() }
      #expect(second.text == "virtual server vs: pool pool has no available member\n")
      healthy.store(true, ordering: .relaxed)
      try await eventually("up") { engine.snapshot().pools[0].members[0].isUp }
      let third = try await blocking { try TestClient(port).get().text }
      #expect(third == "served")
    }
  }
}

/// Clients that only one thread uses at a time.
private final class Held: @unchecked Sendable {
  let clients: [TestClient]
  init(_ clients: [TestClient]) { self.clients = clients }
}
