import NetTypes

/// An interned set of path attributes. Zero stands for none.
package struct AttributeID: Hashable, Sendable {
  let rawValue: UInt32
  static let none = AttributeID(rawValue: 0)
}

/// Every distinct set of path attributes once, counted by its uses.
///
/// A route holds four octets instead of the attributes; tables of a million routes have some
/// 200,000 distinct sets.
struct AttributeTable: Sendable {
  private struct Entry: Sendable {
    var attributes: PathAttributes
    var uses: UInt32
    /// Of these, paths of the Adj-RIBs-In.
    var paths: UInt32 = 0
  }

  /// The entry at 0 is never given out.
  private var entries = [Entry(attributes: PathAttributes(), uses: 1)]
  private var free: [UInt32] = []
  private var index: [PathAttributes: UInt32] = [:]

  /// What the sets that paths use lead through.
  var nextHops = NextHopInterest()

  /// Distinct sets in use.
  var count: Int { index.count }

  subscript(id: AttributeID) -> PathAttributes { entries[Int(id.rawValue)].attributes }

  /// The id of `attributes`, with one more use, which the caller gives back by `release`.
  mutating func intern(_ attributes: PathAttributes) -> AttributeID {
    if let position = index[attributes] {
      entries[Int(position)].uses += 1
      return AttributeID(rawValue: position)
    }
    let entry = Entry(attributes: attributes, uses: 1)
    let position: UInt32
    if let reused = free.popLast() {
      position = reused
      entries[Int(reused)] = entry
    } else {
      position = UInt32(entries.count)
      entries.append(entry)
    }
    index[attributes] = position
    return AttributeID(rawValue: position)
  }

  mutating func retain(_ id: AttributeID) {
    if id != .none { entries[Int(id.rawValue)].uses += 1 }
  }

  /// One more use, by a path of an Adj-RIB-In.
  mutating func retainPath(_ id: AttributeID) {
    retain(id)
    entries[Int(id.rawValue)].paths += 1
    if entries[Int(id.rawValue)].paths == 1, let hop = self[id].nextHop { nextHops.retain(hop) }
  }

  mutating func releasePath(_ id: AttributeID) {
    entries[Int(id.rawValue)].paths -= 1
    if entries[Int(id.rawValue)].paths == 0, let hop = self[id].nextHop { nextHops.release(hop) }
    release(id)
  }

  /// The sets that paths use and that lead through `nextHop`.
  func sets(through nextHop: IPAddress) -> Set<AttributeID> {
    var result: Set<AttributeID> = []
    for (position, entry) in entries.enumerated()
    where entry.paths > 0 && entry.attributes.nextHop == nextHop {
      result.insert(AttributeID(rawValue: UInt32(position)))
    }
    return result
  }

  mutating func release(_ id: AttributeID) {
    if id == .none { return }
    let position = Int(id.rawValue)
    entries[position].uses -= 1
    if entries[position].uses == 0 {
      index[entries[position].attributes] = nil
      entries[position].attributes = PathAttributes()
      free.append(id.rawValue)
    }
  }
}
