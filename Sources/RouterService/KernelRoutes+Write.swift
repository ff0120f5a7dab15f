import Glibc
import Linux
import NetTypes

extension KernelRoutes {
  /// Routes fewer than these are deleted one by one, for their objects may be needed again soon.
  private static let manyRoutes = 64

  /// What becomes of the routes of one target in one flush.
  private struct Move {
    var next: TargetTable.ID
    var count: Int
    var isUniform = true
  }

  private func moves(_ prefixes: [IPPrefix]) -> [TargetTable.ID: Move] {
    var moves: [TargetTable.ID: Move] = [:]
    for prefix in prefixes {
      guard let entry = entries[prefix], entry.installed != 0, entry.installed != entry.wanted
      else { continue }
      var move = moves[entry.installed] ?? Move(next: entry.wanted, count: 0)
      move.count += 1
      if move.next != entry.wanted { move.isUniform = false }
      moves[entry.installed] = move
    }
    return moves.filter { $0.value.isUniform && targets[$0.key].installed == $0.value.count }
  }

  /// A group that all routes leave for the same other set of next hops becomes that set's: the routes
  /// stay as they are, and so do the flows of the next hops that both sets have.
  func moveGroups(_ prefixes: [IPPrefix]) throws {
    guard usesNexthops, !nexthops.groups.isEmpty else { return }
    var moved: Set<TargetTable.ID> = []
    for (old, move) in moves(prefixes) where nexthops.groups[old] != nil {
      let new = move.next
      guard new != 0, nexthops.groups[new] == nil, targets[new].installed == 0 else { continue }
      let common = Set(targets[old].hops).intersection(targets[new].hops)
      guard !common.isEmpty else { continue }
      let members = try objects(of: new)
      guard !members.isEmpty else { continue }
      // Refused, the routes move one by one.
      do { try nexthops.move(old, to: new, members) } catch { continue }
      moved.insert(old)
      targets[new].installed = move.count
      targets[old].installed = 0
    }
    if moved.isEmpty { return }
    for prefix in prefixes {
      guard let entry = entries[prefix], moved.contains(entry.installed) else { continue }
      entries[prefix]?.installed = entry.wanted
    }
  }

  /// Targets that lose every route: deleting the object deletes them all.
  func removeTargets(_ prefixes: [IPPrefix]) throws {
    guard usesNexthops else { return }
    var removed: Set<TargetTable.ID> = []
    for (old, move) in moves(prefixes) where move.next == 0 && move.count >= Self.manyRoutes {
      let hops = targets[old].hops
      if nexthops.groups[old] != nil {
        nexthops.remove(group: old)
      } else if hops.count == 1, let hop = nexthops.hops[hops[0]],
        !nexthops.groups.values.contains(where: { $0.members.contains(hop.id) })
      {
        nexthops.remove(hop: hops[0])
      } else {
        continue
      }
      removed.insert(old)
      targets[old].installed = 0
    }
    if removed.isEmpty { return }
    for prefix in prefixes {
      if let entry = entries[prefix], removed.contains(entry.installed) {
        entries[prefix] = nil
        refusals[prefix] = nil
      }
    }
  }

  /// The other routes.
  func write(_ prefixes: [IPPrefix]) throws {
    var refused: [IPPrefix: String] = [:]
    let writer = RouteWriter(netlink, owner) { refused[$0] = $1.reason }
    var ways: [TargetTable.ID: RouteTarget?] = [:]
    for prefix in prefixes {
      guard let entry = entries[prefix] else { continue }
      if entry.wanted == 0 {
        if entry.installed != 0 { try writer.delete(prefix) }
        settle(prefix, entry, 0)
        continue
      }
      if entry.installed == entry.wanted { continue }
      let way: RouteTarget?
      if let known = ways[entry.wanted] {
        way = known
      } else {
        do {
          way = try self.way(entry.wanted, like: entry.installed)
        } catch let error as NetlinkError {
          problems[entry.wanted] = error.reason
          way = nil
        }
        ways[entry.wanted] = .some(way)
      }
      guard let way else {
        // The old route, if there is one, leads to next hops that are no longer right.
        if entry.installed != 0 || adopted[prefix] != nil { try writer.delete(prefix) }
        if adopted[prefix] != nil { adopted[prefix] = nil }
        settle(prefix, entry, 0)
        continue
      }
      if adopted.isEmpty || adopted[prefix] != way { try writer.replace(prefix, way) }
      if !adopted.isEmpty { adopted[prefix] = nil }
      settle(prefix, entry, entry.wanted)
    }
    try writer.finish()
    if refused.isEmpty { return }
    let cleaner = RouteWriter(netlink, owner) { _, _ in }
    for (prefix, reason) in refused {
      guard let entry = entries[prefix] else { continue }
      try cleaner.delete(prefix)
      settle(prefix, entry, 0)
      refusals[prefix] = reason
    }
    try cleaner.finish()
  }

  private func settle(_ prefix: IPPrefix, _ entry: Entry, _ installed: TargetTable.ID) {
    if entry.installed != 0 { targets[entry.installed].installed -= 1 }
    if installed != 0 { targets[installed].installed += 1 }
    if !refusals.isEmpty { refusals[prefix] = nil }
    if entry.wanted == 0, installed == 0 {
      entries[prefix] = nil
    } else {
      entries[prefix]?.installed = installed
    }
  }

  /// Where routes of a target are to lead; nil if none of its next hops can be reached.
  /// - Parameter model: The target that they had before.
  private func way(_ target: TargetTable.ID, like model: TargetTable.ID) throws -> RouteTarget? {
    if targets[target].target == .blackhole { return .blackhole }
    guard usesNexthops else {
      let hops = gateways(of: target)
      return hops.isEmpty ? nil : .gateways(hops)
    }
    let members = try objects(of: target)
    if members.isEmpty { return nil }
    if members.count == 1, targets[target].hops.count == 1, nexthops.groups[target] == nil {
      return .nexthop(members[0])
    }
    return .nexthop(try nexthops.set(target, members, like: model))
  }

  /// The gateways of the next hops that can be reached; notes those that cannot.
  func gateways(of target: TargetTable.ID) -> [GatewayHop] {
    var result: [GatewayHop] = []
    var reasons: [String] = []
    for hop in targets[target].hops {
      switch resolver.resolution(of: hop) {
      case .reachable(let way): result.append(way.hop)
      case .unreachable(let reason): reasons.append("next hop \(hop): \(reason)")
      }
    }
    problems[target] = reasons.isEmpty ? nil : reasons.joined(separator: "; ")
    return result
  }

  /// The nexthop objects of the next hops that can be reached; notes those that cannot.
  func objects(of target: TargetTable.ID) throws -> [UInt32] {
    var result: [UInt32] = []
    var reasons: [String] = []
    for hop in targets[target].hops {
      switch resolver.resolution(of: hop) {
      case .reachable(let way):
        do {
          result.append(try nexthops.set(hop, way.hop))
        } catch let error as NetlinkError {
          reasons.append("next hop \(hop): \(error.reason)")
        }
      case .unreachable(let reason): reasons.append("next hop \(hop): \(reason)")
      }
    }
    problems[target] = reasons.isEmpty ? nil : reasons.joined(separator: "; ")
    return result
  }
}
