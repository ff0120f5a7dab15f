import Glibc
import Linux
import NetTypes

// Keeps one routing table of the kernel as the Loc-RIB has it.
//
//   set(prefix, target) ─▶ changed ─▶ flush:  1  a group whose routes all go on together is changed
//                                                where it stands: one request for all of them
//                                             2  targets that lose every route go with their object
//                                             3  other routes one by one, hundreds in a system call
//   news of links      ─▶ nextHopsMayHaveChanged: objects compared, next hops asked for anew
//   news of our routes ─▶ lost(prefixes)
//
// Invariants: routes carry a protocol number and a metric of their own, so that replacing one
// atomically (NLM_F_REPLACE) cannot hit a route that somebody else made at another metric. What an
// earlier process left stays in use until `sweep`: a crash removes no route.

/// The routes of ours in one routing table of the kernel.
@Loop package final class KernelRoutes {
  package struct Options: Sendable {
    /// 254 is main.
    package var table: UInt32 = 254
    /// rtm_protocol. Ours alone: RTPROT_BGP (186), BIRD (12) and ZEBRA (11) are other daemons'.
    package var routingProtocol: UInt8 = 167
    package var metric: UInt32 = 167
    /// Lead routes to nexthop objects, where the kernel has them.
    package var usesNexthops = true
    /// How long a flow may pause before a next hop that came back may get it.
    package var idleTime = Duration.seconds(60)
    /// How long flows may stay unevenly spread before busy ones move too; zero: for ever.
    package var unbalancedTime = Duration.zero
    /// A default route, not of ours, may lead to a next hop.
    package var resolvesThroughDefault = false

    package init() {}

    /// Ids of nexthop objects: 65,536 for each table. Tables equal modulo 4096 cannot share a namespace.
    package var nexthopIDs: ClosedRange<UInt32> {
      let base = 0x1000_0000 | (table & 0xfff) << 16
      return base...(base | 0xffff)
    }
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

  struct Entry {
    /// 0: no route.
    var wanted: TargetTable.ID = 0
    /// What the kernel has.
    var installed: TargetTable.ID = 0
    var isChanged = false
    /// Met by the audit underway.
    var isSeen = false
  }

  package let options: Options
  /// Interfaces of next hops that are link-local.
  package var linkLocalInterfaces: [IPAddress: String] = [:] {
    didSet {
      if linkLocalInterfaces == oldValue { return }
      resolver.interfaces = linkLocalInterfaces
      onInterfacesChange?()
    }
  }
  /// Called when next hops need another look for it.
  var onInterfacesChange: (@Loop () -> Void)?
  let netlink: Netlink
  let nexthops: KernelNexthops
  let resolver: NextHopResolver
  var entries = PrefixMap<Entry>()
  var targets = TargetTable()
  /// Changed since the last `flush`.
  var changed: [IPPrefix] = []
  /// Left by an earlier process and not yet taken over.
  var adopted = PrefixMap<RouteTarget>()
  var isSwept = false
  /// Why single routes were refused.
  var refusals: [IPPrefix: String] = [:]
  /// Why targets have no route, or one without some of their next hops.
  var problems: [TargetTable.ID: String] = [:]
  private var random = SeededRandom(seed: 167)
  private var last: (target: Target, id: TargetTable.ID)?

  /// Works in the calling thread's network namespace.
  package init(_ options: Options = Options()) throws {
    self.options = options
    netlink = try Netlink()
    nexthops = KernelNexthops(
      netlink, routingProtocol: options.routingProtocol, range: options.nexthopIDs,
      buckets: NexthopObject.Buckets(
        count: 256, idle: options.idleTime, unbalanced: options.unbalancedTime))
    resolver = NextHopResolver(
      netlink, routingProtocol: options.routingProtocol,
      resolvesThroughDefault: options.resolvesThroughDefault)
    resolver.ownNextHops = { [unowned self] prefix in
      entries[prefix].map { targets[$0.installed].hops } ?? []
    }
  }

  var owner: RouteOwner {
    RouteOwner(
      table: options.table, routingProtocol: options.routingProtocol, metric: options.metric)
  }

  /// Whether routes lead to nexthop objects.
  var usesNexthops: Bool { options.usesNexthops && nexthops.support != .none }

  /// What the kernel offers, if it is less than we would use.
  package var limitation: String? {
    switch nexthops.support {
    case _ where !options.usesNexthops: nil
    case .none: "the kernel has no nexthop objects: routes name their gateways"
    case .groups: "the kernel has no resilient groups: a lost next hop moves flows of others too"
    case .resilientGroups: nil
    }
  }

  package func state(of prefix: IPPrefix) -> State? {
    guard let entry = entries[prefix], entry.wanted != 0 else { return nil }
    if let reason = refusals[prefix] ?? problems[entry.wanted] { return .failed(reason) }
    return entry.installed == entry.wanted ? .installed : .failed("not installed yet")
  }

  package func set(_ prefix: IPPrefix, _ target: Target?) {
    let id = target.map(intern) ?? 0
    var entry = entries[prefix] ?? Entry()
    if entry.wanted == id, id == 0 || entry.installed == id { return }
    targets[entry.wanted].wanted -= entry.wanted == 0 ? 0 : 1
    targets[id].wanted += id == 0 ? 0 : 1
    entry.wanted = id
    note(prefix, &entry)
    entries[prefix] = entry
  }

  /// Neighbouring routes mostly go the same way.
  private func intern(_ target: Target) -> TargetTable.ID {
    if let last, last.target == target { return last.id }
    let id = targets.intern(target)
    last = (target, id)
    return id
  }

  func note(_ prefix: IPPrefix, _ entry: inout Entry) {
    if entry.isChanged { return }
    entry.isChanged = true
    changed.append(prefix)
  }

  /// Brings what was `set` into the kernel, many routes in one system call.
  package func flush() throws {
    if changed.isEmpty { return }
    var prefixes = changed
    changed = []
    for prefix in prefixes { entries[prefix]?.isChanged = false }
    prefixes = try moveTogether(prefixes)
    // Sorted ones make the kernel rebuild its trie again and again.
    if prefixes.count > 1000 { prefixes.shuffle(using: &random) }
    try write(prefixes)
    collect()
  }

  /// Removes what an earlier process left and was not learnt again.
  package func sweep() throws {
    try flush()
    isSwept = true
    let writer = RouteWriter(netlink, owner) { _, _ in }
    try adopted.forEach { prefix, _ in
      if (entries[prefix]?.installed ?? 0) == 0 { try writer.delete(prefix) }
    }
    try writer.finish()
    adopted = PrefixMap()
    try nexthops.sweep()
  }

  /// Removes every route of ours.
  package func removeAll() throws {
    var present: [IPPrefix] = []
    try scan { present.append($0.prefix) }
    // With their nexthop objects most routes go at once.
    for address in Array(nexthops.hops.keys) { nexthops.remove(hop: address) }
    try nexthops.sweep()
    present.shuffle(using: &random)
    let writer = RouteWriter(netlink, owner) { _, _ in }
    if usesNexthops {
      present = []
      try scan { present.append($0.prefix) }
    }
    for prefix in present { try writer.delete(prefix) }
    try writer.finish()
    entries = PrefixMap()
    targets = TargetTable()
    adopted = PrefixMap()
    (changed, last, refusals, problems) = ([], nil, [:], [:])
  }

  /// Our routes as the kernel lists them.
  func scan(_ body: (ScannedRoute) -> Void) throws {
    let metric = options.metric
    try netlink.scanRoutes(table: options.table, routingProtocol: options.routingProtocol) {
      if $0.metric == metric { body($0) }
    }
  }

  private func collect() {
    let gone = targets.collect()
    if gone.isEmpty { return }
    last = nil
    for id in gone {
      nexthops.remove(group: id)
      problems[id] = nil
    }
    let used = Set(targets.ids.flatMap { targets[$0].hops })
    for address in Array(nexthops.hops.keys) where !used.contains(address) {
      nexthops.remove(hop: address)
    }
  }
}
