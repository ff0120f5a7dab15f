import NetTypes
import Wire

/// OPEN. RFC 4271 §4.2.
package struct OpenMessage: Hashable, Sendable {
  /// The four-octet number where the peer has one. RFC 6793.
  package var asNumber: ASNumber
  /// Seconds; zero disables keepalives.
  package var holdTime: UInt16
  package var identifier: IPv4Address
  package var capabilities: Capabilities

  package init(
    asNumber: ASNumber, holdTime: UInt16, identifier: IPv4Address,
    capabilities: Capabilities = Capabilities()
  ) {
    self.asNumber = asNumber
    self.holdTime = holdTime
    self.identifier = identifier
    self.capabilities = capabilities
  }
}

/// What a speaker can do beyond RFC 4271. RFC 5492.
package struct Capabilities: Hashable, Sendable {
  /// RFC 4760. Empty: the peer did not say, which means IPv4 unicast.
  package var families: [AddressFamily] = []
  /// RFC 2918.
  package var routeRefresh = false
  /// RFC 6793.
  package var fourOctetAS: ASNumber?
  /// RFC 4724.
  package var gracefulRestart: GracefulRestartCapability?
  /// Codes that we do not know, with their values.
  package var others: [Opaque] = []

  package struct Opaque: Hashable, Sendable {
    package var code: UInt8
    package var value: [UInt8]

    package init(code: UInt8, value: [UInt8]) {
      self.code = code
      self.value = value
    }
  }

  package init() {}
}

/// RFC 4724 §3.
package struct GracefulRestartCapability: Hashable, Sendable {
  /// The Restart State bit: the speaker has just restarted.
  package var isRestarting: Bool
  /// Seconds, 0 to 4095.
  package var restartTime: UInt16
  /// The families it preserves, each with its Forwarding State bit.
  package var families: [AddressFamily: Bool]

  package init(isRestarting: Bool, restartTime: UInt16, families: [AddressFamily: Bool]) {
    self.isRestarting = isRestarting
    self.restartTime = restartTime
    self.families = families
  }
}

private enum CapabilityCode {
  static let multiprotocol: UInt8 = 1
  static let routeRefresh: UInt8 = 2
  static let gracefulRestart: UInt8 = 64
  static let fourOctetAS: UInt8 = 65
}

extension OpenMessage {
  /// - Throws: the NOTIFICATION to answer with. RFC 4271 §6.2.
  init(decoding body: ArraySlice<UInt8>) throws(NotificationMessage) {
    do {
      var reader = ByteReader(body)
      let version = try reader.readUInt8()
      let number = try reader.readUInt16()
      let holdTime = try reader.readUInt16()
      let identifier = try reader.readIPv4Address()
      let length = try reader.readUInt8()
      if version != 4 { throw NotificationMessage.unsupportedVersion }
      if holdTime == 1 || holdTime == 2 { throw NotificationMessage.unacceptableHoldTime }
      if identifier == .any { throw NotificationMessage.badBGPIdentifier }
      var extended = false
      var parameters: ByteReader
      // RFC 9072: 255 twice announces lengths of two octets.
      if length == 255, body.count > 10, body[body.startIndex + 10] == 255 {
        _ = try reader.readUInt8()
        parameters = try reader.readReader(Int(try reader.readUInt16()))
        extended = true
      } else {
        parameters = try reader.readReader(Int(length))
      }
      if !reader.isAtEnd { throw NotificationMessage.malformedOpen }
      var capabilities = Capabilities()
      while !parameters.isAtEnd {
        let type = try parameters.readUInt8()
        let size = extended ? Int(try parameters.readUInt16()) : Int(try parameters.readUInt8())
        var value = try parameters.readReader(size)
        guard type == 2 else { throw NotificationMessage.unsupportedOptionalParameter }
        while !value.isAtEnd {
          let code = try value.readUInt8()
          let length = try value.readUInt8()
          capabilities.add(code, try value.readBytes(Int(length)))
        }
      }
      let asNumber = capabilities.fourOctetAS ?? ASNumber(UInt32(number))
      if asNumber.rawValue == 0 { throw NotificationMessage.badPeerAS }
      self.init(
        asNumber: asNumber, holdTime: holdTime, identifier: identifier, capabilities: capabilities)
    } catch let notification as NotificationMessage {
      throw notification
    } catch {
      throw .malformedOpen
    }
  }

