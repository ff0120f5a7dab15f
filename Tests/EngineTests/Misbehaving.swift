import Delivery
import Engine
import Glibc
import Linux
import NetTypes

/// The engine in front of one member, where one side or the other does what it must not: after `body`
/// nothing is in flight, `check` sees the counters, and no connection to the member is left in the end.
func with(
  _ backend: TestServer, _ timeouts: VirtualServer.Timeouts = .init(),
  _ body: @escaping @Sendable (UInt16) throws -> Void,
  _ check: @Loop (EngineSnapshot) throws -> Void
) async throws {
  let port = freePort()
  let configuration = single(port, .http, [backend.port]) { $0.timeouts = timeouts }
  try await withEngine(configuration, { $0.workers = 1 }) { engine in
    try await blocking { try body(port) }
    try await eventually("nothing is in flight") {
      let now = engine.snapshot()
      return now.servers[0].counts.activeConnections == 0
        && now.pools[0].members[0].counts.activeConnections == 0
    }
    try check(engine.snapshot())
    engine.apply(DeliveryConfiguration())
    try await eventually("connections to the member are closed") {
      connections(to: backend.port) == 0
    }
  }
}

func times(_ change: (inout VirtualServer.Timeouts) -> Void) -> VirtualServer.Timeouts {
  var timeouts = VirtualServer.Timeouts()
  change(&timeouts)
  return timeouts
}

let plain = "GET / HTTP/1.1\r\nHost: h\r\n\r\n"

/// Connections of this process to a port, in any state but closed: its descriptors' peers.
func connections(to port: UInt16) -> Int {
  (3..<4096).count { descriptor in
    var address = sockaddr_in()
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let code = withUnsafeMutablePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        getpeername(Int32(descriptor), $0, &length)
      }
    }
    return code == 0 && address.sin_port == port.bigEndian
  }
}

/// Whether the peer has closed or reset, without reading.
func isClosed(_ descriptor: Int32) -> Bool {
  var entry = pollfd(fd: descriptor, events: Int16(0x2000), revents: 0)
  return poll(&entry, 1, 0) > 0
}
