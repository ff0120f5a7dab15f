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

  /// The optional parameter that holds capabilities. RFC 5492 §4.
  private static let capabilitiesParameter: UInt8 = 2
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
      // RFC 9072 §2: the type 255 announces lengths of two octets, whatever the first length is.
      if length > 0, body.count > 10, body[body.startIndex + 10] == 255 {
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
        guard type == Self.capabilitiesParameter else {
          throw NotificationMessage.unsupportedOptionalParameter
        }
        while !value.isAtEnd {
          let code = try value.readUInt8()
          let length = try value.readUInt8()
          try capabilities.add(code, try value.readBytes(Int(length)))
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
    let encoded = capabilities.encoded
    // The parameter's own header takes two of 255 octets.
    if encoded.count <= 253 {
      writer.writeLengthPrefixed8 { writer in
        if encoded.isEmpty { return }
        writer.write(Self.capabilitiesParameter)
        writer.writeLengthPrefixed8 { $0.write(encoded) }
      }
    } else {
      // RFC 9072 §2.
      writer.write([255, 255])
      writer.writeLengthPrefixed16 { writer in
        writer.write(Self.capabilitiesParameter)
        writer.writeLengthPrefixed16 { $0.write(encoded) }
      }
    }
  }
}
