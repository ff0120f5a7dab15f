import NetTypes

/// A virtual server that the kernel serves, with its pool and the members that are up.
package struct KernelServer: Equatable, Sendable {
  package var server: VirtualServer
  package var pool: Pool
  /// By position in the pool.
  package var isUp: [Bool]

  package init(_ server: VirtualServer, _ pool: Pool, isUp: [Bool]) {
    self.server = server
    self.pool = pool
    self.isUp = isUp
  }

  /// Members by slot: new connections go to the slots in turn, or to the slot that their source's
  /// hash names. Empty while no member takes new connections.
  var slots: [Int] {
    let isConsistent = pool.loadBalancing == .consistentHash
    var balancer = Balancer(
      Balancer.Settings(
        method: isConsistent ? .consistentHash : .ratio, minimumActive: pool.minimumActive))
    let isWeighted = pool.loadBalancing != .roundRobin
    balancer.update(
      balancer.settings,
      members: pool.members.map {
        Balancer.MemberSettings(
          address: $0.socketAddress, weight: isWeighted ? $0.weight : 1, priority: $0.priority)
      })
    for (index, member) in pool.members.enumerated() {
      balancer.setAvailable(isUp[index] && member.state == .enabled, at: index)
    }
    let weights = balancer.entries.filter(\.isEligible).map { Int($0.weight) }
    guard !weights.isEmpty else { return [] }
    if isConsistent {
      return (0..<balancer.hashSlots).compactMap { balancer.pick(hash: UInt64($0)) }
    }
    let divisor = weights.reduce(0, greatestCommonDivisor)
    return (0..<weights.reduce(0, +) / divisor).compactMap { _ in balancer.pick() }
  }

  private func greatestCommonDivisor(_ a: Int, _ b: Int) -> Int {
    b == 0 ? a : greatestCommonDivisor(b, a % b)
  }
}
