import Delivery
import Engine
import Glibc
import Linux
import NetTypes
import Synchronization
import Testing

@Suite struct RelayTests {
  @Test func `each side of a TCP connection may close its half`() async throws {
    let backend = try TestServer { client in
      let all = try client.receiveAll()
      try client.send("got \(all.count)")
    }
    let port = freePort()
    try await withEngine(single(port, .tcp, [backend.port])) { engine in
      let data = pattern(3 << 20)
      let answer = try await blocking {
        let client = try TestClient(port)
        try client.send(data)
        client.shutdownWrite()
        return String(decoding: try client.receiveAll(), as: UTF8.self)
      }
      #expect(answer == "got \(3 << 20)")
      try await eventually("closed") {
        engine.snapshot().servers[0].counts.activeConnections == 0
      }
      let counts = engine.snapshot().pools[0].members[0].counts
      #expect(counts.bytesIn == 3 << 20)
      #expect(counts.activeConnections == 0)
    }
  }

  @Test func `ten mebibytes pass both ways at once, to a slow reader too`() async throws {
    let backend = try TestServer { client in
      while case let part = try client.receive(), !part.isEmpty { try client.send(part) }
    }
    let port = freePort()
    let data = pattern(10 << 20)
    try await withEngine(single(port, .tcp, [backend.port])) { _ in
      let same = try await blocking {
        let client = try TestClient(port)
        let writer = client.descriptor
        spawn {
          var sent = 0
          while sent < data.count {
            let count = data.withUnsafeBytes { buffer in
              send(
                writer, buffer.baseAddress.map { $0 + sent }, min(100_000, data.count - sent),
                Int32(MSG_NOSIGNAL))
            }
            if count <= 0 { return }
            sent += count
          }
          shutdown(writer, Int32(SHUT_WR))
        }
        usleep(100_000)
        return try client.receiveAll() == data
      }
      #expect(same)
    }
  }

  @Test func `a TCP connection goes to a member that answers`() async throws {
    let backend = try TestServer { client in try client.send("here") }
    let port = freePort()
    let closed = [freePort(), freePort()]
    try await withEngine(single(port, .tcp, closed + [backend.port])) { _ in
      let answers = try await blocking {
        try (0..<5).map { _ in String(decoding: try TestClient(port).receiveAll(), as: UTF8.self) }
      }
      #expect(answers == Array(repeating: "here", count: 5))
    }
  }

  @Test func `without a member a TCP connection is reset`() async throws {
    let port = freePort()
    try await withEngine(single(port, .tcp, [])) { _ in
      let reset = try await blocking { () -> Bool in
        let client = try TestClient(port)
        do {
          _ = try client.receive()
          return false
        } catch { return true }
      }
      #expect(reset)
    }
  }

  @Test func `an idle TCP connection ends after its time`() async throws {
    let backend = try TestServer { client in _ = try client.receive() }
    let port = freePort()
    let configuration = single(port, .tcp, [backend.port]) {
      $0.timeouts.idle = .milliseconds(100)
    }
    try await withEngine(configuration) { engine in
      let client = try TestClient(port)
      _ = try? client.receive()
      try await eventually("closed") {
        engine.snapshot().servers[0].counts.activeConnections == 0
      }
    }
  }

  @Test func `datagrams of one client go to one member and back from the server's address`()
    async throws
  {
    let backends = try (0..<2).map { try datagramEcho("\($0)") }
    let port = freePort()
    let configuration = single(port, .udp, backends.map(\.port)) {
      $0.timeouts.idle = .milliseconds(200)
    }
    try await withEngine(configuration, { $0.workers = 1 }) { engine in
      let answers = try await blocking {
        try (0..<2).map { _ in
          let client = try DatagramClient(port)
          return try (0..<3).map { try client.exchange("m\($0)") }
        }
      }
      #expect(answers == [["0:m0", "0:m1", "0:m2"], ["1:m0", "1:m1", "1:m2"]])
      #expect(engine.snapshot().servers[0].counts.connections == 2)
      try await eventually("flows end") {
        engine.snapshot().servers[0].counts.activeConnections == 0
      }
    }
  }
}

/// Answers every datagram with its name and the datagram.
func datagramEcho(_ name: String) throws -> DatagramServer {
  try DatagramServer { Array("\(name):".utf8) + $0 }
}

final class DatagramClient {
  private let descriptor: Int32

  init(_ port: UInt16) throws {
    descriptor = socket(AF_INET, Int32(SOCK_DGRAM.rawValue), 0)
    var limit = timeval(tv_sec: 30, tv_usec: 0)
    setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    var address = loopback(port)
    // Connected, so that an answer from another address would not arrive.
    let descriptor = descriptor
    let code = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
    guard code == 0 else { throw TestFailure("connect: \(errno)") }
  }

  deinit { close(descriptor) }

  func exchange(_ text: String) throws -> String {
    _ = send(descriptor, text, text.utf8.count, 0)
    var buffer = [UInt8](repeating: 0, count: 2048)
    let count = recv(descriptor, &buffer, buffer.count, 0)
    guard count >= 0 else { throw TestFailure("recv: \(errno)") }
    return String(decoding: buffer[..<count], as: UTF8.self)
  }
}
