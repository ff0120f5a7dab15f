import Delivery
import Engine
import Linux
import NetTypes
import Synchronization

let home = IPAddress.v4(.loopback)

func member(_ port: UInt16) -> Member { Member(address: home, port: port) }

/// One virtual server in front of some backends.
func single(
  _ port: UInt16, _ kind: VirtualServer.TransportProtocol, _ backends: [UInt16],
  monitor: Monitor = .none, _ change: (inout VirtualServer) -> Void = { _ in }
) -> DeliveryConfiguration {
  var server = VirtualServer(name: "vs", address: home, port: port, protocol: kind, pool: "pool")
  change(&server)
  return DeliveryConfiguration(
    virtualServers: [server],
    pools: [Pool(name: "pool", members: backends.map(member), monitor: monitor)])
}

/// Runs `body` against an engine that serves `configuration`, and stops the engine.
func withEngine(
  _ configuration: DeliveryConfiguration,
  _ settings: @Sendable (inout Engine.Settings) -> Void = { _ in },
  _ body: @Loop (Engine) async throws -> Void
) async throws {
  var values = Engine.Settings()
  values.workers = 2
  values.connectionsPerWorker = 2000
  settings(&values)
  let engine = try await Engine(values)
  let problems = await engine.apply(configuration)
  guard problems.isEmpty else { throw TestFailure("\(problems)") }
  do {
    try await body(engine)
  } catch {
    await engine.stop()
    throw error
  }
  await engine.stop()
}

/// Waits for a condition, up to 10 s.
@Loop func eventually(_ what: String, _ condition: @Loop () -> Bool) async throws {
  let limit = Loop.now.advanced(by: .seconds(30))
  while !condition() {
    guard Loop.now < limit else { throw TestFailure("did not come true: \(what)") }
    try await Loop.sleep(.milliseconds(10))
  }
}

/// As `withEngine`, with what `body` makes.
func withEngineResult<Value: Sendable>(
  _ configuration: DeliveryConfiguration, _ body: @escaping @Sendable () async throws -> Value
) async throws -> Value {
  let result = Mutex<Value?>(nil)
  try await withEngine(configuration) { _ in
    let value = try await body()
    result.withLock { $0 = value }
  }
  guard let value = result.withLock({ $0 }) else { throw TestFailure("no result") }
  return value
}
