import Linux
import NetTypes

/// A port of the loopback for UDP and TCP alike, none that an outgoing connection could have: those are
/// taken from 32768 on, and a busy machine has one on many of them.
enum LoopbackPort {
  struct NoneFree: Error {}

  static func free() throws -> SocketAddress {
    for _ in 0..<100 {
      let address = SocketAddress(
        .v4(IPv4Address(127, 0, 0, 1)), port: UInt16.random(in: 20000..<32000))
      if (try? DatagramBatch.socket(bound: address)) != nil { return address }
    }
    throw NoneFree()
  }
}
