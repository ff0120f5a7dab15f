import Delivery
import Glibc
import Linux
import NetTypes
import Synchronization
import Testing
import Transport

@testable import Engine

/// Every kind of monitor against members that are well, and against those that are not.
@Suite struct MonitorTests {
  /// What a probe says of a port; nil: it is well.
  @Loop private func probe(_ port: UInt16, _ monitor: Monitor) async -> String? {
    await withCheckedContinuation { continuation in
      let probe = Probe(SocketAddress(home, port: port), monitor) { failure in
        continuation.resume(returning: failure)
      }
      probe.start()
      // It lives until it has called back.
      Loop.after(.seconds(90)) { probe.cancel() }
    }
  }

  private func monitor(
    _ kind: Monitor.Kind, _ change: (inout Monitor) -> Void = { _ in }
  ) -> Monitor {
    var monitor = Monitor(kind: kind, timeout: .seconds(60))
    change(&monitor)
    return monitor
  }

  @Loop @Test func `tcp connects, and compares what is answered`() async throws {
    let server = try TestServer { client in
      if try client.receive(until: "\n") == "PING\n" { try client.send("+PONG\r\n") }
    }
    #expect(await probe(server.port, monitor(.tcp)) == nil)
    let ping = monitor(.tcp) {
      $0.send = "PING\n"
      $0.receive = "PONG"
    }
    #expect(await probe(server.port, ping) == nil)
    var other = ping
    other.receive = "+OK"
    #expect(await probe(server.port, other) == "answer has no \"+OK\"")
    #expect(await probe(freePort(), ping) == "connect: Connection refused")
  }

