import NetTypes

/// Gives virtual addresses of one range to owners (`namespace/service`), one each.
package struct VIPAllocator: Hashable, Sendable {
  /// Lowest and highest address, both usable.
  package let range: ClosedRange<IPAddress>
  package let reserved: Set<IPAddress>
  package private(set) var owners: [IPAddress: String] = [:]
  private var addresses: [String: IPAddress] = [:]

  package init(range: ClosedRange<IPAddress>, reserved: Set<IPAddress> = []) {
    self.range = range
    self.reserved = reserved
  }

  /// The host addresses of `subnet`, from the `first`th on, without `reserved`.
  package init(subnet: IPPrefix, first: Int = 1, reserved: Set<IPAddress> = []) {
    let hosts = subnet.hostRange
    let low = min(max(hosts.lowerBound, subnet[first]), hosts.upperBound)
    self.init(range: low...hosts.upperBound, reserved: reserved)
  }

  package func address(of owner: String) -> IPAddress? { addresses[owner] }

  /// The owner's address: the one it has, or the lowest free one.
  /// - Parameter avoided: Only given to who asks for them.
  /// - Throws: `noFreeVIP` with the numbers.
  package mutating func allocate(
    owner: String, avoiding avoided: Set<IPAddress> = []
  ) throws(AddressingError) -> IPAddress {
    if let held = addresses[owner] { return held }
    var candidate = range.lowerBound
    // A candidate is refused at most once for each reserved or owned address.
    for _ in 0...(reserved.count + owners.count + avoided.count) where range.contains(candidate) {
      if !reserved.contains(candidate), !avoided.contains(candidate), owners[candidate] == nil {
        grant(candidate, to: owner)
        return candidate
      }
      candidate = candidate.advanced(by: 1)
    }
    throw .noFreeVIP(
      pool: description, size: size,
      reserved: reserved.union(avoided).count { range.contains($0) },
      allocated: owners.count)
  }

  /// Gives exactly `address` to `owner`, which leaves the one it had.
  /// - Throws: `notInPool`, `reserved`, `vipTaken`.
  package mutating func allocate(
    owner: String, requested address: IPAddress
  ) throws(AddressingError) -> IPAddress {
    guard range.contains(address) else { throw .notInPool(address, pool: description) }
    guard !reserved.contains(address) else { throw .reserved(address) }
    if let holder = owners[address] {
      guard holder == owner else { throw .vipTaken(address, owner: holder) }
      return address
    }
    release(owner: owner)
    grant(address, to: owner)
    return address
  }

  @discardableResult
  package mutating func release(owner: String) -> IPAddress? {
    guard let held = addresses.removeValue(forKey: owner) else { return nil }
    owners[held] = nil
    return held
  }

  private mutating func grant(_ address: IPAddress, to owner: String) {
    owners[address] = owner
    addresses[owner] = address
  }

  /// Addresses in the range, saturating.
  package var size: Int {
    switch (range.lowerBound, range.upperBound) {
    case (.v4(let low), .v4(let high)): Int(high.rawValue - low.rawValue) + 1
    case (.v6(let low), .v6(let high)) where low.high == high.high:
      Int(clamping: (high.low - low.low).addingReportingOverflow(1).partialValue)
    default: Int.max
    }
  }
}

extension VIPAllocator: CustomStringConvertible {
  package var description: String { "\(range.lowerBound)-\(range.upperBound)" }
}
