import Synchronization

/// Which member a key was given, shared by the workers of one pool: a table of fixed size, so that
/// no number of clients can fill the memory.
///
/// A place is two words: the key's hash, and the member with the second until which it holds. A
/// writer claims the place, writes the value, then the hash; a reader that sees the hash sees the
/// value. Where places run out, the entry that would expire first makes way.
final class PersistenceTable: Sendable {
  private static let places = 1 << 16
  private static let probes = 8
  private static let claimed: UInt64 = 1

  private let words = AtomicWords(count: PersistenceTable.places * 2)

  /// The member of a key, whose time begins anew.
  /// - Parameters:
  ///   - key: a hash that is spread well.
  ///   - now: seconds.
  func member(of key: UInt64, now: UInt32, timeout: UInt32) -> UInt32? {
    let tag = PersistenceTable.tag(key)
    for probe in 0..<PersistenceTable.probes {
      let place = self.place(key, probe)
      guard words[place].pointee.load(ordering: .acquiring) == tag else { continue }
      let value = words[place + 1].pointee.load(ordering: .relaxed)
      let expires = UInt32(truncatingIfNeeded: value)
      guard expires > now else { return nil }
      let member = UInt32(truncatingIfNeeded: value >> 32)
      // Once a second is often enough.
      if expires != now &+ timeout {
        words[place + 1].pointee.store(pack(member, now &+ timeout), ordering: .relaxed)
      }
      return member
    }
    return nil
  }

  /// Notes the member of a key, in place of any before.
  func set(_ member: UInt32, for key: UInt64, now: UInt32, timeout: UInt32) {
    let tag = PersistenceTable.tag(key)
    var oldest = place(key, 0)
    var oldestExpiry = UInt32.max
    for probe in 0..<PersistenceTable.probes {
      let place = self.place(key, probe)
      if words[place].pointee.load(ordering: .acquiring) == tag {
        words[place + 1].pointee.store(pack(member, now &+ timeout), ordering: .relaxed)
        return
      }
      let expires = UInt32(
        truncatingIfNeeded: words[place + 1].pointee.load(ordering: .relaxed))
      if expires < oldestExpiry { (oldest, oldestExpiry) = (place, expires) }
    }
    let owner = words[oldest].pointee.load(ordering: .relaxed)
    guard owner != PersistenceTable.claimed,
      words[oldest].pointee.compareExchange(
        expected: owner, desired: PersistenceTable.claimed, ordering: .acquiring
      ).exchanged
    else { return }  // Another worker is at it: this client is remembered next time.
    words[oldest + 1].pointee.store(pack(member, now &+ timeout), ordering: .relaxed)
    words[oldest].pointee.store(tag, ordering: .releasing)
  }

  private func place(_ key: UInt64, _ probe: Int) -> Int {
    ((Int(truncatingIfNeeded: key >> 16) &+ probe) & (PersistenceTable.places - 1)) * 2
  }

  private static func tag(_ key: UInt64) -> UInt64 { key | 2 }

  private func pack(_ member: UInt32, _ expires: UInt32) -> UInt64 {
    UInt64(member) << 32 | UInt64(expires)
  }
}
