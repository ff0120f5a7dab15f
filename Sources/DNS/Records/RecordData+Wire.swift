import Wire

extension RecordData {
  /// Data as it stands in a message: checked by its type's layout, names uncompressed. RFC 3597 §4.
  init(reading reader: inout MessageReader, length: Int, type: RecordType) throws(FormatError) {
    let start = reader.position
    var fields = try reader.readReader(length)
    guard let layout = RecordLayout.of(type) else {
      self.init(bytes: Array(try fields.readBytes(length)))
      return
    }
    var bytes: [UInt8] = []
    bytes.reserveCapacity(length)
    for field in layout.fields {
      do throws(FormatError) {
        try Self.copy(field, type, from: &fields, to: &bytes)
      } catch {
        if case .truncated(let needed, let available) = error.reason {
          let read = fields.position - start
          throw FormatError(
            .dataLength(type, expected: read + max(needed, available + 1), found: length), at: start
          )
        }
        throw error
      }
    }
    guard fields.isAtEnd else {
      throw FormatError(
        .dataLength(type, expected: fields.position - start, found: length), at: start)
    }
    self.init(bytes: bytes)
  }

  /// Whether data is what its type's layout says.
  package func isWellFormed(as type: RecordType) -> Bool {
    var reader = MessageReader(bytes)
    return (try? RecordData(reading: &reader, length: bytes.count, type: type)) == self
  }

  private static func copy(
    _ field: RecordLayout.Field, _ type: RecordType, from reader: inout MessageReader,
    to bytes: inout [UInt8]
  ) throws(FormatError) {
    switch field {
    case .octet: bytes += try reader.readBytes(1)
    case .short, .type: bytes += try reader.readBytes(2)
    case .long, .period, .time, .ipv4: bytes += try reader.readBytes(4)
    case .identifier: bytes += try reader.readBytes(8)
    case .ipv6: bytes += try reader.readBytes(16)
    case .location: bytes += try reader.readBytes(16)
    case .hardwareAddress(let octets): bytes += try reader.readBytes(octets)
    case .name(let mayBeCompressed):
      bytes += try reader.readName(compressed: mayBeCompressed).wire
    case .string, .tag, .salt, .base32: try copyString(from: &reader, to: &bytes)
    case .strings:
      repeat { try copyString(from: &reader, to: &bytes) } while !reader.isAtEnd
    case .text, .hexadecimal, .base64: bytes += try reader.readBytes(reader.remaining)
    case .types:
      let position = reader.position
      let rest = try reader.readBytes(reader.remaining)
      guard TypeBitmap(decoding: rest) != nil else {
        throw FormatError(.data(type), at: position)
      }
      bytes += rest
    case .parameters:
      let position = reader.position
      let rest = try reader.readBytes(reader.remaining)
      guard ServiceParameters(decoding: rest) != nil else {
        throw FormatError(.data(type), at: position)
      }
      bytes += rest
    case .addressPrefixes:
      let position = reader.position
      let rest = try reader.readBytes(reader.remaining)
      guard AddressPrefixList(decoding: rest) != nil else {
        throw FormatError(.data(type), at: position)
      }
      bytes += rest
    }
  }

  private static func copyString(
    from reader: inout MessageReader, to bytes: inout [UInt8]
  ) throws(FormatError) {
    let length = try reader.readUInt8()
    bytes.append(length)
    bytes += try reader.readBytes(Int(length))
  }
}