  @Loop @Test func `half-open is answered by the listener alone`() async throws {
    let server = try TestServer { _ in }
    for _ in 0..<20 { #expect(await probe(server.port, monitor(.tcpHalfOpen)) == nil) }
    try await Loop.sleep(.milliseconds(50))
    // The kernel holds the acknowledgement back for some 40 ms: none, on a machine that is not busy.
    #expect(server.accepted.load(ordering: .relaxed) < 20)
    #expect(await probe(freePort(), monitor(.tcpHalfOpen)) == "connect: Connection refused")
  }

  @Loop @Test func `http looks at status, host and content`() async throws {
    let server = try httpBackend { request, client in
      let isWell = request.line == "GET /healthz HTTP/1.1" && request["host"] == "app.example"
      try client.answer(
        "state: \(isWell ? "well" : "ill")", status: isWell ? "200 OK" : "503 Service Unavailable")
    }
    let sound = monitor(.http) {
      $0.path = "/healthz"
      $0.host = "app.example"
      $0.receive = "well"
    }
    #expect(await probe(server.port, sound) == nil)
    var wrong = sound
    wrong.path = "/"
    #expect(await probe(server.port, wrong) == "status 503, expected 200 to 399")
    wrong.expectedStatus = 503...503
    #expect(await probe(server.port, wrong) == "content has no \"well\"")
  }

  @Loop @Test func `https verifies only where it is told to`() async throws {
    let authority = try CertificateAuthority.mint(commonName: "test")
    let context = try TLSContext.server(
      try authority.issue(.server("app", dnsNames: ["app.example"], addresses: [])))
    let listener = try Listener(SocketAddress(home, port: 0))
    defer { listener.close() }
    let port = try #require(listener.address).port
    let serving = Task { @Loop in
      while let (descriptor, _) = try? await listener.accept() {
        guard
          let stream = try? await context.accept(Descriptor(descriptor), timeout: .seconds(60))
        else { continue }
        _ = try? await stream.read(atMost: 4096)
        try? await stream.write(Array("HTTP/1.1 204 No Content\r\n\r\n".utf8))
        stream.close()
      }
    }
    defer { serving.cancel() }
    let trusting = monitor(.https) { $0.serverName = "app.example" }
    #expect(await probe(port, trusting) == nil)
    var strict = trusting
    strict.verify = true
    let failure = await probe(port, strict)
    #expect(failure?.contains("certificate") == true, "\(failure ?? "none")")
  }

  @Loop @Test func `grpc asks for the health of a service`() async throws {
    for (status, expected) in [(1, nil), (2, "health is NOT_SERVING, expected SERVING")] {
      let server = try TestServer { client in
        _ = try client.receive(until: "a.Service")
        let message: [UInt8] = [0, 0, 0, 0, 2, 8, UInt8(status)]
        try client.send([0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0, 7, 0, 1, 0, 0, 0, 1] + message)
        _ = try client.receiveAll()
      }
      #expect(await probe(server.port, monitor(.grpc) { $0.service = "a.Service" }) == expected)
    }
  }

  @Loop @Test func `udp hears a refusal, and compares what is answered`() async throws {
    let server = try DatagramServer { request in
      request == Array("ping".utf8) ? Array("pong".utf8) : nil
    }
    let silent = monitor(.udp) {
      $0.send = "x"
    }
    let heard = await probe(server.port, silent)
    #expect(heard == nil)
    let refused = await probe(freePort(), silent)
    #expect(refused == "recv: Connection refused")
    let asking = monitor(.udp) {
      $0.send = "ping"
      $0.receive = "pong"
    }
    #expect(await probe(server.port, asking) == nil)
    var deaf = silent
    deaf.receive = "pong"
    deaf.timeout = .milliseconds(200)
    #expect(await probe(server.port, deaf) == "no answer within 0.2 seconds")
  }

  @Loop @Test func `dns wants a record`() async throws {
    for (flags, answers, expected) in [
      (0x80, 1, nil), (0x83, 0, "a.example: NXDOMAIN, expected NOERROR"),
      (0x80, 0, "a.example: no record, expected one of aaaa"),
    ] as [(UInt8, UInt8, String?)] {
      let server = try DatagramServer { request in
        guard request.count == 27, request[24] == 28 else { return nil }
        return Array(request[..<2]) + [0x80, flags & 15, 0, 1, 0, answers, 0, 0, 0, 0]
          + request[12...]
      }
      let asking = monitor(.dns) {
        $0.queryName = "a.example"
        $0.queryType = .aaaa
      }
      #expect(await probe(server.port, asking) == expected)
    }
  }

  @Loop @Test func `a command gets address and port, and says by its code how the member is`()
    async throws
  {
    let sound = monitor(.exec) { $0.command = ["/bin/sh", "-c", "test $0:$1 = 127.0.0.1:81"] }
    #expect(await probe(81, sound) == nil)
    #expect(await probe(82, sound) == "/bin/sh ended with exit code 1")
    let loud = monitor(.exec) { $0.command = ["/bin/sh", "-c", "echo broken >&2; exit 3"] }
    #expect(await probe(82, loud) == "/bin/sh ended with exit code 3: broken")
  }

  @Loop @Test func `a port of its own, and one monitor for one member`() async throws {
    let (side, ill) = (try namedBackend("side"), try namedBackend("ill"))
    let main = freePort()
    #expect(await probe(main, monitor(.tcp) { $0.port = side.port }) == nil)
    var configuration = single(freePort(), .http, [side.port, ill.port])
    configuration.pools[0].monitor = monitor(.tcp) { $0.interval = .milliseconds(20) }
    configuration.pools[0].members[1].monitor = monitor(.http) {
      $0.interval = .milliseconds(20)
      $0.expectedStatus = 500...500
    }
    try await withEngine(configuration) { engine in
      try await eventually("one is down") {
        engine.snapshot().pools[0].members.map(\.isUp) == [true, false]
      }
      #expect(
        engine.snapshot().pools[0].members[1].reason == "status 200, expected 500 to 500")
      let since = engine.snapshot().pools[0].members[1].since
      var changed = configuration
      changed.pools[0].loadBalancing = .ratio
      #expect(engine.apply(changed).isEmpty)
      // What a change does not concern keeps its health.
      let after = engine.snapshot().pools[0].members[1]
      #expect(!after.isUp && after.since == since)
    }
  }

  // MARK: What becomes of what is open

  @Test(arguments: [Pool.ServiceDown.none, .reset, .reselect])
  func `connections to a member that goes down`(_ action: Pool.ServiceDown) async throws {
    // The monitor asks another, which can end while the relay is open.
    let asked = try TestServer { _ in }
    let server = try TestServer { client in
      try client.send("hello")
      _ = try client.receiveAll()
    }
    let port = freePort()
    var configuration = single(port, .tcp, [server.port])
    configuration.pools[0].serviceDown = action
    configuration.pools[0].monitor = monitor(.tcp) {
      $0.interval = .milliseconds(20)
      $0.fall = 1
      $0.port = asked.port
    }
    try await withEngine(configuration) { engine in
      let client = try await blocking {
        let client = try TestClient(port)
        _ = try client.receive(exactly: 5)
        return client.descriptor >= 0 ? Box(client) : nil
      }
      asked.kill()
      try await eventually("down") { !engine.snapshot().pools[0].members[0].isUp }
      if action == .none {
        try await Loop.sleep(.milliseconds(100))
        #expect(engine.snapshot().servers[0].counts.activeConnections == 1)
      } else {
        try await eventually("ended") {
          engine.snapshot().servers[0].counts.activeConnections == 0
        }
        let code = try await blocking { try? client?.value.receive() }
        #expect(code == nil, "a reset, not an end")
      }
    }
  }

