import Glibc
import Linux
import NetTypes

extension KernelRoutes {
  /// Routes fewer than these are deleted one by one, for their objects may be needed again soon.
  private static let manyRoutes = 64

  /// What becomes of all routes of one target in one flush.
  private struct Move {
    var next: TargetTable.ID
    var count = 0
    var isUniform = true
  }

  private func moves(_ prefixes: [IPPrefix]) -> [TargetTable.ID: Move] {
    var moves: [TargetTable.ID: Move] = [:]
    // Neighbouring routes mostly go the same way.
    var (last, move) = (TargetTable.ID(0), Move(next: 0))
    for prefix in prefixes {
      guard let entry = entries[prefix], entry.installed != 0, entry.installed != entry.wanted
      else { continue }
      if entry.installed != last {
        moves[last] = move
        (last, move) = (entry.installed, moves[entry.installed] ?? Move(next: entry.wanted))
      }
      move.count += 1
      if move.next != entry.wanted { move.isUniform = false }
    }
    moves[last] = move
    moves[0] = nil
    return moves.filter { $0.value.isUniform && targets[$0.key].installed == $0.value.count }
  }

  /// Does what takes one request for all routes of a target, and returns the prefixes that are left.
  func moveTogether(_ prefixes: [IPPrefix]) throws -> [IPPrefix] {
    guard usesNexthops else { return prefixes }
    let moves = moves(prefixes)
    let moved = try moveGroups(moves)
    let removed = removeTargets(moves)
    if moved.isEmpty, removed.isEmpty { return prefixes }
    return prefixes.filter { prefix in
      guard let entry = entries[prefix] else { return true }
      if moved.contains(entry.installed) {
        entries[prefix]?.installed = entry.wanted
        return false
      }
      guard removed.contains(entry.installed) else { return true }
      entries[prefix] = nil
      refusals[prefix] = nil
      return false
    }
  }

  /// A group that all routes leave for the same other set of next hops becomes that set's: the routes
  /// stay as they are, and so do the flows of the next hops that both sets have.
  private func moveGroups(_ moves: [TargetTable.ID: Move]) throws -> Set<TargetTable.ID> {
    var moved: Set<TargetTable.ID> = []
    for (old, move) in moves where nexthops.groups[old] != nil {
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
    return moved
  }

  /// Targets that lose every route: deleting the object deletes them all.
  private func removeTargets(_ moves: [TargetTable.ID: Move]) -> Set<TargetTable.ID> {
    var removed: Set<TargetTable.ID> = []
    for (old, move) in moves where move.next == 0 && move.count >= Self.manyRoutes {
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
    return removed
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
