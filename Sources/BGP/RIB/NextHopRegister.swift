import NetTypes

/// A next hop that interned attributes lead through; zero stands for none.
struct NextHopIndex: Hashable, Sendable {
  let rawValue: UInt32
  static let none = NextHopIndex(rawValue: 0)
}

/// Every next hop once, with its cost. Those that paths of the Adj-RIBs-In use are of interest: the
/// owner of a speaker watches these, and no others.
struct NextHopRegister: Sendable {
  private struct Entry: Sendable {
    var address: IPAddress
    /// Sets of attributes that lead through it.
    var sets: UInt32 = 0
    /// Of these, sets that paths use.
    var interest: UInt32 = 0
    /// The owner was told of it.
    var isKnown = false
    /// Nil: unreachable. Reachable at no cost until the owner says otherwise.
    var cost: UInt32? = 0
  }

  /// The entry at 0 is never given out.
  private var entries = [Entry(address: .v4(.any))]
  private var index: [IPAddress: UInt32] = [:]
  private var free: [UInt32] = []
  private var changed: Set<UInt32> = []

  func address(of hop: NextHopIndex) -> IPAddress { entries[Int(hop.rawValue)].address }

  /// Nil: unreachable.
  @inline(__always)
  func cost(of hop: NextHopIndex) -> UInt32? { entries[Int(hop.rawValue)].cost }

  /// One more set leads through `address`.
  mutating func addSet(through address: IPAddress?) -> NextHopIndex {
    guard let address else { return .none }
    if let known = index[address] {
      entries[Int(known)].sets += 1
      return NextHopIndex(rawValue: known)
    }
    let entry = Entry(address: address, sets: 1)
    let position: UInt32
    if let reused = free.popLast() {
      position = reused
      entries[Int(reused)] = entry
    } else {
      position = UInt32(entries.count)
      entries.append(entry)
    }
    index[address] = position
    return NextHopIndex(rawValue: position)
  }

  mutating func removeSet(through hop: NextHopIndex) {
    if hop == .none { return }
    entries[Int(hop.rawValue)].sets -= 1
    if entries[Int(hop.rawValue)].sets == 0 { changed.insert(hop.rawValue) }
  }

  /// Paths have begun to use a set that leads through it, or use it no more.
  mutating func changeInterest(in hop: NextHopIndex, isUsed: Bool) {
    if hop == .none { return }
    entries[Int(hop.rawValue)].interest += isUsed ? 1 : 0
    entries[Int(hop.rawValue)].interest -= isUsed ? 0 : 1
    changed.insert(hop.rawValue)
  }

  /// The next hop, if this is news of one.
  mutating func setCost(_ cost: UInt32?, of address: IPAddress) -> NextHopIndex? {
    guard let known = index[address], entries[Int(known)].cost != cost else { return nil }
    entries[Int(known)].cost = cost
    return NextHopIndex(rawValue: known)
  }

  /// What the owner has to be told; nil: nothing.
  mutating func take() -> (added: [IPAddress], removed: [IPAddress])? {
    if changed.isEmpty { return nil }
    var added: [IPAddress] = []
    var removed: [IPAddress] = []
    for position in changed {
      let entry = entries[Int(position)]
      let isUsed = entry.interest > 0
      if isUsed != entry.isKnown {
        if isUsed { added.append(entry.address) } else { removed.append(entry.address) }
        entries[Int(position)].isKnown = isUsed
        if !isUsed { entries[Int(position)].cost = 0 }
      }
      if entry.sets == 0 {
        index[entry.address] = nil
        free.append(position)
      }
    }
    changed = []
    if added.isEmpty, removed.isEmpty { return nil }
    return (added.sorted(), removed.sorted())
  }
}
