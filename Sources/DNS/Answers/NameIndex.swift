import Wire

/// Finds names by hash: open addressing with linear probing, the hash above a position in each slot, and
/// names in small letters in one run of octets.
struct NameIndex: Sendable {
  struct Entry: Sendable {
    var start: UInt32
    var length: UInt8
    /// What the owner of the index has under that name.
    var value: UInt32
  }

  private var slots = [UInt64](repeating: 0, count: 16)
  private var mask = 15
  private(set) var entries: [Entry] = []
  /// Eight octets more than there are names, so that a word may be read anywhere.
  private(set) var names = [UInt8](repeating: 0, count: 8)
  /// Labels of the longest name: no suffix with more needs to be looked for.
  private(set) var maximumLabelCount = 0

  init(minimumCapacity: Int = 0) {
    entries.reserveCapacity(minimumCapacity)
    names.reserveCapacity(minimumCapacity * 24)
    resize(minimumCapacity)
  }

  var count: Int { entries.count }
  var isEmpty: Bool { entries.isEmpty }

  var byteCount: Int {
    slots.count * 8 + entries.count * MemoryLayout<Entry>.stride + names.count
  }

  /// The value of the suffix that leaves out `labels` of `key` from the front.
  @inline(__always)
  func find(_ key: borrowing NameKey, leavingOut labels: Int = 0) -> Int? {
    let hash = key.hash(labels)
    let offset = key.offset(labels)
    let slots = slots.span
    var index = Int(hash) & mask
    while true {
      let slot = slots[index]
      if slot == 0 { return nil }
      if UInt32(truncatingIfNeeded: slot >> 32) == hash {
        let entry = entries.span[Int(truncatingIfNeeded: slot & 0xffff_ffff) &- 1]
        if Int(entry.length) == key.length &- offset,
          key.matches(names.span, at: Int(entry.start), from: offset)
        {
          return Int(entry.value)
        }
      }
      index = (index &+ 1) & mask
    }
  }

  /// The value of the longest suffix, and the labels that it leaves out.
  @inline(__always)
  func longest(_ key: borrowing NameKey) -> (value: Int, labels: Int)? {
    var labels = max(0, key.labelCount &- maximumLabelCount)
    while labels <= key.labelCount {
      if let value = find(key, leavingOut: labels) { return (value, labels) }
      labels &+= 1
    }
    return nil
  }

  /// Adds a name that is not there.
  mutating func insert(_ key: borrowing NameKey, _ value: Int) {
    if (entries.count + 1) * 3 > slots.count * 2 { resize(entries.count + 1) }
    let start = names.count - 8
    names.removeLast(8)
    for index in 0..<key.length { names.append(key[index]) }
    names.append(contentsOf: repeatElement(0, count: 8))
    entries.append(
      Entry(start: UInt32(start), length: UInt8(key.length), value: UInt32(value)))
    maximumLabelCount = max(maximumLabelCount, key.labelCount)
    place(UInt64(key.hash(0)) << 32 | UInt64(entries.count))
  }

  private mutating func place(_ slot: UInt64) {
    var index = Int(truncatingIfNeeded: slot >> 32) & mask
    while slots[index] != 0 { index = (index + 1) & mask }
    slots[index] = slot
  }

  private mutating func resize(_ count: Int) {
    var size = 16
    while size < count * 2 { size *= 2 }
    let old = slots
    slots = [UInt64](repeating: 0, count: size)
    mask = size - 1
    for slot in old where slot != 0 { place(slot) }
  }
}
