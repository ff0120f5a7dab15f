import Wire

/// Finds names by hash: open addressing with linear probing. A slot has the hash above a position, at
/// which the name lies with its length before it, in small letters, and what belongs to it behind it:
/// one place in memory for the slot, and one for all the rest.
struct NameIndex: Sendable {
  private var slots = [UInt64](repeating: 0, count: 16)
  private var mask = 15
  /// Eight octets more than there are, so that a word may be read anywhere.
  private(set) var bytes = [UInt8](repeating: 0, count: 8)
  private(set) var count = 0
  /// Labels of the longest name: no suffix with more needs to be looked for.
  private(set) var maximumLabelCount = 0

  init(minimumCapacity: Int = 0) { resize(minimumCapacity) }

  var isEmpty: Bool { count == 0 }
  var byteCount: Int { slots.count * 8 + bytes.count }

  /// Where what belongs to the suffix begins that leaves out `labels` of `key` from the front.
  @inline(__always)
  func find(_ key: borrowing NameKey, leavingOut labels: Int = 0) -> Int? {
    let hash = key.hash(labels)
    let offset = key.offset(labels)
    let slots = slots.span
    let bytes = bytes.span
    var index = Int(hash) & mask
    while true {
      let slot = slots[index]
      if slot == 0 { return nil }
      if UInt32(truncatingIfNeeded: slot >> 32) == hash {
        let start = Int(truncatingIfNeeded: slot & 0xffff_ffff)
        let length = Int(bytes[start])
        if length == key.length &- offset, key.matches(bytes, at: start &+ 1, from: offset) {
          return start &+ 1 &+ length
        }
      }
      index = (index &+ 1) & mask
    }
  }

  /// As `find`, of the longest suffix, and the labels that it leaves out.
  @inline(__always)
  func longest(_ key: borrowing NameKey) -> (place: Int, labels: Int)? {
    var labels = max(0, key.labelCount &- maximumLabelCount)
    while labels <= key.labelCount {
      if let place = find(key, leavingOut: labels) { return (place, labels) }
      labels &+= 1
    }
    return nil
  }

  @inline(__always)
  func uint32(at place: Int) -> UInt32 { bytes.span.uint32(at: place) }

  /// Adds a name that is not there; `append` has to follow with what belongs to it.
  mutating func insert(_ key: borrowing NameKey) {
    if (count + 1) * 3 > slots.count * 2 { resize(count + 1) }
    // Position zero means a free slot.
    if bytes.count == 8 { append([0]) }
    let start = bytes.count - 8
    append([UInt8(key.length)])
    append(key.wire)
    count += 1
    maximumLabelCount = max(maximumLabelCount, key.labelCount)
    place(UInt64(key.hash(0)) << 32 | UInt64(start))
  }

  mutating func insert(_ key: borrowing NameKey, _ value: UInt32) {
    insert(key)
    append([24, 16, 8, 0].map { UInt8(truncatingIfNeeded: value >> UInt32($0)) })
  }

  /// Octets without a name of their own, or behind that inserted last.
  /// - Returns: Where they begin.
  @discardableResult
  mutating func append(_ octets: [UInt8]) -> Int {
    let start = bytes.count - 8
    bytes.replaceSubrange(start..., with: octets)
    bytes.append(contentsOf: repeatElement(0, count: 8))
    return start
  }

  /// Where the next octets will begin.
  var end: Int { bytes.count - 8 }

  private mutating func place(_ slot: UInt64) {
    var index = Int(truncatingIfNeeded: slot >> 32) & mask
    while slots[index] != 0 { index = (index + 1) & mask }
    slots[index] = slot
  }

  private mutating func resize(_ count: Int) {
    var size = 16
    while size * 2 < count * 3 { size *= 2 }
    let old = slots
    slots = [UInt64](repeating: 0, count: size)
    mask = size - 1
    for slot in old where slot != 0 { place(slot) }
  }
}
