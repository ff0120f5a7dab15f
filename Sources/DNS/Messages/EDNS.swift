import NetTypes
import Wire

/// The extension mechanism: what an OPT record says. RFC 6891 §6.1.
package struct EDNS: Hashable, Sendable {
  /// RFC 6891 §6.1.2.
  package struct Option: Hashable, Sendable {
    package var code: UInt16
    package var data: [UInt8]

    package init(_ code: UInt16, _ data: [UInt8]) {
      self.code = code
      self.data = data
    }
  }

  package enum OptionCode {
    /// RFC 5001.
    package static let nsid: UInt16 = 3
    /// RFC 7871.
    package static let clientSubnet: UInt16 = 8
    /// RFC 7873.
    package static let cookie: UInt16 = 10
    /// RFC 7828.
    package static let keepalive: UInt16 = 11
    /// RFC 7830.
    package static let padding: UInt16 = 12
    /// RFC 8914.
    package static let extendedError: UInt16 = 15
  }

  /// What an extended error tells. RFC 8914 §4.
  package enum ExtendedErrorCode {
    package static let other: UInt16 = 0
    /// The server is up, and not yet, or no longer, able to answer.
    package static let notReady: UInt16 = 14
    package static let notAuthoritative: UInt16 = 20
    package static let noReachableAuthority: UInt16 = 22
  }

  /// Octets that the sender takes over UDP. What fits a path's packet unfragmented, as the field has it.
  package static let defaultPayloadSize: UInt16 = 1232

  package var payloadSize: UInt16
  package var version: UInt8
  /// RFC 3225.
  package var dnssecOK: Bool
  package var options: [Option]

  package init(
    payloadSize: UInt16 = EDNS.defaultPayloadSize, version: UInt8 = 0, dnssecOK: Bool = false,
    options: [Option] = []
  ) {
    self.payloadSize = payloadSize
    self.version = version
    self.dnssecOK = dnssecOK
    self.options = options
  }

  init(_ record: ResourceRecord, at position: Int) throws(FormatError) {
    self.init(
      payloadSize: record.recordClass.rawValue,
      version: UInt8(truncatingIfNeeded: record.ttl >> 16), dnssecOK: record.ttl & 0x8000 != 0)
    var reader = MessageReader(record.data.bytes)
    while !reader.isAtEnd {
      let code = try reader.readUInt16()
      let length = try reader.readUInt16()
      guard let data = try? reader.readBytes(Int(length)) else {
        throw FormatError(.option(code), at: position)
      }
      options.append(Option(code, Array(data)))
    }
  }

  func record(_ responseCode: ResponseCode) -> ResourceRecord {
    var writer = ByteWriter()
    for option in options {
      writer.write(option.code)
      writer.writeLengthPrefixed16 { $0.write(option.data) }
    }
    let ttl =
      UInt32(responseCode.rawValue >> 4) << 24 | UInt32(version) << 16 | (dnssecOK ? 0x8000 : 0)
    return ResourceRecord(
      .root, .opt, ttl: ttl, recordClass: RecordClass(rawValue: payloadSize),
      RecordData(bytes: writer.bytes))
  }

  package func option(_ code: UInt16) -> [UInt8]? { options.first { $0.code == code }?.data }
}

extension EDNS.Option {
  /// - Parameter code: Of `EDNS.ExtendedErrorCode`. RFC 8914 §2.
  package static func extendedError(_ code: UInt16, _ text: String) -> Self {
    Self(
      EDNS.OptionCode.extendedError,
      [UInt8(code >> 8), UInt8(truncatingIfNeeded: code)] + text.utf8)
  }
}

extension EDNS {
  /// The first extended error's code and text. RFC 8914 §2.
  package var extendedError: (code: UInt16, text: String)? {
    guard let data = option(OptionCode.extendedError), data.count >= 2 else { return nil }
    return (UInt16(data[0]) << 8 | UInt16(data[1]), String(decoding: data[2...], as: UTF8.self))
  }

  package var clientSubnet: ClientSubnet? {
    option(OptionCode.clientSubnet).flatMap { ClientSubnet(decoding: $0) }
  }
}

/// A client's network, told by a resolver. RFC 7871 §6.
package struct ClientSubnet: Hashable, Sendable {
  package var prefix: IPPrefix
  /// Bits for which the answer holds; zero in a query.
  package var scope: UInt8

  package init(_ prefix: IPPrefix, scope: UInt8 = 0) {
    self.prefix = prefix
    self.scope = scope
  }

  /// Nil for another family, octets of another number than the prefix takes, or bits beyond it.
  package init?(decoding data: [UInt8]) {
    guard data.count >= 4, data[0] == 0, data[1] == 1 || data[1] == 2 else { return nil }
    let width = data[1] == 1 ? 32 : 128
    let length = Int(data[2])
    guard length <= width, Int(data[3]) <= width, data.count == 4 + (length + 7) / 8,
      let address = IPAddress(
        octets: data[4...] + [UInt8](repeating: 0, count: width / 8 - (data.count - 4)))
    else { return nil }
    prefix = IPPrefix(address, length: length)
    guard prefix.address == address else { return nil }
    scope = data[3]
  }

  package var encoded: [UInt8] {
    [0, prefix.isIPv4 ? 1 : 2, prefix.length, scope]
      + prefix.address.octets.prefix((Int(prefix.length) + 7) / 8)
  }

  package var option: EDNS.Option { EDNS.Option(EDNS.OptionCode.clientSubnet, encoded) }
}
