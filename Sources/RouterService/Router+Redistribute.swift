import BGP
import CLinux
import Glibc
import Linux
import Logging
import NetTypes

// `redistribute connected|kernel|static`: what the kernel's table holds by others is announced as
// routes of our own, ORIGIN INCOMPLETE (RFC 4271 §5.1.1). Ours are never among it, whatever instance
// of ours made them.

extension Redistribution.Source {
  /// What `match source-protocol` knows it by.
  fileprivate var routeSource: RouteSource {
    switch self {
    case .connected: .connected
    case .kernel: .kernel
    case .static: .static
    }
  }

  /// rtm_protocol of the routes that `static` means: `ip route add` (RTPROT_BOOT), `proto static`, and
  /// FRR's.
  fileprivate static let staticProtocols: Set<UInt8> = [3, 4, 196]

  /// Whether a route of the main table is one of these; connected ones are found by their addresses.
  fileprivate func includes(_ route: Route, ours: UInt8) -> Bool {
    guard route.kind == .unicast || route.kind == .blackhole, route.routingProtocol != ours else {
      return false
    }
    switch self {
    case .connected: return false
    case .static: return Self.staticProtocols.contains(route.routingProtocol)
    case .kernel:
      // The kernel's own (2) are the connected subnets; redirects (1) are no routes of anybody's.
      return route.routingProtocol > 2 && !Self.staticProtocols.contains(route.routingProtocol)
    }
  }
}

extension Router {
  /// Announces what the kernel's table holds now, and withdraws what it no longer does.
  func redistribute() {
    guard let kernel else { return }
    let wanted = configuration.redistributions
    if wanted.isEmpty, redistributed.isEmpty { return }
    var found: [IPPrefix: PathAttributes] = [:]
    do {
      let sources = Set(wanted.map(\.source))
      let connected =
        sources.contains(.connected) ? try kernel.netlink.connectedSubnets() : []
      let routes = sources.subtracting([.connected]).isEmpty ? [] : try kernel.otherRoutes()
      for redistribution in wanted {
        let ours = kernel.options.routingProtocol
        let prefixes =
          redistribution.source == .connected
          ? connected
          : routes.filter { redistribution.source.includes($0, ours: ours) }.map(\.destination)
        for prefix in prefixes
        where AddressFamily(of: prefix) == redistribution.family && !own.contains(prefix) {
          if let attributes = attributes(of: prefix, redistribution) { found[prefix] = attributes }
        }
      }
    } catch {
      // A failed read withdraws nothing.
      log.error("redistribute: \(error)")
      return
    }
    let old = redistributed
    redistributed = found
    for prefix in old.keys.sorted() where found[prefix] == nil { drive(.withdraw(prefix)) }
    for (prefix, attributes) in found.sorted(by: { $0.key < $1.key })
    where old[prefix] != attributes {
      drive(.originate(prefix, attributes))
    }
  }

  private func attributes(of prefix: IPPrefix, _ redistribution: Redistribution) -> PathAttributes?
  {
    let attributes = PathAttributes(
      origin: .incomplete, multiExitDiscriminator: redistribution.metric)
    guard let name = redistribution.routeMap else { return attributes }
    let context = PolicyContext(
      source: redistribution.source.routeSource,
      defaultLocalPreference: configuration.defaultLocalPreference)
    return policy.apply(PolicyChain(routeMap: name), to: prefix, attributes, context)
  }
}

extension KernelRoutes {
  /// Routes of other programs in the main table.
  fileprivate func otherRoutes() throws -> [Route] {
    try netlink.routes(table: UInt32(RT_TABLE_MAIN.rawValue)).filter {
      $0.routingProtocol != options.routingProtocol
    }
  }
}

extension Netlink {
  /// Subnets of interfaces that are up and have a carrier; no loopback and link-local ones.
  fileprivate func connectedSubnets() throws -> [IPPrefix] {
    var result: Set<IPPrefix> = []
    for link in try links() where link.isRunning {
      for address in try addresses(of: link.name) where address.address.isForwarded {
        result.insert(address.prefix)
      }
    }
    return result.sorted()
  }
}

extension IPAddress {
  /// Neither of the loopback's blocks nor of a link alone.
  fileprivate var isForwarded: Bool {
    switch self {
    case .v4(let address): address.rawValue >> 24 != 127 && address.rawValue >> 16 != 0xa9fe
    case .v6(let address):
      address.high >> 54 != 0x3fa && !(address.high == 0 && address.low == 1)
    }
  }
}
