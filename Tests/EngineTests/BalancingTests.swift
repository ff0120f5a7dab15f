import Delivery
import Engine
import Glibc
import Linux
import NetTypes
import Testing

/// Choices that need something of the request, or of the answers, through a whole engine.
@Suite struct BalancingTests {
  private func configuration(
    _ port: UInt16, _ backends: [TestServer], _ change: (inout Pool) -> Void
  ) -> DeliveryConfiguration {
    var configuration = single(port, .http, backends.map(\.port))
    change(&configuration.pools[0])
    return configuration
  }

  @Test(arguments: [
    (Pool.HashKey.path, "/item/KEY?x=1", ""),
    (.header("X-User"), "/", "x-user: KEY\r\n"),
    (.cookie("sid"), "/", "Cookie: a=1; sid=KEY; sidx=2\r\n"),
  ])
  func `requests with one key go to one member`(
    _ hash: Pool.HashKey, _ path: String, _ fields: String
  ) async throws {
    let backends = try ["a", "b", "c"].map { try namedBackend($0) }
    let port = freePort()
    let plan = configuration(port, backends) {
      $0.loadBalancing = .consistentHash
      $0.hash = hash
    }
    try await withEngine(plan) { _ in
      let answers = try await blocking {
        try (0..<60).map { number in
          let key = "user-\(number % 20)"
          return try TestClient(port).get(
            path.replacing("KEY", with: key), fields: fields.replacing("KEY", with: key)
          ).text
        }
      }
      #expect(Array(answers[0..<20]) == Array(answers[20..<40]))
      #expect(Array(answers[0..<20]) == Array(answers[40..<60]))
      #expect(Set(answers).count == 3, "\(answers[0..<20])")
    }
  }

  @Test func `a client's address is a key where nothing else is`() async throws {
    let backends = try ["a", "b", "c"].map { try namedBackend($0) }
    let port = freePort()
    let plan = configuration(port, backends) { $0.loadBalancing = .consistentHash }
    try await withEngine(plan) { _ in
      let answers = try await blocking {
        try (0..<12).map { _ in try TestClient(port).get().text }
      }
      #expect(Set(answers).count == 1)
    }
  }

  @Test func `the fastest member gets most requests`() async throws {
    let slow = try httpBackend { _, client in
      usleep(50_000)
      try client.answer("slow")
    }
    let fast = try namedBackend("fast")
    let port = freePort()
    let plan = configuration(port, [slow, fast]) { $0.loadBalancing = .fastest }
    try await withEngine(plan, { $0.workers = 1 }) { _ in
      let answers = try await blocking {
        let client = try TestClient(port)
        return try (0..<200).map { _ in try client.get().text }
      }
      // Nearly all, but on a machine that stalls for longer than the slow one takes.
      #expect(answers.count { $0 == "fast" } > 100)
      #expect(answers.contains("slow"))
    }
  }

  @Test func `a spare member is used only while the others are out`() async throws {
    let main = try namedBackend("main")
    let spare = try namedBackend("spare")
    let port = freePort()
    var plan = configuration(port, [main, spare]) { $0.members[0].priority = 10 }
    try await withEngine(plan) { engine in
      #expect(try await blocking { try TestClient(port).get().text } == "main")
      plan.pools[0].members[0].state = .draining
      engine.apply(plan)
      try await eventually("the spare is asked") {
        (try? TestClient(port).get().text) == "spare"
      }
    }
  }
}
