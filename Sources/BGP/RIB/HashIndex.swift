/// Finds positions in a slab by hash: open addressing with linear probing. The keys stay in the slab;
/// a slot holds the position below the hash, eight octets together, so that neither growing nor a
/// probe past other keys has to look at them. Position 0 is never stored.
///
/// Hashes must depend on a seed, so that a peer cannot choose what collides.
struct HashIndex: Sendable {
  /// A power of two of them; 0: free.
  private var slots = [UInt64](repeating: 0, count: 16)
  private var mask = 15
  private(set) var count = 0

  @inline(__always)
  private func home(_ hash: UInt32) -> Int { Int(hash) & mask }

  @inline(__always)
  private static func slot(_ position: Int, _ hash: UInt32) -> UInt64 {
    UInt64(hash) << 32 | UInt64(position)
  }

  @inline(__always)
  private static func hash(_ slot: UInt64) -> UInt32 { UInt32(truncatingIfNeeded: slot >> 32) }

  /// The position under `hash` that `matches`.
  @inline(__always)
  func find(_ hash: UInt32, where matches: (Int) -> Bool) -> Int? {
    var index = home(hash)
    while true {
      let slot = slots[index]
      if slot == 0 { return nil }
      let position = Int(truncatingIfNeeded: slot & 0xffff_ffff)
      if Self.hash(slot) == hash, matches(position) { return position }
      index = (index + 1) & mask
    }
  }

  /// Adds a position that is not there.
  @inline(__always)
  mutating func insert(_ position: Int, _ hash: UInt32) {
    if (count + 1) * 4 > slots.count * 3 { grow() }
    place(Self.slot(position, hash))
    count += 1
  }

  @inline(__always)
  private mutating func place(_ slot: UInt64) {
    var index = home(Self.hash(slot))
    while slots[index] != 0 { index = (index + 1) & mask }
    slots[index] = slot
  }

  private mutating func grow() {
    let old = slots
    slots = [UInt64](repeating: 0, count: old.count * 2)
    mask = slots.count - 1
    for slot in old where slot != 0 { place(slot) }
  }

  /// Takes a position out, and moves up what probing had pushed beyond it.
  mutating func remove(_ position: Int, _ hash: UInt32) {
    var hole = home(hash)
    while slots[hole] != Self.slot(position, hash) {
      if slots[hole] == 0 { return }
      hole = (hole + 1) & mask
    }
    count -= 1
    var index = hole
    while true {
      index = (index + 1) & mask
      if slots[index] == 0 { break }
      // It may move into the hole unless its home lies between the two.
      if (index - home(Self.hash(slots[index]))) & mask >= (index - hole) & mask {
        slots[hole] = slots[index]
        hole = index
      }
    }
    slots[hole] = 0
  }
}

extension UInt64 {
  /// Spreads every bit over all of them.
  @inline(__always)
  var mixed: UInt64 {
    var value = self
    value = (value ^ (value >> 30)) &* 0xbf58_476d_1ce4_e5b9
    value = (value ^ (value >> 27)) &* 0x94d0_49bb_1331_11eb
    return value ^ (value >> 31)
  }
}
