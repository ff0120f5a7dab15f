import Delivery
import Engine
import Glibc
import Linux
import NetTypes
import Synchronization
import Testing

/// Members that do what they must not: what the client sees, what is counted, and that nothing stays.
@Suite struct MisbehavingBackendTests {
  /// What a client got of one exchange.
  struct Seen: Equatable {
    var status: Int
    var text: String
    /// The connection ended within the response.
    var isCut = false
  }

  private func get(_ client: TestClient, _ request: String = plain) throws -> Seen {
    try client.send(request)
    let head = try client.receive(until: "\r\n\r\n")
    guard head.hasSuffix("\r\n\r\n") else { return Seen(status: 0, text: head, isCut: true) }
    let response = TestResponse(head: head)
    var seen = Seen(status: response.status, text: "")
    var body: [UInt8] = []
    let length = response["content-length"].flatMap { Int($0) } ?? Int.max
    while body.count < length {
      do {
        let part = try client.receive(min(65536, length - body.count))
        if part.isEmpty {
          seen.isCut = length != Int.max
          break
        }
        body += part
      } catch {
        seen.isCut = true
        break
      }
    }
    seen.text = String(decoding: body, as: UTF8.self)
    return seen
  }

  private func expect(
    _ expected: Seen, from backend: TestServer, failures: UInt64, memberFailures: UInt64
  ) async throws {
    let seen = Mutex<Seen?>(nil)
    try await with(backend) { port in
      let found = try get(TestClient(port))
      seen.withLock { $0 = found }
    } _: { snapshot in
      #expect(snapshot.servers[0].counts.failures == failures)
      #expect(snapshot.pools[0].members[0].counts.failures == memberFailures)
    }
    #expect(seen.withLock { $0 } == expected)
  }

  private func once(
    _ answer: String, then: @escaping @Sendable (TestClient) throws -> Void = { _ in }
  )
    throws -> TestServer
  {
    try TestServer { client in
      _ = try client.request()
      try client.send(answer)
      try then(client)
    }
  }

  @Test func `a Content-Length that is too long is cut for the client`() async throws {
    try await expect(
      Seen(status: 200, text: "hello", isCut: true),
      from: try once("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhello"), failures: 1,
      memberFailures: 1)
  }

