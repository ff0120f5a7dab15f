import NetTypes

/// Chooses members of one pool. One balancer a worker: its state is never shared.
///
/// - `roundRobin`: each in turn.
/// - `ratio`: smooth weighted round robin. Every turn each available member gains its weight; the
///   greatest is chosen and pays the sum of the weights. So 3:1 gives a a b a, not a a a b.
/// - `leastConnections`: the least of (connections + 1) / weight, ties in turn.
///
/// Turns and debts survive `update`: a changed member list does not start the rotation again.
package struct Balancer: Sendable {
  package struct Entry: Equatable, Sendable {
    package let address: SocketAddress
    package internal(set) var weight: Int32
    var credit: Int32 = 0
    /// Connections or requests in flight, as the caller counts them.
    package internal(set) var inFlight: Int32 = 0
    /// Takes new traffic; false for a member that is draining, disabled or down.
    package var isAvailable = true
  }

  package private(set) var method: Pool.LoadBalancing
  package private(set) var entries: [Entry] = []
  private var turn: Int

  /// - Parameter offset: where the rotation starts, so that workers do not march in step.
  package init(method: Pool.LoadBalancing, offset: Int = 0) {
    self.method = method
    turn = offset
  }

  /// Takes over a new member list; members that stay keep their state.
  package mutating func update(
    method: Pool.LoadBalancing, members: [(address: SocketAddress, weight: Int)]
  ) {
    self.method = method
    var old: [SocketAddress: Entry] = [:]
    for entry in entries { old[entry.address] = entry }
    entries = members.map { member in
      let weight = Int32(clamping: max(1, member.weight))
      guard var entry = old[member.address] else {
        return Entry(address: member.address, weight: weight)
      }
      // A credit beyond the new weights would favour or starve the member for many turns.
      let total = Int32(clamping: members.reduce(0) { $0 + max(1, $1.weight) })
      entry.credit = min(max(entry.credit, -total), total)
      entry.weight = weight
      return entry
    }
  }

  package mutating func setAvailable(_ available: Bool, at index: Int) {
    entries[index].isAvailable = available
  }

  package mutating func began(_ index: Int) { entries[index].inFlight &+= 1 }
  package mutating func ended(_ index: Int) { entries[index].inFlight &-= 1 }

  /// The index of the member that is next, or nil if none is available.
  /// - Parameter excluded: an index to pass over as long as there is another, for a retry.
  package mutating func pick(excluding excluded: Int = -1) -> Int? {
    let count = entries.count
    guard count > 0 else { return nil }
    let choice =
      switch method {
      case .roundRobin: nextInTurn(excluded)
      case .ratio: nextByCredit(excluded)
      case .leastConnections: leastLoaded(excluded)
      }
    if let choice { return choice }
    return excluded >= 0 && excluded < count && entries[excluded].isAvailable ? excluded : nil
  }

  private mutating func nextInTurn(_ excluded: Int) -> Int? {
    let count = entries.count
    if turn >= count { turn %= count }
    for _ in 0..<count {
      let index = turn
      turn = turn &+ 1 == count ? 0 : turn &+ 1
      if entries[index].isAvailable, index != excluded { return index }
    }
    return nil
  }

  private mutating func nextByCredit(_ excluded: Int) -> Int? {
    var best = -1
    var total: Int32 = 0
    for index in entries.indices where entries[index].isAvailable && index != excluded {
      entries[index].credit &+= entries[index].weight
      total &+= entries[index].weight
      if best < 0 || entries[index].credit > entries[best].credit { best = index }
    }
    guard best >= 0 else { return nil }
    entries[best].credit &-= total
    return best
  }

  private mutating func leastLoaded(_ excluded: Int) -> Int? {
    let count = entries.count
    var best = -1
    for step in 0..<count {
      let index = (turn &+ step) % count
      let entry = entries[index]
      guard entry.isAvailable, index != excluded else { continue }
      // a / wa < b / wb without a division.
      if best < 0
        || Int64(entry.inFlight &+ 1) &* Int64(entries[best].weight)
          < Int64(entries[best].inFlight &+ 1) &* Int64(entry.weight)
      {
        best = index
      }
    }
    guard best >= 0 else { return nil }
    turn = (best &+ 1) % count
    return best
  }
}
