import Delivery
import Engine
import Glibc
import Linux
import NetTypes
import Synchronization
import Testing

@Suite struct ConfigurationTests {
  @Test func `a request in flight outlives its member and its virtual server`() async throws {
    let go = Atomic<Bool>(false)
    let backend = try httpBackend { _, client in
      while !go.load(ordering: .relaxed) { usleep(1000) }
      try client.answer("finished")
    }
    let port = freePort()
    try await withEngine(single(port, .http, [backend.port])) { engine in
      let client = try TestClient(port)
      try client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
      try await eventually("in flight") {
        engine.snapshot().pools[0].members[0].counts.activeConnections == 1
      }
      engine.apply(single(port, .http, []))
      engine.apply(DeliveryConfiguration())
      try await eventually("no longer listening") { (try? TestClient(port)) == nil }
      go.store(true, ordering: .relaxed)
      let response = try client.response()
      #expect(response.text == "finished")
      #expect(response["connection"] == "close")
      #expect(try client.receiveAll().isEmpty)
    }
  }

  @Test func `an engine that has stopped listens no more`() async throws {
    let backend = try namedBackend("a")
    let port = freePort()
    try await withEngine(single(port, .http, [backend.port])) { _ in
      _ = try await blocking { try TestClient(port).get().status }
    }
    try await eventually("refused") { (try? TestClient(port)) == nil }
    backend.kill()
  }

  @Test func `a member that drains keeps its connection and gets no new one`() async throws {
    let a = try TestServer { client in
      while case let part = try client.receive(), !part.isEmpty { try client.send(part) }
    }
    let b = try TestServer { client in
      try client.send("b")
      while case let part = try client.receive(), !part.isEmpty { try client.send(part) }
    }
    let port = freePort()
    try await withEngine(single(port, .tcp, [a.port])) { engine in
      let first = try TestClient(port)
      try first.send("1")
      #expect(try first.receive() == Array("1".utf8))
      var configuration = single(port, .tcp, [a.port, b.port])
      configuration.pools[0].members[0].state = .draining
      engine.apply(configuration)
      try await eventually("the new member is known") {
        engine.snapshot().pools[0].members.count == 2
      }
      let answers = try await blocking {
        try (0..<4).map { _ in try TestClient(port).receive() }
      }
      #expect(answers == Array(repeating: Array("b".utf8), count: 4))
      try first.send("2")
      #expect(try first.receive() == Array("2".utf8))
    }
  }

  @Test func `a bad object keeps its last good version, and others are applied`() async throws {
    let a = try namedBackend("a")
    let port = freePort()
    let other = freePort()
    try await withEngine(single(port, .http, [a.port])) { engine in
      var bad = single(port, .http, [a.port])
      bad.pools[0].members[0].weight = 0
      bad.pools.append(Pool(name: "second", members: [member(a.port)]))
      bad.virtualServers.append(
        VirtualServer(name: "other", address: home, port: other, protocol: .http, pool: "second"))
      let problems = engine.apply(bad)
      #expect(
        problems.map(\.field) == ["members[0].weight", "pool"])
      let texts = try await blocking {
        [try TestClient(port).get().text, try TestClient(other).get().text]
      }
      #expect(texts == ["a", "a"])
      var worse = bad
      worse.virtualServers[0].port = 0
      #expect(engine.apply(worse).contains { $0.field == "port" })
      let still = try await blocking { try TestClient(port).get().text }
      #expect(still == "a")
    }
  }

  @Test func `an address that is not there yet is bound all the same`() async throws {
    let configuration = DeliveryConfiguration(
      virtualServers: [
        VirtualServer(
          name: "v", address: .v4(IPv4Address(192, 0, 2, 77)), port: 80, protocol: .tcp, pool: "p")
      ], pools: [Pool(name: "p")])
    try await withEngine(configuration) { engine in
      #expect(engine.snapshot().servers.count == 1)
    }
  }

  @Test func `an address that is taken is a problem of its object alone`() async throws {
    let holder = try TestServer { _ in }
    let backend = try namedBackend("x")
    let port = freePort()
    try await withEngine(single(port, .http, [backend.port])) { engine in
      var configuration = single(port, .http, [backend.port])
      configuration.virtualServers.append(
        VirtualServer(name: "t", address: home, port: holder.port, protocol: .tcp, pool: "pool"))
      let problems = engine.apply(configuration)
      #expect(problems.map(\.object) == ["virtual server t"])
      #expect(problems.first?.found.contains("Address already in use") == true)
      let text = try await blocking { try TestClient(port).get().text }
      #expect(text == "x")
    }
  }

  @Test func `drain lets a request finish and then stops`() async throws {
    let backend = try httpBackend { _, client in
      usleep(200_000)
      try client.answer("done")
    }
    let port = freePort()
    try await withEngine(single(port, .http, [backend.port])) { engine in
      let client = try TestClient(port)
      try client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
      try await eventually("in flight") { engine.snapshot().servers[0].counts.requests == 1 }
      await engine.drain(.seconds(5))
      #expect(try client.response().text == "done")
      #expect((try? TestClient(port)) == nil)
    }
  }
}
