import Glibc

/// A blocking TCP socket on the loopback, with what was read ahead.
final class SoakSocket {
  struct Closed: Error {}
  struct TimedOut: Error {}

  let descriptor: Int32
  private var input: [UInt8] = []
  private var position = 0
  private var space = [UInt8](repeating: 0, count: 1 << 16)

  /// A connected one, whose reads wait for 30 s at most.
  init(connecting port: UInt16) throws {
    descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
    var limit = timeval(tv_sec: 30, tv_usec: 0)
    setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    setNoDelay()
    guard withAddress(port, { connect(descriptor, $0, $1) }) == 0 else { throw Closed() }
  }

  init(listening port: UInt16) throws {
    descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
    var one: Int32 = 1
    setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &one, 4)
    guard withAddress(port, { bind(descriptor, $0, $1) }) == 0, listen(descriptor, 1024) == 0 else {
      throw Closed()
    }
  }

  init(accepted: Int32) {
    descriptor = accepted
    setNoDelay()
  }

  deinit { close(descriptor) }

  private func setNoDelay() {
    var one: Int32 = 1
    setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &one, 4)
  }

  /// A close that follows tells the peer at once that nothing more is wanted.
  func resetOnClose() {
    var value = linger(l_onoff: 1, l_linger: 0)
    setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &value, socklen_t(MemoryLayout<linger>.size))
  }

  func send(_ bytes: [UInt8]) throws {
    var sent = 0
    while sent < bytes.count {
      let count = bytes.withUnsafeBytes {
        Glibc.send(
          descriptor, $0.baseAddress.map { $0 + sent }, bytes.count - sent, Int32(MSG_NOSIGNAL))
      }
      guard count > 0 else { throw Closed() }
      sent += count
    }
  }

  private func fill() throws {
    if position > 0 {
      input.removeFirst(position)
      position = 0
    }
    let count = recv(descriptor, &space, space.count, 0)
    if count < 0, errno == EAGAIN { throw TimedOut() }
    guard count > 0 else { throw Closed() }
    input += space[..<count]
  }

  /// Up to and with the empty line.
  func head() throws -> String {
    while true {
      let rest = input[position...]
      if let end = endOfHead(rest) {
        position = end
        return String(decoding: rest[..<end], as: UTF8.self)
      }
      try fill()
    }
  }

  private func endOfHead(_ bytes: ArraySlice<UInt8>) -> Int? {
    var index = bytes.startIndex
    while index + 4 <= bytes.endIndex {
      if bytes[index] == 13, bytes[index + 1] == 10, bytes[index + 2] == 13, bytes[index + 3] == 10
      {
        return index + 4
      }
      index += 1
    }
    return nil
  }

  /// The next `count` bytes, by parts as they come.
  func take(_ count: Int, _ body: (ArraySlice<UInt8>) -> Void = { _ in }) throws {
    var left = count
    while left > 0 {
      if position == input.count { try fill() }
      let part = input[position...].prefix(left)
      body(part)
      position += part.count
      left -= part.count
    }
  }
}

private func withAddress(
  _ port: UInt16, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32
) -> Int32 {
  var address = sockaddr_in()
  address.sin_family = sa_family_t(AF_INET)
  address.sin_port = port.bigEndian
  address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
  return withUnsafePointer(to: &address) {
    $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
      body($0, socklen_t(MemoryLayout<sockaddr_in>.size))
    }
  }
}
