import Wire

//  0                   1                   2                   3
//  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
// |Vers |  Diag   |Sta|P|F|C|A|D|M|  Detect Mult  |    Length     |
// |                       My Discriminator                        |
// |                      Your Discriminator                       |
// |                    Desired Min TX Interval                    |
// |                   Required Min RX Interval                    |
// |                 Required Min Echo RX Interval                 |
//
// RFC 5880 §4.1. Deviation: packets with an authentication section (A) are refused; no session of
// ours asks for one.

/// A BFD control packet.
package struct BFDPacket: Hashable, Sendable {
  package var diagnostic = BFDDiagnostic.none
  package var state: BFDState
  package var isPoll = false
  package var isFinal = false
  /// The sender's BFD lives apart from its control plane, and outlives that.
  package var isControlPlaneIndependent = false
  package var isDemand = false
  package var multiplier: UInt8
  package var myDiscriminator: UInt32
  /// Zero while the sender does not know it.
  package var yourDiscriminator: UInt32 = 0
  /// Whole microseconds, as all intervals here.
  package var desiredMinTransmit: Duration
  package var requiredMinReceive: Duration
  /// Zero: no echo function.
  package var requiredMinEchoReceive = Duration.zero

  package init(
    state: BFDState, multiplier: UInt8, myDiscriminator: UInt32, desiredMinTransmit: Duration,
    requiredMinReceive: Duration
  ) {
    self.state = state
    self.multiplier = multiplier
    self.myDiscriminator = myDiscriminator
    self.desiredMinTransmit = desiredMinTransmit
    self.requiredMinReceive = requiredMinReceive
  }
}

extension BFDPacket {
  package static let length = 24

  private enum Flag {
    static let poll: UInt8 = 0x20
    static let final: UInt8 = 0x10
    static let independent: UInt8 = 0x08
    static let authenticated: UInt8 = 0x04
    static let demand: UInt8 = 0x02
    static let multipoint: UInt8 = 0x01
  }

  /// Why a packet is discarded. RFC 5880 §6.8.6, in its order.
  package enum Refusal: Error, Hashable, Sendable {
    case version(UInt8)
    case length(UInt8, available: Int)
    case zeroMultiplier
    case multipoint
    case zeroDiscriminator
    case authenticated
  }

  /// The first checks of §6.8.6, those that need no session. Octets after the packet are ignored.
  package init(decoding bytes: some Collection<UInt8>) throws(Refusal) {
    var reader = ByteReader(Array(bytes.prefix(Self.length)))
    do {
      let first = try reader.readUInt8()
      if first >> 5 != 1 { throw Refusal.version(first >> 5) }
      let flags = try reader.readUInt8()
      multiplier = try reader.readUInt8()
      let length = try reader.readUInt8()
      let isAuthenticated = flags & Flag.authenticated != 0
      if length < (isAuthenticated ? 26 : 24) || Int(length) > bytes.count {
        throw Refusal.length(length, available: bytes.count)
      }
      if multiplier == 0 { throw Refusal.zeroMultiplier }
      if flags & Flag.multipoint != 0 { throw Refusal.multipoint }
      diagnostic = BFDDiagnostic(rawValue: first)
      state = BFDState(rawValue: flags >> 6) ?? .down
      isPoll = flags & Flag.poll != 0
      isFinal = flags & Flag.final != 0
      isControlPlaneIndependent = flags & Flag.independent != 0
      isDemand = flags & Flag.demand != 0
      myDiscriminator = try reader.readUInt32()
      if myDiscriminator == 0 { throw Refusal.zeroDiscriminator }
      yourDiscriminator = try reader.readUInt32()
      desiredMinTransmit = .microseconds(Int64(try reader.readUInt32()))
      requiredMinReceive = .microseconds(Int64(try reader.readUInt32()))
      requiredMinEchoReceive = .microseconds(Int64(try reader.readUInt32()))
      if isAuthenticated { throw Refusal.authenticated }
    } catch let refusal as Refusal {
      throw refusal
    } catch {
      throw .length(UInt8(clamping: bytes.count), available: bytes.count)
    }
  }

  package var encoded: [UInt8] {
    var flags = state.rawValue << 6
    if isPoll { flags |= Flag.poll }
    if isFinal { flags |= Flag.final }
    if isControlPlaneIndependent { flags |= Flag.independent }
    if isDemand { flags |= Flag.demand }
    var writer = ByteWriter(capacity: Self.length)
    writer.write(1 << 5 | diagnostic.rawValue)
    writer.write(flags)
    writer.write(multiplier)
    writer.write(UInt8(Self.length))
    writer.write(myDiscriminator)
    writer.write(yourDiscriminator)
    for interval in [desiredMinTransmit, requiredMinReceive, requiredMinEchoReceive] {
      writer.write(interval.inMicroseconds)
    }
    return writer.bytes
  }
}

extension Duration {
  /// Whole microseconds, as intervals go onto the wire; at most 71 minutes.
  var inMicroseconds: UInt32 {
    let (seconds, attoseconds) = components
    return UInt32(clamping: min(seconds, 1 << 32) * 1_000_000 + attoseconds / 1_000_000_000_000)
  }
}
