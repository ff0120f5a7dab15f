import NetTypes

/// A lookup table of consistent hashing after Maglev (Eisenbud et al., NSDI 2016, §3.4): each member
/// fills the slots of its own permutation in turn, as often as its weight says.
///
/// Shares are even to about a percent, and a member that comes or goes moves little beside its own
/// share. A pick is one remainder and one load.
struct MaglevTable: Sendable {
  /// Index of a member by slot; empty without members.
  private var slots: [UInt16] = []

  /// Primes; the table has at least a hundred slots a member, as the paper advises.
  private static let sizes = [251, 1021, 4093, 16381, 65537]

  init() {}

  init(_ members: [(address: SocketAddress, weight: Int)]) {
    guard !members.isEmpty, members.count < Int(UInt16.max) else { return }
    let wanted = members.count * 100
    let size = Self.sizes.first { $0 >= wanted } ?? Self.sizes[Self.sizes.count - 1]
    var next: [(offset: Int, skip: Int)] = members.map { member in
      let hash = stableHash(member.address)
      let other = mix(hash ^ 0x9E37_79B9_7F4A_7C15)
      return (Int(hash % UInt64(size)), Int(other % UInt64(size - 1)) + 1)
    }
    let heaviest = members.map(\.weight).max() ?? 1
    var credit = [Int](repeating: 0, count: members.count)
    slots = Array(repeating: UInt16.max, count: size)
    var filled = 0
    while filled < size {
      for index in members.indices where filled < size {
        // A member of half the heaviest's weight takes every other turn.
        credit[index] += members[index].weight
        guard credit[index] >= heaviest else { continue }
        credit[index] -= heaviest
        while slots[next[index].offset] != UInt16.max { step(&next[index], size) }
        slots[next[index].offset] = UInt16(index)
        step(&next[index], size)
        filled += 1
      }
    }
  }

  private func step(_ position: inout (offset: Int, skip: Int), _ size: Int) {
    position.offset = (position.offset + position.skip) % size
  }

  var isEmpty: Bool { slots.isEmpty }
  var count: Int { slots.count }

  /// The member of a hash; `attempt` above 0 names the next choices of the same hash.
  func index(of hash: UInt64, attempt: UInt64) -> Int {
    let hash = attempt == 0 ? hash : mix(hash &+ attempt &* 0x9E37_79B9_7F4A_7C15)
    return Int(slots[Int(hash % UInt64(slots.count))])
  }
}

/// The finalizer of SplitMix64: every input bit counts for every output bit.
package func mix(_ value: UInt64) -> UInt64 {
  var z = value
  z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
  z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
  return z ^ (z >> 31)
}

/// The same in every process, unlike `Hashable`'s: two edges send a client to the same member.
func stableHash(_ address: SocketAddress) -> UInt64 {
  let (high, low) =
    switch address.address {
    case .v4(let v4): (UInt64(0), UInt64(v4.rawValue))
    case .v6(let v6): (v6.high, v6.low)
    }
  return mix(mix(mix(high &+ 1) ^ low) ^ UInt64(address.port))
}
