import Delivery
import Engine
import Glibc
import Linux
import NetTypes
import Synchronization
import Testing

@Suite struct LimitTests {
  /// A member that answers when it is let, and counts what it has in hand.
  private final class Gate: Sendable {
    private let state = Mutex<(open: Bool, inHand: Int, most: Int)>((false, 0, 0))
    var inHand: Int { state.withLock { $0.inHand } }
    var most: Int { state.withLock { $0.most } }

    func open() { state.withLock { $0.open = true } }

    func pass() {
      state.withLock {
        $0.inHand += 1
        $0.most = max($0.most, $0.inHand)
      }
      while !state.withLock({ $0.open }) { usleep(1000) }
      state.withLock { $0.inHand -= 1 }
    }
  }

  private func gated(_ gate: Gate) throws -> TestServer {
    try httpBackend { request, client in
      gate.pass()
      try client.answer(request.line)
    }
  }

  /// Statuses of `count` clients that ask at the same time.
  private func ask(_ port: UInt16, _ count: Int) async throws -> [Int] {
    try await withThrowingTaskGroup(of: Int.self) { group in
      for number in 0..<count {
        group.addTask {
          try await blocking { try TestClient(port).get("/\(number)").status }
        }
      }
      var statuses: [Int] = []
      for try await status in group { statuses.append(status) }
      return statuses.sorted()
    }
  }

  @Test func `a member gets no more at a time than it may, over all workers; the rest waits`()
    async throws
  {
    let gate = Gate()
    let backend = try gated(gate)
    let port = freePort()
    var configuration = single(port, .http, [backend.port])
    configuration.pools[0].members[0].connectionLimit = 3
    configuration.pools[0].queueLength = 100
    configuration.pools[0].queueTimeout = .seconds(60)
    try await withEngine(configuration) { _ in
      let asking = Task { try await ask(port, 20) }
      try await eventually("three are there") { gate.inHand == 3 }
      try await Loop.sleep(.milliseconds(100))
      #expect(gate.most == 3)
      gate.open()
      #expect(try await asking.value == Array(repeating: 200, count: 20))
      #expect(gate.most <= 3)
    }
  }

  @Test func `beyond the queue, and after its time, requests are refused with the reason`()
    async throws
  {
    let gate = Gate()
    let backend = try gated(gate)
    let port = freePort()
    var configuration = single(port, .http, [backend.port])
    configuration.pools[0].members[0].connectionLimit = 1
    try await withEngine(configuration, { $0.workers = 1 }) { engine in
      let first = Task { try await ask(port, 1) }
      try await eventually("one is there") { gate.inHand == 1 }
      let refused = try await blocking { try TestClient(port).get() }
      #expect(refused.status == 503 && refused["retry-after"] == "1")
      #expect(refused.text.contains("its members have as many connections as they may"))

      configuration.pools[0].queueLength = 5
      configuration.pools[0].queueTimeout = .milliseconds(50)
      #expect(engine.apply(configuration).isEmpty)
      let late = try await blocking { try TestClient(port).get() }
      #expect(late.status == 503 && late.text.contains("no member had room in time"))
      gate.open()
      #expect(try await first.value == [200])
      // What gave up is not sent later.
      let next = try await blocking { try TestClient(port).get("/next").text }
      #expect(next == "GET /next HTTP/1.1")
    }
  }

  @Test func `a client that leaves the queue costs its member nothing`() async throws {
    let gate = Gate()
    let backend = try gated(gate)
    let port = freePort()
    var configuration = single(port, .http, [backend.port])
    configuration.pools[0].members[0].connectionLimit = 1
    configuration.pools[0].queueLength = 10
    configuration.pools[0].queueTimeout = .seconds(60)
    try await withEngine(configuration, { $0.workers = 1 }) { engine in
      let first = Task { try await ask(port, 1) }
      try await eventually("one is there") { gate.inHand == 1 }
      try await blocking {
        for _ in 0..<4 {
          let client = try TestClient(port)
          try client.send("GET /gone HTTP/1.1\r\nHost: h\r\n\r\n")
          usleep(20_000)
        }
      }
      let last = Task { try await ask(port, 1) }
      try await Loop.sleep(.milliseconds(50))
      gate.open()
      #expect(try await first.value + last.value == [200, 200])
      #expect(engine.snapshot().pools[0].members[0].counts.requests == 2)
    }
  }

  @Test func `a full member makes way for another of its pool`() async throws {
    let gate = Gate()
    let backend = try gated(gate)
    let free = try namedBackend("free")
    let port = freePort()
    var configuration = single(port, .http, [backend.port, free.port])
    configuration.pools[0].members[0].connectionLimit = 1
    try await withEngine(configuration, { $0.workers = 1 }) { _ in
      let first = Task { try await ask(port, 1) }
      try await eventually("one is there") { gate.inHand == 1 }
      let answers = try await blocking {
        try (0..<6).map { _ in try TestClient(port).get().text }
      }
      #expect(answers == Array(repeating: "free", count: 6))
      gate.open()
      #expect(try await first.value == [200])
    }
  }

  @Test func `a virtual server has no more clients than it may`() async throws {
    let backend = try namedBackend("a")
    let port = freePort()
    let configuration = single(port, .http, [backend.port]) { $0.connectionLimit = 2 }
    try await withEngine(configuration) { engine in
      try await blocking {
        let (one, two) = (try TestClient(port), try TestClient(port))
        #expect(try one.get().status == 200)
        #expect(try two.get().status == 200)
        #expect(throws: TestFailure.self) { try TestClient(port).get() }
        withExtendedLifetime((one, two)) {}
      }
      try await eventually("they have left") {
        engine.snapshot().servers[0].counts.activeConnections == 0
      }
      #expect(try await ask(port, 1) == [200])
    }
  }

  @Test func `an exchange that takes longer than it may is ended`() async throws {
    let slow = try TestServer { client in
      _ = try client.request()
      _ = try client.receiveAll()
    }
    let dripping = try TestServer { client in
      _ = try client.request()
      try client.send("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
      for _ in 0..<1000 {
        try client.send("x")
        usleep(10_000)
      }
    }
    for (backend, isAnswered) in [(slow, true), (dripping, false)] {
      let port = freePort()
      let configuration = single(port, .http, [backend.port]) {
        $0.timeouts.total = .milliseconds(200)
      }
      try await withEngine(configuration) { engine in
        let response = try await blocking { () -> TestResponse? in
          let client = try TestClient(port)
          try client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
          return try? client.response()
        }
        #expect(response?.status == (isAnswered ? 504 : nil))
        if isAnswered { #expect(response?.text.contains("longer than it may") == true) }
        #expect(engine.snapshot().servers[0].counts.failures == 1)
      }
    }
  }

  @Test func `retries are a part of the requests, not a multiple`() async throws {
    let backends = try (0..<2).map { _ in
      try TestServer { client in
        // Takes the request and dies: an idempotent one is sent again.
        _ = try client.request()
      }
    }
    let port = freePort()
    var configuration = single(port, .http, backends.map(\.port))
    configuration.pools[0].retryBudget = 10
    try await withEngine(configuration, { $0.workers = 1 }) { engine in
      let statuses = try await blocking {
        try (0..<200).map { _ in try TestClient(port).get().status }
      }
      #expect(statuses.allSatisfy { $0 == 502 })
      // A hundred in reserve, and a tenth of two hundred.
      #expect(engine.snapshot().servers[0].counts.retries <= 400)
      let taken = backends.reduce(0) { $0 + $1.accepted.load(ordering: .relaxed) }
      #expect((300...330).contains(taken), "\(taken)")
    }
  }
}
