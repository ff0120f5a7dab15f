import Wire

/// Clients in buckets, each with a choice of its own: weighted rendezvous hashing. A choice that
/// goes moves its own clients only, and any two name services agree without a word to each other.
enum ClientBuckets {
  static let count = 256
  /// Draws of a choice at most: its weight.
  private static let draws = 64

  /// The choice of each bucket; of equal scores the first.
  static func choices(_ choices: [(key: String, weight: Int)]) -> [Int] {
    let weights = Rotation.reduced(choices.map(\.weight), to: draws * max(1, choices.count))
    let keys = choices.map { $0.key.utf8.fnv1a }
    return (0..<count).map { bucket in
      let scores = choices.indices.map { index in
        (0..<weights[index]).reduce(UInt64(0)) { best, draw in
          max(best, mix(keys[index] &+ mix(UInt64(bucket) << 32 | UInt64(draw))))
        }
      }
      return choices.indices.max { scores[$0] < scores[$1] } ?? 0
    }
  }

  /// The finalizer of SplitMix64.
  private static func mix(_ value: UInt64) -> UInt64 {
    var z = value &+ 0x9e37_79b9_7f4a_7c15
    z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
    return z ^ (z >> 31)
  }
}
