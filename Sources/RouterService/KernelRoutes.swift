import Glibc
import Linux
import NetTypes

/// Keeps one routing table of the kernel as the Loc-RIB has it.
///
/// Routes are marked by a routing protocol number of their own, and stand at a metric of their own,
/// so that replacing one atomically (NLM_F_REPLACE) cannot hit a route that somebody else made.
/// Those that an earlier process left stay in use until `sweep`: a crash removes no route.
@Loop package final class KernelRoutes {
  package struct Options: Sendable {
    /// 254 is main.
    package var table: UInt32 = 254
    /// rtm_protocol. Ours alone: RTPROT_BGP (186), BIRD (12) and ZEBRA (11) are other daemons'.
    package var routingProtocol: UInt8 = 167
    package var metric: UInt32 = 167

    package init() {}
  }

  /// Whether a prefix is in the kernel's table.
  package enum State: Equatable, Sendable {
    case installed
    /// The kernel's reason, as `Network is unreachable`.
    case failed(String)
  }

  package enum Target: Hashable, Sendable {
    case nextHops([IPAddress])
    case blackhole
  }

  package let options: Options
  /// Interfaces of next hops that are link-local.
  package var linkLocalInterfaces: [IPAddress: String] = [:]
  private let netlink: Netlink
  private var desired: [IPPrefix: Target] = [:]
  private var states: [IPPrefix: State] = [:]
  /// Changed since the last `flush`.
  private var changed: Set<IPPrefix> = []
  /// Left by an earlier process and not yet taken over.
  private var adopted: Set<IPPrefix> = []
  private var isSwept = false

  /// Works in the calling thread's network namespace.
  package init(_ options: Options = Options()) throws {
    self.options = options
    netlink = try Netlink()
  }

  package func state(of prefix: IPPrefix) -> State? { states[prefix] }

  /// Finds what an earlier process left. True if there is any.
  package func adopt() throws -> Bool {
    adopted = Set(try own().map(\.destination))
    return !adopted.isEmpty
  }

  package func set(_ prefix: IPPrefix, _ target: Target?) {
    if desired[prefix] == target, target == nil || states[prefix] == .installed { return }
    desired[prefix] = target
    changed.insert(prefix)
  }

  /// Brings what was `set` into the kernel, many routes in one system call.
  package func flush() throws {
    if changed.isEmpty { return }
    let additions = changed.filter { desired[$0] != nil }.sorted()
    // What an earlier process left and nobody has learnt yet stays until the sweep.
    let removals = changed.filter { desired[$0] == nil && (isSwept || !adopted.contains($0)) }
      .sorted()
    changed = []
    try remove(removals)
    try install(additions)
  }

  /// Removes what an earlier process left and was not learnt again.
  package func sweep() throws {
    isSwept = true
    try flush()
    try remove(adopted.filter { desired[$0] == nil }.sorted())
    adopted = []
  }

  /// Compares the kernel's table with what it should hold, and mends it: the kernel drops routes
  /// when a link goes down, and people delete them.
  package func audit() throws {
    var present: [IPPrefix: Route] = [:]
    for route in try own() where route.metric == options.metric {
      present[route.destination] = route
    }
    let missing = desired.filter { prefix, target in
      guard let route = present[prefix] else { return true }
      return !matches(route, target)
    }
    let foreign = isSwept ? present.keys.filter { desired[$0] == nil } : []
    try remove(foreign.sorted())
    try install(missing.keys.sorted())
    for prefix in desired.keys where missing[prefix] == nil { states[prefix] = .installed }
  }

  /// Removes every route of ours.
  package func removeAll() throws {
    desired = [:]
    changed = []
    adopted = []
    try remove(try own().map(\.destination))
    states = [:]
  }

  private func own() throws -> [Route] {
    try netlink.routes(table: options.table).filter {
      $0.routingProtocol == options.routingProtocol
    }
  }

  private func matches(_ route: Route, _ target: Target) -> Bool {
    switch target {
    case .blackhole: route.kind == .blackhole
    case .nextHops(let hops): route.kind == .unicast && Set(route.nextHops) == Set(hops)
    }
  }

  private func route(_ prefix: IPPrefix, _ target: Target) -> Route {
    var route = Route(destination: prefix)
    switch target {
    case .blackhole: route.kind = .blackhole
    case .nextHops(let hops):
      route.hops = hops.map { Route.NextHop(gateway: $0, interface: linkLocalInterfaces[$0]) }
    }
    route.table = options.table
    route.routingProtocol = options.routingProtocol
    route.metric = options.metric
    return route
  }

  private func remove(_ prefixes: [IPPrefix]) throws {
    if prefixes.isEmpty { return }
    let routes = prefixes.map { prefix in
      var route = Route(destination: prefix)
      route.table = options.table
      route.routingProtocol = options.routingProtocol
      route.metric = options.metric
      return route
    }
    _ = try netlink.deleteRoutes(routes)
    for prefix in prefixes where desired[prefix] == nil { states[prefix] = nil }
  }

  private func install(_ prefixes: [IPPrefix]) throws {
    let routes = prefixes.compactMap { prefix in desired[prefix].map { route(prefix, $0) } }
    if routes.isEmpty { return }
    for (route, failure) in zip(routes, try netlink.replaceRoutes(routes)) {
      guard let failure else {
        states[route.destination] = .installed
        continue
      }
      let reason = failure.detail ?? String(cString: strerror(failure.code))
      states[route.destination] = .failed(reason)
      // One next hop out of reach takes none of the others away.
      if route.hops.count > 1, try installReachable(route) {
        states[route.destination] = .failed("a next hop is left out: \(reason)")
      } else {
        // The old route, if there is one, leads to next hops that are no longer right.
        _ = try netlink.deleteRoutes([route])
      }
    }
  }

  /// Installs the route with the next hops that the kernel takes one by one.
  private func installReachable(_ route: Route) throws -> Bool {
    var single = route
    var reachable: [Route.NextHop] = []
    for hop in route.hops {
      single.hops = [hop]
      if try netlink.replaceRoutes([single])[0] == nil { reachable.append(hop) }
    }
    if reachable.isEmpty { return false }
    single.hops = reachable
    return try netlink.replaceRoutes([single])[0] == nil
  }
}
