import NetTypes

/// APL's data: prefixes, some of them negated. RFC 3123.
struct AddressPrefixList: Hashable, Sendable {
  struct Item: Hashable, Sendable {
    var prefix: IPPrefix
    var isNegated: Bool
  }

  var items: [Item] = []

  init?(decoding bytes: ArraySlice<UInt8>) {
    var rest = Array(bytes)[...]
    while !rest.isEmpty {
      guard rest.count >= 4 else { return nil }
      let head = Array(rest.prefix(4))
      let length = Int(head[3] & 0x7f)
      let width = head[1] == 1 ? 4 : 16
      guard head[0] == 0, head[1] == 1 || head[1] == 2, length <= width, rest.count >= 4 + length,
        Int(head[2]) <= width * 8
      else { return nil }
      let octets = rest.dropFirst(4).prefix(length) + repeatElement(0, count: width - length)
      guard let address = IPAddress(octets: Array(octets)) else { return nil }
      items.append(
        Item(prefix: IPPrefix(address, length: Int(head[2])), isNegated: head[3] & 0x80 != 0))
      // Trailing zeros and bits beyond the prefix do not come back as they were.
      rest = rest.dropFirst(4 + length)
    }
    guard encoded == Array(bytes) else { return nil }
  }

  /// Parses `1:192.168.32.0/21` and `!2:ff00::/8`.
  init?(words: some Sequence<String>) {
    for word in words {
      let isNegated = word.hasPrefix("!")
      let parts = word.dropFirst(isNegated ? 1 : 0).split(separator: ":", maxSplits: 1)
      guard parts.count == 2, let written = InterfaceAddress(parts[1]),
        parts[0] == (written.prefix.isIPv4 ? "1" : "2")
      else { return nil }
      items.append(Item(prefix: written.prefix, isNegated: isNegated))
    }
  }

  var encoded: [UInt8] {
    items.flatMap { item -> [UInt8] in
      var octets = item.prefix.address.octets
      while octets.last == 0 { octets.removeLast() }
      let length = UInt8(octets.count) | (item.isNegated ? 0x80 : 0)
      return [0, item.prefix.isIPv4 ? 1 : 2, item.prefix.length, length] + octets
    }
  }

  var description: String {
    items.map { "\($0.isNegated ? "!" : "")\($0.prefix.isIPv4 ? 1 : 2):\($0.prefix)" }
      .joined(separator: " ")
  }
}
