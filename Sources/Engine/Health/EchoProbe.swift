import Delivery
import Glibc
import Linux
import NetTypes

/// ICMP echo, RFC 792 and RFC 4443; needs CAP_NET_RAW, as the edge has.
@Loop enum EchoProbe {
  static func echo(_ address: SocketAddress, _ monitor: Monitor) async throws {
    let isIPv4 = address.address.isIPv4
    let raw = RawAddress(SocketAddress(address.address, port: 0))
    let type = Int32(SOCK_RAW.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue)
    let descriptor = socket(
      raw.family, type, isIPv4 ? Int32(IPPROTO_ICMP) : Int32(IPPROTO_ICMPV6))
    guard descriptor >= 0 else { throw SystemError("socket", "ICMP") }
    defer { close(descriptor) }
    guard raw.withPointer({ connect(descriptor, $0, $1) }) == 0 else {
      throw SystemError("connect", "\(address.address)")
    }
    let identifier = UInt16.random(in: .min ... .max)
    let packet = request(identifier, isIPv4: isIPv4)
    guard send(descriptor, packet, packet.count, Int32(MSG_NOSIGNAL)) == packet.count else {
      throw SystemError("send", "\(address.address)")
    }
    let waiter = Waiter()
    let watch = try Loop.watch(descriptor) { _ in
      if answered(descriptor, identifier, isIPv4: isIPv4) { waiter.resume() }
    }
    defer { watch.cancel() }
    try await waiter.wait()
  }

  private static func request(_ identifier: UInt16, isIPv4: Bool) -> [UInt8] {
    var packet: [UInt8] = [isIPv4 ? 8 : 128, 0, 0, 0]
    packet += [UInt8(identifier >> 8), UInt8(identifier & 0xff), 0, 1]
    packet += Array("atoll-monitor...".utf8)
    // The kernel fills in the checksum of ICMPv6 only.
    guard isIPv4 else { return packet }
    var sum: UInt32 = 0
    for index in stride(from: 0, to: packet.count, by: 2) {
      sum += UInt32(packet[index]) << 8 | UInt32(packet[index + 1])
    }
    while sum > 0xffff { sum = sum & 0xffff + sum >> 16 }
    packet[2] = UInt8(~sum >> 8 & 0xff)
    packet[3] = UInt8(~sum & 0xff)
    return packet
  }

  private static func answered(
    _ descriptor: Int32, _ identifier: UInt16, isIPv4: Bool
  ) -> Bool {
    var bytes = [UInt8](repeating: 0, count: 1500)
    while true {
      let count = recv(descriptor, &bytes, bytes.count, Int32(MSG_DONTWAIT))
      if count < 0 {
        if errno == EINTR { continue }
        return false
      }
      // IPv4 raw sockets deliver the IP header too.
      let start = isIPv4 ? Int(bytes[0] & 15) * 4 : 0
      if count >= start + 8, bytes[start] == (isIPv4 ? 0 : 129),
        bytes[start + 4] == UInt8(identifier >> 8), bytes[start + 5] == UInt8(identifier & 0xff)
      {
        return true
      }
    }
  }
}
