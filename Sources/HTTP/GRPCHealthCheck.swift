/// Just enough HTTP/2 (RFC 9113) for one call of `grpc.health.v1.Health/Check`, sans I/O.
///
/// The request's header block uses literals only (RFC 7541 §6.2.2), so that no table is kept; of the
/// answer only DATA is read: its message is field 1, the serving status.
package struct GRPCHealthCheck {
  package enum Outcome: Equatable {
    /// Send these bytes, then read on.
    case needMore([UInt8])
    /// 1 is SERVING.
    case status(Int)
    case failed(String)
  }

  package init() {}

  private var buffer: [UInt8] = []
  private var message: [UInt8] = []
  /// Frames longer than this are not expected of a health check.
  private static let frameLimit = 65_536

  package static func name(_ status: Int) -> String {
    ["UNKNOWN", "SERVING", "NOT_SERVING", "SERVICE_UNKNOWN"].indices.contains(status)
      ? ["UNKNOWN", "SERVING", "NOT_SERVING", "SERVICE_UNKNOWN"][status] : String(status)
  }

  /// Preface, SETTINGS, HEADERS and DATA on stream 1.
  package static func request(
    service: String, authority: String, agent: String = "kube-probe/1.32"
  ) -> [UInt8] {
    var block: [UInt8] = []
    for (name, value) in [
      (":method", "POST"), (":scheme", "http"), (":path", "/grpc.health.v1.Health/Check"),
      (":authority", authority), ("content-type", "application/grpc"), ("te", "trailers"),
      ("user-agent", agent),
    ] {
      block.append(0)
      for text in [name, value] {
        let bytes = Array(text.utf8.prefix(126))
        block.append(UInt8(bytes.count))
        block += bytes
      }
    }
    var body: [UInt8] = []
    if !service.isEmpty {
      let bytes = Array(service.utf8.prefix(127))
      body = [0x0A, UInt8(bytes.count)] + bytes
    }
    let message: [UInt8] = [0, 0, 0, 0, UInt8(body.count)] + body
    return Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8) + frame(4, 0, 0, [])
      + frame(1, 4, 1, block) + frame(0, 1, 1, message)
  }

  private static func frame(
    _ type: UInt8, _ flags: UInt8, _ stream: UInt8, _ payload: [UInt8]
  ) -> [UInt8] {
    [
      UInt8(truncatingIfNeeded: payload.count >> 16), UInt8(truncatingIfNeeded: payload.count >> 8),
      UInt8(truncatingIfNeeded: payload.count), type, flags, 0, 0, 0, stream,
    ] + payload
  }

  package mutating func receive(_ bytes: [UInt8]) -> Outcome {
    buffer += bytes
    var answer: [UInt8] = []
    while buffer.count >= 9 {
      let length = Int(buffer[0]) << 16 | Int(buffer[1]) << 8 | Int(buffer[2])
      guard length <= Self.frameLimit else { return .failed("frame of \(length) bytes") }
      guard buffer.count >= 9 + length else { break }
      let (type, flags) = (buffer[3], buffer[4])
      var payload = Array(buffer[9..<9 + length])
      buffer.removeFirst(9 + length)
      switch type {
      case 0:
        if flags & 8 != 0, let padding = payload.first {
          guard payload.count > Int(padding) else { return .failed("bad padding") }
          payload = Array(payload.dropFirst().dropLast(Int(padding)))
        }
        message += payload
        if let status = Self.status(of: message) { return .status(status) }
      case 1 where flags & 1 != 0:
        // Trailers end the stream: without a message before them the call failed.
        return .failed("service answered without a health status")
      case 3: return .failed("service reset the call")
      case 4 where flags & 1 == 0: answer += Self.frame(4, 1, 0, [])
      case 6 where flags & 1 == 0: answer += Self.frame(6, 1, 0, payload)
      case 7: return .failed("service refused the connection")
      default: break
      }
    }
    return .needMore(answer)
  }

  /// Nil while the message is incomplete. An absent field is 0, UNKNOWN.
  private static func status(of message: [UInt8]) -> Int? {
    guard message.count >= 5 else { return nil }
    let length = message[1..<5].reduce(0) { $0 << 8 | Int($1) }
    guard message.count >= 5 + length else { return nil }
    guard length >= 2, message[5] == 0x08 else { return 0 }
    return Int(message[6])
  }
}
