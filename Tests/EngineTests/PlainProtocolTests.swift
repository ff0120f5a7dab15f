import Delivery
import Engine
import Glibc
import Linux
import NetTypes
import Testing

/// Programs of others on both sides of the engine.
@Suite(.serialized) struct PlainProtocolTests {
  private static func has(_ names: String...) -> Bool {
    names.allSatisfy { Program.find($0) != nil }
  }
  private static let hasWebSockets =
    access("/usr/bin/python3", X_OK) == 0
    && (try? Program.run(["/usr/bin/python3", "-c", "import websockets"]))?.code == 0

  private static func broker(_ port: UInt16) throws -> Program {
    let configuration = """
      listener \(port) 127.0.0.1
      allow_anonymous true
      user root
      persistence false

      """
    return try Program(
      [find("mosquitto"), "-c", "$FOLDER/conf"], files: ["conf": configuration])
  }

  private static func find(_ name: String) -> String { Program.find(name) ?? name }

  /// Lines that a program has printed.
  private static func lines(_ program: Program) -> [String] {
    program.output.split(separator: "\n").map(String.init)
  }

  @Test(
    .enabled(if: has("mosquitto", "mosquitto_sub", "mosquitto_pub"), "mosquitto is not installed"))
  func
    `MQTT: a subscriber whose broker is killed is back on the other, and hears what is published`()
    async throws
  {
    let ports = (0..<2).map { _ in freePort() }
    let port = freePort()
    var brokers: [Program?] = try ports.map(Self.broker)
    let monitor = Monitor(kind: .tcp, interval: .milliseconds(100), rise: 1, fall: 1)
    try await withEngine(single(port, .tcp, ports, monitor: monitor), { $0.workers = 1 }) {
      engine in
      try await eventually("both brokers are up") {
        ports.allSatisfy { (try? TestClient($0)) != nil }
          && engine.snapshot().pools[0].members.allSatisfy { $0.isUp }
      }
      let topic = ["-h", "127.0.0.1", "-p", "\(port)", "-t", "news", "-q", "1"]
      let subscriber = try Program([Self.find("mosquitto_sub"), "-k", "5"] + topic)
      @Loop func publish(_ text: String, until what: String) async throws {
        // Of two brokers the publisher may meet the one that the subscriber is not at.
        let limit = Loop.now.advanced(by: .seconds(20))
        while !Self.lines(subscriber).contains(text) {
          guard Loop.now < limit else {
            throw TestFailure("\(what): \(subscriber.output), \(engine.snapshot())")
          }
          _ = try await blocking {
            try Program.run([Self.find("mosquitto_pub")] + topic + ["-m", text], seconds: 5)
          }
          try await Loop.sleep(.milliseconds(50))
        }
      }
      try await publish("first", until: "the first message arrives")
      let busy = engine.snapshot().pools[0].members.firstIndex {
        $0.counts.activeConnections == 1
      }
      let killed = try #require(busy)
      brokers[killed] = nil
      try await publish("second", until: "a message arrives after the kill")
      let snapshot = engine.snapshot()
      #expect(!snapshot.pools[0].members[killed].isUp)
      #expect(snapshot.pools[0].members[1 - killed].counts.activeConnections >= 1)
      print("interop: mosquitto \(Self.lines(subscriber).joined(separator: ", "))")
      withExtendedLifetime(brokers) {}
    }
  }

  @Test(.enabled(if: has("dnsmasq", "dig"), "dnsmasq and dig are not both installed"))
  func `DNS over UDP and TCP: dig gets answers from both servers, and from one when one is killed`()
    async throws
  {
    let ports = (0..<2).map { _ in freePort() }
    let port = freePort()
    var servers: [Program?] = try ports.enumerated().map { index, port in
      try Program([
        Self.find("dnsmasq"), "-k", "-C", "/dev/null", "-p", "\(port)", "--user=root", "-h", "-R",
        "--listen-address=127.0.0.1", "--bind-interfaces", "--pid-file=$FOLDER/pid",
        "--address=/a.example/192.0.2.\(index + 1)",
      ])
    }
    let monitor = Monitor(kind: .tcp, interval: .milliseconds(100), rise: 1, fall: 1)
    var configuration = single(port, .udp, ports, monitor: monitor)
    configuration.virtualServers.append(
      VirtualServer(name: "tcp", address: home, port: port, protocol: .tcp, pool: "pool"))
    try await withEngine(configuration, { $0.workers = 1 }) { engine in
      try await eventually("both servers are up") {
        ports.allSatisfy { (try? TestClient($0)) != nil }
          && engine.snapshot().pools[0].members.allSatisfy { $0.isUp }
      }
      func ask(_ count: Int, _ words: String...) async throws -> [String: Int] {
        try await blocking {
          var answers: [String: Int] = [:]
          for _ in 0..<count {
            let query = ["@127.0.0.1", "-p", "\(port)", "+short", "+tries=1", "+time=5"]
            let run = try Program.run([Self.find("dig")] + query + words + ["a.example"])
            answers[run.output.filter { !$0.isNewline }, default: 0] += 1
          }
          return answers
        }
      }
      #expect(try await ask(10) == ["192.0.2.1": 5, "192.0.2.2": 5])
      #expect(try await ask(6, "+tcp") == ["192.0.2.1": 3, "192.0.2.2": 3])
      servers[0] = nil
      try await eventually("the killed one is down") { !engine.snapshot().pools[0].members[0].isUp }
      #expect(try await ask(10) == ["192.0.2.2": 10])
      #expect(try await ask(4, "+tcp") == ["192.0.2.2": 4])
      withExtendedLifetime(servers) {}
    }
  }

  @Test(.enabled(if: hasWebSockets, "python3-websockets is not installed"))
  func `WebSocket: a client of Python's talks to a server of Python's`() async throws {
    let (backend, port) = (freePort(), freePort())
    let server = try Program(
      ["/usr/bin/python3", "$FOLDER/server.py", "\(backend)"], files: ["server.py": Self.server])
    defer { withExtendedLifetime(server) {} }
    try await withEngine(single(port, .http, [backend])) { engine in
      try await eventually("the server listens") { (try? TestClient(backend)) != nil }
      let run = try await blocking {
        try Program.run(["/usr/bin/python3", "-c", Self.client, "\(port)"], seconds: 30)
      }
      #expect(run.output == "200 echoes, 1048576 bytes, pong, closed 1000\n")
      #expect(run.code == 0)
      try await eventually("closed") {
        engine.snapshot().servers[0].counts.activeConnections == 0
      }
      #expect(engine.snapshot().servers[0].counts.failures == 0)
      #expect(engine.snapshot().servers[0].counts.bytesOut > 1 << 20)
    }
  }

  private static let server = """
    import asyncio, sys, websockets
    async def echo(socket, path):
        async for message in socket:
            await socket.send(message)
    async def main():
        async with websockets.serve(echo, "127.0.0.1", int(sys.argv[1]), max_size=None):
            await asyncio.Future()
    asyncio.run(main())
    """

  private static let client = """
    import asyncio, os, sys, websockets
    async def main():
        async with websockets.connect(f"ws://127.0.0.1:{sys.argv[1]}/chat", max_size=None) as socket:
            for number in range(200):
                await socket.send(f"message {number}")
                assert await socket.recv() == f"message {number}"
            data = os.urandom(1 << 20)
            await socket.send(data)
            assert await socket.recv() == data
            await asyncio.wait_for(await socket.ping(), 10)
        print(f"200 echoes, {len(data)} bytes, pong, closed {socket.close_code}")
    asyncio.run(main())
    """
}
