import NetTypes

/// One block of a pool and who holds its addresses. Calico's IPAMBlock.
///
/// Invariants: an ordinal is either in `unallocated` or has an owner, never both; an owner's
/// ordinals appear in no other owner; `unallocated` is in the order of next use, so that a
/// released address is the last to be given again.
package struct IPAMBlock: Hashable, Sendable {
  /// Who holds an address.
  package struct Owner: Hashable, Sendable {
    /// The handle by which addresses are found and released, as `k8s-pod-network.<pod uid>`.
    package var handle: String
    /// What an operator wants to know: `namespace`, `pod`, `node`.
    package var attributes: [String: String]

    package init(handle: String, attributes: [String: String] = [:]) {
      self.handle = handle
      self.attributes = attributes
    }
  }

  package let cidr: IPPrefix
  /// The host that hands out this block's addresses.
  package var host: String?
  /// With strict affinity no other host borrows from the block.
  package var strictAffinity: Bool
  /// By ordinal, the distance from the block's first address.
  package private(set) var owners: [Owner?]
  package private(set) var unallocated: [Int]

  package init(cidr: IPPrefix, host: String?, strictAffinity: Bool = true) {
    self.cidr = cidr
    self.host = host
    self.strictAffinity = strictAffinity
    owners = Array(repeating: nil, count: cidr.count)
    unallocated = Array(0..<cidr.count)
  }

  /// A block as stored elsewhere. Nil if it breaks an invariant: wrong size, an ordinal outside the
  /// block. Ordinals that are neither owned nor listed are free, after those that are listed.
  package init?(
    cidr: IPPrefix, host: String?, strictAffinity: Bool, owners: [Owner?], unallocated: [Int]
  ) {
    guard cidr.count <= 4096, owners.count == cidr.count else { return nil }
    self.cidr = cidr
    self.host = host
    self.strictAffinity = strictAffinity
    self.owners = owners
    var seen = Set<Int>()
    self.unallocated = []
    for ordinal in unallocated + Array(0..<cidr.count) {
      guard owners.indices.contains(ordinal) else { return nil }
      if owners[ordinal] == nil, seen.insert(ordinal).inserted { self.unallocated.append(ordinal) }
    }
  }

  package var isFull: Bool { unallocated.isEmpty }
  package var isEmpty: Bool { unallocated.count == owners.count }
  package var allocatedCount: Int { owners.count - unallocated.count }

  /// The addresses of `handle`, lowest first.
  package func addresses(of handle: String) -> [IPAddress] {
    owners.indices.filter { owners[$0]?.handle == handle }.map { cidr[$0] }
  }

  package func owner(of address: IPAddress) -> Owner? {
    cidr.index(of: address).flatMap { owners[$0] }
  }

  /// The owner's address: the one it has, or the next free one.
  /// - Throws: `blockFull`.
  package mutating func allocate(_ owner: Owner) throws(AddressingError) -> IPAddress {
    if let held = addresses(of: owner.handle).first { return held }
    guard !unallocated.isEmpty else { throw .blockFull(cidr, size: owners.count) }
    let ordinal = unallocated.removeFirst()
    owners[ordinal] = owner
    return cidr[ordinal]
  }

  /// Gives exactly `address` to `owner`; nothing changes if it already has it.
  /// - Throws: `notInBlock`, `alreadyAllocated`.
  package mutating func allocate(
    _ address: IPAddress, to owner: Owner
  ) throws(AddressingError) {
    guard let ordinal = cidr.index(of: address) else { throw .notInBlock(address, cidr) }
    if let held = owners[ordinal] {
      guard held.handle == owner.handle else {
        throw .alreadyAllocated(address, handle: held.handle)
      }
      return
    }
    unallocated.removeAll { $0 == ordinal }
    owners[ordinal] = owner
  }

  /// Frees every address of `handle` and returns them; none if it has none.
  @discardableResult
  package mutating func release(handle: String) -> [IPAddress] {
    var released: [IPAddress] = []
    for ordinal in owners.indices where owners[ordinal]?.handle == handle {
      owners[ordinal] = nil
      unallocated.append(ordinal)
      released.append(cidr[ordinal])
    }
    return released
  }

  /// Frees one address; false if it was free or is outside.
  @discardableResult
  package mutating func release(_ address: IPAddress) -> Bool {
    guard let ordinal = cidr.index(of: address), owners[ordinal] != nil else { return false }
    owners[ordinal] = nil
    unallocated.append(ordinal)
    return true
  }
}
