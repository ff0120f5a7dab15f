import Delivery
import Engine
import Glibc
import Linux
import NetTypes
import Testing

@Suite struct PersistenceTests {
  private func configuration(
    _ port: UInt16, _ backends: [TestServer], _ kind: Persistence.Kind,
    _ protocol: VirtualServer.TransportProtocol = .http
  ) -> DeliveryConfiguration {
    var plan = single(port, `protocol`, backends.map(\.port))
    plan.pools[0].persistence = Persistence(kind)
    return plan
  }

  private func cookie(_ response: TestResponse) -> String? {
    response["set-cookie"].map { String($0.prefix { $0 != ";" }) }
  }

  @Test func `a cookie names the member, and brings the client back from any connection`()
    async throws
  {
    let backends = try ["a", "b", "c"].map { try namedBackend($0) }
    let port = freePort()
    try await withEngine(configuration(port, backends, .cookie(Persistence.Cookie()))) { _ in
      try await blocking {
        for _ in 0..<6 {
          let first = try TestClient(port).get()
          let line = try #require(first["set-cookie"])
          #expect(line.hasSuffix("; Path=/; HttpOnly; SameSite=Lax"))
          let cookie = try #require(self.cookie(first))
          #expect(cookie.hasPrefix("atoll=") && cookie.utf8.count == 22)
          for _ in 0..<5 {
            let next = try TestClient(port).get(fields: "Cookie: x=y; \(cookie)\r\n")
            #expect(next.text == first.text)
            #expect(next["set-cookie"] == nil)
          }
        }
      }
    }
  }

  @Test func `a cookie that the edge did not make counts for nothing`() async throws {
    let backends = try ["a", "b"].map { try namedBackend($0) }
    let port = freePort()
    try await withEngine(configuration(port, backends, .cookie(Persistence.Cookie()))) { _ in
      try await blocking {
        for forged in ["", "AAAAAAAAAAAAAAAA", "127.0.0.1:\(backends[0].port)"] {
          let response = try TestClient(port).get(fields: "Cookie: atoll=\(forged)\r\n")
          #expect(response.status == 200 && response["set-cookie"] != nil)
        }
      }
    }
  }

  @Test func `a cookie holds across a change, and for a member that is drained`() async throws {
    let backends = try ["a", "b", "c"].map { try namedBackend($0) }
    let port = freePort()
    var plan = configuration(port, backends, .cookie(Persistence.Cookie()))
    try await withEngine(plan) { engine in
      let first = try await blocking { try TestClient(port).get() }
      let cookie = try #require(self.cookie(first))
      let own = try #require(["a", "b", "c"].firstIndex(of: first.text))
      plan.pools[0].members.reverse()
      plan.pools[0].members[2 - own].state = .draining
      #expect(engine.apply(plan).isEmpty)
      let (kept, others) = try await blocking {
        let kept = try (0..<4).map { _ in
          try TestClient(port).get(fields: "Cookie: \(cookie)\r\n").text
        }
        return (kept, try (0..<8).map { _ in try TestClient(port).get().text })
      }
      #expect(kept == Array(repeating: first.text, count: 4))
      #expect(!others.contains(first.text))
      plan.pools[0].members[2 - own].state = .disabled
      #expect(engine.apply(plan).isEmpty)
      let moved = try await blocking {
        try TestClient(port).get(fields: "Cookie: \(cookie)\r\n")
      }
      #expect(moved.text != first.text && moved["set-cookie"] != nil)
    }
  }

  @Test func `a member that fails loses its clients to another, which keeps them`() async throws {
    let backends = try ["a", "b"].map { try namedBackend($0) }
    let port = freePort()
    try await withEngine(configuration(port, backends, .cookie(Persistence.Cookie()))) { _ in
      try await blocking {
        let first = try TestClient(port).get()
        let cookie = try #require(self.cookie(first))
        backends[first.text == "a" ? 0 : 1].kill()
        let moved = try TestClient(port).get(fields: "Cookie: \(cookie)\r\n")
        #expect(moved.status == 200 && moved.text != first.text)
        #expect(self.cookie(moved) != nil && self.cookie(moved) != cookie)
      }
    }
  }

  @Test func `an address stays at its member over both workers, for HTTP and TCP`() async throws {
    for kind in [VirtualServer.TransportProtocol.http, .tcp] {
      let backends = try ["a", "b", "c"].map { try namedBackend($0) }
      let port = freePort()
      try await withEngine(configuration(port, backends, .source, kind)) { _ in
        let answers = try await blocking {
          try (0..<24).map { _ in try TestClient(port).get().text }
        }
        #expect(Set(answers).count == 1, "\(answers)")
      }
    }
  }

  @Test func `a header stays at its member`() async throws {
    let backends = try ["a", "b", "c"].map { try namedBackend($0) }
    let port = freePort()
    try await withEngine(configuration(port, backends, .header("X-Session"))) { _ in
      let answers = try await blocking {
        try (0..<12).map { session in
          try (0..<4).map { _ in
            try TestClient(port).get(fields: "X-Session: s\(session)\r\n").text
          }
        }
      }
      #expect(answers.allSatisfy { Set($0).count == 1 }, "\(answers)")
      #expect(Set(answers.map { $0[0] }).count > 1)
    }
  }
}
