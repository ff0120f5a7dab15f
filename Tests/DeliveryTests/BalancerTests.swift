import NetTypes
import Testing

@testable import Delivery

private func balancer(_ method: Pool.LoadBalancing, _ weights: [Int]) -> Balancer {
  var balancer = Balancer(method: method)
  balancer.update(method: method, members: members(weights))
  return balancer
}

private func members(_ weights: [Int]) -> [(address: SocketAddress, weight: Int)] {
  weights.enumerated().map { (address($0.offset), $0.element) }
}

private func address(_ index: Int) -> SocketAddress {
  SocketAddress(.v4(IPv4Address(10, 0, 0, UInt8(index + 1))), port: 80)
}

@Suite struct BalancerTests {
  @Test func `round robin gives each member its turn`() {
    var balancer = balancer(.roundRobin, [1, 1, 1])
    #expect((0..<6).map { _ in balancer.pick() } == [0, 1, 2, 0, 1, 2])
  }

  @Test func `ratio spreads the turns of a heavy member`() {
    var balancer = balancer(.ratio, [5, 1, 1])
    #expect((0..<7).map { _ in balancer.pick() } == [0, 0, 1, 0, 2, 0, 0])
  }

  @Test func `least connections weighs what is in flight`() {
    var balancer = balancer(.leastConnections, [1, 3])
    var counts = [0, 0]
    for _ in 0..<40 {
      guard let index = balancer.pick() else { continue }
      counts[index] += 1
      balancer.began(index)
    }
    #expect(counts == [10, 30])
    for _ in 0..<10 { balancer.ended(0) }
    #expect((0..<5).map { _ in balancer.pick() } == [0, 0, 0, 0, 0])
  }

  @Test(arguments: Pool.LoadBalancing.allCases)
  func `members that are not available get nothing, and none is nil`(_ method: Pool.LoadBalancing) {
    var balancer = balancer(method, [1, 2, 3])
    balancer.setAvailable(false, at: 1)
    #expect(!(0..<30).map { _ in balancer.pick() }.contains(1))
    balancer.setAvailable(false, at: 0)
    balancer.setAvailable(false, at: 2)
    #expect(balancer.pick() == nil)
    #expect(Balancer(method: method).entries.isEmpty)
  }

  @Test(arguments: Pool.LoadBalancing.allCases)
  func `a retry avoids the member that failed unless it is the only one`(
    _ method: Pool.LoadBalancing
  ) {
    var two = balancer(method, [1, 1])
    for _ in 0..<5 { #expect(two.pick(excluding: 0) == 1) }
    var one = balancer(method, [1])
    #expect(one.pick(excluding: 0) == 0)
  }

  @Test func `turns and counts survive a change of the members`() {
    var balancer = balancer(.leastConnections, [1, 1, 1])
    for _ in 0..<3 { if let index = balancer.pick() { balancer.began(index) } }
    balancer.ended(1)
    balancer.update(
      method: .leastConnections, members: [(address(2), 1), (address(1), 1), (address(7), 1)])
    #expect(balancer.entries.map(\.inFlight) == [1, 0, 0])
    var ratio = Balancer(method: .ratio)
    ratio.update(method: .ratio, members: members([3, 1]))
    var order = [ratio.pick(), ratio.pick()]
    ratio.update(method: .ratio, members: members([3, 1]))
    order += [ratio.pick(), ratio.pick()]
    #expect(order == [0, 0, 1, 0])
  }
}
