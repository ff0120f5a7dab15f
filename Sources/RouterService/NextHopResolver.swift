import Linux
import NetTypes

/// Finds the way to each BGP next hop, by asking the kernel.
///
/// A next hop is usable if a route of somebody else's leads to it: that of a connected subnet, or one
/// through another host, whose gateway then stands in for the next hop. A route of ours counts too,
/// unless it leads to the next hop through itself; then the way that was there before stays, as long
/// as its gateway answers to the kernel. A default route counts only if `resolvesThroughDefault`: the
/// one that BGP itself has learnt would make every next hop look reachable. RFC 4271 §9.1.2.1.
@Loop final class NextHopResolver {
  /// The way to a next hop.
  struct Way: Hashable, Sendable {
    var hop: GatewayHop
    /// 0 on the link, else the metric of the route that leads there.
    var cost: UInt32
  }

  enum Resolution: Hashable, Sendable {
    case reachable(Way)
    /// The reason, as `Network is unreachable`.
    case unreachable(String)

    var way: Way? {
      if case .reachable(let way) = self { way } else { nil }
    }

    var problem: String? {
      if case .unreachable(let reason) = self { reason } else { nil }
    }
  }

  private let netlink: Netlink
  private let routingProtocol: UInt8
  private let resolvesThroughDefault: Bool
  private(set) var resolutions: [IPAddress: Resolution] = [:]
  /// Where a link-local next hop is to be looked for.
  var interfaces: [IPAddress: String] = [:]
  /// The next hops of a route of ours.
  var ownNextHops: (IPPrefix) -> [IPAddress] = { _ in [] }

  init(_ netlink: Netlink, routingProtocol: UInt8, resolvesThroughDefault: Bool) {
    self.netlink = netlink
    self.routingProtocol = routingProtocol
    self.resolvesThroughDefault = resolvesThroughDefault
  }

  /// What is known of a next hop; asks the kernel if that is nothing yet.
  func resolution(of address: IPAddress) -> Resolution {
    if let known = resolutions[address] { return known }
    let found = resolve(address)
    resolutions[address] = found
    return found
  }

  func forget(_ address: IPAddress) { resolutions[address] = nil }

  /// Asks again for every next hop.
  /// - Returns: those whose way has changed.
  func refresh() -> [IPAddress] {
    var changed: [IPAddress] = []
    for (address, old) in resolutions {
      let new = resolve(address)
      if new == old { continue }
      resolutions[address] = new
      changed.append(address)
    }
    return changed
  }

  private func resolve(_ address: IPAddress) -> Resolution {
    do {
      let interface = try interfaces[address].map { try netlink.index(of: $0, for: "look up") }
      let found = try netlink.lookUp(address, interface: interface)
      if found.isLocal { return .unreachable("an address of this machine") }
      guard found.isUnicast else { return .unreachable("no unicast route leads there") }
      if found.prefix.length == 0, !resolvesThroughDefault {
        return .unreachable("only a default route leads there")
      }
      if found.routingProtocol == routingProtocol, leadsThrough(address, found.prefix, depth: 0) {
        return standing(address, found.prefix)
      }
      return .reachable(
        Way(
          hop: GatewayHop(gateway: found.gateway ?? address, interface: found.interface),
          cost: found.gateway == nil ? 0 : found.metric))
    } catch let error as NetlinkError {
      return .unreachable(error.reason)
    } catch {
      return .unreachable("\(error)")
    }
  }

  /// Whether our route to `prefix` goes to `address` itself, at once or by another of ours.
  private func leadsThrough(_ address: IPAddress, _ prefix: IPPrefix, depth: Int) -> Bool {
    if depth > 8 { return true }
    for hop in ownNextHops(prefix) {
      if hop == address { return true }
      guard let found = try? netlink.lookUp(hop), found.routingProtocol == routingProtocol else {
        continue
      }
      if leadsThrough(address, found.prefix, depth: depth + 1) { return true }
    }
    return false
  }

  /// The way from before our own route covered the next hop, if it is still there.
  private func standing(_ address: IPAddress, _ prefix: IPPrefix) -> Resolution {
    if case .reachable(let way)? = resolutions[address], let gateway = way.hop.gateway,
      let found = try? netlink.lookUp(gateway), found.isUnicast, found.gateway == nil,
      found.interface == way.hop.interface
    {
      return .reachable(way)
    }
    return .unreachable("only its own route \(prefix) leads there")
  }
}
