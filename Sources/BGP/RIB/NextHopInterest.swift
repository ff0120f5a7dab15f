import NetTypes

/// The next hops that paths of the Adj-RIBs-In use, counted by sets of attributes. The owner of a
/// speaker watches these, and no others.
struct NextHopInterest: Sendable {
  private var counts: [IPAddress: Int] = [:]
  /// Whether each next hop was of interest when the owner last heard, of those that changed.
  private var changed: [IPAddress: Bool] = [:]

  mutating func retain(_ address: IPAddress) {
    counts[address, default: 0] += 1
    if counts[address] == 1 { note(address, wasKnown: false) }
  }

  mutating func release(_ address: IPAddress) {
    guard let count = counts[address] else { return }
    counts[address] = count > 1 ? count - 1 : nil
    if count == 1 { note(address, wasKnown: true) }
  }

  private mutating func note(_ address: IPAddress, wasKnown: Bool) {
    if changed[address] == nil { changed[address] = wasKnown }
  }

  /// What has changed since the last call; nil: nothing.
  mutating func take() -> (added: [IPAddress], removed: [IPAddress])? {
    if changed.isEmpty { return nil }
    let moved = changed.filter { (counts[$0.key] != nil) != $0.value }
    changed = [:]
    if moved.isEmpty { return nil }
    return (
      moved.filter { !$0.value }.keys.sorted(), moved.filter { $0.value }.keys.sorted()
    )
  }
}
