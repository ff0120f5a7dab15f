/// HTTP routes compiled for matching by bytes: the cost grows with the path's elements, not with
/// the number of routes, and a match allocates nothing.
///
/// 1. The host decides first: the exact name, else `*.` and the name without its first label,
///    else routes for any host. A host that has routes of its own never falls back to others'.
/// 2. Then the path: an exact path before all, else the longest prefix of whole elements.
/// 3. Of two routes that are equal in host and path the first stays.
///
/// (Kubernetes Ingress, "Multiple matches" and "Hostname wildcards".)
package struct RouteTable: Sendable {
  private struct Entry: Sendable {
    var hash: UInt64
    var start: Int
    var count: Int
    var value: Int
    var isUsed = false
  }

  /// Open addressing; at most half full.
  private struct Table: Sendable {
    var entries: [Entry]
    var bytes: [UInt8] = []

    init(capacity: Int) {
      var size = 8
      while size < capacity * 2 { size *= 2 }
      entries = Array(
        repeating: Entry(hash: 0, start: 0, count: 0, value: 0), count: size)
    }

    mutating func insert(_ hash: UInt64, _ key: [UInt8], _ value: Int) {
      var index = Int(truncatingIfNeeded: hash) & (entries.count - 1)
      while entries[index].isUsed { index = (index + 1) & (entries.count - 1) }
      entries[index] = Entry(
        hash: hash, start: bytes.count, count: key.count, value: value, isUsed: true)
      bytes += key
    }

    func find(
      _ hash: UInt64, _ key: borrowing Span<UInt8>, _ range: Range<Int>, folding: Bool
    ) -> Int? {
      var index = Int(truncatingIfNeeded: hash) & (entries.count - 1)
      while entries[index].isUsed {
        let entry = entries[index]
        if entry.hash == hash, entry.count == range.count {
          var equal = true
          for offset in 0..<entry.count {
            let byte = key[range.lowerBound + offset]
            if (folding ? lowercased(byte) : byte) != bytes[entry.start + offset] {
              equal = false
              break
            }
          }
          if equal { return entry.value }
        }
        index = (index + 1) & (entries.count - 1)
      }
      return nil
    }
  }

  private var hosts: Table
  private var paths: Table
  private let anyHost: Int?

  /// - Returns from `match`: an index into `routes`.
  package init(_ routes: [HTTPRoute]) {
    hosts = Table(capacity: routes.count)
    paths = Table(capacity: routes.count)
    var hostIDs: [String: Int] = [:]
    var seen: Set<Key> = []
    for (index, route) in routes.enumerated() {
      let host = route.host.map { $0.lowercased() } ?? ""
      let hostID: Int
      if let known = hostIDs[host] {
        hostID = known
      } else {
        hostID = hostIDs.count
        hostIDs[host] = hostID
        let isWildcard = host.hasPrefix("*.")
        let name = Array((isWildcard ? String(host.dropFirst(2)) : host).utf8)
        hosts.insert(hash(name, seed: isWildcard ? wildcardSeed : exactSeed), name, hostID)
      }
      var path = Array(route.path.path.utf8)
      var isExact = true
      if case .exact = route.path {
      } else {
        isExact = false
        while path.last == UInt8(ascii: "/") { path.removeLast() }
      }
      guard seen.insert(Key(host: hostID, isExact: isExact, path: path)).inserted else { continue }
      paths.insert(hash(path, seed: pathSeed(hostID, isExact: isExact)), path, index)
    }
    anyHost = hostIDs[""]
  }

  private struct Key: Hashable {
    var host: Int
    var isExact: Bool
    var path: [UInt8]
  }

  /// The index of the route for a request, or nil.
  /// - Parameters:
  ///   - host: the value of Host; a port and a trailing dot are ignored.
  ///   - target: path and query.
  package func match(host: borrowing Span<UInt8>, target: borrowing Span<UInt8>) -> Int? {
    guard let hostID = findHost(host) ?? anyHost else { return nil }
    var end = 0
    while end < target.count, target[end] != UInt8(ascii: "?") { end += 1 }

    var exact = pathSeed(hostID, isExact: true)
    var prefix = pathSeed(hostID, isExact: false)
    var found: Int?
    for index in 0..<end {
      let byte = target[index]
      if byte == UInt8(ascii: "/"),
        let route = paths.find(prefix, target, 0..<index, folding: false)
      {
        found = route
      }
      exact = step(exact, byte)
      prefix = step(prefix, byte)
    }
    if let route = paths.find(exact, target, 0..<end, folding: false) { return route }
    return paths.find(prefix, target, 0..<end, folding: false) ?? found
  }

  private func findHost(_ host: borrowing Span<UInt8>) -> Int? {
    var end = host.count
    // A colon inside brackets belongs to an IPv6 address.
    for index in 0..<host.count {
      if host[index] == UInt8(ascii: ":"), host[0] != UInt8(ascii: "[") {
        end = index
        break
      }
    }
    if end > 0, host[end - 1] == UInt8(ascii: ".") { end -= 1 }
    guard end > 0 else { return nil }
    var exact = exactSeed
    var wildcard = wildcardSeed
    var dot = -1
    for index in 0..<end {
      let byte = lowercased(host[index])
      exact = step(exact, byte)
      if dot >= 0 { wildcard = step(wildcard, byte) }
      if dot < 0, byte == UInt8(ascii: ".") { dot = index }
    }
    if let id = hosts.find(exact, host, 0..<end, folding: true) { return id }
    guard dot > 0 else { return nil }
    return hosts.find(wildcard, host, (dot + 1)..<end, folding: true)
  }
}

private let exactSeed: UInt64 = 0xcbf2_9ce4_8422_2325
private let wildcardSeed: UInt64 = 0x84222325_cbf29ce4

private func pathSeed(_ host: Int, isExact: Bool) -> UInt64 {
  exactSeed ^ (UInt64(truncatingIfNeeded: host) &* 0x9E37_79B9_7F4A_7C15) ^ (isExact ? 1 << 63 : 0)
}

private func step(_ hash: UInt64, _ byte: UInt8) -> UInt64 {
  (hash ^ UInt64(byte)) &* 0x100_0000_01b3
}

private func hash(_ bytes: [UInt8], seed: UInt64) -> UInt64 { bytes.reduce(seed, step) }

private func lowercased(_ byte: UInt8) -> UInt8 { byte &- 0x41 < 26 ? byte | 0x20 : byte }