  @Test func `a Content-Length that is too short ends the response, and the connection with it`()
    async throws
  {
    let backend = try httpBackend { _, client in
      try client.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\n\r\nevil")
    }
    try await with(backend) { port in
      let client = try TestClient(port)
      for _ in 0..<5 { #expect(try get(client) == Seen(status: 200, text: "ok")) }
    } _: { snapshot in
      #expect(snapshot.servers[0].counts.statuses == [0, 5, 0, 0, 0])
      #expect(snapshot.pools[0].members[0].counts.connections == 5)
    }
  }

  @Test func `garbage after a response, later on, is nobody's answer`() async throws {
    let backend = try httpBackend { _, client in
      try client.answer("ok")
      usleep(30_000)
      try client.send("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil")
    }
    try await with(backend) { port in
      let client = try TestClient(port)
      for _ in 0..<5 {
        #expect(try get(client) == Seen(status: 200, text: "ok"))
        usleep(80_000)
      }
    } _: { snapshot in
      #expect(snapshot.servers[0].counts.failures == 0)
      #expect(snapshot.pools[0].members[0].counts.connections == 5)
    }
  }

  @Test(arguments: [
    "HTTP/1.1 200 OK\r\nX: a\nSet-Cookie: b\r\nContent-Length: 2\r\n\r\nok",
    "HTTP/1.1 200 OK\r\nX: a\rSet-Cookie: b\r\nContent-Length: 2\r\n\r\nok",
    "HTTP/1.1 200 OK\r\nX: a\r\n folded\r\nContent-Length: 2\r\n\r\nok",
    "HTTP/1.1 200 OK\r\nX: a\0b\r\nContent-Length: 2\r\n\r\nok",
    "HTTP/1.1 200 OK\r\nContent-Length : 2\r\n\r\nok",
    "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok",
    "HTTP/1.1 200 OK\r\nContent-Length: 2, 2\r\n\r\nok", "HTTP/1.1 200 OK\nContent-Length: 2\n\nok",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n",
    "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "HTTP/1.1 2000 OK\r\n\r\n",
    "HTTP/1.1 20 OK\r\n\r\n", "HTTP/2.0 200 OK\r\n\r\n", "HTTP/1.1 200 a\nb\r\n\r\n",
    "\0\u{1}\u{2}",
  ])
  func `a head that could be split or read in two ways is a bad gateway`(_ answer: String)
    async throws
  {
    let backend = try once(answer)
    try await with(backend) { port in
      let seen = try get(TestClient(port))
      #expect(seen.status == 502)
      #expect(seen.text.contains("pool pool"))
    } _: { snapshot in
      #expect(snapshot.servers[0].counts.statuses == [0, 0, 0, 0, 1])
      #expect(snapshot.servers[0].counts.failures == 1)
    }
  }

  @Test func `a huge head is a bad gateway`() async throws {
    let long = String(repeating: "x", count: 70_000)
    let many = (0..<500).map { "X-\($0): y\r\n" }.joined()
    for fields in ["X: \(long)\r\n", many] {
      let backend = try once("HTTP/1.1 200 OK\r\n\(fields)Content-Length: 0\r\n\r\n")
      try await with(backend) { port in
        let seen = try get(TestClient(port))
        #expect(seen.status == 502)
      } _: {
        #expect($0.servers[0].counts.failures == 1)
      }
    }
  }

  @Test func `a reset within the body is cut for the client too`() async throws {
    let backend = try once("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhello") { client in
      usleep(20_000)
      var value = linger(l_onoff: 1, l_linger: 0)
      setsockopt(
        client.descriptor, SOL_SOCKET, SO_LINGER, &value, socklen_t(MemoryLayout<linger>.size))
    }
    try await expect(
      Seen(status: 200, text: "hello", isCut: true), from: backend, failures: 1,
      memberFailures: 1)
  }

  @Test func `a chunked body that ends early or is malformed is cut for the client too`()
    async throws
  {
    for rest in [
      "5\r\nhel", "zz\r\n", "5\r\nhelloXX", "5\r\nhello\r\n0\r\nContent-Length: 1\r\n\r\n",
    ] {
      let backend = try once("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n") {
        client in
        usleep(20_000)
        try client.send(rest)
      }
      try await with(backend) { port in
        let client = try TestClient(port)
        try client.send(plain)
        #expect(try client.receive(until: "abc\r\n").hasSuffix("3\r\nabc\r\n"))
        var all: [UInt8] = []
        while let part = try? client.receive(), !part.isEmpty { all += part }
        #expect(!String(decoding: all, as: UTF8.self).contains("0\r\n\r\n"))
      } _: {
        #expect($0.servers[0].counts.failures == 1)
      }
    }
  }

  @Test func `trailers pass`() async throws {
    let backend = try once(
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nX-Sum: 1\r\nX-End: 2\r\n\r\n"
    )
    try await with(backend) { port in
      let client = try TestClient(port)
      try client.send(plain)
      #expect(
        try client.receive(until: "X-End: 2\r\n\r\n").hasSuffix(
          "2\r\nok\r\n0\r\nX-Sum: 1\r\nX-End: 2\r\n\r\n"))
    } _: {
      #expect($0.servers[0].counts.failures == 0)
    }
  }

