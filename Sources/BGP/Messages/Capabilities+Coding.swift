import NetTypes
import Wire

/// IANA, "Capability Codes".
private enum CapabilityCode {
  static let multiprotocol: UInt8 = 1
  static let routeRefresh: UInt8 = 2
  static let extendedNextHop: UInt8 = 5
  static let extendedMessages: UInt8 = 6
  static let role: UInt8 = 9
  static let gracefulRestart: UInt8 = 64
  static let fourOctetAS: UInt8 = 65
  static let addPath: UInt8 = 69
  static let enhancedRouteRefresh: UInt8 = 70
  static let hostName: UInt8 = 73
}

extension Capabilities {
  /// Takes in one capability. One whose value is malformed is kept as unknown: the session comes
  /// up without it.
  /// - Throws: Role Mismatch, where two roles contradict each other. RFC 9234 §4.2.
  mutating func add(
    _ code: UInt8, _ value: ArraySlice<UInt8>
  ) throws(NotificationMessage) {
    var reader = ByteReader(value)
    if code == CapabilityCode.role, value.count == 1, let role = value.first {
      if let roleCode, roleCode != role { throw .roleMismatch }
      roleCode = role
      return
    }
    if !take(code, &reader) { others.append(Opaque(code: code, value: Array(value))) }
  }

  /// False for an unknown code, or a value that it cannot have.
  private mutating func take(_ code: UInt8, _ reader: inout ByteReader) -> Bool {
    switch (code, reader.remaining) {
    case (CapabilityCode.multiprotocol, 4):
      guard let afi = try? reader.readUInt16(), (try? reader.readUInt8()) != nil,
        let family = AddressFamily(rawValue: afi),
        (try? reader.readUInt8()) == AddressFamily.unicast
      else { return false }
      if !families.contains(family) { families.append(family) }
    case (CapabilityCode.routeRefresh, 0): routeRefresh = true
    case (CapabilityCode.extendedNextHop, let count) where count % 6 == 0:
      while let triple = try? (reader.readUInt16(), reader.readUInt16(), reader.readUInt16()) {
        if triple == (AddressFamily.ipv4.rawValue, 1, AddressFamily.ipv6.rawValue) {
          extendedNextHop = true
        }
      }
    case (CapabilityCode.extendedMessages, 0): extendedMessages = true
    case (CapabilityCode.gracefulRestart, let count) where count >= 2 && (count - 2) % 4 == 0:
      gracefulRestart = GracefulRestartCapability(&reader)
    case (CapabilityCode.fourOctetAS, 4):
      fourOctetAS = (try? reader.readUInt32()).map(ASNumber.init)
    case (CapabilityCode.addPath, let count) where count % 4 == 0:
      while let afi = try? reader.readUInt16(), let safi = try? reader.readUInt8(),
        let directions = try? reader.readUInt8()
      {
        // RFC 7911 §4: any other value of the field is as if the family were not there.
        guard let family = AddressFamily(rawValue: afi), safi == AddressFamily.unicast,
          (1...3).contains(directions)
        else { continue }
        addPath[family] = AddPathDirections(rawValue: directions)
      }
    case (CapabilityCode.enhancedRouteRefresh, 0): enhancedRouteRefresh = true
    case (CapabilityCode.hostName, _):
      guard let hostLength = try? reader.readUInt8(),
        let host = try? reader.readBytes(Int(hostLength)),
        let domainLength = try? reader.readUInt8(),
        let domain = try? reader.readBytes(Int(domainLength)), reader.isAtEnd
      else { return false }
      hostName = HostNameCapability(host: host.printableText, domain: domain.printableText)
    default: return false
    }
    return true
  }

  /// In the order of their codes.
  var encoded: [UInt8] {
    var writer = ByteWriter()
    for family in families {
      writer.write([CapabilityCode.multiprotocol, 4])
      writer.write(family.rawValue)
      writer.write([0, AddressFamily.unicast])
    }
    if routeRefresh { writer.write([CapabilityCode.routeRefresh, 0]) }
    if extendedNextHop {
      writer.write([CapabilityCode.extendedNextHop, 6])
      writer.write(AddressFamily.ipv4.rawValue)
      writer.write(UInt16(AddressFamily.unicast))
      writer.write(AddressFamily.ipv6.rawValue)
    }
    if extendedMessages { writer.write([CapabilityCode.extendedMessages, 0]) }
    if let roleCode { writer.write([CapabilityCode.role, 1, roleCode]) }
    if let gracefulRestart {
      writer.write(CapabilityCode.gracefulRestart)
      writer.writeLengthPrefixed8 { gracefulRestart.encode(into: &$0) }
    }
    if let fourOctetAS {
      writer.write([CapabilityCode.fourOctetAS, 4])
      writer.write(fourOctetAS.rawValue)
    }
    if !addPath.isEmpty {
      writer.write(CapabilityCode.addPath)
      writer.writeLengthPrefixed8 { writer in
        for (family, directions) in addPath.sorted(by: { $0.key < $1.key }) {
          writer.write(family.rawValue)
          writer.write([AddressFamily.unicast, directions.rawValue])
        }
      }
    }
    if enhancedRouteRefresh { writer.write([CapabilityCode.enhancedRouteRefresh, 0]) }
    if let hostName {
      writer.write(CapabilityCode.hostName)
      writer.writeLengthPrefixed8 { writer in
        for name in [hostName.host, hostName.domain] {
          writer.writeLengthPrefixed8 { $0.write(name.utf8.prefix(HostNameCapability.limit)) }
        }
      }
    }
    for other in others where other.value.count <= 255 && writer.count < Self.limit {
      writer.write(other.code)
      writer.writeLengthPrefixed8 { $0.write(other.value) }
    }
    return writer.bytes
  }

  /// What is certain to fit an OPEN of 4,096 octets, with one more capability.
  private static let limit = 3700
}

extension HostNameCapability {
  /// Octets sent of each of the two names.
  fileprivate static let limit = 64
}

extension GracefulRestartCapability {
  fileprivate init(_ reader: inout ByteReader) {
    let word = (try? reader.readUInt16()) ?? 0
    self.init(
      isRestarting: word & 0x8000 != 0, coversNotification: word & 0x4000 != 0,
      restartTime: word & 0x0fff, families: [:])
    while let afi = try? reader.readUInt16(), let safi = try? reader.readUInt8(),
      let flags = try? reader.readUInt8()
    {
      if let family = AddressFamily(rawValue: afi), safi == AddressFamily.unicast {
        families[family] = flags & 0x80 != 0
      }
    }
  }

  fileprivate func encode(into writer: inout ByteWriter) {
    let flags: UInt16 = (isRestarting ? 0x8000 : 0) | (coversNotification ? 0x4000 : 0)
    writer.write(flags | min(restartTime, 0x0fff))
    for (family, forwarding) in families.sorted(by: { $0.key < $1.key }) {
      writer.write(family.rawValue)
      writer.write([AddressFamily.unicast, forwarding ? 0x80 : 0])
    }
  }
}

extension Sequence<UInt8> {
  /// As text for logs and tables: what is no UTF-8 becomes U+FFFD, control characters a `?`.
  package var printableText: String {
    var text = ""
    for scalar in String(decoding: Array(self), as: UTF8.self).unicodeScalars {
      let isControl = scalar.properties.generalCategory == .control
      text.unicodeScalars.append(isControl || scalar.value == 0x2028 ? "?" : scalar)
    }
    return text
  }
}
