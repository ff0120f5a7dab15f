import NetTypes

extension IPPrefix {
  /// The addresses a host may take: without network and broadcast address in IPv4 subnets wider
  /// than /31 (RFC 3021), without the subnet-router anycast address in IPv6 (RFC 4291 §2.6.1).
  package var hostRange: ClosedRange<IPAddress> {
    let spare = address.bitWidth - Int(length)
    guard spare >= 2 else { return address...last }
    return isIPv4 ? self[1]...last.advanced(by: -1) : self[1]...last
  }

  /// The number of host addresses, saturating.
  package var hostCount: Int {
    let spare = address.bitWidth - Int(length)
    guard spare >= 2, count < Int.max else { return count }
    return isIPv4 ? count - 2 : count - 1
  }

  /// The host addresses in order, from the first.
  package var hosts: HostAddresses { HostAddresses(subnet: self) }

  /// The first `count` host addresses.
  /// - Throws: `subnetTooSmall`.
  package func hosts(_ count: Int) throws(AddressingError) -> [IPAddress] {
    guard count <= hostCount else {
      throw .subnetTooSmall(self, hosts: hostCount, needed: count)
    }
    return Array(hosts.prefix(count))
  }
}

/// The host addresses of a subnet, in order.
package struct HostAddresses: Sequence, IteratorProtocol, Sendable {
  private var upcoming: IPAddress?
  private let last: IPAddress

  init(subnet: IPPrefix) {
    let range = subnet.hostRange
    upcoming = range.lowerBound
    last = range.upperBound
  }

  package mutating func next() -> IPAddress? {
    guard let address = upcoming else { return nil }
    upcoming = address == last ? nil : address.advanced(by: 1)
    return address
  }
}

/// Named networks that must not overlap: a unit's own among themselves, and those of its neighbours.
package struct SubnetPlan: Hashable, Sendable {
  package struct Entry: Hashable, Sendable {
    package let name: String
    package let prefix: IPPrefix
  }
  package private(set) var entries: [Entry] = []

  package init() {}

  /// Adds a network, named as an operator knows it (`--pod-cidr`, `node network of unit east`).
  /// - Throws: `overlap`, naming both.
  package mutating func add(_ name: String, _ prefix: IPPrefix) throws(AddressingError) {
    if let other = entries.first(where: { $0.prefix.overlaps(prefix) }) {
      throw .overlap(name, prefix, other.name, other.prefix)
    }
    entries.append(Entry(name: name, prefix: prefix))
  }
}
