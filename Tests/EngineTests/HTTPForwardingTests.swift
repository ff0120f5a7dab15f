import Delivery
import Engine
import Glibc
import Linux
import NetTypes
import Synchronization
import Testing

@Suite struct HTTPForwardingTests {
  @Test func `requests of one connection are spread over the members and keep both sides open`()
    async throws
  {
    let a = try namedBackend("a")
    let b = try namedBackend("b")
    let port = freePort()
    try await withEngine(single(port, .http, [a.port, b.port]), { $0.workers = 1 }) { engine in
      let answers = try await blocking {
        let client = try TestClient(port)
        return try (0..<10).map { _ in try client.get().text }
      }
      #expect(answers == ["a", "b", "a", "b", "a", "b", "a", "b", "a", "b"])
      #expect(a.accepted.load(ordering: .relaxed) == 1)
      #expect(b.accepted.load(ordering: .relaxed) == 1)
      let counts = engine.snapshot().servers[0].counts
      #expect(counts.requests == 10)
      #expect(counts.statuses == [0, 10, 0, 0, 0])
      #expect(counts.connections == 1)
    }
  }

  @Test func `the member sees the request without hop-by-hop fields and with the forwarded ones`()
    async throws
  {
    let backend = try httpBackend { request, client in try client.answer(request.head) }
    let port = freePort()
    try await withEngine(single(port, .http, [backend.port])) { _ in
      let head = try await blocking {
        let client = try TestClient(port)
        return try client.get(
          "/p?q", host: "site.example",
          fields:
            "X-Keep: 1 \r\nConnection: keep-alive, X-Drop, Host\r\nX-Drop: 2\r\nKeep-Alive: 5\r\nTE: trailers\r\nX-Forwarded-For: 9.9.9.9\r\nX-Forwarded-Proto: https\r\nAccept: */*\r\n"
        ).text
      }
      #expect(
        head
          == "GET /p?q HTTP/1.1\r\nHost: site.example\r\nX-Keep: 1 \r\nAccept: */*\r\nX-Forwarded-For: 9.9.9.9, 127.0.0.1\r\nX-Forwarded-Proto: http\r\nX-Forwarded-Host: site.example\r\n\r\n"
      )
    }
  }

  @Test func `an absolute target becomes origin form with its own Host`() async throws {
    let backend = try httpBackend { request, client in try client.answer(request.head) }
    let port = freePort()
    try await withEngine(single(port, .http, [backend.port])) { _ in
      let head = try await blocking {
        try TestClient(port).get("http://real.example?x", host: "other").text
      }
      #expect(head.hasPrefix("GET /?x HTTP/1.1\r\nHost: real.example\r\nX-Forwarded-For"))
      #expect(!head.contains("other"))
    }
  }

  @Test func `pipelined requests are answered in order`() async throws {
    let backend = try httpBackend { request, client in
      try client.answer(String(request.line.split(separator: " ")[1]))
    }
    let port = freePort()
    try await withEngine(single(port, .http, [backend.port])) { _ in
      let answers = try await blocking {
        let client = try TestClient(port)
        try client.send(
          (0..<50).map {
            $0 % 3 == 0
              ? "POST /\($0) HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc"
              : "GET /\($0) HTTP/1.1\r\nHost: h\r\n\r\n"
          }.joined())
        return try (0..<50).map { _ in try client.response().text }
      }
      #expect(answers == (0..<50).map { "/\($0)" })
    }
  }

  @Test func `a request that comes byte by byte is understood`() async throws {
    let backend = try httpBackend { request, client in
      try client.answer(String(decoding: request.body, as: UTF8.self))
    }
    let port = freePort()
    try await withEngine(single(port, .http, [backend.port])) { _ in
      let answers = try await blocking {
        let client = try TestClient(port)
        let text =
          "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhelloPOST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nX-T: 1\r\n\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n"
        for byte in text.utf8 { try client.send([byte]) }
        return try (0..<3).map { _ in try client.response().text }
      }
      #expect(answers == ["hello", "abcde", ""])
    }
  }

  @Test(arguments: [false, true])
  func `ten mebibytes pass in both directions unharmed`(_ chunked: Bool) async throws {
    let data = pattern(10 << 20)
    let backend = try httpBackend { request, client in
      guard chunked else {
        try client.send("HTTP/1.1 200 OK\r\nContent-Length: \(request.body.count)\r\n\r\n")
        return try client.send(request.body)
      }
      try client.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
      var rest = request.body[...]
      while !rest.isEmpty {
        let part = rest.prefix(70_001)
        rest = rest.dropFirst(70_001)
        try client.send("\(String(part.count, radix: 16))\r\n")
        try client.send(Array(part) + [13, 10])
      }
      try client.send("0\r\n\r\n")
    }
    let port = freePort()
    try await withEngine(single(port, .http, [backend.port])) { _ in
      let (same, again) = try await blocking {
        let client = try TestClient(port)
        let framing = chunked ? "Transfer-Encoding: chunked" : "Content-Length: \(data.count)"
        try client.send("POST / HTTP/1.1\r\nHost: h\r\n\(framing)\r\n\r\n")
        if chunked {
          try client.send("\(String(data.count, radix: 16))\r\n")
          try client.send(data + Array("\r\n0\r\n\r\n".utf8))
          _ = try client.receive(until: "\r\n\r\n")
          let body = try client.chunks()
          return (body == data, try client.get().status)
        }
        try client.send(data)
        return (try client.response().body == data, try client.get().status)
      }
      #expect(same)
      #expect(again == 200)
    }
  }

  @Test func `a client that reads slowly holds the member back, not the engine's memory`()
    async throws
  {
    let sent = Mutex(0)
    let backend = try TestServer { client in
      _ = try client.request()
      try client.send("HTTP/1.1 200 OK\r\nContent-Length: \(64 << 20)\r\n\r\n")
      let block = [UInt8](repeating: 7, count: 1 << 20)
      for _ in 0..<64 {
        try client.send(block)
        sent.withLock { $0 += block.count }
      }
    }
    let port = freePort()
    try await withEngine(single(port, .http, [backend.port])) { _ in
      try await blocking {
        let client = try TestClient(port, receiveBuffer: 16 << 10)
        try client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
        _ = try client.receive(until: "\r\n\r\n")
        usleep(500_000)
        // What sockets hold, and one buffer; nothing like 64 MiB.
        #expect(sent.withLock { $0 } < 24 << 20)
        var total = 0
        while total < 64 << 20 {
          let part = try client.receive()
          if part.isEmpty { break }
          total += part.count
        }
        #expect(total == 64 << 20)
      }
    }
  }

  @Test func `HEAD, 204 and 304 have no content and leave the connection usable`() async throws {
    let backend = try httpBackend { request, client in
      if request.head.hasPrefix("HEAD") {
        try client.send("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
      } else if request.line.contains("/204") {
        try client.send("HTTP/1.1 204 No Content\r\n\r\n")
      } else if request.line.contains("/304") {
        try client.send("HTTP/1.1 304 Not Modified\r\nContent-Length: 50\r\n\r\n")
      } else {
        try client.answer("end")
      }
    }
    let port = freePort()
    try await withEngine(single(port, .http, [backend.port])) { _ in
      let seen = try await blocking {
        let client = try TestClient(port)
        try client.send(
          "HEAD / HTTP/1.1\r\nHost: h\r\n\r\nGET /204 HTTP/1.1\r\nHost: h\r\n\r\nGET /304 HTTP/1.1\r\nHost: h\r\n\r\nGET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"
        )
        return String(decoding: try client.receiveAll(), as: UTF8.self)
      }
      #expect(
        seen
          == "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nHTTP/1.1 204 No Content\r\n\r\nHTTP/1.1 304 Not Modified\r\nContent-Length: 50\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: close\r\n\r\nend"
      )
    }
  }

  @Test func `100 Continue passes through before the content is sent`() async throws {
    let backend = try TestServer { client in
      _ = try client.receive(until: "\r\n\r\n")
      try client.send("HTTP/1.1 100 Continue\r\n\r\n")
      let body = try client.receive(exactly: 4)
      try client.answer(String(decoding: body, as: UTF8.self))
    }
    let port = freePort()
    try await withEngine(single(port, .http, [backend.port])) { _ in
      let (interim, final) = try await blocking {
        let client = try TestClient(port)
        try client.send(
          "PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n")
        let interim = try client.receive(until: "\r\n\r\n")
        try client.send("body")
        return (interim, try client.response().text)
      }
      #expect(interim == "HTTP/1.1 100 Continue\r\n\r\n")
      #expect(final == "body")
    }
  }

  @Test func `an upgraded connection passes bytes both ways`() async throws {
    let backend = try TestServer { client in
      guard let request = try client.request() else { return }
      guard request["upgrade"] == "websocket", request["connection"] == "Upgrade" else {
        return try client.answer("no")
      }
      try client.send(
        "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nhi")
      while true {
        let part = try client.receive()
        if part.isEmpty { break }
        try client.send(part.reversed())
      }
      try client.send("bye")
    }
    let port = freePort()
    try await withEngine(single(port, .http, [backend.port])) { _ in
      let (head, echo, end) = try await blocking {
        let client = try TestClient(port)
        try client.send(
          "GET /ws HTTP/1.1\r\nHost: h\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\nearly")
        let head = try client.receive(until: "\r\n\r\n")
        let first = try client.receive(exactly: 7)
        try client.send("abc")
        let second = try client.receive(exactly: 3)
        client.shutdownWrite()
        let end = try client.receiveAll()
        return (head, String(decoding: first + second, as: UTF8.self), end)
      }
      #expect(
        head
          == "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
      )
      #expect(echo == "hiylraecba")
      #expect(end == Array("bye".utf8))
    }
  }

  @Test func `a client of HTTP 1.0 gets no chunks`() async throws {
    let backend = try httpBackend { request, client in
      try client.send(
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n")
    }
    let port = freePort()
    try await withEngine(single(port, .http, [backend.port])) { _ in
      let seen = try await blocking {
        let client = try TestClient(port)
        try client.send("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
        return String(decoding: try client.receiveAll(), as: UTF8.self)
      }
      #expect(seen == "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nabcde")
    }
  }

  @Test func `a client of HTTP 1.0 may keep its connection`() async throws {
    let backend = try namedBackend("x")
    let port = freePort()
    try await withEngine(single(port, .http, [backend.port])) { _ in
      let answers = try await blocking {
        let client = try TestClient(port)
        return try (0..<3).map { _ in
          try client.send("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
          return try client.response()["connection"]
        }
      }
      #expect(answers == ["keep-alive", "keep-alive", "keep-alive"])
    }
  }

  @Test func `a response that ends with its connection ends the client's`() async throws {
    let backend = try TestServer { client in
      _ = try client.request()
      try client.send("HTTP/1.1 200 OK\r\n\r\nsome")
      try client.send("thing")
    }
    let port = freePort()
    try await withEngine(single(port, .http, [backend.port])) { _ in
      let seen = try await blocking {
        let client = try TestClient(port)
        try client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
        return String(decoding: try client.receiveAll(), as: UTF8.self)
      }
      #expect(seen == "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nsomething")
    }
  }

  @Test func `a client that has shut its sending side still gets its response`() async throws {
    let backend = try httpBackend { _, client in
      usleep(50_000)
      try client.answer("late")
    }
    let port = freePort()
    try await withEngine(single(port, .http, [backend.port])) { _ in
      let text = try await blocking {
        let client = try TestClient(port)
        try client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
        client.shutdownWrite()
        return try client.response().text
      }
      #expect(text == "late")
    }
  }
}
