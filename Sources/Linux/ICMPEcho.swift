import CLinux
import Glibc
import NetTypes

/// ICMP echo over a raw socket. RFC 792.
@Loop package enum ICMPEcho {
  /// Sends `count` echoes, each after the last one was answered or given up, from inside the
  /// namespace given.
  /// - Returns: The round trips of those that came back within `timeout`. After two lost in a row it
  ///   gives up.
  package static func ping(
    _ address: IPAddress, count: Int, timeout: Duration, inNamespace namespace: String? = nil
  ) async throws -> [Duration] {
    guard case .v4 = address else { throw SystemError("ping", "\(address)", code: EAFNOSUPPORT) }
    let socket: Descriptor
    if let namespace {
      socket = try NetworkNamespace.open(named: namespace).with { try open() }
    } else {
      socket = try open()
    }
    let descriptor = socket.rawValue
    try system("connect", "\(address)") {
      RawSocketAddress(SocketAddress(address, port: 0)).with { connect(descriptor, $0, $1) }
    }
    let answers = Answers(descriptor)
    try answers.start()
    defer { answers.stop() }
    var times: [Duration] = []
    var lost = 0
    for sequence in 1...UInt16(clamping: max(1, count)) where lost < 2 {
      let sent = Loop.now
      let packet = echo(answers.identifier, sequence)
      if send(descriptor, packet, packet.count, 0) < 0 {
        // What came of an earlier echo shows here: nobody answered its ARP, or a router refused it.
        guard [EHOSTUNREACH, ECONNREFUSED].contains(errno) else {
          throw SystemError("send", "\(address)")
        }
      }
      if let at = try await answers.wait(for: sequence, timeout) {
        times.append(sent.duration(to: at))
        lost = 0
      } else {
        lost += 1
      }
    }
    _ = consume socket
    return times
  }

  private static func open() throws(SystemError) -> Descriptor {
    let kind =
      Int32(SOCK_RAW.rawValue) | Int32(SOCK_NONBLOCK.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
    return Descriptor(
      try system("socket", "ICMP") { socket(AF_INET, kind, Int32(IPPROTO_ICMP)) })
  }

  private static func echo(_ identifier: UInt16, _ sequence: UInt16) -> [UInt8] {
    var packet: [UInt8] = [8, 0, 0, 0]
    for word in [identifier, sequence] { packet += [UInt8(word >> 8), UInt8(word & 0xff)] }
    packet += (0..<48).map { UInt8($0) }
    let sum = checksum(packet)
    packet[2] = UInt8(sum >> 8)
    packet[3] = UInt8(sum & 0xff)
    return packet
  }

  /// The Internet checksum. RFC 1071.
  package nonisolated static func checksum(_ bytes: [UInt8]) -> UInt16 {
    var sum: UInt32 = 0
    for index in stride(from: 0, to: bytes.count, by: 2) {
      let low = index + 1 < bytes.count ? bytes[index + 1] : 0
      sum += UInt32(bytes[index]) << 8 | UInt32(low)
    }
    while sum > 0xffff { sum = sum & 0xffff + sum >> 16 }
    return ~UInt16(sum)
  }

  /// Echo replies as they come in.
  @Loop private final class Answers {
    let identifier = UInt16.random(in: 1...UInt16.max)
    private let descriptor: Int32
    private var registration: Registration?
    private var waiter: Waiter?
    private var expected: UInt16 = 0
    private var arrival: Instant?

    init(_ descriptor: Int32) { self.descriptor = descriptor }

    func start() throws(SystemError) {
      registration = try Loop.watch(descriptor) { [weak self] _ in self?.read() }
    }

    func stop() { registration?.cancel() }

    /// When the answer came; nil if none did in time.
    func wait(for sequence: UInt16, _ timeout: Duration) async throws -> Instant? {
      let waiter = Waiter()
      (self.waiter, expected, arrival) = (waiter, sequence, nil)
      // It may be there already, its event seen before it was expected.
      read()
      let alarm = Loop.after(timeout) { waiter.resume() }
      defer { alarm.cancel() }
      try await waiter.wait()
      return arrival
    }

    private func read() {
      var buffer = [UInt8](repeating: 0, count: 2048)
      while true {
        let count = recv(descriptor, &buffer, buffer.count, 0)
        if count < 0 { return }
        let header = Int(buffer[0] & 0x0f) * 4
        guard count >= header + 8, buffer[header] == 0,
          UInt16(buffer[header + 4]) << 8 | UInt16(buffer[header + 5]) == identifier,
          UInt16(buffer[header + 6]) << 8 | UInt16(buffer[header + 7]) == expected
        else { continue }
        arrival = Loop.now
        waiter?.resume()
      }
    }
  }
}
