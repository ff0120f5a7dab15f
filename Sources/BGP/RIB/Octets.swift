/// Octets as words: what is hashed and compared for every UPDATE goes eight at a time.
extension Span<UInt8> {
  /// Eight octets from `index` on, or those that are left.
  @inline(__always)
  private func word(at index: Int) -> UInt64 {
    var word: UInt64 = 0
    if index + 8 <= count {
      for offset in 0..<8 { word |= UInt64(self[index + offset]) << UInt64(offset * 8) }
    } else {
      for last in index..<count { word = word << 8 | UInt64(self[last]) }
    }
    return word
  }

  /// - Parameter seed: Unknown to who chose the octets. Both halves of each product count, so that no
  ///   difference gets lost on the way.
  func hash(_ seed: UInt64) -> UInt32 {
    var hash = seed ^ UInt64(count)
    var index = 0
    while index < count {
      let product = (hash ^ word(at: index)).multipliedFullWidth(by: seed | 1)
      hash = product.high ^ product.low
      index += 8
    }
    return UInt32(truncatingIfNeeded: hash.mixed)
  }

  func isEqual(to octets: [UInt8]) -> Bool {
    let other = octets.span
    if count != other.count { return false }
    var index = 0
    while index < count {
      if word(at: index) != other.word(at: index) { return false }
      index += 8
    }
    return true
  }
}
