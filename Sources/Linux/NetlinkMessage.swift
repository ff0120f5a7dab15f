import CLinux
import NetTypes

/// Builds one netlink request: header, family body, attributes. All integers are in host byte order,
/// as rtnetlink(7) wants them, but addresses.
package struct NetlinkMessage: Equatable, Sendable {
  package private(set) var bytes: [UInt8]

  /// A request of `type` with `flags` beside NLM_F_REQUEST and NLM_F_ACK.
  package init(type: UInt16, flags: UInt16 = 0) {
    bytes = []
    append(UInt32(0))
    append(type)
    append(UInt16(NLM_F_REQUEST) | UInt16(NLM_F_ACK) | flags)
    append(UInt32(0))
    append(UInt32(0))
  }

  /// Bytes without a header: the payload of a nested attribute.
  package init() { bytes = [] }

  package mutating func append<Value: FixedWidthInteger>(_ value: Value) {
    withUnsafeBytes(of: value) { bytes += $0 }
  }

  package mutating func append(_ more: [UInt8]) { bytes += more }

  /// An attribute (struct rtattr), padded to 4 bytes.
  package mutating func attribute(_ type: Int, _ payload: [UInt8]) {
    append(UInt16(4 + payload.count))
    append(UInt16(truncatingIfNeeded: type))
    bytes += payload
    pad()
  }

  package mutating func attribute(_ type: Int, _ value: UInt32) {
    attribute(type, withUnsafeBytes(of: value) { Array($0) })
  }

  package mutating func attribute(_ type: Int, _ text: String) {
    attribute(type, Array(text.utf8) + [0])
  }

  package mutating func attribute(_ type: Int, _ address: IPAddress) {
    attribute(type, address.octets)
  }

  package mutating func nested(_ type: Int, _ build: (inout NetlinkMessage) -> Void) {
    var inner = NetlinkMessage()
    build(&inner)
    attribute(type | 0x8000, inner.bytes)
  }

  mutating func pad() {
    while bytes.count % 4 != 0 { bytes.append(0) }
  }

  /// The finished message, its length and sequence number set.
  func finished(sequence: UInt32) -> [UInt8] {
    var whole = bytes
    withUnsafeBytes(of: UInt32(whole.count)) { whole.replaceSubrange(0..<4, with: $0) }
    withUnsafeBytes(of: sequence) { whole.replaceSubrange(8..<12, with: $0) }
    return whole
  }
}

/// One message from the kernel, and a reader over its fields that never runs past the end.
package struct NetlinkReply: Sendable {
  package let type: UInt16
  package let flags: UInt16
  package let sequence: UInt32
  package let payload: [UInt8]

  /// Splits a datagram into its messages; stops at the first malformed one.
  package static func split(_ datagram: ArraySlice<UInt8>) -> [NetlinkReply] {
    var replies: [NetlinkReply] = []
    var rest = datagram
    while rest.count >= 16 {
      let length = Int(rest.integer(at: 0, as: UInt32.self))
      guard length >= 16, length <= rest.count else { break }
      replies.append(
        NetlinkReply(
          type: rest.integer(at: 4, as: UInt16.self), flags: rest.integer(at: 6, as: UInt16.self),
          sequence: rest.integer(at: 8, as: UInt32.self),
          payload: Array(rest[(rest.startIndex + 16)..<(rest.startIndex + length)])))
      rest = rest.dropFirst((length + 3) & ~3)
    }
    return replies
  }

  /// The attributes behind a family body of `headerSize` bytes.
  package func attributes(after headerSize: Int) -> NetlinkAttributes {
    NetlinkAttributes(payload.dropFirst(headerSize))
  }
}

/// Attributes by type; of repeated ones the last counts.
package struct NetlinkAttributes: Sendable {
  private var values: [Int: ArraySlice<UInt8>] = [:]

  package init(_ bytes: ArraySlice<UInt8>) {
    var rest = bytes
    while rest.count >= 4 {
      let length = Int(rest.integer(at: 0, as: UInt16.self))
      let type = Int(rest.integer(at: 2, as: UInt16.self)) & 0x3fff
      guard length >= 4, length <= rest.count else { break }
      values[type] = rest[(rest.startIndex + 4)..<(rest.startIndex + length)]
      rest = rest.dropFirst((length + 3) & ~3)
    }
  }

  package subscript(type: Int) -> ArraySlice<UInt8>? { values[type] }

  package func uint32(_ type: Int) -> UInt32? {
    guard let bytes = values[type], bytes.count >= 4 else { return nil }
    return bytes.integer(at: 0, as: UInt32.self)
  }

  package func string(_ type: Int) -> String? {
    values[type].map { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
  }

  package func address(_ type: Int) -> IPAddress? {
    guard let bytes = values[type] else { return nil }
    if bytes.count == 4 {
      let o = Array(bytes)
      return .v4(IPv4Address(o[0], o[1], o[2], o[3]))
    }
    return IPv6Address(octets: bytes).map { .v6($0) }
  }
}

extension ArraySlice<UInt8> {
  /// The integer at `offset` from the slice's start, in host byte order.
  /// - Precondition: it lies within the slice.
  package func integer<Value: FixedWidthInteger>(at offset: Int, as: Value.Type) -> Value {
    let size = MemoryLayout<Value>.size
    precondition(offset >= 0 && offset + size <= count)
    return withUnsafeBytes { $0.loadUnaligned(fromByteOffset: offset, as: Value.self) }
  }
}
