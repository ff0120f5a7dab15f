import Glibc
import Linux
import NetTypes

/// Echo requests every 10 ms from our namespace, and how many came back. RFC 792.
@Loop final class PingStream {
  private let descriptor: Int32
  private let identifier = UInt16.random(in: 1...UInt16.max)
  private var registration: Registration?
  private var timer: Linux.Timer?
  private(set) var sent = 0
  /// What happened at which packet.
  private(set) var marks: [String] = []
  private var answered: Set<UInt16> = []

  init(to destination: IPAddress, from cable: Cable) throws {
    let kind = Int32(SOCK_RAW.rawValue) | Int32(SOCK_NONBLOCK.rawValue)
    descriptor = try NetworkNamespace.open(path: cable.path(cable.ours)).with {
      let descriptor = try system("socket", "ICMP") { socket(AF_INET, kind, Int32(IPPROTO_ICMP)) }
      try system("connect", "\(destination)") {
        RawSocketAddress(SocketAddress(destination, port: 0)).with {
          Glibc.connect(descriptor, $0, $1)
        }
      }
      return descriptor
    }
    registration = try Loop.watch(descriptor) { [weak self] _ in self?.read() }
    send()
  }

  /// Those that are not on their way any more, and did not come back.
  var lost: Int { max(0, sent - answered.count - 3) }

  func mark(_ what: String) { marks.append("packet \(sent): \(what)") }

  private func send() {
    var packet: [UInt8] = [8, 0, 0, 0]
    let sequence = UInt16(truncatingIfNeeded: sent)
    for word in [identifier, sequence] { packet += [UInt8(word >> 8), UInt8(word & 0xff)] }
    packet += [UInt8](repeating: 0, count: 48)
    let sum = ICMPEcho.checksum(packet)
    packet[2] = UInt8(sum >> 8)
    packet[3] = UInt8(sum & 0xff)
    if Glibc.send(descriptor, packet, packet.count, 0) < 0 {
      marks.append("packet \(sent) not sent: \(String(cString: strerror(errno)))")
    }
    sent += 1
    timer = Loop.after(.milliseconds(10)) { [weak self] in self?.send() }
  }

  private func read() {
    var buffer = [UInt8](repeating: 0, count: 2048)
    while true {
      let count = recv(descriptor, &buffer, buffer.count, 0)
      if count < 0 { return }
      let header = Int(buffer[0] & 0x0f) * 4
      guard count >= header + 8, buffer[header] == 0,
        UInt16(buffer[header + 4]) << 8 | UInt16(buffer[header + 5]) == identifier
      else { continue }
      answered.insert(UInt16(buffer[header + 6]) << 8 | UInt16(buffer[header + 7]))
    }
  }

  /// Stops, waits for what is under way, and says which did not come back, by number.
  func finish() async throws -> (sent: Int, lost: [Int]) {
    timer?.cancel()
    for _ in 0..<100 where answered.count < sent { try await Loop.sleep(.milliseconds(20)) }
    registration?.cancel()
    close(descriptor)
    return (sent, (0..<sent).filter { !answered.contains(UInt16(truncatingIfNeeded: $0)) })
  }
}
