import Glibc
import Linux
import NetTypes

/// Nexthop objects of the kernel: one for each BGP next hop, and a resilient group for each set of
/// them that routes use together. Routes name them by id, so that a next hop's death, or another way
/// to it, is one operation for all routes; and in a resilient group the flows of the living next hops
/// stay where they are.
@Loop final class KernelNexthops {
  /// What the kernel knows of nexthop objects.
  enum Support: Equatable, Sendable {
    case none
    /// Groups spread flows by hash: a lost member moves flows of others too.
    case groups
    case resilientGroups
  }

  let support: Support
  private let netlink: Netlink
  private let routingProtocol: UInt8
  private let buckets: NexthopObject.Buckets
  private let range: ClosedRange<UInt32>
  private var nextID: UInt32
  /// Ids in use here, or seen in the kernel.
  private var taken: Set<UInt32> = []
  private(set) var hops: [IPAddress: (id: UInt32, way: GatewayHop)] = [:]
  private(set) var groups: [TargetTable.ID: (id: UInt32, members: [UInt32])] = [:]
  /// Of an earlier process, by what they are; taken over by whoever needs the same.
  private var left: [NexthopObject.Kind: UInt32] = [:]

  /// - Parameter range: Ids to use; objects in it are ours.
  init(
    _ netlink: Netlink, routingProtocol: UInt8, range: ClosedRange<UInt32>,
    buckets: NexthopObject.Buckets
  ) {
    self.netlink = netlink
    self.routingProtocol = routingProtocol
    self.range = range
    self.buckets = buckets
    nextID = range.lowerBound
    support = Self.probe(netlink, routingProtocol, range, buckets)
  }

  /// Tries what the kernel can do, on two ids at the end of our range.
  private static func probe(
    _ netlink: Netlink, _ routingProtocol: UInt8, _ range: ClosedRange<UInt32>,
    _ buckets: NexthopObject.Buckets
  ) -> Support {
    let (hop, group) = (range.upperBound - 1, range.upperBound)
    let make = { (id: UInt32, kind: NexthopObject.Kind) in
      try netlink.setNexthop(
        NexthopObject(id: id, routingProtocol: routingProtocol, kind: kind))
    }
    do { try make(hop, .blackhole) } catch { return .none }
    defer { try? netlink.deleteNexthop(hop) }
    do { try make(group, .group([hop], buckets)) } catch { return .groups }
    try? netlink.deleteNexthop(group)
    return .resilientGroups
  }

  /// Finds what an earlier process left.
  func adopt() throws {
    if support == .none { return }
    for object in try own() where left[object.kind] == nil {
      left[object.kind] = object.id
      taken.insert(object.id)
    }
  }

  /// Deletes what an earlier process left and nobody took over.
  func sweep() throws {
    if support == .none { return }
    let used = Set(hops.values.map(\.id)).union(groups.values.map(\.id))
    left = [:]
    for object in try own() where !used.contains(object.id) { remove(object.id) }
  }

  /// The objects of the kernel that are ours.
  func own() throws -> [NexthopObject] {
    try netlink.nexthops().filter {
      $0.routingProtocol == routingProtocol && range.contains($0.id)
    }
  }

  /// The object of a next hop that is reached by `way`, made or changed as needed.
  func set(_ address: IPAddress, _ way: GatewayHop) throws -> UInt32 {
    let kind = NexthopObject.Kind.hop(gateway: way.gateway, interface: way.interface)
    if let known = hops[address] {
      if known.way != way {
        try make(known.id, kind)
        hops[address] = (known.id, way)
      }
      return known.id
    }
    let id = try claim(kind)
    hops[address] = (id, way)
    return id
  }

  /// The group of `target`, with `members`.
  func set(_ target: TargetTable.ID, _ members: [UInt32]) throws -> UInt32 {
    let kind = group(members)
    if let known = groups[target] {
      if known.members != members {
        try make(known.id, kind)
        groups[target] = (known.id, members)
      }
      return known.id
    }
    let id = try claim(kind)
    groups[target] = (id, members)
    return id
  }

  /// A new group of `target` that spreads flows as `model` was made to, before it gets `members`:
  /// flows of the members that both have stay where they are.
  func set(_ target: TargetTable.ID, _ members: [UInt32], like model: TargetTable.ID) throws
    -> UInt32
  {
    guard groups[target] == nil, let old = groups[model], support == .resilientGroups,
      left[group(members)] == nil, Set(old.members).isSuperset(of: members)
    else { return try set(target, members) }
    let id = try claim(group(old.members))
    groups[target] = (id, old.members)
    return try set(target, members)
  }

  /// Makes the group of one target the group of another, with all routes that use it.
  func move(_ old: TargetTable.ID, to new: TargetTable.ID, _ members: [UInt32]) throws {
    guard let known = groups[old], groups[new] == nil else { return }
    try make(known.id, group(members))
    groups[old] = nil
    groups[new] = (known.id, members)
  }

  /// Deletes the objects, and with them every route that leads to them.
  func remove(group target: TargetTable.ID) {
    guard let known = groups.removeValue(forKey: target) else { return }
    remove(known.id)
  }

  func remove(hop address: IPAddress) {
    guard let known = hops.removeValue(forKey: address) else { return }
    remove(known.id)
    for (target, group) in groups where group.members.contains(known.id) {
      // The kernel has taken it out of its groups, and removed those it left empty.
      let members = group.members.filter { $0 != known.id }
      groups[target] = members.isEmpty ? nil : (group.id, members)
      if members.isEmpty { taken.remove(group.id) }
    }
  }

  /// Forgets objects that the kernel no longer has as they were; they are made anew when needed.
  /// - Returns: the next hops and targets concerned.
  func compare() throws -> (hops: [IPAddress], targets: [TargetTable.ID]) {
    if support == .none { return ([], []) }
    let present = Dictionary(try own().map { ($0.id, $0.kind) }) { $1 }
    var lost: (hops: [IPAddress], targets: [TargetTable.ID]) = ([], [])
    for (address, hop) in hops {
      let kind = NexthopObject.Kind.hop(
        gateway: hop.way.gateway, interface: hop.way.interface)
      if present[hop.id] == kind { continue }
      if present[hop.id] != nil {
        remove(hop.id)
      }
      taken.remove(hop.id)
      hops[address] = nil
      lost.hops.append(address)
    }
    for (target, known) in groups {
      guard case .group(let members, _)? = present[known.id] else {
        groups[target] = nil
        taken.remove(known.id)
        lost.targets.append(target)
        continue
      }
      groups[target] = (known.id, members)
    }
    return lost
  }

  private func group(_ members: [UInt32]) -> NexthopObject.Kind {
    .group(members, support == .resilientGroups ? buckets : nil)
  }

  private func claim(_ kind: NexthopObject.Kind) throws -> UInt32 {
    if let id = left.removeValue(forKey: kind) { return id }
    for _ in 0..<(range.count - 2) {
      let id = nextID
      nextID = id >= range.upperBound - 2 ? range.lowerBound : id + 1
      if taken.contains(id) { continue }
      try make(id, kind)
      taken.insert(id)
      return id
    }
    throw NetlinkError(
      operation: "make nexthop", subject: "\(range.lowerBound)-\(range.upperBound)", code: ENOSPC,
      detail: "all \(range.count) ids are in use")
  }

  private func make(_ id: UInt32, _ kind: NexthopObject.Kind) throws {
    try netlink.setNexthop(
      NexthopObject(id: id, routingProtocol: routingProtocol, kind: kind))
  }

  private func remove(_ id: UInt32) {
    taken.remove(id)
    try? netlink.deleteNexthop(id)
  }
}
