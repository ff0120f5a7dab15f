import Delivery
import Engine
import Glibc
import Linux
import Testing

@Suite struct LatencyScaleTests {
  @Test func `buckets follow one another without a gap, and each time lies in its own`() {
    var next: UInt64 = 0
    for bucket in 0..<LatencyScale.count {
      let range = LatencyScale.range(of: bucket)
      #expect(range.lowerBound == next, "bucket \(bucket)")
      #expect(LatencyScale.bucket(of: range.lowerBound) == bucket)
      #expect(LatencyScale.bucket(of: range.upperBound - 1) == bucket)
      #expect((range.upperBound - range.lowerBound) * 16 <= max(16, range.lowerBound))
      next = range.upperBound
    }
    #expect(next == 1 << 27)
  }

  @Test(arguments: [UInt64(1) << 27, 1 << 40, .max])
  func `what is longer than the scale counts in the last bucket`(_ time: UInt64) {
    #expect(LatencyScale.bucket(of: time) == LatencyScale.count - 1)
  }

  @Test func `quantiles are within a thirty-second part, counts below powers of two exact`() throws
  {
    var times = LatencyDistribution()
    for time in UInt64(1)...10_000 { times.counts[LatencyScale.bucket(of: time)] += 1 }
    for (part, exact) in [(0.5, 5000.0), (0.9, 9000), (0.99, 9900), (1, 10_000)] {
      let found = try #require(times.quantile(part)) / .microseconds(1)
      #expect(abs(found - exact) <= exact / 32 + 1, "\(part): \(found)")
    }
    #expect(times.count(below: 10) == 1023)
    #expect(times.count(below: 13) == 8191)
    #expect(LatencyDistribution().quantile(0.5) == nil)
  }

  @Test func `what came between two moments is their difference`() {
    var early = LatencyDistribution()
    early.counts[20] = 4
    early.sum = 80
    var late = early
    late.counts[20] += 1
    late.counts[30] = 2
    late.sum += 81
    #expect(late.since(early).count == 3)
    #expect(late.since(early).sum == 81)
    // The object is another one that has the name now.
    #expect(early.since(late) == early)
  }
}

@Suite struct ObservationTests {
  @Test func `a slow answer is timed for the virtual server, the pool and the member`() async throws
  {
    let backend = try httpBackend { _, client in
      usleep(30_000)
      try client.send("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nsl")
      usleep(30_000)
      try client.send("ow")
    }
    let port = freePort()
    try await withEngine(single(port, .http, [backend.port])) { engine in
      let text = try await blocking { try TestClient(port).get().text }
      #expect(text == "slow")
      let snapshot = engine.snapshot()
      let pool = snapshot.pools[0]
      for times in [snapshot.servers[0].times, pool.times, pool.members[0].times] {
        #expect(times.total.count == 1)
        #expect(times.firstByte.count == 1)
        let total = try #require(times.total.quantile(1))
        let first = try #require(times.firstByte.quantile(1))
        #expect(total >= .milliseconds(58) && total < .seconds(9), "\(total)")
        // Buckets grow with what they hold: on a busy machine both may be in one.
        #expect(first >= .milliseconds(29) && first <= total, "\(first)")
      }
      #expect(pool.counts.statuses == [0, 1, 0, 0, 0])
      #expect(pool.counts.bytesOut == pool.members[0].counts.bytesOut)
      #expect(pool.counts.bytesOut == snapshot.servers[0].counts.bytesOut)
    }
  }

  @Test func `our own answers are timed too, and a client that leaves is counted as such`()
    async throws
  {
    let large = String(repeating: "x", count: 16 << 20)
    let backend = try httpBackend { _, client in try client.answer(large) }
    let port = freePort()
    try await withEngine(single(port, .http, [backend.port])) { engine in
      let status = try await blocking { () -> String in
        let fool = try TestClient(port)
        try fool.send("GET / HTTP/1.1\r\nHost : a\r\n\r\n")
        let answer = try fool.receive(until: "\r\n")
        let leaver = try TestClient(port)
        try leaver.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        _ = try leaver.receive(exactly: 1000)
        return answer
      }
      #expect(status.contains("400"))
      try await eventually("the client left") {
        engine.snapshot().servers[0].counts.aborted == 1
      }
      #expect(engine.snapshot().servers[0].times.total.count == 1)
    }
  }

