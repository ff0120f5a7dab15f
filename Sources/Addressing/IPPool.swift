import NetTypes

/// A pool of pod addresses, carved into blocks of equal size. Calico's IPPool.
package struct IPPool: Hashable, Sendable {
  package let name: String
  package let cidr: IPPrefix
  /// The prefix length of one block: 26 gives 64 addresses.
  package let blockLength: Int
  /// No new address comes out of a disabled pool; those given stay.
  package var isDisabled: Bool
  /// Whether traffic from the pool to elsewhere is masqueraded.
  package var natOutgoing: Bool

  /// - Throws: `badBlockLength`. Nil stands for the family's default, /26 or /122.
  package init(
    name: String, cidr: IPPrefix, blockLength: Int? = nil, isDisabled: Bool = false,
    natOutgoing: Bool = false
  ) throws(AddressingError) {
    let length = blockLength ?? (cidr.isIPv4 ? 26 : 122)
    guard Self.blockLengths(in: cidr).contains(length) else {
      throw .badBlockLength(pool: cidr, length: length)
    }
    self.name = name
    self.cidr = cidr
    self.blockLength = length
    self.isDisabled = isDisabled
    self.natOutgoing = natOutgoing
  }

  /// The block lengths a pool may have: at most 4096 addresses a block, as Calico allows.
  package static func blockLengths(in cidr: IPPrefix) -> ClosedRange<Int> {
    let width = cidr.address.bitWidth
    return min(max(Int(cidr.length), width - 12), width)...width
  }

  /// The number of blocks, saturating at `Int.max`.
  package var blockCount: Int {
    let bits = blockLength - Int(cidr.length)
    return bits >= 62 ? Int.max : 1 << bits
  }

  /// Addresses in one block.
  package var blockSize: Int { 1 << (cidr.address.bitWidth - blockLength) }

  /// The block at `index`, wrapping.
  package func block(at index: Int) -> IPPrefix {
    let index = index % blockCount
    let (offset, overflow) = index.multipliedReportingOverflow(by: blockSize)
    return IPPrefix(cidr[overflow ? 0 : offset], length: blockLength)
  }

  /// The block that holds `address`, if the pool does.
  package func block(containing address: IPAddress) -> IPPrefix? {
    cidr.contains(address) ? IPPrefix(address, length: blockLength) : nil
  }

  /// Where `host` starts to look for a block: FNV-1a of its name, so that a host finds the same
  /// block again when all records are lost, and hosts seldom meet.
  package func firstIndex(for host: String) -> Int {
    var hash: UInt64 = 0xCBF2_9CE4_8422_2325
    for byte in host.utf8 {
      hash ^= UInt64(byte)
      hash = hash &* 0x0000_0100_0000_01B3
    }
    // The low bits of FNV-1a alone are poor for short names that differ in the last letter.
    hash ^= hash >> 32
    return Int(hash % UInt64(blockCount))
  }

  /// The first block in `host`'s probe order that `isTaken` does not reject.
  /// - Throws: `noFreeBlock`, after at most one turn around the pool.
  package func freeBlock(
    for host: String, ownedByHost own: Int = 0, isTaken: (IPPrefix) -> Bool
  ) throws(AddressingError) -> IPPrefix {
    let first = firstIndex(for: host)
    // A turn longer than this means an IPv6 pool; no unit has as many hosts.
    for step in 0..<min(blockCount, 1 << 20) {
      let candidate = block(at: (first &+ step) & Int.max)
      if !isTaken(candidate) { return candidate }
    }
    throw .noFreeBlock(
      pool: cidr, blocks: blockCount, blockLength: blockLength, host: host, own: own)
  }
}
