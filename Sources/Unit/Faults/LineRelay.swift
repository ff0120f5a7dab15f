import Glibc
import Linux
import NetTypes

/// Carries frames between two interfaces of the calling thread's namespace, as a bad line does.
///
/// Packet sockets (packet(7)) with a virtio_net_hdr in front of each frame: what is left to do to a
/// frame, as a checksum, is told to the other side.
@Loop package final class LineRelay {
  /// Frames on their way in one direction; more are lost, as on a line with a queue that is full.
  static let queueLimit = 20_000

  private let ends: [Int32]
  private var impairments: [LineImpairment]
  private var inFlight = [0, 0]
  private var registrations: [Registration] = []
  private var buffer = [UInt8](repeating: 0, count: 70_000)

  package init(_ a: String, _ b: String, _ impairment: LineImpairment) throws {
    ends = [try PacketSocket.open(on: a), try PacketSocket.open(on: b)]
    var back = LineImpairment(seed: impairment.seed &+ 1)
    back.delay = impairment.delay
    back.jitter = impairment.jitter
    back.permille = impairment.permille
    impairments = [impairment, back]
    for index in ends.indices {
      registrations.append(try Loop.watch(ends[index]) { [unowned self] _ in carry(from: index) })
    }
  }

  private func carry(from index: Int) {
    let other = ends[1 - index]
    while true {
      let count = recv(ends[index], &buffer, buffer.count, Int32(MSG_DONTWAIT))
      guard count > 0 else { return }
      guard inFlight[index] < Self.queueLimit, let due = impairments[index].admit(at: Loop.now)
      else { continue }
      let frame = Array(buffer[..<count])
      inFlight[index] += 1
      Loop.after(Loop.now.duration(to: due)) { [unowned self] in
        inFlight[index] -= 1
        _ = send(other, frame, frame.count, Int32(MSG_DONTWAIT))
      }
    }
  }
}