  @Test func `a TCP connection is timed from accept to its end`() async throws {
    let backend = try TestServer { client in
      _ = try client.receive(until: "\n")
      try client.send("pong\n")
    }
    let port = freePort()
    try await withEngine(single(port, .tcp, [backend.port])) { engine in
      let answer = try await blocking { () -> String in
        let client = try TestClient(port)
        usleep(20_000)
        try client.send("ping\n")
        return try client.receive(until: "\n")
      }
      #expect(answer == "pong\n")
      try await eventually("closed") { engine.snapshot().servers[0].times.total.count == 1 }
      let times = engine.snapshot().pools[0].members[0].times
      #expect(try #require(times.firstByte.quantile(1)) >= .milliseconds(19))
    }
  }
}

@Suite struct RuntimeChangeTests {
  @Test func `a member that is disabled at run time gets nothing until it is enabled again`()
    async throws
  {
    let (a, b) = (try namedBackend("a"), try namedBackend("b"))
    let port = freePort()
    let configuration = single(port, .http, [a.port, b.port])
    try await withEngine(configuration, { $0.workers = 1 }) { engine in
      func answers() async throws -> Set<String> {
        try await blocking { try Set((0..<4).map { _ in try TestClient(port).get().text }) }
      }
      let address = member(a.port).socketAddress
      try engine.change(pool: "pool", member: address, to: RuntimeChange(state: .disabled))
      try await eventually("told") { engine.snapshot().pools[0].members[0].change != nil }
      #expect(try await answers() == ["b"])
      #expect(engine.snapshot().pools[0].members[0].state == .disabled)
      // The rest of the configuration may change meanwhile.
      var other = configuration
      other.virtualServers[0].timeouts.connect = .seconds(3)
      #expect(engine.apply(other).isEmpty)
      #expect(try await answers() == ["b"])
      try engine.change(pool: "pool", member: address, to: RuntimeChange(state: .enabled))
      #expect(engine.snapshot().pools[0].members[0].change == nil)
      #expect(try await answers() == ["a", "b"])
    }
  }

  @Test func `a runtime change ends with another configuration of its member`() async throws {
    let (a, b) = (try namedBackend("a"), try namedBackend("b"))
    var configuration = single(freePort(), .http, [a.port, b.port])
    configuration.pools[0].loadBalancing = .ratio
    try await withEngine(configuration) { engine in
      try engine.change(pool: "pool", member: nil, to: RuntimeChange(weight: 9))
      #expect(engine.snapshot().pools[0].members.map(\.weight) == [9, 9])
      configuration.pools[0].members[0].weight = 2
      #expect(engine.apply(configuration).isEmpty)
      #expect(engine.snapshot().pools[0].members.map(\.weight) == [2, 9])
    }
  }

  @Test func `what is not there is refused with what is`() async throws {
    let configuration = single(freePort(), .http, [1])
    try await withEngine(configuration) { engine in
      func refusal(_ body: () throws -> Void) -> String? {
        do {
          try body()
          return nil
        } catch {
          return "\(error)"
        }
      }
      let change = RuntimeChange(state: .draining)
      #expect(
        refusal { try engine.change(pool: "pol", member: nil, to: change) }
          == "pool pol: name is no such pool, expected one of pool")
      #expect(
        refusal { try engine.change(pool: "pool", member: member(2).socketAddress, to: change) }
          == "pool pool: member is no member 127.0.0.1:2, expected one of 127.0.0.1:1")
      #expect(
        refusal { try engine.change(pool: "pool", member: nil, to: RuntimeChange(weight: 0)) }
          == "pool pool: weight is 0, expected 1 to 256")
    }
  }
}
