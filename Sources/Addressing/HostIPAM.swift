import NetTypes

/// One host's view of address management under strict affinity: it hands out addresses of its own
/// blocks only, and asks for another block when they are full.
///
///     allocate ─▶ held already ─▶ same address
///              ─▶ a block of ours has room ─▶ its next address
///              ─▶ all full ─▶ .needsBlock(candidate) ─▶ claim it by CAS ─▶ adopt ─▶ allocate again
///                                                        └─ someone was faster ─▶ markTaken ─▶ again
package struct HostIPAM: Hashable, Sendable {
  package enum Outcome: Hashable, Sendable {
    case allocated(IPAddress, block: IPPrefix)
    /// Every own block is full: this one looks free, claim it.
    case needsBlock(IPPrefix)
  }

  package let host: String
  package private(set) var pools: [IPPool]
  /// Own blocks, in the order they were claimed.
  package private(set) var blocks: [IPAMBlock] = []
  /// Blocks known to belong to other hosts.
  package private(set) var taken: [IPPrefix: String] = [:]

  package init(host: String, pools: [IPPool]) {
    self.host = host
    self.pools = pools
  }

  package mutating func setPools(_ pools: [IPPool]) { self.pools = pools }

  /// The handle's address: the one it holds, or a new one.
  /// - Throws: `noFreeBlock` when no enabled pool has room.
  package mutating func allocate(_ owner: IPAMBlock.Owner) throws(AddressingError) -> Outcome {
    if let (address, block) = held(by: owner.handle) { return .allocated(address, block: block) }
    for pool in pools where !pool.isDisabled {
      for index in blocks.indices
      where pool.cidr.contains(blocks[index].cidr) && !blocks[index].isFull {
        return .allocated(try blocks[index].allocate(owner), block: blocks[index].cidr)
      }
    }
    return .needsBlock(try candidate())
  }

  /// The block to claim next.
  package func candidate() throws(AddressingError) -> IPPrefix {
    var failure: AddressingError?
    for pool in pools where !pool.isDisabled {
      let own = blocks.count { pool.cidr.contains($0.cidr) }
      do throws(AddressingError) {
        return try pool.freeBlock(for: host, ownedByHost: own) { candidate in
          taken[candidate] != nil || blocks.contains { $0.cidr.overlaps(candidate) }
        }
      } catch {
        failure = failure ?? error
      }
    }
    throw failure ?? .noPool(host: host)
  }

  /// The address that `handle` holds and its block.
  package func held(by handle: String) -> (IPAddress, block: IPPrefix)? {
    for block in blocks {
      if let address = block.addresses(of: handle).first { return (address, block.cidr) }
    }
    return nil
  }

  /// Takes over a block that was claimed for this host, or a newer copy of one.
  /// - Throws: `foreignBlock` if its affinity names another host.
  package mutating func adopt(_ block: IPAMBlock) throws(AddressingError) {
    guard block.host == host else {
      throw .foreignBlock(block.cidr, affinity: block.host, host: host)
    }
    taken[block.cidr] = nil
    if let index = blocks.firstIndex(where: { $0.cidr == block.cidr }) {
      blocks[index] = block
    } else {
      blocks.append(block)
    }
  }

  /// Remembers that a block belongs to another host.
  package mutating func markTaken(_ block: IPPrefix, by host: String) {
    guard host != self.host else { return }
    taken[block] = host
    blocks.removeAll { $0.cidr == block }
  }

  /// Forgets whatever was known of a block: its records are gone.
  package mutating func forget(_ block: IPPrefix) {
    taken[block] = nil
    blocks.removeAll { $0.cidr == block }
  }

  /// Frees the handle's addresses; returns the blocks that changed.
  @discardableResult
  package mutating func release(handle: String) -> [IPPrefix] {
    blocks.indices.compactMap { index in
      blocks[index].release(handle: handle).isEmpty ? nil : blocks[index].cidr
    }
  }

  /// Every handle that holds an address here.
  package var handles: Set<String> {
    Set(blocks.flatMap { $0.owners.compactMap { $0?.handle } })
  }

  package func block(_ cidr: IPPrefix) -> IPAMBlock? { blocks.first { $0.cidr == cidr } }
}
