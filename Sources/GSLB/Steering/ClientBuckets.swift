/// Clients in buckets, each with a preference of its own: weighted rendezvous hashing. A choice that
/// goes moves its own clients only, and any two name services agree without a word to each other.
enum ClientBuckets {
  static let count = 256
  /// Draws of a choice at most: its weight.
  private static let draws = 64

  /// The choices of each bucket, the best first.
  static func preferences(_ choices: [(key: String, weight: Int)]) -> [[Int]] {
    let weights = Rotation.reduced(choices.map(\.weight), to: draws * max(1, choices.count))
    let keys = choices.map { hash($0.key) }
    return (0..<count).map { bucket in
      let scores = choices.indices.map { index in
        (0..<weights[index]).reduce(UInt64(0)) { best, draw in
          max(best, mix(keys[index] &+ mix(UInt64(bucket) << 32 | UInt64(draw))))
        }
      }
      return choices.indices.sorted { (scores[$1], $0) < (scores[$0], $1) }
    }
  }

  /// FNV-1a.
  private static func hash(_ text: String) -> UInt64 {
    text.utf8.reduce(0xcbf2_9ce4_8422_2325) { ($0 ^ UInt64($1)) &* 0x0000_0100_0000_01b3 }
  }

  /// The finalizer of SplitMix64.
  private static func mix(_ value: UInt64) -> UInt64 {
    var z = value &+ 0x9e37_79b9_7f4a_7c15
    z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
    return z ^ (z >> 31)
  }
}