  @Test(.enabled(if: geteuid() == 0, "needs root for sockets under repair"))
  func `a member that goes down with drop leaves its clients without a word`() async throws {
    let slow = try httpBackend { request, client in
      if request.line.contains("/wait") {
        usleep(3_000_000)
      } else {
        try client.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")
        usleep(3_000_000)
      }
    }
    let port = freePort()
    var configuration = single(port, .http, [slow.port]) { $0.http2 = true }
    configuration.pools[0].serviceDown = .drop
    let folder = try temporaryFolder()
    defer { removeFolder(folder) }
    try write("", to: folder + "/up")
    configuration.pools[0].monitor = monitor(.exec) {
      $0.interval = .seconds(1)
      $0.fall = 1
      $0.command = ["/bin/sh", "-c", "test -e \(folder)/up"]
    }
    var own = HTTPRule(name: "own")
    own.match.path = .prefix("/own")
    own.decision = .respond(HTTPDirectResponse(status: 204))
    configuration.virtualServers[0].rules = [own]
    try await withEngine(configuration, { $0.workers = 1 }) { engine in
      let clients = try await blocking {
        let (plain, peer) = (try TestClient(port), try HTTP2Peer(port))
        try plain.send("GET /wait HTTP/1.1\r\nHost: h\r\n\r\n")
        try peer.headers(1, HTTP2Peer.request("GET", "/wait"))
        try peer.headers(3, HTTP2Peer.request("GET", "/half"))
        return Clients(plain: plain, peer: peer)
      }
      try await eventually("three requests wait") {
        engine.snapshot().pools[0].members[0].counts.activeConnections == 3
      }
      unlink(folder + "/up")
      try await eventually("they are forgotten") {
        engine.snapshot().pools[0].members[0].counts.activeConnections == 0
      }
      try await blocking {
        let (plain, peer) = (clients.plain, clients.peer)
        var byte: UInt8 = 0
        usleep(100_000)
        #expect(recv(plain.descriptor, &byte, 1, Int32(MSG_DONTWAIT)) == -1 && errno == EAGAIN)
        // The connection goes on; of the two streams nothing is said.
        let other = try peer.get(5, "/own")
        #expect(other.status == 204)
        #expect(peer.resets.isEmpty)
      }
    }
    slow.kill()
  }

  @Test func `failed requests in a row take a member out, but never the last one`() async throws {
    let good = try namedBackend("good")
    let bad = try httpBackend { _, client in
      try client.answer("bad", status: "500 Internal Server Error")
    }
    let port = freePort()
    var configuration = single(port, .http, [bad.port, good.port])
    configuration.pools[0].ejectAfter = 3
    try await withEngine(configuration, { $0.workers = 1 }) { engine in
      let before = engine.snapshot().pools[0].members[0].since
      let answers = try await blocking {
        let client = try TestClient(port)
        return try (0..<7).map { _ in try client.get().text }
      }
      #expect(answers == ["bad", "good", "bad", "good", "bad", "good", "good"])
      // Without a monitor it is out for a tenth of a second: who looks late sees that it is back.
      try await eventually("it was out") {
        let member = engine.snapshot().pools[0].members[0]
        return member.reason == "3 failed requests in a row" || member.isUp && member.since > before
      }
    }
    let alone = single(port, .http, [bad.port])
    try await withEngine(alone, { $0.workers = 1 }) { _ in
      let statuses = try await blocking {
        let client = try TestClient(port)
        return try (0..<8).map { _ in try client.get().status }
      }
      #expect(statuses.allSatisfy { $0 == 500 })
    }
  }
}

/// Hands a client that only one thread uses at a time to another.
/// As `Box`, of two.
private final class Clients: @unchecked Sendable {
  let plain: TestClient
  let peer: HTTP2Peer
  init(plain: TestClient, peer: HTTP2Peer) { (self.plain, self.peer) = (plain, peer) }
}

private final class Box: @unchecked Sendable {
  let value: TestClient
  init(_ value: TestClient) { self.value = value }
}
