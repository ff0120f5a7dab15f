import NetTypes

/// Values by prefix; a prefix of IPv4 takes a word, where an `IPPrefix` would take three.
struct PrefixMap<Value> {
  private var ipv4: [UInt64: Value] = [:]
  private var ipv6: [IPPrefix: Value] = [:]

  init() {}

  var count: Int { ipv4.count + ipv6.count }
  var isEmpty: Bool { ipv4.isEmpty && ipv6.isEmpty }

  subscript(prefix: IPPrefix) -> Value? {
    get {
      if let key = Self.key(prefix) { ipv4[key] } else { ipv6[prefix] }
    }
    _modify {
      if let key = Self.key(prefix) {
        yield &ipv4[key]
      } else {
        yield &ipv6[prefix]
      }
    }
  }

  /// Hands over every value, to look at and to change, in no particular order.
  mutating func update(_ body: (IPPrefix, inout Value) -> Void) {
    var index = ipv4.startIndex
    while index != ipv4.endIndex {
      body(Self.prefix(ipv4.keys[index]), &ipv4.values[index])
      ipv4.formIndex(after: &index)
    }
    var index6 = ipv6.startIndex
    while index6 != ipv6.endIndex {
      body(ipv6.keys[index6], &ipv6.values[index6])
      ipv6.formIndex(after: &index6)
    }
  }

  func forEach(_ body: (IPPrefix, Value) throws -> Void) rethrows {
    for (key, value) in ipv4 { try body(Self.prefix(key), value) }
    for (prefix, value) in ipv6 { try body(prefix, value) }
  }

  private static func key(_ prefix: IPPrefix) -> UInt64? {
    guard case .v4(let address) = prefix.address else { return nil }
    return UInt64(address.rawValue) << 8 | UInt64(prefix.length)
  }

  private static func prefix(_ key: UInt64) -> IPPrefix {
    IPPrefix(.v4(IPv4Address(rawValue: UInt32(key >> 8))), length: Int(key & 0xff))
  }
}