  func encode(into writer: inout ByteWriter) {
    writer.write(UInt8(4))
    writer.write(UInt16(exactly: asNumber.rawValue) ?? 23456)
    writer.write(holdTime)
    writer.write(identifier)
    writer.writeLengthPrefixed8 { writer in
      let encoded = capabilities.encoded
      if encoded.isEmpty { return }
      writer.write(UInt8(2))
      writer.writeLengthPrefixed8 { $0.write(encoded) }
    }
  }
}

extension Capabilities {
  /// A capability whose value is malformed is kept as unknown: the session comes up without it.
  fileprivate mutating func add(_ code: UInt8, _ value: ArraySlice<UInt8>) {
    var reader = ByteReader(value)
    do {
      switch (code, value.count) {
      case (CapabilityCode.multiprotocol, 4):
        let afi = try reader.readUInt16()
        _ = try reader.readUInt8()
        let safi = try reader.readUInt8()
        if let family = AddressFamily(rawValue: afi), safi == AddressFamily.unicast {
          if !families.contains(family) { families.append(family) }
          return
        }
      case (CapabilityCode.routeRefresh, 0):
        routeRefresh = true
        return
      case (CapabilityCode.fourOctetAS, 4):
        fourOctetAS = ASNumber(try reader.readUInt32())
        return
      case (CapabilityCode.gracefulRestart, let count) where count >= 2 && (count - 2) % 4 == 0:
        let word = try reader.readUInt16()
        var capability = GracefulRestartCapability(
          isRestarting: word & 0x8000 != 0, restartTime: word & 0x0fff, families: [:])
        while !reader.isAtEnd {
          let afi = try reader.readUInt16()
          let safi = try reader.readUInt8()
          let flags = try reader.readUInt8()
          if let family = AddressFamily(rawValue: afi), safi == AddressFamily.unicast {
            capability.families[family] = flags & 0x80 != 0
          }
        }
        gracefulRestart = capability
        return
      default: break
      }
    } catch {}
    others.append(Opaque(code: code, value: Array(value)))
  }

  fileprivate var encoded: [UInt8] {
    var writer = ByteWriter()
    for family in families {
      writer.write([CapabilityCode.multiprotocol, 4])
      writer.write(family.rawValue)
      writer.write([0, AddressFamily.unicast])
    }
    if routeRefresh { writer.write([CapabilityCode.routeRefresh, 0]) }
    if let gracefulRestart {
      writer.write(CapabilityCode.gracefulRestart)
      writer.writeLengthPrefixed8 { writer in
        let flag: UInt16 = gracefulRestart.isRestarting ? 0x8000 : 0
        writer.write(flag | min(gracefulRestart.restartTime, 0x0fff))
        for (family, forwarding) in gracefulRestart.families.sorted(by: { $0.key < $1.key }) {
          writer.write(family.rawValue)
          writer.write([AddressFamily.unicast, forwarding ? 0x80 : 0])
        }
      }
    }
    if let fourOctetAS {
      writer.write([CapabilityCode.fourOctetAS, 4])
      writer.write(fourOctetAS.rawValue)
    }
    // One optional parameter holds at most 253 octets beside the two of its own header.
    for other in others where writer.count + 2 + other.value.count <= 253 {
      writer.write(other.code)
      writer.writeLengthPrefixed8 { $0.write(other.value) }
    }
    return writer.bytes
  }
}
