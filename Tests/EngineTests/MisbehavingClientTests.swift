import Delivery
import Engine
import Glibc
import Linux
import NetTypes
import Synchronization
import Testing

/// Clients that do what they must not: the rest is served, and nothing stays.
@Suite struct MisbehavingClientTests {
  /// Sends a byte now and then, up to three seconds; what came back.
  private func drip(_ client: TestClient, _ text: String) -> String {
    for _ in 0..<150 {
      guard (try? client.send(text)) != nil, !isClosed(client.descriptor) else { break }
      usleep(20_000)
    }
    var all: [UInt8] = []
    while let part = try? client.receive(), !part.isEmpty { all += part }
    return String(decoding: all, as: UTF8.self)
  }

  @Test func `slowloris: heads that never end are ended in their time, others are served`()
    async throws
  {
    try await with(try namedBackend("x"), times { $0.header = .milliseconds(300) }) { port in
      let slow = try (0..<50).map { _ in
        let client = try TestClient(port)
        try client.send("GET / HTTP/1.1\r\nHost: h\r\n")
        return client
      }
      let dripping = try TestClient(port)
      try dripping.send("GET / HTTP/1.1\r\n")
      let answer = drip(dripping, "X: y\r\n")
      #expect(answer.hasPrefix("HTTP/1.1 408 "), "\(answer)")
      #expect(try TestClient(port).get().text == "x")
      for client in slow { #expect(try client.response().status == 408) }
    } _: { snapshot in
      #expect(snapshot.servers[0].counts.statuses == [0, 1, 0, 51, 0])
      #expect(snapshot.servers[0].counts.failures == 51)
    }
  }

  @Test func `slowloris: content that drips ends with the time for the whole`() async throws {
    let backend = try httpBackend { _, client in try client.answer("x") }
    try await with(backend, times { $0.total = .milliseconds(400) }) { port in
      let client = try TestClient(port)
      try client.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1000\r\n\r\n")
      #expect(drip(client, "x").hasPrefix("HTTP/1.1 504 "))
    } _: { snapshot in
      #expect(snapshot.servers[0].counts.failures == 1)
    }
  }

  @Test func `slowloris: content that stops is ended in its time`() async throws {
    let backend = try httpBackend { _, client in try client.answer("x") }
    try await with(backend, times { $0.idle = .milliseconds(200) }) { port in
      let client = try TestClient(port)
      try client.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1000\r\n\r\nabc")
      let status = try client.response().status
      #expect(status == 408 || status == 504)
    } _: { snapshot in
      #expect(snapshot.servers[0].counts.failures == 1)
    }
  }

  @Test func `a client that leaves within its response costs no failure`() async throws {
    let backend = try httpBackend { _, client in
      try client.send("HTTP/1.1 200 OK\r\nContent-Length: 50000000\r\n\r\n")
      for _ in 0..<500 { try client.send([UInt8](repeating: 1, count: 100_000)) }
    }
    try await with(backend) { port in
      for _ in 0..<20 {
        let client = try TestClient(port)
        try client.send(plain)
        _ = try client.receive(exactly: 100_000)
      }
    } _: { snapshot in
      #expect(snapshot.servers[0].counts.requests == 20)
      #expect(snapshot.servers[0].counts.failures == 0)
      #expect(snapshot.pools[0].members[0].counts.failures == 0)
    }
  }

  @Test func `a client that never reads is ended in its time, and its member freed`() async throws {
    let backend = try httpBackend { _, client in
      try client.send("HTTP/1.1 200 OK\r\nContent-Length: 50000000\r\n\r\n")
      for _ in 0..<500 { try client.send([UInt8](repeating: 1, count: 100_000)) }
    }
    try await with(backend, times { $0.idle = .milliseconds(200) }) { port in
      let clients = try (0..<10).map { _ in
        let client = try TestClient(port, receiveBuffer: 8 << 10)
        try client.send(plain)
        return client
      }
      for client in clients {
        // A reset is seen whatever waits to be read.
        for _ in 0..<1000 where !isClosed(client.descriptor) { usleep(10_000) }
        var count = 0
        while let part = try? client.receive(), !part.isEmpty { count += part.count }
        #expect(count < 50_000_000)
      }
    } _: { snapshot in
      #expect(snapshot.servers[0].counts.requests == 10)
      #expect(snapshot.servers[0].counts.statuses == [0, 10, 0, 0, 0])
    }
  }

  @Test func `a flood of pipelined requests is served in order, whoever reads`() async throws {
    let count = 20_000
    let backend = try httpBackend { request, client in
      try client.answer(String(request.line.split(separator: " ")[1]))
    }
    try await with(backend) { port in
      let flood = try TestClient(port)
      let writer = flood.descriptor
      spawn {
        let text = (0..<count).map { "GET /\($0) HTTP/1.1\r\nHost: h\r\n\r\n" }.joined()
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
          let sent = rest.withUnsafeBytes {
            send(writer, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
          }
          if sent <= 0 { return }
          rest = rest.dropFirst(sent)
        }
      }
      // Another client is not kept waiting for it.
      #expect(try TestClient(port).get("/other").text == "/other")
      let reader = BufferedClient(flood)
      for number in 0..<count {
        let text = try reader.body()
        if text != "/\(number)" {
          Issue.record("\(number): \(text)")
          break
        }
      }
    } _: { snapshot in
      #expect(snapshot.servers[0].counts.requests == UInt64(count + 1))
      #expect(snapshot.servers[0].counts.statuses == [0, UInt64(count + 1), 0, 0, 0])
    }
  }

  @Test func `a flood of pipelined requests by a client that never reads stops at its sockets`()
    async throws
  {
    let served = Mutex(0)
    let backend = try httpBackend { _, client in
      served.withLock { $0 += 1 }
      try client.answer(String(repeating: "x", count: 10_000))
    }
    try await with(backend, times { $0.idle = .milliseconds(300) }) { port in
      let client = try TestClient(port, receiveBuffer: 8 << 10)
      let block = String(repeating: plain, count: 1000)
      var sent = 0
      while sent < 500, (try? client.send(block)) != nil { sent += 1 }
      #expect(sent < 500)
      // Some megabytes of answers lie in sockets; the rest was never asked for.
      #expect(served.withLock { $0 } < 5000)
    } _: { snapshot in
      #expect(snapshot.servers[0].counts.activeConnections == 0)
    }
  }

  @Test func `empty lines without end are no way to keep a connection`() async throws {
    try await with(try namedBackend("x"), times { $0.header = .milliseconds(300) }) { port in
      let answer = drip(try TestClient(port), "\r\n")
      #expect(answer.isEmpty || answer.hasPrefix("HTTP/1.1 4"), "\(answer)")
      let flood = try TestClient(port)
      try? flood.send(String(repeating: "\r\n", count: 100_000))
      let status = (try? flood.response().status) ?? 0
      #expect(status == 431 || status == 0)
    } _: { snapshot in
      #expect(snapshot.servers[0].counts.statuses[1] == 0)
    }
  }
}

/// Reads many responses without a system call for each byte.
private final class BufferedClient {
  private let client: TestClient
  private var input: [UInt8] = []
  private var position = 0

  init(_ client: TestClient) { self.client = client }

  private func more() throws {
    input.removeFirst(position)
    position = 0
    let part = try client.receive()
    guard !part.isEmpty else { throw TestFailure("closed") }
    input += part
  }

  func body() throws -> String {
    while true {
      if let end = endOfHead() {
        let head = String(decoding: input[position..<end], as: UTF8.self)
        let length = TestResponse(head: head)["content-length"].flatMap { Int($0.trimmed) } ?? 0
        while input.count < end + length { try moreKeeping() }
        defer { position = end + length }
        return String(decoding: input[end..<(end + length)], as: UTF8.self)
      }
      try more()
    }
  }

  private func moreKeeping() throws {
    let part = try client.receive()
    guard !part.isEmpty else { throw TestFailure("closed") }
    input += part
  }

  private func endOfHead() -> Int? {
    var index = position
    while index + 4 <= input.count {
      if input[index] == 13, input[index + 1] == 10, input[index + 2] == 13, input[index + 3] == 10
      {
        return index + 4
      }
      index += 1
    }
    return nil
  }
}

extension String {
  fileprivate var trimmed: String { filter { !$0.isWhitespace } }
}
