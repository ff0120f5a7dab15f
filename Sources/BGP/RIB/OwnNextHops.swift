import NetTypes

/// Addresses of the interface that a session runs over, beside the session's own.
package struct InterfaceAddresses: Hashable, Sendable {
  package var ipv4: IPv4Address?
  /// A global one.
  package var ipv6: IPv6Address?
  package var linkLocal: IPv6Address?

  package init(
    ipv4: IPv4Address? = nil, ipv6: IPv6Address? = nil, linkLocal: IPv6Address? = nil
  ) {
    self.ipv4 = ipv4
    self.ipv6 = ipv6
    self.linkLocal = linkLocal
  }
}

/// What a speaker puts as next hop where it names itself.
///
/// | routes | over IPv4 | over IPv6 |
/// |---|---|---|
/// | IPv4 | our end | our end where RFC 8950 was agreed on, else an IPv4 address of the interface |
/// | IPv6 | a global address of the interface, else our end, mapped | our end |
///
/// A link-local end is named beside a global address of the interface if there is one, else twice
/// (RFC 2545 §3 wants a global address first). A mapped address, ::ffff:a.b.c.d, is what other
/// routers fall back to as well; a kernel cannot forward by it.
struct OwnNextHops: Hashable, Sendable {
  var local: IPAddress
  var interface = InterfaceAddresses()
  /// RFC 8950.
  var extendedNextHop = false

  /// Nil: there is no address that the peer could use.
  func hop(for family: AddressFamily) -> (address: IPAddress, linkLocal: IPv6Address?)? {
    switch (family, local) {
    case (.ipv4, .v4): return (local, nil)
    case (.ipv4, .v6(let own)):
      if extendedNextHop { return Self.ipv6(own, interface) }
      return interface.ipv4.map { (.v4($0), nil) }
    case (.ipv6, .v6(let own)): return Self.ipv6(own, interface)
    case (.ipv6, .v4(let own)): return (.v6(interface.ipv6 ?? own.mapped), nil)
    }
  }

  private static func ipv6(
    _ own: IPv6Address, _ interface: InterfaceAddresses
  ) -> (address: IPAddress, linkLocal: IPv6Address?) {
    guard own.isLinkLocal else { return (.v6(own), nil) }
    return (.v6(interface.ipv6 ?? own), own)
  }
}

extension IPv6Address {
  /// fe80::/10.
  package var isLinkLocal: Bool { high >> 54 == 0x3fa }
}

extension IPv4Address {
  /// ::ffff:a.b.c.d. RFC 4291 §2.5.5.2.
  fileprivate var mapped: IPv6Address {
    IPv6Address(high: 0, low: 0xffff_0000_0000 | UInt64(rawValue))
  }
}
