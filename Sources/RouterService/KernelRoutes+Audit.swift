import Glibc
import Linux
import NetTypes

extension KernelRoutes {
  /// Finds what an earlier process left. True if there is any.
  package func adopt() throws -> Bool {
    try scan { adopted[$0.prefix] = $0.target }
    try nexthops.adopt()
    return !adopted.isEmpty
  }

  /// Routes of ours that somebody else deleted: they come back.
  package func lost(_ prefixes: [IPPrefix]) throws {
    for prefix in prefixes {
      adopted[prefix] = nil
      forget(prefix)
    }
    try flush()
  }

  /// Links, addresses, other routes or nexthop objects have changed. Asks the kernel for the way to
  /// each next hop again, and compares its few nexthop objects with ours; routes are touched only
  /// where their next hop has become another, or was gone.
  /// - Returns: the next hops whose way has changed.
  package func nextHopsMayHaveChanged() throws -> [IPAddress] {
    var moved = Set(resolver.refresh())
    let result = Array(moved)
    var isGone: Set<TargetTable.ID> = []
    if usesNexthops {
      let lost = try nexthops.compare()
      isGone.formUnion(lost.targets)
      moved.formUnion(lost.hops)
      for address in moved where resolver.resolution(of: address).way == nil {
        nexthops.remove(hop: address)
      }
      let hopsLost = Set(lost.hops)
      for target in targets.ids where targets[target].installed > 0 {
        let hops = targets[target].hops
        guard hops.contains(where: moved.contains) || isGone.contains(target) else {
          // The kernel takes dead members out of a group by itself.
          if nexthops.groups[target] != nil { try mendGroup(target, &isGone) }
          continue
        }
        if hops.count == 1, nexthops.groups[target] == nil {
          let isReachable = !(try objects(of: target)).isEmpty
          if !isReachable || hopsLost.contains(hops[0]) { isGone.insert(target) }
        } else {
          try mendGroup(target, &isGone)
        }
      }
    } else {
      // Routes name their gateways: those of a next hop that moved are written anew.
      for target in targets.ids where targets[target].hops.contains(where: moved.contains) {
        isGone.insert(target)
      }
    }
    // What had no way before may have one now.
    var isWaiting: Set<TargetTable.ID> = []
    for target in problems.keys where targets[target].hops.contains(where: moved.contains) {
      isWaiting.insert(target)
    }
    if !isGone.isEmpty || !isWaiting.isEmpty {
      mark(isGone, waiting: isWaiting)
      try flush()
    }
    return result
  }

  /// Gives a group the members that can be reached now.
  private func mendGroup(_ target: TargetTable.ID, _ isGone: inout Set<TargetTable.ID>) throws {
    let members = try objects(of: target)
    if members.isEmpty {
      nexthops.remove(group: target)
      isGone.insert(target)
    } else if nexthops.groups[target] == nil {
      isGone.insert(target)
    } else {
      _ = try nexthops.set(target, members)
    }
  }

  /// Has the routes of these targets written again: the kernel has lost those that are gone.
  private func mark(_ isGone: Set<TargetTable.ID>, waiting: Set<TargetTable.ID>) {
    var (marked, lost): ([IPPrefix], [TargetTable.ID]) = ([], [])
    entries.update { prefix, entry in
      let isLost = entry.installed != 0 && isGone.contains(entry.installed)
      guard isLost || entry.installed != entry.wanted && waiting.contains(entry.wanted) else {
        return
      }
      if isLost {
        lost.append(entry.installed)
        entry.installed = 0
      }
      if !entry.isChanged {
        entry.isChanged = true
        marked.append(prefix)
      }
    }
    for target in lost { targets[target].installed -= 1 }
    changed += marked
  }

  private func forget(_ prefix: IPPrefix) {
    guard var entry = entries[prefix], entry.installed != 0 else { return }
    targets[entry.installed].installed -= 1
    entry.installed = 0
    note(prefix, &entry)
    entries[prefix] = entry
  }

  /// Compares the whole table with what it should hold, and mends it: people delete routes, and news
  /// get lost.
  package func audit() throws {
    var foreign: [IPPrefix] = []
    try scan { route in
      guard var entry = entries[route.prefix], entry.installed != 0, leads(route, entry.installed)
      else {
        if entries[route.prefix]?.installed ?? 0 == 0 { foreign.append(route.prefix) }
        return
      }
      entry.isSeen = true
      entries[route.prefix] = entry
    }
    var missing: [IPPrefix] = []
    entries.update { prefix, entry in
      if entry.wanted != 0, !entry.isSeen { missing.append(prefix) }
      entry.isSeen = false
    }
    if isSwept, !foreign.isEmpty {
      let writer = RouteWriter(netlink, owner) { _, _ in }
      for prefix in foreign { try writer.delete(prefix) }
      try writer.finish()
    }
    for prefix in missing {
      forget(prefix)
      // What was refused is tried again.
      if var entry = entries[prefix] {
        note(prefix, &entry)
        entries[prefix] = entry
      }
    }
    try flush()
  }

  /// Whether a route of the kernel's leads where those of a target do.
  private func leads(_ route: ScannedRoute, _ target: TargetTable.ID) -> Bool {
    let entry = targets[target]
    switch route.target {
    case .blackhole: return entry.target == .blackhole
    case .nexthop(let id):
      if let group = nexthops.groups[target] { return group.id == id }
      return entry.hops.count == 1 && nexthops.hops[entry.hops[0]]?.id == id
    case .gateways(let hops):
      let wanted = entry.hops.compactMap { resolver.resolution(of: $0).way?.hop }
      return !usesNexthops && Set(hops) == Set(wanted)
    }
  }
}
