import NetTypes

/// What one established peer has yet to be told, bounded by a bit a destination: while a connection
/// takes no more, changes are only marked, and the peer is told how things stand once it reads again.
struct Outbox: Sendable {
  /// Octets handed over before the owner is asked whether they have left.
  static let window = 512 * 1024

  var ipv4 = PendingSet()
  var ipv6 = PendingSet()
  /// Octets handed over since the connection was last known to be drained.
  private var unconfirmed = 0
  /// Nothing more is handed over until the owner says that the connection is drained.
  private(set) var awaitsDrain = false

  /// It has something to be told that does not go out with what the others of its group are told.
  var isBehind: Bool { awaitsDrain || ipv4.count > 0 || ipv6.count > 0 }
  var isEmpty: Bool { ipv4.count == 0 && ipv6.count == 0 }

  subscript(family: AddressFamily) -> PendingSet {
    get { family == .ipv4 ? ipv4 : ipv6 }
    _modify {
      if family == .ipv4 { yield &ipv4 } else { yield &ipv6 }
    }
  }

  /// Notes what was handed over. True if the owner is to say when it has left.
  mutating func handOver(_ octets: Int) -> Bool {
    unconfirmed += octets
    if awaitsDrain || unconfirmed < Self.window { return false }
    awaitsDrain = true
    return true
  }

  mutating func drained() { (unconfirmed, awaitsDrain) = (0, false) }
}

/// Indices of destinations, a bit each.
struct PendingSet: Sendable {
  private var words: [UInt64] = []
  private(set) var count = 0
  /// No bit is set in words before this one.
  private var cursor = 0

  func contains(_ index: Int) -> Bool {
    index >> 6 < words.count && words[index >> 6] & bit(index) != 0
  }

  mutating func insert(_ index: Int) {
    let word = index >> 6
    if word >= words.count {
      words += repeatElement(0, count: max(word + 1 - words.count, words.count / 2))
    }
    guard words[word] & bit(index) == 0 else { return }
    words[word] |= bit(index)
    count += 1
    cursor = min(cursor, word)
  }

  /// Takes the lowest out.
  mutating func popFirst() -> Int? {
    if count == 0 { return nil }
    while words[cursor] == 0 { cursor += 1 }
    let index = cursor << 6 + words[cursor].trailingZeroBitCount
    words[cursor] &= words[cursor] &- 1
    count -= 1
    if count == 0 { self = PendingSet() }
    return index
  }

  private func bit(_ index: Int) -> UInt64 { 1 << UInt64(index & 63) }
}
