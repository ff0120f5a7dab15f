import NetTypes
import Wire

/// The two messages by which routers of one link find each other. RFC 4861 §4.1, §4.2.
///
/// The checksum is the kernel's (RFC 3542 §3.1): it is sent as zero and not looked at.
enum RouterDiscoveryMessage: Equatable {
  case solicitation
  case advertisement(RouterAdvertisement)
}

struct RouterAdvertisement: Equatable {
  /// How long the sender may be taken for a default router; zero: it is none.
  var lifetime: Duration
  /// The sender's MTU for the link, if it says one.
  var mtu: UInt32?

  static let solicitationType: UInt8 = 133
  static let type: UInt8 = 134
  private static let mtuOption: UInt8 = 5

  init(lifetime: Duration = .zero, mtu: UInt32? = nil) {
    self.lifetime = lifetime
    self.mtu = mtu
  }

  var encoded: [UInt8] {
    var writer = ByteWriter(capacity: 24)
    writer.write([Self.type, 0, 0, 0])
    // No hop limit and no flags: what hosts make of the link is not ours to say.
    writer.write([UInt8(0), 0])
    writer.write(UInt16(clamping: lifetime.components.seconds))
    writer.write(UInt32(0))
    writer.write(UInt32(0))
    if let mtu {
      writer.write([Self.mtuOption, 1, 0, 0])
      writer.write(mtu)
    }
    return writer.bytes
  }
}

extension RouterDiscoveryMessage {
  /// An option-less solicitation.
  static let encodedSolicitation: [UInt8] =
    [RouterAdvertisement.solicitationType]
    + .init(
      repeating: 0, count: 7)

  /// Nil for what has to be dropped in silence. RFC 4861 §6.1.1, §6.1.2.
  init?(decoding bytes: ArraySlice<UInt8>, sender: IPv6Address, hopLimit: Int) {
    guard hopLimit == 255 else { return nil }
    var reader = ByteReader(bytes)
    guard let type = try? reader.readUInt8(), let code = try? reader.readUInt8(), code == 0,
      (try? reader.readUInt16()) != nil
    else { return nil }
    switch type {
    case RouterAdvertisement.solicitationType:
      guard (try? reader.readUInt32()) != nil, Self.options(&reader) != nil else { return nil }
      self = .solicitation
    case RouterAdvertisement.type:
      guard sender.isLinkLocal, (try? reader.readUInt16()) != nil,
        let lifetime = try? reader.readUInt16(), (try? reader.readUInt64()) != nil,
        let options = Self.options(&reader)
      else { return nil }
      self = .advertisement(
        RouterAdvertisement(lifetime: .seconds(Int64(lifetime)), mtu: options.mtu))
    default: return nil
    }
  }

  /// Nil if one is of length zero or overruns. RFC 4861 §4.6.
  private static func options(_ reader: inout ByteReader) -> (mtu: UInt32?, Void)? {
    var mtu: UInt32?
    while !reader.isAtEnd {
      guard let type = try? reader.readUInt8(), let units = try? reader.readUInt8(), units > 0,
        var value = try? reader.readReader(Int(units) * 8 - 2)
      else { return nil }
      if type == 5, units == 1, (try? value.readUInt16()) != nil { mtu = try? value.readUInt32() }
    }
    return (mtu, ())
  }
}

extension IPv6Address {
  /// fe80::/10. RFC 4291 §2.5.6.
  package var isLinkLocal: Bool { high >> 54 == 0x3fa }
}
