import HTTP

/// Values by host name, found by bytes without an allocation: the exact name, else the longest
/// `*.` and name that covers it.
struct HostIndex: Sendable {
  private struct Entry: Sendable {
    var hash: UInt64
    var start: Int
    var count: Int
    /// -1 where the place is free.
    var value: Int
  }

  /// Open addressing, at most half full; a wildcard's name begins with a dot.
  private var entries: [Entry]
  private var bytes: [UInt8] = []
  private var hasWildcards = false

  /// - Parameter hosts: names, or `*.` and a name; each once, in any case.
  init(_ hosts: [(host: String, value: Int)]) {
    var size = 8
    while size < hosts.count * 2 { size *= 2 }
    entries = Array(repeating: Entry(hash: 0, start: 0, count: 0, value: -1), count: size)
    for (host, value) in hosts {
      let isWildcard = host.hasPrefix("*.")
      hasWildcards = hasWildcards || isWildcard
      let name = Array((isWildcard ? String(host.dropFirst(1)) : host).lowercased().utf8)
      let hash = name.withUnsafeBytes { HostIndex.hash($0) }
      var place = Int(truncatingIfNeeded: hash) & (size - 1)
      while entries[place].value >= 0 { place = (place + 1) & (size - 1) }
      entries[place] = Entry(hash: hash, start: bytes.count, count: name.count, value: value)
      bytes += name
    }
  }

  /// - Parameter host: the value of Host; a port and a trailing dot are ignored.
  func find(_ host: UnsafeRawBufferPointer) -> Int? {
    let name = HostIndex.name(of: host)
    if let value = lookup(name) { return value }
    guard hasWildcards else { return nil }
    // From the first dot that has a label before it.
    var index = 1
    while index < name.count {
      if name[index] == UInt8(ascii: "."),
        let value = lookup(UnsafeRawBufferPointer(rebasing: name[index...]))
      {
        return value
      }
      index &+= 1
    }
    return nil
  }

  /// A host without its port and trailing dot.
  static func name(of host: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
    var end = host.count
    // A colon inside brackets belongs to an IPv6 address.
    if host.first == UInt8(ascii: "[") {
      if let bracket = host.firstIndex(of: UInt8(ascii: "]")) { end = bracket + 1 }
    } else if let colon = host.firstIndex(of: UInt8(ascii: ":")) {
      end = colon
    }
    if end > 0, host[end - 1] == UInt8(ascii: ".") { end -= 1 }
    return UnsafeRawBufferPointer(rebasing: host[..<end])
  }

  private func lookup(_ name: UnsafeRawBufferPointer) -> Int? {
    guard !name.isEmpty else { return nil }
    let hash = HostIndex.hash(name)
    var place = Int(truncatingIfNeeded: hash) & (entries.count - 1)
    while entries[place].value >= 0 {
      let entry = entries[place]
      if entry.hash == hash, entry.count == name.count {
        var index = 0
        while index < name.count, lower(name[index]) == bytes[entry.start + index] { index &+= 1 }
        if index == name.count { return entry.value }
      }
      place = (place + 1) & (entries.count - 1)
    }
    return nil
  }

  private static func hash(_ name: UnsafeRawBufferPointer) -> UInt64 {
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    for byte in name { hash = (hash ^ UInt64(lower(byte))) &* 0x100_0000_01b3 }
    return hash ^ hash >> 29
  }
}
