import Delivery
import Foundation
import Glibc
import Linux
import Synchronization
import Testing
import Transport

@testable import Engine

/// A log in a folder of its own.
private final class LogFile: Sendable {
  let folder: String
  var path: String { folder + "/access.log" }

  init() {
    var template = Array("/tmp/atoll-log-XXXXXX".utf8CString)
    folder = String(cString: mkdtemp(&template))
  }

  deinit { try? FileManager.default.removeItem(atPath: folder) }

  func lines(_ name: String = "access.log") -> [String] {
    let text = (try? String(contentsOfFile: "\(folder)/\(name)", encoding: .utf8)) ?? ""
    return text.split(separator: "\n").map(String.init)
  }

  func objects() throws -> [[String: Any]] {
    try lines().map { line in
      let object = try JSONSerialization.jsonObject(with: Data(line.utf8))
      return try #require(object as? [String: Any])
    }
  }
}

@Suite struct AccessLogTests {
  private func logged(
    _ port: UInt16, _ kind: VirtualServer.TransportProtocol, _ backends: [UInt16], _ file: LogFile,
    _ format: AccessLog.Format? = nil, _ change: (inout VirtualServer) -> Void = { _ in }
  ) -> DeliveryConfiguration {
    single(port, kind, backends) { server in
      var log = AccessLog(destination: .file(file.path))
      if let format { log.format = format }
      server.accessLog = log
      change(&server)
    }
  }

  @Test func `a request is one line of JSON with all that is known of it`() async throws {
    let file = LogFile()
    let backend = try httpBackend { _, client in
      usleep(20_000)
      try client.answer("hello", status: "201 Created")
    }
    let port = freePort()
    let configuration = logged(port, .http, [backend.port], file) { server in
      var rule = HTTPRule(name: "all")
      rule.decision = .pool("pool")
      server.rules = [rule]
    }
    try await withEngine(configuration) { engine in
      try await blocking {
        let client = try TestClient(port)
        try client.send(
          "POST /a%20b/c?q=\"1\"&t=2 HTTP/1.1\r\nHost: site.example\r\nUser-Agent: te\\st \"1\"\t\u{e9}\r\nReferer: http://r/\r\nAuthorization: Basic secret\r\nCookie: id=secret\r\nContent-Length: 4\r\n\r\nbody"
        )
        #expect(try client.response().status == 201)
      }
      try await eventually("written") { file.lines().count == 1 }
      let line = try #require(try file.objects().first)
      #expect(Set(line.keys) == Set(AccessLog.Known.allCases.map(\.rawValue)))
      let expected: [String: String] = [
        "client.address": "127.0.0.1", "server": "vs", "rule": "all", "pool": "pool",
        "member": "127.0.0.1:\(backend.port)", "protocol": "HTTP/1.1", "scheme": "http",
        "method": "POST", "host": "site.example", "path": "/a%20b/c", "query": "q=\"1\"&t=2",
        "userAgent": "te\\st \"1\"\t\u{e9}", "referer": "http://r/",
      ]
      for (name, value) in expected { #expect(line[name] as? String == value, "\(name)") }
      #expect(line["status"] as? Int == 201)
      #expect(line["retries"] as? Int == 0)
      #expect(try #require(line["bytes.in"] as? Int) > 100)
      let counts = engine.snapshot().servers[0].counts
      #expect(line["bytes.in"] as? Int == Int(counts.bytesIn))
      #expect(line["bytes.out"] as? Int == Int(counts.bytesOut))
      let total = try #require(line["time.total"] as? Double)
      #expect(total >= 0.019 && total < 2)
      #expect(try #require(line["time.firstByte"] as? Double) <= total)
      #expect(try #require(line["time.connect"] as? Double) > 0)
      #expect((line["request.id"] as? String)?.count == 32)
      #expect(line["tls.version"] is NSNull && line["reason"] is NSNull)
      let time = try #require(line["time"] as? String)
      #expect(time.wholeMatch(of: /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z/) != nil, "\(time)")
      #expect(!file.lines()[0].contains("secret"))
    }
  }

  @Test func `our own answers are logged with their reasons`() async throws {
    let file = LogFile()
    let format = try AccessLog.Format(
      template: "${method} ${path} ${status} ${pool} ${reason} ${header.X-A} ${userAgent}")
    let port = freePort()
    let configuration = logged(port, .http, [freePort()], file, format) { server in
      var redirect = HTTPRule(name: "r")
      redirect.match.path = .prefix("/old")
      redirect.decision = .respond(HTTPDirectResponse(status: 410))
      server.rules = [redirect]
    }
    try await withEngine(configuration) { _ in
      try await blocking {
        for request in [
          "GET /old/x HTTP/1.1\r\nHost: h\r\nX-A: b\r\n\r\n",
          "GET / HTTP/1.1\r\nHost: h\r\nUser-Agent: \"a\u{e9}\"\r\n\r\n",
          "GET / HTTP/1.1\r\nHost : h\r\n\r\n", "CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n",
        ] {
          let client = try TestClient(port)
          try client.send(request)
          _ = try client.response()
        }
      }
      try await eventually("written") { file.lines().count == 4 }
      #expect(
        Set(file.lines()) == [
          "GET /old/x 410 - rule b -", "- - 400 - bad-request - -",
          "CONNECT - 405 - method-not-served - -",
          #"GET / 502 pool connect-failed - \x22a\xc3\xa9\x22"#,
        ], "\(file.lines())")
    }
  }

