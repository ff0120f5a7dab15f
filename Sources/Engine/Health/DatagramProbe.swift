import Delivery
import Glibc
import Linux
import NetTypes

/// Monitors over UDP, from a connected socket, so that a refusal (ICMP port unreachable) is heard.
@Loop enum DatagramProbe {
  /// Sends `send`. With `receive`, an answer must have it; without, no refusal is all there is to
  /// hear, and half of the time, at most a second, is waited for one.
  static func exchange(_ address: SocketAddress, _ monitor: Monitor) async throws {
    let descriptor = try open(address)
    defer { close(descriptor) }
    try send(descriptor, Array(monitor.send.utf8))
    if monitor.receive.isEmpty {
      let refusal = Task { @Loop in try await receive(descriptor) }
      let timer = Loop.after(min(monitor.timeout / 2, .seconds(1))) { refusal.cancel() }
      defer { timer.cancel() }
      do {
        _ = try await refusal.value
      } catch is CancellationError {
        // Nobody refused.
      }
      return
    }
    let answer = try await receive(descriptor)
    guard answer.contains(text: monitor.receive) else {
      throw ProbeFailure("answer has no \"\(monitor.receive)\"")
    }
  }

  /// Asks for `queryName`; the answer must be NOERROR, with a record. RFC 1035 §4.
  static func query(_ address: SocketAddress, _ monitor: Monitor) async throws {
    let descriptor = try open(address)
    defer { close(descriptor) }
    let identifier = UInt16.random(in: .min ... .max)
    var message: [UInt8] = [
      UInt8(identifier >> 8), UInt8(identifier & 255), 1, 0, 0, 1, 0, 0, 0, 0, 0, 0,
    ]
    for label in monitor.queryName.split(separator: ".") {
      message.append(UInt8(truncatingIfNeeded: label.utf8.count))
      message += label.utf8
    }
    message += [0, 0, UInt8(monitor.queryType.rawValue), 0, 1]
    try send(descriptor, message)
    while true {
      let answer = try await receive(descriptor)
      // Another's, or an old one's.
      guard answer.count >= 12, answer[0] == message[0], answer[1] == message[1],
        answer[2] & 0x80 != 0
      else { continue }
      let code = answer[3] & 15
      guard code == 0 else {
        let names = ["NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED"]
        let name = Int(code) < names.count ? names[Int(code)] : "RCODE \(code)"
        throw ProbeFailure("\(monitor.queryName): \(name), expected NOERROR")
      }
      guard answer[6] | answer[7] != 0 else {
        throw ProbeFailure("\(monitor.queryName): no record, expected one of \(monitor.queryType)")
      }
      return
    }
  }

  /// The caller's to close.
  private static func open(_ address: SocketAddress) throws -> Int32 {
    let type = Int32(SOCK_DGRAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue)
    let descriptor = socket(address.address.isIPv4 ? AF_INET : AF_INET6, type, 0)
    guard descriptor >= 0 else { throw SystemError("socket", "UDP") }
    guard RawAddress(address).withPointer({ connect(descriptor, $0, $1) }) == 0 else {
      let error = SystemError("connect", "\(address)")
      close(descriptor)
      throw error
    }
    return descriptor
  }

  private static func send(_ descriptor: Int32, _ bytes: [UInt8]) throws {
    guard Glibc.send(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL)) == bytes.count else {
      throw SystemError("send", "")
    }
  }

  private static func receive(_ descriptor: Int32) async throws -> [UInt8] {
    // What there is, or an error: nil while there is neither.
    func take() -> Result<[UInt8], SystemError>? {
      var bytes = [UInt8](repeating: 0, count: 65_536)
      let count = recv(descriptor, &bytes, bytes.count, Int32(MSG_DONTWAIT))
      if count >= 0 { return .success(Array(bytes[..<count])) }
      return errno == EAGAIN || errno == EINTR ? nil : .failure(SystemError("recv", ""))
    }
    var result: Result<[UInt8], SystemError>?
    let waiter = Waiter()
    let watch = try Loop.watch(descriptor) { _ in
      guard result == nil else { return }
      result = take()
      if result != nil { waiter.resume() }
    }
    defer { watch.cancel() }
    try await waiter.wait()
    guard let result else { throw CancellationError() }
    return try result.get()
  }
}
