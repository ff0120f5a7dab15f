import Delivery
import Glibc
import HTTP
import Linux
import NetTypes
import Transport

/// Monitors over a connection.
@Loop enum StreamProbe {
  /// Connects; with `send` and `receive`, the answer must have what is expected.
  static func connect(_ address: SocketAddress, _ monitor: Monitor) async throws {
    let socket = try await connectSocket(to: .address(address), timeout: monitor.timeout)
    guard !monitor.send.isEmpty || !monitor.receive.isEmpty else {
      // Without data on its way a reset spares both ends the closing states.
      return resetOnClose(socket.rawValue)
    }
    let stream = try SocketStream(socket)
    defer { stream.close() }
    if !monitor.send.isEmpty { try await stream.write(Array(monitor.send.utf8)) }
    guard !monitor.receive.isEmpty else { return }
    var answer: [UInt8] = []
    while answer.count < Monitor.answerLimit {
      let bytes = try await stream.read(atMost: 4096)
      if bytes.isEmpty { break }
      answer += bytes
      if answer.contains(text: monitor.receive) { return }
    }
    throw ProbeFailure("answer has no \"\(monitor.receive)\"")
  }

  /// As `connect`, but the third segment of the handshake is a reset: the member's listener answers,
  /// and its process never sees a connection. tcp(7): without quick acknowledgements the kernel holds
  /// the acknowledgement back, and the reset takes its place.
  static func knock(_ address: SocketAddress, _ monitor: Monitor) async throws {
    let socket = try await connectSocket(
      to: .address(address), timeout: monitor.timeout,
      socket: { family, type in
        let descriptor = try makeSocket(family: family, type: type)
        setOption(descriptor.rawValue, Int32(IPPROTO_TCP), TCP_QUICKACK, 0)
        return descriptor
      })
    resetOnClose(socket.rawValue)
  }

  static func request(_ address: SocketAddress, _ monitor: Monitor) async throws {
    let isTLS = monitor.kind == .https
    let name = monitor.host ?? "\(address)"
    let client = HTTPClient(tls: isTLS ? try context(monitor) : nil)
    defer { client.closeIdle() }
    guard var url = HTTPURL("\(isTLS ? "https" : "http")://\(address)/").map(HTTPClient.Origin.init)
    else { throw ProbeFailure("\(address) is no address") }
    url.serverName = monitor.serverName ?? monitor.host ?? url.serverName
    url.authority = name
    let response = try await client.send(
      HTTPRequestHead(
        method: "GET", target: monitor.path,
        headers: ["Host": name, "User-Agent": "atoll-monitor", "Connection": "close"]),
      to: url, timeout: monitor.timeout)
    defer { response.body.cancel() }
    let expected = monitor.expectedStatus
    guard expected.contains(response.status) else {
      throw ProbeFailure(
        "status \(response.status), expected \(expected.lowerBound) to \(expected.upperBound)")
    }
    guard !monitor.receive.isEmpty else { return }
    let body = try await response.body.collect(limit: Monitor.answerLimit)
    guard body.contains(text: monitor.receive) else {
      throw ProbeFailure("content has no \"\(monitor.receive)\"")
    }
  }

  private static func context(_ monitor: Monitor) throws -> TLSContext {
    if monitor.verify { try .client(trusted: nil) } else { try .clientWithoutVerification() }
  }

  /// grpc.health.v1.Health/Check.
  static func checkHealth(_ address: SocketAddress, _ monitor: Monitor) async throws {
    let stream = try await connectStream(to: .address(address), timeout: monitor.timeout)
    defer { stream.close() }
    try await stream.write(
      GRPCHealthCheck.request(
        service: monitor.service, authority: monitor.host ?? "\(address)", agent: "atoll-monitor"))
    var check = GRPCHealthCheck()
    while true {
      let bytes = try await stream.read(atMost: 16_384)
      if bytes.isEmpty { throw ProbeFailure("closed without an answer") }
      switch check.receive(bytes) {
      case .needMore(let answer): if !answer.isEmpty { try await stream.write(answer) }
      case .status(1): return
      case .status(let status):
        throw ProbeFailure("health is \(GRPCHealthCheck.name(status)), expected SERVING")
      case .failed(let reason): throw ProbeFailure(reason)
      }
    }
  }
}

extension [UInt8] {
  func contains(text: String) -> Bool { firstRange(of: Array(text.utf8)) != nil }
}
