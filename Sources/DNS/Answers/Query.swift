import NetTypes
import Wire

/// A query's parts, by their places in it.
struct Query {
  var id: UInt16 = 0
  var flags: UInt16 = 0
  /// Behind the question; the header's length where there is none.
  var end = Message.headerLength
  var type: UInt16 = 0
  var recordClass: UInt16 = 0

  var hasEDNS = false
  var payloadSize: UInt16 = 512
  var version: UInt8 = 0
  var isDNSSECOK = false
  var wantsNSID = false
  /// Zero: no cookie.
  var cookie = 0
  var cookieLength = 0
  var hasSubnet = false
  /// Of the client subnet option's data.
  var subnet = 0
  var subnetLength = 0
  var subnetAddress = IPAddress.v4(.any)
  var isSigned = false

  var opcode: UInt8 { UInt8(truncatingIfNeeded: flags >> 11) & 15 }
}

extension Query {
  /// Reads what stands behind the question. False where it is malformed.
  mutating func readRecords(_ message: Span<UInt8>) -> Bool {
    let skipped = Int(message.uint16(at: 6)) + Int(message.uint16(at: 8))
    let additional = Int(message.uint16(at: 10))
    var position = end
    for _ in 0..<skipped {
      guard let next = Self.skip(message, position) else { return false }
      position = next
    }
    for _ in 0..<additional {
      guard let next = Self.skip(message, position) else { return false }
      // The type's place: behind a root's zero, or what a name has of that length.
      if message[position] == 0 {
        let type = message.uint16(at: position + 1)
        if type == RecordType.opt.rawValue {
          guard !hasEDNS, readOPT(message, position, next) else { return false }
        }
      }
      if next == message.count { isSigned = Self.isTSIG(message, position) }
      position = next
    }
    return position == message.count
  }

  /// The end of the record at `position`.
  private static func skip(_ message: Span<UInt8>, _ position: Int) -> Int? {
    guard let name = skipName(message, position), name + 10 <= message.count else { return nil }
    let next = name + 10 + Int(message.uint16(at: name + 8))
    return next <= message.count ? next : nil
  }

  private static func skipName(_ message: Span<UInt8>, _ position: Int) -> Int? {
    var position = position
    while position < message.count {
      let length = message[position]
      if length == 0 { return position + 1 }
      if length >= 0xc0 { return position + 2 }
      guard length < 64 else { return nil }
      position += 1 + Int(length)
    }
    return nil
  }

  private static func isTSIG(_ message: Span<UInt8>, _ position: Int) -> Bool {
    guard let name = skipName(message, position), name + 2 <= message.count else { return false }
    return message.uint16(at: name) == RecordType.tsig.rawValue
  }

  /// RFC 6891 §6.1. The record goes from `start` to `end`, its name one octet.
  private mutating func readOPT(_ message: Span<UInt8>, _ start: Int, _ end: Int) -> Bool {
    hasEDNS = true
    payloadSize = message.uint16(at: start + 3)
    version = message[start + 6]
    isDNSSECOK = message[start + 7] & 0x80 != 0
    var position = start + 11
    while position < end {
      guard position + 4 <= end else { return false }
      let code = message.uint16(at: position)
      let length = Int(message.uint16(at: position + 2))
      position += 4
      guard position + length <= end else { return false }
      switch code {
      case EDNS.OptionCode.nsid: wantsNSID = true
      case EDNS.OptionCode.cookie:
        // RFC 7873 §5.2.2: a client's eight octets, or a server's 8 to 32 behind them.
        guard length == 8 || (16...40).contains(length) else { return false }
        if cookie == 0 { (cookie, cookieLength) = (position, length) }
      case EDNS.OptionCode.clientSubnet:
        guard !hasSubnet, readSubnet(message, position, length) else { return false }
      default: break
      }
      position += length
    }
    return true
  }

  /// RFC 7871 §6, §7.1.2: the scope is zero, and no bit is set beyond the prefix.
  private mutating func readSubnet(_ message: Span<UInt8>, _ start: Int, _ length: Int) -> Bool {
    guard length >= 4, message[start + 3] == 0 else { return false }
    let family = message.uint16(at: start)
    let bits = Int(message[start + 2])
    guard length == 4 + (bits + 7) / 8 else { return false }
    var (high, low): (UInt64, UInt64) = (0, 0)
    for index in 4..<length {
      let octet = UInt64(message[start + index])
      let shift = UInt64(120 - 8 * (index - 4))
      if shift >= 64 { high |= octet << (shift - 64) } else { low |= octet << shift }
    }
    if bits < 64 ? (high << UInt64(bits) | low) != 0 : bits < 128 && low << UInt64(bits - 64) != 0 {
      return false
    }
    switch family {
    case 1:
      guard bits <= 32 else { return false }
      subnetAddress = .v4(IPv4Address(rawValue: UInt32(truncatingIfNeeded: high >> 32)))
    case 2:
      guard bits <= 128 else { return false }
      subnetAddress = .v6(IPv6Address(high: high, low: low))
    default: return false
    }
    hasSubnet = true
    (subnet, subnetLength) = (start, bits)
    return true
  }
}
