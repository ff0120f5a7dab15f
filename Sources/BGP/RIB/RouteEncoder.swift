import NetTypes
import Wire

/// Writes UPDATE messages of one family. RFC 4271 §4.3, RFC 4760, RFC 7911 §3, RFC 8950.
struct RouteEncoder {
  /// The attributes of one set, as they stand in every message.
  struct SharedAttributes {
    /// Nil: the routes go into the message's own field.
    var nextHop: IPv6Address?
    var linkLocal: IPv6Address?
    var bytes: [UInt8]
  }

  let family: AddressFamily
  let options: CodecOptions
  private let isIdentified: Bool

  init(family: AddressFamily, options: CodecOptions) {
    self.family = family
    self.options = options
    isIdentified = options.addPathSend.contains(family)
  }

  /// Octets of the longest route.
  private var longestRoute: Int { 1 + family.bitWidth / 8 + (isIdentified ? 4 : 0) }

  func attributes(_ table: AttributeTable, _ id: AttributeID) -> SharedAttributes {
    if family == .ipv4, let bytes = table.wireBytes(of: id, options) {
      return SharedAttributes(bytes: bytes)
    }
    let attributes = table[id]
    var writer = ByteWriter(capacity: 128)
    var shared = SharedAttributes(bytes: [])
    if case .v6(let hop)? = attributes.nextHop {
      shared.nextHop = hop
      shared.linkLocal = attributes.linkLocalNextHop
    }
    attributes.encode(
      into: &writer, options: options, classicNextHop: shared.nextHop == nil)
    shared.bytes = writer.bytes
    return shared
  }

  func hasRoom(beside shared: SharedAttributes) -> Bool {
    Message.headerLength + 4 + 64 + shared.bytes.count + longestRoute <= options.maximumLength
  }

  @inline(__always)
  func write<Key: PrefixKey>(_ key: Key, _ identifier: UInt32, into writer: inout ByteWriter) {
    if isIdentified { writer.write(identifier) }
    key.write(into: &writer)
  }

  /// - Parameter routes: Writes routes while there are fewer octets than it is told.
  @inline(__always)
  func writeWithdrawal(into writer: inout ByteWriter, _ routes: (inout ByteWriter, Int) -> Void) {
    writeMessage(into: &writer) { writer, start in
      let end = start + options.maximumLength - longestRoute - 16
      if family == .ipv4 {
        writer.writeLengthPrefixed16 { routes(&$0, end) }
        writer.write(UInt16(0))
        return
      }
      writer.write(UInt16(0))
      writer.writeLengthPrefixed16 { writer in
        writer.write(AttributeFlag.optional | AttributeFlag.extendedLength)
        writer.write(AttributeType.mpUnreach)
        writer.writeLengthPrefixed16 { writer in
          writer.write(family.rawValue)
          writer.write(AddressFamily.unicast)
          routes(&writer, end)
        }
      }
    }
  }

  /// - Parameter routes: Writes routes while there are fewer octets than it is told.
  @inline(__always)
  func writeAnnouncement(
    _ shared: SharedAttributes, into writer: inout ByteWriter,
    _ routes: (inout ByteWriter, Int) -> Void
  ) {
    writeMessage(into: &writer) { writer, start in
      writer.write(UInt16(0))
      guard let hop = shared.nextHop else {
        writer.writeLengthPrefixed16 { $0.write(shared.bytes) }
        return routes(&writer, start + options.maximumLength - longestRoute)
      }
      writer.writeLengthPrefixed16 { writer in
        // MP_REACH_NLRI comes first. RFC 7606 §5.1.
        writer.write(AttributeFlag.optional | AttributeFlag.extendedLength)
        writer.write(AttributeType.mpReach)
        writer.writeLengthPrefixed16 { writer in
          writer.write(family.rawValue)
          writer.write(AddressFamily.unicast)
          writer.writeLengthPrefixed8 { writer in
            writer.write(hop)
            if let linkLocal = shared.linkLocal { writer.write(linkLocal) }
          }
          writer.write(UInt8(0))
          routes(&writer, start + options.maximumLength - longestRoute - shared.bytes.count)
        }
        writer.write(shared.bytes)
      }
    }
  }

  @inline(__always)
  private func writeMessage(
    into writer: inout ByteWriter, _ body: (inout ByteWriter, Int) -> Void
  ) {
    let start = writer.count
    writer.write(repeatElement(UInt8(0xff), count: 16))
    writer.write(UInt16(0))
    writer.write(Message.Kind.update.rawValue)
    body(&writer, start)
    writer.overwrite(length: writer.count - start, at: start + 16)
  }
}