  @Test func `a stream of HTTP/2 over TLS is logged as one`() async throws {
    let file = LogFile()
    let backend = try namedBackend("a")
    let port = freePort()
    let authority = try CertificateAuthority.mint(commonName: "test")
    let format = try AccessLog.Format(
      template: "${protocol} ${tls.version} ${tls.cipher} ${path} ${status}")
    let configuration = logged(port, .https, [backend.port], file, format) { server in
      server.tls = try? ServerTLS(
        certificates: [authority.issue(.server("h", dnsNames: ["h"])).source])
    }
    try await withEngine(configuration) { _ in
      try await blocking {
        let peer = try HTTP2Peer(tls: port)
        #expect(try peer.get(1, "/one").status == 200)
        // One whose client leaves.
        try peer.headers(3, HTTP2Peer.request("POST", "/two"), ends: false)
        usleep(50_000)
      }
      try await eventually("written") { file.lines().count == 2 }
      let lines = file.lines()
      #expect(
        lines[0].wholeMatch(of: /HTTP\/2 TLSv1.3 TLS_[A-Z0-9_]+ \/one 200/) != nil, "\(lines)")
      #expect(lines[1].hasPrefix("HTTP/2 TLSv1.3 TLS_"), "\(lines)")
    }
    backend.kill()
  }

  @Test func `text of a peer ends no line and no quotes`() throws {
    func text(_ bytes: [UInt8], json: Bool) -> String {
      let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: 4096, alignment: 8)
      defer { memory.deallocate() }
      var writer = HeadWriter(memory)
      bytes.withUnsafeBytes { json ? writer.append(json: $0) : writer.append(text: $0) }
      return String(decoding: writer.written, as: UTF8.self)
    }
    #expect(
      text(Array("a\"b\\c\n\r\t\u{0}\u{1f}".utf8), json: true) == #"a\"b\\c\n\r\t\u0000\u001f"#)
    #expect(text(Array("é€𝄞\u{7f}".utf8), json: true) == "é€𝄞\\u007f")
    #expect(text(Array("a\"\\\n".utf8) + [0xff], json: false) == #"a\x22\x5c\x0a\xff"#)
    // Overlong, a surrogate, cut short, beyond the last plane. RFC 3629 §4.
    for bytes: [UInt8] in [
      [0xc0, 0xaf], [0xed, 0xa0, 0x80], [0xe2, 0x82], [0xf4, 0x90, 0x80, 0x80],
    ] {
      let line = text(bytes, json: true)
      #expect(line == String(repeating: "\\ufffd", count: bytes.count), "\(bytes)")
    }
    var generator = SystemRandomNumberGenerator()
    for _ in 0..<2000 {
      let bytes = (0..<Int.random(in: 0..<40)).map { _ in
        UInt8.random(in: 0...255, using: &generator)
      }
      let line = "\"\(text(bytes, json: true))\""
      #expect(
        (try? JSONSerialization.jsonObject(with: Data(line.utf8), options: .fragmentsAllowed))
          != nil,
        "\(bytes)")
    }
  }

  @Test func `a TCP connection is a line when it ends`() async throws {
    let file = LogFile()
    let backend = try TestServer { client in
      _ = try client.receive(until: "\n")
      try client.send("pong\n")
    }
    let port = freePort()
    let format = try AccessLog.Format(
      template: "${protocol} ${bytes.in} ${bytes.out} ${member} ${status}")
    try await withEngine(logged(port, .tcp, [backend.port], file, format)) { _ in
      try await blocking {
        let client = try TestClient(port)
        try client.send("ping!\n")
        _ = try client.receive(until: "\n")
      }
      try await eventually("written") { file.lines().count == 1 }
      #expect(file.lines() == ["TCP 6 5 127.0.0.1:\(backend.port) -"])
    }
  }

  @Test func `a file that was moved away is opened anew, and no line is lost`() async throws {
    let file = LogFile()
    let backend = try namedBackend("a")
    let port = freePort()
    let format = try AccessLog.Format(template: "${path}")
    try await withEngine(logged(port, .http, [backend.port], file, format)) { engine in
      func get(_ path: String) async throws {
        try await blocking { _ = try TestClient(port).get(path) }
      }
      try await get("/1")
      try await eventually("written") { file.lines() == ["/1"] }
      rename(file.path, file.folder + "/old")
      engine.reopenAccessLogs()
      try await eventually("opened") { access(file.path, F_OK) == 0 }
      try await get("/2")
      try await eventually("written") { file.lines() == ["/2"] }
      // Nobody says so: the next look at the name does.
      unlink(file.path)
      try await eventually("opened") { access(file.path, F_OK) == 0 }
      try await get("/3")
      try await eventually("written") { file.lines() == ["/3"] }
      #expect(file.lines("old") == ["/1"])
      #expect(engine.snapshot().accessLogs.map(\.lines) == [3])
    }
  }

  @Test func `a pipe that nobody reads holds up no request: lines are dropped and counted`()
    async throws
  {
    let file = LogFile()
    #expect(mkfifo(file.path, 0o600) == 0)
    let reader = open(file.path, O_RDWR | O_NONBLOCK)
    defer { close(reader) }
    let backend = try namedBackend("a")
    let port = freePort()
    try await withEngine(logged(port, .http, [backend.port], file), { $0.workers = 1 }) { engine in
      let longest = try await blocking { () -> Duration in
        let client = try TestClient(port)
        let long = String(repeating: "x", count: 2000)
        var longest = Duration.zero
        for _ in 0..<600 {
          let time = try ContinuousClock().measure { _ = try client.get("/?\(long)") }
          longest = max(longest, time)
        }
        return longest
      }
      #expect(longest < .seconds(2), "\(longest)")
      // The last line is written behind its answer.
      try await eventually("all is accounted for") {
        engine.snapshot().accessLogs.first.map { $0.lines + $0.dropped == 600 } == true
      }
      #expect(engine.snapshot().accessLogs[0].dropped > 0)
      #expect(engine.snapshot().servers[0].counts.requests == 600)
    }
  }

  @Test func `a log that cannot be opened leaves the last good version of its server`() async throws
  {
    let file = LogFile()
    let backend = try namedBackend("a")
    let port = freePort()
    let good = logged(port, .http, [backend.port], file)
    try await withEngine(good) { engine in
      var bad = good
      bad.virtualServers[0].accessLog?.destination = .file(file.folder + "/none/access.log")
      let problem = try #require(engine.apply(bad).first)
      #expect(problem.field == "accessLog.path")
      #expect(problem.found.contains("No such file or directory"))
      #expect(engine.applied.virtualServers == good.virtualServers)
      #expect(try await blocking { try TestClient(port).get().text } == "a")
      try await eventually("written") { file.lines().count == 1 }
    }
  }

  @Test func `what was put before the end is written at the end`() async throws {
    let file = LogFile()
    let backend = try namedBackend("a")
    let port = freePort()
    try await withEngine(logged(port, .http, [backend.port], file)) { engine in
      try await blocking {
        let client = try TestClient(port)
        for _ in 0..<50 { _ = try client.get() }
      }
      await engine.drain(.seconds(2))
      #expect(file.lines().count == 50)
    }
  }
}

@Suite struct AccessLogRingTests {
  private final class Flag: Sendable {
    let value = Atomic<Bool>(false)
  }

  @Test func `lines of one thread come out whole and in order on another`() async throws {
    let ring = AccessLogRing()
    let total = 200_000
    let done = Flag()
    let result = try await withThrowingTaskGroup(of: [UInt8].self) { group in
      group.addTask {
        var taken: [UInt8] = []
        while true {
          let isLast = done.value.load(ordering: .acquiring)
          let (first, second) = ring.waiting
          taken += first
          taken += second
          ring.take(first.count + second.count)
          if isLast, ring.isEmpty { return taken }
          if first.isEmpty { await Task.yield() }
        }
      }
      for number in 0..<total {
        var line = Array("\(number)\n".utf8)
        while !(line.withUnsafeBytes { ring.append($0) }) { await Task.yield() }
        line.removeAll()
      }
      done.value.store(true, ordering: .releasing)
      return try await group.next() ?? []
    }
    var expected: [UInt8] = []
    for number in 0..<total { expected += Array("\(number)\n".utf8) }
    #expect(result == expected)
  }
}