  @Test func `a flood of interim responses arrives in order, and does not pile up`() async throws {
    let count = 20_000
    let interim =
      "HTTP/1.1 103 Early Hints\r\nLink: <\(String(repeating: "x", count: 150))>\r\n\r\n"
    let backend = try TestServer { client in
      _ = try client.request()
      let block = String(repeating: interim, count: 100)
      for _ in 0..<(count / 100) { try client.send(block) }
      try client.answer("end", fields: "Connection: close\r\n")
    }
    try await with(backend) { port in
      let client = try TestClient(port, receiveBuffer: 8 << 10)
      try client.send(plain)
      usleep(100_000)
      var seen: [UInt8] = []
      while !seen.suffix(3).elementsEqual("end".utf8) {
        let part = try client.receive()
        if part.isEmpty { break }
        seen += part
      }
      let text = String(decoding: seen, as: UTF8.self)
      let whole = String(repeating: interim, count: count)
      #expect(text.utf8.starts(with: whole.utf8))
      #expect(text.dropFirst(whole.count).hasPrefix("HTTP/1.1 200 OK\r\n"))
      #expect(text.hasSuffix("\r\n\r\nend"))
    } _: { snapshot in
      #expect(snapshot.servers[0].counts.statuses == [UInt64(count), 1, 0, 0, 0])
    }
  }

  @Test func `interim responses without end end with the time for the answer`() async throws {
    let backend = try TestServer { client in
      _ = try client.request()
      while true {
        try client.send("HTTP/1.1 102 Processing\r\n\r\n")
        usleep(5000)
      }
    }
    try await with(backend, times { $0.firstByte = .milliseconds(300) }) { port in
      let client = try TestClient(port)
      try client.send(plain)
      #expect(try client.receive(until: "HTTP/1.1 504").hasSuffix("HTTP/1.1 504"))
    } _: { snapshot in
      #expect(snapshot.servers[0].counts.failures == 1)
      #expect(snapshot.pools[0].members[0].counts.failures == 1)
    }
  }

  @Test func `a member that shuts its sending side without an answer is a bad gateway`()
    async throws
  {
    let backend = try TestServer { client in
      _ = try client.request()
      client.shutdownWrite()
      _ = try client.receiveAll()
    }
    try await with(backend) { port in
      let client = try TestClient(port)
      #expect(
        try get(client, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\nx").status == 502)
    } _: {
      #expect($0.servers[0].counts.failures == 1)
    }
  }

  @Test func `an answer before the request has ended arrives, and the member is not used again`()
    async throws
  {
    let backend = try TestServer { client in
      _ = try client.receive(until: "\r\n\r\n")
      try client.answer("early")
      _ = try client.receiveAll()
    }
    try await with(backend) { port in
      let client = try TestClient(port)
      let seen = try get(client, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1000\r\n\r\nx")
      #expect(seen == Seen(status: 200, text: "early"))
      client.shutdownWrite()
      #expect(try client.receiveAll() == [])
    } _: {
      #expect($0.servers[0].counts.statuses == [0, 1, 0, 0, 0])
    }
  }

  @Test func `a member that reads nothing holds the client back, and its time ends`() async throws {
    let backend = try TestServer { client in
      while !isClosed(client.descriptor) { usleep(10_000) }
    }
    try await with(backend, times { $0.idle = .milliseconds(300) }) { port in
      let client = try TestClient(port)
      try client.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 100000000\r\n\r\n")
      var sent = 0
      let block = [UInt8](repeating: 1, count: 1 << 20)
      while sent < 100, (try? client.send(block)) != nil { sent += 1 }
      var all: [UInt8] = []
      while let part = try? client.receive(), !part.isEmpty { all += part }
      let text = String(decoding: all, as: UTF8.self)
      #expect(
        text.isEmpty || text.hasPrefix("HTTP/1.1 504") || text.hasPrefix("HTTP/1.1 408"), "\(text)")
    } _: { snapshot in
      #expect(snapshot.servers[0].counts.failures == 1)
      // What sockets and a buffer hold; the rest is thrown away after the answer.
      #expect(snapshot.servers[0].counts.bytesIn < 40 << 20)
    }
  }

  @Test func `a slow member's bytes pass one by one`() async throws {
    let answer = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
    let backend = try httpBackend { _, client in
      for byte in answer.utf8 {
        try client.send([byte])
        usleep(1000)
      }
    }
    try await with(backend) { port in
      let client = try TestClient(port)
      for _ in 0..<3 { #expect(try get(client) == Seen(status: 200, text: "hello")) }
    } _: { snapshot in
      #expect(snapshot.servers[0].counts.failures == 0)
      #expect(snapshot.pools[0].members[0].counts.connections == 1)
    }
  }
}
