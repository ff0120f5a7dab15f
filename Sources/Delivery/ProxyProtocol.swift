import NetTypes

/// The PROXY protocol, versions 1 and 2: who a connection was made by, told by a proxy in front of
/// its first byte. HAProxy's proxy-protocol.txt, §2.1 and §2.2.
///
///     v1  PROXY TCP4 192.0.2.1 198.51.100.1 56324 443 CR LF            at most 107 bytes
///     v2  12 bytes of signature, version and command, family, length, addresses, TLVs
///
/// A header is read as a whole or not at all: what follows it belongs to somebody else.
package enum ProxyProtocol {
  package enum Version: String, Sendable, CaseIterable { case v1, v2 }

  package struct Header: Equatable, Sendable {
    /// Nil: the proxy speaks for itself (LOCAL, UNKNOWN), and the connection's own addresses hold.
    package var source: SocketAddress?
    package var destination: SocketAddress?
    /// Bytes of the header.
    package var length: Int

    package init(
      source: SocketAddress? = nil, destination: SocketAddress? = nil, length: Int
    ) {
      self.source = source
      self.destination = destination
      self.length = length
    }
  }

  package enum Outcome: Equatable, Sendable {
    case incomplete
    case complete(Header)
    case invalid
  }

  /// Bytes that a header may have here; longer TLVs than this are nobody's.
  package static let limit = 2048

  private static let signature: [UInt8] = [
    0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a,
  ]

  package static func read(_ bytes: borrowing Span<UInt8>) -> Outcome {
    guard bytes.count > 0 else { return .incomplete }
    return bytes[0] == signature[0] ? readBinary(bytes) : readText(bytes)
  }

  // MARK: Version 1

  private static func readText(_ bytes: borrowing Span<UInt8>) -> Outcome {
    let prefix = Array("PROXY ".utf8)
    for index in 0..<min(bytes.count, prefix.count) where bytes[index] != prefix[index] {
      return .invalid
    }
    var line: [UInt8] = []
    for index in 0..<min(bytes.count, 107) {
      let byte = bytes[index]
      if byte == 0x0a {
        guard line.last == 0x0d else { return .invalid }
        return readLine(String(decoding: line.dropLast(), as: UTF8.self), length: index + 1)
      }
      if line.last == 0x0d { return .invalid }
      line.append(byte)
    }
    return bytes.count >= 107 ? .invalid : .incomplete
  }

  private static func readLine(_ line: String, length: Int) -> Outcome {
    let words = line.split(separator: " ", omittingEmptySubsequences: false)
    guard words.count >= 2 else { return .invalid }
    if words[1] == "UNKNOWN" { return .complete(Header(length: length)) }
    guard words.count == 6, words[1] == "TCP4" || words[1] == "TCP6",
      let source = IPAddress(String(words[2])), let destination = IPAddress(String(words[3])),
      source.isIPv4 == (words[1] == "TCP4"), destination.isIPv4 == source.isIPv4,
      let sourcePort = port(words[4]), let destinationPort = port(words[5])
    else { return .invalid }
    return .complete(
      Header(
        source: SocketAddress(source, port: sourcePort),
        destination: SocketAddress(destination, port: destinationPort), length: length))
  }

  private static func port(_ word: Substring) -> UInt16? {
    guard !word.isEmpty, word.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
      word == "0" || word.first != "0"
    else { return nil }
    return UInt16(word)
  }

  // MARK: Version 2

  private static func readBinary(_ bytes: borrowing Span<UInt8>) -> Outcome {
    for index in 0..<min(bytes.count, signature.count) where bytes[index] != signature[index] {
      return .invalid
    }
    guard bytes.count >= 16 else { return .incomplete }
    let (version, command, family) = (bytes[12] >> 4, bytes[12] & 15, bytes[13])
    let length = 16 + Int(bytes[14]) << 8 + Int(bytes[15])
    guard version == 2, command <= 1, length <= limit else { return .invalid }
    guard bytes.count >= length else { return .incomplete }
    // LOCAL: whatever else there is, is to be passed over.
    if command == 0 { return .complete(Header(length: length)) }
    switch family {
    case 0x11, 0x12:
      guard length >= 16 + 12 else { return .invalid }
      return .complete(
        Header(
          source: SocketAddress(.v4(v4(bytes, 16)), port: word(bytes, 24)),
          destination: SocketAddress(.v4(v4(bytes, 20)), port: word(bytes, 26)), length: length))
    case 0x21, 0x22:
      guard length >= 16 + 36 else { return .invalid }
      return .complete(
        Header(
          source: SocketAddress(.v6(v6(bytes, 16)), port: word(bytes, 48)),
          destination: SocketAddress(.v6(v6(bytes, 32)), port: word(bytes, 50)), length: length))
    // AF_UNSPEC and Unix sockets have no address that is of use here.
    case 0x00, 0x31, 0x32: return .complete(Header(length: length))
    default: return .invalid
    }
  }

  private static func word(_ bytes: borrowing Span<UInt8>, _ at: Int) -> UInt16 {
    UInt16(bytes[at]) << 8 | UInt16(bytes[at + 1])
  }

  private static func v4(_ bytes: borrowing Span<UInt8>, _ at: Int) -> IPv4Address {
    IPv4Address(rawValue: UInt32(word(bytes, at)) << 16 | UInt32(word(bytes, at + 2)))
  }

  private static func v6(_ bytes: borrowing Span<UInt8>, _ at: Int) -> IPv6Address {
    func half(_ start: Int) -> UInt64 {
      var value: UInt64 = 0
      for index in 0..<8 { value = value << 8 | UInt64(bytes[start + index]) }
      return value
    }
    return IPv6Address(high: half(at), low: half(at + 8))
  }

  // MARK: Writing

  /// A header for one connection. Addresses of two families cannot be told in version 1, nor in 2:
  /// the proxy then speaks for itself.
  package static func header(
    _ version: Version, source: SocketAddress, destination: SocketAddress
  ) -> [UInt8] {
    let isSame = source.address.isIPv4 == destination.address.isIPv4
    switch version {
    case .v1:
      guard isSame else { return Array("PROXY UNKNOWN\r\n".utf8) }
      let family = source.address.isIPv4 ? "TCP4" : "TCP6"
      return Array(
        "PROXY \(family) \(source.address) \(destination.address) \(source.port) \(destination.port)\r\n"
          .utf8)
    case .v2:
      guard isSame else { return signature + [0x20, 0, 0, 0] }
      let addresses = octets(source.address) + octets(destination.address)
      let ports = [source.port, destination.port].flatMap { [UInt8($0 >> 8), UInt8($0 & 255)] }
      let length = addresses.count + ports.count
      return signature + [0x21, source.address.isIPv4 ? 0x11 : 0x21, 0, UInt8(length)] + addresses
        + ports
    }
  }

  private static func octets(_ address: IPAddress) -> [UInt8] {
    func octets(_ value: some FixedWidthInteger) -> [UInt8] {
      stride(from: value.bitWidth - 8, through: 0, by: -8).map {
        UInt8(truncatingIfNeeded: value >> $0)
      }
    }
    return switch address {
    case .v4(let address): octets(address.rawValue)
    case .v6(let address): octets(address.high) + octets(address.low)
    }
  }
}
