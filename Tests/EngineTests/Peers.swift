import Glibc
import Linux
import NetTypes
import Synchronization

/// Blocking sockets on loopback, for tests: a client that reads with a time limit.
final class TestClient {
  let descriptor: Int32

  init(_ port: UInt16, receiveBuffer: Int32? = nil) throws {
    descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
    if var size = receiveBuffer {
      setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &size, 4)
    }
    var limit = timeval(tv_sec: 30, tv_usec: 0)
    setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    var one: Int32 = 1
    setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &one, 4)
    var address = loopback(port)
    let code = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
    guard code == 0 else { throw TestFailure("connect \(port): \(errno)") }
  }

  init(accepted: Int32) { descriptor = accepted }

  deinit { close(descriptor) }

  func send(_ bytes: [UInt8]) throws {
    var sent = 0
    while sent < bytes.count {
      let count = bytes.withUnsafeBytes { buffer in
        Glibc.send(
          descriptor, buffer.baseAddress.map { $0 + sent }, bytes.count - sent, Int32(MSG_NOSIGNAL))
      }
      guard count > 0 else { throw TestFailure("send: \(errno)") }
      sent += count
    }
  }

  func send(_ text: String) throws { try send(Array(text.utf8)) }

  /// Up to `limit` bytes; empty at the end of input.
  func receive(_ limit: Int = 65536) throws -> [UInt8] {
    var buffer = [UInt8](repeating: 0, count: limit)
    let count = recv(descriptor, &buffer, limit, 0)
    guard count >= 0 else { throw TestFailure("recv: \(errno)") }
    return Array(buffer[..<count])
  }

  func receiveAll() throws -> [UInt8] {
    var all: [UInt8] = []
    while true {
      let part = try receive()
      if part.isEmpty { return all }
      all += part
    }
  }

  func receive(until end: String) throws -> String {
    var all: [UInt8] = []
    while true {
      let part = try receive(1)
      if part.isEmpty { return String(decoding: all, as: UTF8.self) }
      all += part
      if all.suffix(end.utf8.count).elementsEqual(end.utf8) {
        return String(decoding: all, as: UTF8.self)
      }
    }
  }

  func receive(exactly count: Int) throws -> [UInt8] {
    var all: [UInt8] = []
    all.reserveCapacity(count)
    while all.count < count {
      let part = try receive(min(65536, count - all.count))
      if part.isEmpty { throw TestFailure("closed after \(all.count) of \(count) bytes") }
      all += part
    }
    return all
  }

  func shutdownWrite() { shutdown(descriptor, Int32(SHUT_WR)) }

  /// A response with Content-Length or without content.
  func response() throws -> TestResponse {
    let head = try receive(until: "\r\n\r\n")
    guard !head.isEmpty else { throw TestFailure("closed instead of a response") }
    var response = TestResponse(head: head)
    if let length = response["content-length"].flatMap({ Int($0) }) {
      response.body = try receive(exactly: length)
    }
    return response
  }

  func get(_ path: String = "/", host: String = "h", fields: String = "") throws -> TestResponse {
    try send("GET \(path) HTTP/1.1\r\nHost: \(host)\r\n\(fields)\r\n")
    return try response()
  }
}

struct TestResponse {
  var head: String
  var body: [UInt8] = []

  var status: Int { Int(head.split(separator: " ")[1]) ?? 0 }
  var text: String { String(decoding: body, as: UTF8.self) }

  subscript(name: String) -> String? {
    for line in head.split(separator: "\r\n").dropFirst() {
      let sides = line.split(separator: ":", maxSplits: 1)
      if sides.count == 2, sides[0].lowercased() == name {
        return sides[1].drop { $0 == " " }.description
      }
    }
    return nil
  }
}

struct TestFailure: Error, CustomStringConvertible {
  var description: String
  init(_ description: String) { self.description = description }
}

func loopback(_ port: UInt16) -> sockaddr_in {
  var address = sockaddr_in()
  address.sin_family = sa_family_t(AF_INET)
  address.sin_port = port.bigEndian
  address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
  return address
}

