import BFD
import NetTypes
import Testing

@Suite struct BFDPacketTests {
  private struct Vector: CustomTestStringConvertible {
    var name: String
    var hex: String
    var packet: BFDPacket
    var testDescription: String { name }
  }

  /// Written by hand after the figure in RFC 5880 §4.1; the last sent by bfdd of FRR 8.4.4.
  private static let vectors: [Vector] = {
    var first = BFDPacket(
      state: .down, multiplier: 3, myDiscriminator: 0x0102_0304, desiredMinTransmit: .seconds(1),
      requiredMinReceive: .milliseconds(50))
    first.requiredMinEchoReceive = .milliseconds(50)
    var poll = BFDPacket(
      state: .up, multiplier: 255, myDiscriminator: 1, desiredMinTransmit: .microseconds(1),
      requiredMinReceive: .zero)
    poll.diagnostic = .controlDetectionTimeExpired
    poll.yourDiscriminator = .max
    poll.isPoll = true
    poll.isControlPlaneIndependent = true
    var final = BFDPacket(
      state: .initial, multiplier: 5, myDiscriminator: 7,
      desiredMinTransmit: .microseconds(4_294_967_295), requiredMinReceive: .milliseconds(300))
    final.diagnostic = .reverseConcatenatedPathDown
    final.yourDiscriminator = 9
    final.isFinal = true
    final.isDemand = true
    var goodbye = final
    goodbye.state = .adminDown
    goodbye.diagnostic = .administrativelyDown
    (goodbye.isFinal, goodbye.isDemand) = (false, false)
    var captured = BFDPacket(
      state: .up, multiplier: 3, myDiscriminator: 0xc60e_ffc7,
      desiredMinTransmit: .milliseconds(50), requiredMinReceive: .milliseconds(50))
    captured.yourDiscriminator = 0xffc7_19c9
    captured.requiredMinEchoReceive = .milliseconds(50)
    captured.isFinal = true
    return [
      Vector(
        name: "the first packet of a session",
        hex: "20400318 01020304 00000000 000f4240 0000c350 0000c350", packet: first),
      Vector(
        name: "Up, with a Poll and C", hex: "21e8ff18 00000001 ffffffff 00000001 00000000 00000000",
        packet: poll),
      Vector(
        name: "Init, with a Final and D",
        hex: "28920518 00000007 00000009 ffffffff 000493e0 00000000", packet: final),
      Vector(
        name: "AdminDown", hex: "27000518 00000007 00000009 ffffffff 000493e0 00000000",
        packet: goodbye),
    ]
  }()

  @Test(arguments: vectors) private func `packets are read and written as RFC 5880 draws them`(
    _ vector: Vector
  ) throws {
    let bytes = octets(vector.hex)
    #expect(try BFDPacket(decoding: bytes) == vector.packet)
    #expect(vector.packet.encoded == bytes)
  }

  /// One octet of a good packet each: where, what, and why it is refused.
  @Test(
    arguments: [
      (0, 0x00, .version(0)), (0, 0x40, .version(2)), (3, 23, .length(23, available: 24)),
      (3, 25, .length(25, available: 24)), (2, 0, .zeroMultiplier), (1, 0x41, .multipoint),
      (7, 0, .zeroDiscriminator), (1, 0x44, .length(24, available: 24)),
    ] as [(Int, UInt8, BFDPacket.Refusal)])
  func `what RFC 5880 §6.8.6 discards is refused`(
    _ position: Int, _ octet: UInt8, _ refusal: BFDPacket.Refusal
  ) {
    var bytes = octets("20400318 00000001 00000000 000f4240 0000c350 00000000")
    bytes[position] = octet
    #expect(throws: refusal) { try BFDPacket(decoding: bytes) }
  }

  @Test func `an authenticated packet is refused whole`() {
    let bytes = octets("2044031a 00000001 00000000 000f4240 0000c350 00000000 0103")
    #expect(throws: BFDPacket.Refusal.authenticated) { try BFDPacket(decoding: bytes) }
  }

  @Test func `whatever octets come, decoding ends, and what is taken is written the same`() {
    var random = SeededRandom(seed: 5880)
    for _ in 0..<20_000 {
      var bytes = (0..<Int.random(in: 0...40, using: &random)).map { _ in
        UInt8.random(in: 0...255, using: &random)
      }
      if bytes.count > 3, Bool.random(using: &random) {
        bytes[0] = bytes[0] & 0x1f | 0x20
        bytes[1] &= ~0x05
        bytes[3] = 24
      }
      guard let packet = try? BFDPacket(decoding: bytes) else { continue }
      #expect(Array(bytes.prefix(24))[4...] == packet.encoded[4...])
      #expect((try? BFDPacket(decoding: packet.encoded)) == packet)
    }
  }

  @Test(arguments: 0...24) func `a packet cut short is refused`(_ count: Int) {
    let bytes = octets("20400318 00000001 00000000 000f4240 0000c350 00000000").prefix(count)
    #expect((try? BFDPacket(decoding: bytes)) == nil || count == 24)
  }
}

func octets(_ hex: String) -> [UInt8] {
  let digits = hex.filter { $0 != " " }
  return stride(from: 0, to: digits.count, by: 2).compactMap { offset in
    UInt8(digits.dropFirst(offset).prefix(2), radix: 16)
  }
}
