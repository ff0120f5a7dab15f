import Delivery
import Engine
import Glibc
import Linux
import NetTypes
import Synchronization
import Testing

/// Clients that repeat GET until told to stop, and what went wrong for them.
final class Load: Sendable {
  private let running = Atomic<Bool>(true)
  private let ended = Atomic<Int>(0)
  let requests = Atomic<Int>(0)
  let failures = Mutex<[String]>([])
  private let clients: Int

  init(_ port: UInt16, clients: Int) {
    self.clients = clients
    for _ in 0..<clients {
      spawn { [self] in
        var client: TestClient?
        while running.load(ordering: .relaxed) {
          do {
            let open = try client ?? TestClient(port)
            let response = try open.get()
            requests.add(1, ordering: .relaxed)
            if response.status != 200 {
              failures.withLock { $0.append("\(response.status) \(response.text)") }
            }
            client = response["connection"] == "close" ? nil : open
          } catch {
            failures.withLock { $0.append("\(error)") }
            client = nil
            // Where nobody listens any more, not all of the machine.
            usleep(1000)
          }
        }
        ended.add(1, ordering: .releasing)
      }
    }
  }

  /// Also what a test that fails must leave behind: no thread that goes on.
  func end() { running.store(false, ordering: .relaxed) }

  @Loop func stop() async throws -> [String] {
    end()
    try await eventually("clients end") { self.ended.load(ordering: .acquiring) == self.clients }
    return failures.withLock { $0 }
  }

  @Loop func more(_ count: Int) async throws {
    let goal = requests.load(ordering: .relaxed) + count
    try await eventually("\(count) more requests") {
      self.requests.load(ordering: .relaxed) >= goal
    }
  }
}

@Suite(.serialized) struct UnderLoadTests {
  @Test func `a member that is killed and returns fails no request`() async throws {
    let stay = [try namedBackend("a"), try namedBackend("b")]
    let dies = Mutex(try namedBackend("c"))
    let diePort = dies.withLock { $0.port }
    let port = freePort()
    let monitor = Monitor(kind: .tcp, interval: .milliseconds(50))
    let configuration = single(port, .http, stay.map(\.port) + [diePort], monitor: monitor)
    try await withEngine(configuration) { engine in
      let load = Load(port, clients: 8)
      defer { load.end() }
      for _ in 0..<3 {
        try await load.more(300)
        dies.withLock { $0.kill() }
        try await eventually("down") { !engine.snapshot().pools[0].members[2].isUp }
        try await load.more(300)
        try await eventually("bound again") {
          dies.withLock { slot in
            guard let server = try? namedBackend("c", port: diePort) else { return false }
            slot = server
            return true
          }
        }
        try await eventually("up") { engine.snapshot().pools[0].members[2].isUp }
      }
      try await load.more(300)
      #expect(try await load.stop() == [])
      #expect(engine.snapshot().pools[0].members[2].counts.statuses[1] > 0)
    }
  }

  @Test func `configuration that changes all the time fails no request`() async throws {
    let backends = try (0..<4).map { try namedBackend("\($0)") }
    let port = freePort()
    try await withEngine(single(port, .http, backends.map(\.port))) { engine in
      let load = Load(port, clients: 8)
      defer { load.end() }
      var random = SeededRandom(seed: 7)
      for step in 0..<60 {
        let some = backends.map(\.port).shuffled(using: &random).prefix(1 + step % 4)
        var configuration = single(port, .http, Array(some)) { server in
          if step % 5 == 0 {
            server.pool = nil
            server.routes = [HTTPRoute(host: "h", pool: "pool")]
          }
        }
        configuration.pools[0].loadBalancing =
          Pool.LoadBalancing.allCases[step % Pool.LoadBalancing.allCases.count]
        #expect(engine.apply(configuration) == [])
        try await load.more(20)
      }
      #expect(try await load.stop() == [])
    }
  }

  /// Its listening sockets pass on to the one that has its address now.
  @Test func `a virtual server renamed, or with another protocol, under load fails no request`()
    async throws
  {
    let backend = try namedBackend("x")
    let port = freePort()
    try await withEngine(single(port, .http, [backend.port])) { engine in
      let load = Load(port, clients: 4)
      defer { load.end() }
      for step in 0..<10 {
        try await load.more(50)
        let next = single(port, step % 3 == 2 ? .tcp : .http, [backend.port]) { server in
          server.name = "vs\(step / 2)"
        }
        #expect(engine.apply(next) == [])
      }
      try await load.more(50)
      #expect(try await load.stop() == [])
    }
  }
}
