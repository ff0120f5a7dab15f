import NetTypes

/// What one peer has announced, as it came: the Adj-RIB-In before policy, kept by
/// `soft-reconfiguration inbound`. RFC 4271 §3.2.
struct ReceivedRoutes: Sendable {
  struct Key: Hashable, Sendable {
    var prefix: IPPrefix
    /// The peer's identifier of the path; 0 without ADD-PATH.
    var identifier: UInt32
  }

  private struct Entry: Sendable {
    var attributes: AttributeID
    var isStale = false
  }

  private var entries: [Key: Entry] = [:]

  var routes: some Sequence<(key: Key, attributes: AttributeID)> {
    entries.lazy.map { ($0.key, $0.value.attributes) }
  }

  /// Takes over one use of `id`.
  mutating func set(_ key: Key, _ id: AttributeID, _ table: inout AttributeTable) {
    if let old = entries.updateValue(Entry(attributes: id), forKey: key) {
      table.release(old.attributes)
    }
  }

  mutating func remove(_ key: Key, _ table: inout AttributeTable) {
    if let old = entries.removeValue(forKey: key) { table.release(old.attributes) }
  }

  /// A refresh of a family begins: what is not announced again until its end is gone. RFC 7313.
  mutating func markStale(_ family: AddressFamily) {
    for key in entries.keys where AddressFamily(of: key.prefix) == family {
      entries[key]?.isStale = true
    }
  }

  mutating func removeStale(_ family: AddressFamily, _ table: inout AttributeTable) {
    let stale = entries.filter { $0.value.isStale && AddressFamily(of: $0.key.prefix) == family }
    for key in stale.keys { remove(key, &table) }
  }

  mutating func release(to table: inout AttributeTable) {
    for entry in entries.values { table.release(entry.attributes) }
    entries = [:]
  }
}
