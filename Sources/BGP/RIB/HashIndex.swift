/// Finds positions in a slab by hash: open addressing with linear probing, four octets a slot. The
/// keys stay in the slab; position 0 is never stored.
///
/// Hashes must depend on a seed, so that a peer cannot choose what collides.
struct HashIndex: Sendable {
  /// A power of two of them; 0: free.
  private var slots = [UInt32](repeating: 0, count: 16)
  private var mask = 15
  private(set) var count = 0

  /// The position under `hash` that `matches`.
  @inline(__always)
  func find(_ hash: UInt64, where matches: (Int) -> Bool) -> Int? {
    var slot = Int(truncatingIfNeeded: hash) & mask
    while slots[slot] != 0 {
      let position = Int(slots[slot])
      if matches(position) { return position }
      slot = (slot + 1) & mask
    }
    return nil
  }

  /// Adds a position that is not there.
  /// - Parameter hashOf: The hash of a position, for when the table grows.
  @inline(__always)
  mutating func insert(_ position: Int, _ hash: UInt64, hashOf: (Int) -> UInt64) {
    if (count + 1) * 8 > slots.count * 5 { grow(hashOf) }
    place(UInt32(position), hash)
    count += 1
  }

  private mutating func place(_ position: UInt32, _ hash: UInt64) {
    var slot = Int(truncatingIfNeeded: hash) & mask
    while slots[slot] != 0 { slot = (slot + 1) & mask }
    slots[slot] = position
  }

  private mutating func grow(_ hashOf: (Int) -> UInt64) {
    let old = slots
    slots = [UInt32](repeating: 0, count: old.count * 2)
    mask = slots.count - 1
    for position in old where position != 0 { place(position, hashOf(Int(position))) }
  }

  /// Takes a position out, and moves up what probing had pushed beyond it.
  mutating func remove(_ position: Int, _ hash: UInt64, hashOf: (Int) -> UInt64) {
    var hole = Int(truncatingIfNeeded: hash) & mask
    while slots[hole] != UInt32(position) {
      if slots[hole] == 0 { return }
      hole = (hole + 1) & mask
    }
    count -= 1
    var slot = hole
    while true {
      slot = (slot + 1) & mask
      if slots[slot] == 0 { break }
      let home = Int(truncatingIfNeeded: hashOf(Int(slots[slot]))) & mask
      // It may move into the hole unless its home lies between the two.
      if (slot - home) & mask >= (slot - hole) & mask {
        slots[hole] = slots[slot]
        hole = slot
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
