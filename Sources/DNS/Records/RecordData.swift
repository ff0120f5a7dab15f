import NetTypes
import Wire

/// A record's data in wire form, names uncompressed. What it means is its record's type's to say.
package struct RecordData: Hashable, Sendable {
  package let bytes: [UInt8]

  /// Octets of the longest data. RFC 1035 §3.2.1.
  package static let maximumLength = 65535

  /// Opaque data. RFC 3597.
  /// - Precondition: at most 65,535 octets.
  package init(bytes: [UInt8]) {
    precondition(bytes.count <= Self.maximumLength, "\(bytes.count) octets of record data")
    self.bytes = bytes
  }
}

extension RecordData {
  private init(_ write: (inout ByteWriter) -> Void) {
    var writer = ByteWriter()
    write(&writer)
    self.init(bytes: writer.bytes)
  }

  package static func a(_ address: IPv4Address) -> Self { Self { $0.write(address.rawValue) } }
  package static func aaaa(_ address: IPv6Address) -> Self { Self(bytes: address.octets) }
  package static func ns(_ host: DomainName) -> Self { Self(bytes: host.wire) }
  package static func cname(_ target: DomainName) -> Self { Self(bytes: target.wire) }
  package static func ptr(_ target: DomainName) -> Self { Self(bytes: target.wire) }
  package static func dname(_ target: DomainName) -> Self { Self(bytes: target.wire) }

  package static func mx(preference: UInt16, _ exchange: DomainName) -> Self {
    Self {
      $0.write(preference)
      $0.write(exchange.wire)
    }
  }

  /// RFC 2782.
  package static func srv(
    priority: UInt16, weight: UInt16, port: UInt16, target: DomainName
  ) -> Self {
    Self {
      for value in [priority, weight, port] { $0.write(value) }
      $0.write(target.wire)
    }
  }

  /// Strings longer than 255 octets go on in the next. RFC 1035 §3.3.14.
  package static func txt(_ strings: [String]) -> Self {
    Self { writer in
      for string in strings.isEmpty ? [""] : strings {
        var rest = Array(string.utf8)[...]
        repeat {
          let part = rest.prefix(255)
          writer.writeLengthPrefixed8 { $0.write(part) }
          rest = rest.dropFirst(255)
        } while !rest.isEmpty
      }
    }
  }

  /// RFC 1035 §3.3.13.
  package static func soa(_ start: StartOfAuthority) -> Self {
    Self {
      $0.write(start.primary.wire)
      $0.write(start.mailbox.wire)
      $0.write(start.serial.rawValue)
      for value in [start.refresh, start.retry, start.expire, start.minimum] { $0.write(value) }
    }
  }

  /// The name that data is, of NS, CNAME, PTR or DNAME; or that stands at its end, of MX or SRV.
  package func target(of type: RecordType) -> DomainName? {
    let start: Int
    switch type {
    case .ns, .cname, .ptr, .dname: start = 0
    case .mx, .afsdb, .kx: start = 2
    case .srv: start = 6
    case .svcb, .https: start = 2
    default: return nil
    }
    var reader = MessageReader(bytes, at: start)
    return try? reader.readName(compressed: false)
  }

  package var ipv4Address: IPv4Address? {
    bytes.count == 4 ? IPv4Address(bytes[0], bytes[1], bytes[2], bytes[3]) : nil
  }

  package var ipv6Address: IPv6Address? { IPv6Address(octets: bytes) }
}

/// A zone's start of authority. RFC 1035 §3.3.13.
package struct StartOfAuthority: Hashable, Sendable {
  package var primary: DomainName
  package var mailbox: DomainName
  package var serial: SerialNumber
  /// Seconds, as all behind it.
  package var refresh: UInt32
  package var retry: UInt32
  package var expire: UInt32
  /// How long a negative answer may be kept. RFC 2308 §4.
  package var minimum: UInt32

  package init(
    primary: DomainName, mailbox: DomainName, serial: SerialNumber, refresh: UInt32 = 3600,
    retry: UInt32 = 600, expire: UInt32 = 604_800, minimum: UInt32 = 60
  ) {
    self.primary = primary
    self.mailbox = mailbox
    self.serial = serial
    self.refresh = refresh
    self.retry = retry
    self.expire = expire
    self.minimum = minimum
  }

  package init?(_ data: RecordData) {
    var reader = MessageReader(data.bytes)
    do throws(FormatError) {
      primary = try reader.readName(compressed: false)
      mailbox = try reader.readName(compressed: false)
      serial = SerialNumber(rawValue: try reader.readUInt32())
      refresh = try reader.readUInt32()
      retry = try reader.readUInt32()
      expire = try reader.readUInt32()
      minimum = try reader.readUInt32()
    } catch {
      return nil
    }
    guard reader.isAtEnd else { return nil }
  }
}