private let nextPort = Atomic<Int>(Int(getpid()) * 37 % 10_000)

/// A port that is free now, below those that the kernel gives to outgoing connections.
func freePort() -> UInt16 {
  while true {
    let step = nextPort.add(1, ordering: .relaxed).newValue
    let port = UInt16(20_000 + step % 12_000)
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    defer { close(descriptor) }
    var address = loopback(port)
    let code = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
    if code == 0 { return port }
  }
}

/// A server with a thread for each connection, which runs `serve` and then closes.
final class TestServer: Sendable {
  let port: UInt16
  private let listener: Int32
  private let open = Mutex<(connections: Set<Int32>, stopped: Bool)>(([], false))
  let accepted = Atomic<Int>(0)

  init(
    port: UInt16 = 0, _ serve: @escaping @Sendable (TestClient) throws -> Void
  ) throws {
    listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
    var one: Int32 = 1
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, 4)
    var address = loopback(port)
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let descriptor = listener
    let code = withUnsafeMutablePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        let code = bind(descriptor, $0, length)
        _ = getsockname(descriptor, $0, &length)
        return code
      }
    }
    guard code == 0, listen(listener, 1024) == 0 else { throw TestFailure("bind: \(errno)") }
    self.port = UInt16(bigEndian: address.sin_port)
    spawn { [self] in
      while true {
        let accepted = accept(listener, nil, nil)
        if accepted < 0 { return }
        self.accepted.add(1, ordering: .relaxed)
        let goes = open.withLock { open in
          if !open.stopped { open.connections.insert(accepted) }
          return !open.stopped
        }
        guard goes else {
          close(accepted)
          continue
        }
        spawn { [self] in
          let client = TestClient(accepted: accepted)
          try? serve(client)
          _ = open.withLock { $0.connections.remove(accepted) }
        }
      }
    }
  }

  /// As a killed process: everything is closed, connections are reset.
  func kill() {
    shutdown(listener, Int32(SHUT_RDWR))
    close(listener)
    open.withLock { open in
      open.stopped = true
      for descriptor in open.connections {
        var value = linger(l_onoff: 1, l_linger: 0)
        setsockopt(
          descriptor, SOL_SOCKET, SO_LINGER, &value, socklen_t(MemoryLayout<linger>.size))
        shutdown(descriptor, Int32(SHUT_RDWR))
      }
    }
  }
}

func spawn(_ body: @escaping @Sendable () -> Void) { Thread.spawn(name: "test", body) }

/// Runs blocking work on a thread of its own, so that no thread of the pool waits.
func blocking<Value: Sendable>(
  _ body: @escaping @Sendable () throws -> Value
) async throws -> Value {
  try await withCheckedThrowingContinuation { continuation in
    spawn { continuation.resume(with: Result { try body() }) }
  }
}

/// Answers datagrams on loopback with what `answer` says, or not at all, for as long as the process
/// lives.
final class DatagramServer: Sendable {
  let port: UInt16

  init(_ answer: @escaping @Sendable ([UInt8]) -> [UInt8]?) throws {
    let descriptor = socket(AF_INET, Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
    var address = loopback(0)
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    withUnsafeMutablePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        _ = bind(descriptor, $0, length)
        _ = getsockname(descriptor, $0, &length)
      }
    }
    port = UInt16(bigEndian: address.sin_port)
    spawn {
      var bytes = [UInt8](repeating: 0, count: 65536)
      while true {
        var source = sockaddr_in()
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let count = withUnsafeMutablePointer(to: &source) {
          $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
            recvfrom(descriptor, &bytes, bytes.count, 0, $0, &length)
          }
        }
        guard count >= 0 else { continue }
        guard let reply = answer(Array(bytes[..<count])) else { continue }
        _ = withUnsafeMutablePointer(to: &source) {
          $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
            sendto(descriptor, reply, reply.count, 0, $0, length)
          }
        }
      }
    }
  }
}
