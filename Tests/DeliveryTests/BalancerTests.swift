import NetTypes
import Testing

@testable import Delivery

private func balancer(_ method: Pool.LoadBalancing, _ weights: [Int]) -> Balancer {
  var balancer = Balancer(Balancer.Settings(method: method))
  balancer.update(Balancer.Settings(method: method), members: members(weights))
  return balancer
}

private func members(_ weights: [Int]) -> [Balancer.MemberSettings] {
  weights.enumerated().map {
    Balancer.MemberSettings(address: address($0.offset), weight: $0.element)
  }
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
    #expect(Balancer(Balancer.Settings(method: method)).entries.isEmpty)
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
      Balancer.Settings(method: .leastConnections),
      members: [2, 1, 7].map { Balancer.MemberSettings(address: address($0)) })
    #expect(balancer.entries.map(\.inFlight) == [1, 0, 0])
    let settings = Balancer.Settings(method: .ratio)
    var ratio = Balancer(settings)
    ratio.update(settings, members: members([3, 1]))
    var order = [ratio.pick(), ratio.pick()]
    ratio.update(settings, members: members([3, 1]))
    order += [ratio.pick(), ratio.pick()]
    #expect(order == [0, 0, 1, 0])
  }

  // MARK: Power of two, fastest

  @Test func `of two drawn at random the less loaded is chosen`() {
    var balancer = balancer(.powerOfTwo, [1, 1, 1, 1])
    for _ in 0..<400 { if let index = balancer.pick() { balancer.began(index) } }
    let loads = balancer.entries.map(\.inFlight)
    #expect(loads.reduce(0, +) == 400)
    // Drawing alone would leave them some forty apart.
    #expect((loads.max() ?? 0) - (loads.min() ?? 0) <= 8, "\(loads)")
  }

  @Test func `a slow member gets little, and is measured again`() {
    var balancer = balancer(.fastest, [1, 1, 1])
    let times: [Int64] = [200, 20_000, 210]
    var counts = [0, 0, 0]
    for round in 0..<2000 {
      guard let index = balancer.pick() else { continue }
      if round >= 1000 { counts[index] += 1 }
      balancer.observed(times[index], at: index)
    }
    #expect(counts[1] > 0 && counts[1] < 30, "\(counts)")
    // It has become as fast as the others.
    for _ in 0..<8000 {
      if let index = balancer.pick() { balancer.observed(200, at: index) }
    }
    #expect(balancer.entries.allSatisfy { $0.firstByte < 400 })
  }

  @Test func `a member that stalled once is asked again within seconds`() {
    var balancer = balancer(.fastest, [1, 1])
    let members = balancer.entries.indices
    balancer.observed(900_000, at: 0, now: 0)
    balancer.observed(20_000, at: 1, now: 0)
    var counts = [0, 0]
    for now in stride(from: Int64(0), to: 10_000, by: 20) {
      guard let index = balancer.pick(now: now), members.contains(index) else { continue }
      if now >= 5000 { counts[index] += 1 }
      balancer.observed(index == 0 ? 1000 : 20_000, at: index, now: now)
    }
    #expect(counts[0] > 200, "\(counts)")
  }

  // MARK: Priorities, ramps

  @Test func `lower priorities come in while too few of the higher are available`() {
    let settings = Balancer.Settings(method: .roundRobin, minimumActive: 2)
    var balancer = Balancer(settings)
    balancer.update(
      settings,
      members: [10, 10, 5, 5, 1].enumerated().map {
        Balancer.MemberSettings(address: address($0.offset), priority: $0.element)
      })
    func used() -> Set<Int> { Set((0..<20).compactMap { _ in balancer.pick() }) }
    #expect(used() == [0, 1])
    balancer.setAvailable(false, at: 1)
    #expect(used() == [0, 2, 3])
    balancer.setAvailable(false, at: 2)
    balancer.setAvailable(false, at: 3)
    #expect(used() == [0, 4])
    balancer.setAvailable(true, at: 1)
    #expect(used() == [0, 1])
  }

  @Test(arguments: [Pool.LoadBalancing.roundRobin, .ratio])
  func `a member that returns gets a share that grows`(_ method: Pool.LoadBalancing) {
    let settings = Balancer.Settings(method: method, slowRamp: 10_000)
    var balancer = Balancer(settings)
    balancer.update(settings, members: members([1, 1]), now: 0)
    balancer.setAvailable(false, at: 1, now: 1000)
    balancer.setAvailable(true, at: 1, now: 2000)
    func share(at now: Int64) -> Double {
      var count = 0
      for _ in 0..<1000 where balancer.pick(now: now) == 1 { count += 1 }
      return Double(count) / 1000
    }
    #expect(abs(share(at: 2100) - 0.1 / 1.1) < 0.02)
    #expect(abs(share(at: 7000) - 0.5 / 1.5) < 0.02)
    #expect(abs(share(at: 12_000) - 0.5) < 0.02)
  }

  // MARK: Consistent hash

  private static let hashes = (0..<20_000).map { mix(UInt64($0)) }

  @Test func `the same key goes to the same member, and shares follow the weights`() {
    var balancer = balancer(.consistentHash, [1, 1, 2])
    let choices = Self.hashes.map { balancer.pick(hash: $0) }
    #expect(choices == Self.hashes.map { balancer.pick(hash: $0) })
    for (index, weight) in [1, 1, 2].enumerated() {
      let share = Double(choices.count { $0 == index }) / Double(choices.count)
      #expect(abs(share - Double(weight) / 4) < 0.02, "\(index): \(share)")
    }
  }

  @Test func `a lost member moves its own keys only, and they come back`() {
    var balancer = balancer(.consistentHash, [1, 1, 1, 1, 1])
    let before = Self.hashes.map { balancer.pick(hash: $0) }
    balancer.setAvailable(false, at: 2)
    let during = Self.hashes.map { balancer.pick(hash: $0) }
    for (old, new) in zip(before, during) where old != 2 { #expect(old == new) }
    #expect(!during.contains(2))
    let takers = zip(before, during).filter { $0.0 == 2 }.map(\.1)
    #expect(Set(takers).count == 4)
    balancer.setAvailable(true, at: 2)
    #expect(Self.hashes.map { balancer.pick(hash: $0) } == before)
  }

  @Test func `a member more moves little beside its own share`() {
    var five = balancer(.consistentHash, [1, 1, 1, 1, 1])
    var six = balancer(.consistentHash, [1, 1, 1, 1, 1, 1])
    let moved = Self.hashes.count { hash in
      let new = six.pick(hash: hash)
      return new != 5 && five.pick(hash: hash) != new
    }
    #expect(Double(moved) / Double(Self.hashes.count) < 0.06, "\(moved)")
  }

  @Test func `what has no key goes in turn`() {
    var balancer = balancer(.consistentHash, [1, 1])
    #expect((0..<4).map { _ in balancer.pick() } == [0, 1, 0, 1])
  }
}
