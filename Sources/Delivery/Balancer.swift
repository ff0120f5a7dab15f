import NetTypes

/// Chooses members of one pool. One balancer a worker: its state is never shared.
///
/// - `roundRobin`: each in turn.
/// - `ratio`: smooth weighted round robin. Every turn each eligible member gains its weight; the
///   greatest is chosen and pays the sum of the weights. So 3:1 gives a a b a, not a a a b.
/// - `leastConnections`: the least of (connections + 1) / weight, ties in turn.
/// - `powerOfTwo`: the better, by the same measure, of two drawn at random.
/// - `fastest`: the least of first-byte time × (connections + 1) / weight, the time a moving average.
/// - `consistentHash`: by the key's hash (Maglev); a key without a hash goes in turn.
///
/// Eligible are the available members of the highest priority; as long as fewer than
/// `minimumActive` of them are, those of the next priority are too. A member that has just become
/// available gets a share that grows over `slowRamp`.
///
/// Turns and debts survive `update`: a changed member list does not start the rotation again.
package struct Balancer: Sendable {
  package struct Entry: Equatable, Sendable {
    package let address: SocketAddress
    package internal(set) var weight: Int32
    package internal(set) var priority: Int32
    var credit: Int32 = 0
    /// Connections or requests in flight, as the caller counts them.
    package internal(set) var inFlight: Int32 = 0
    /// Takes new traffic; false for a member that is draining, disabled or down.
    package internal(set) var isAvailable = true
    /// Has as many connections as it may.
    var isFull = false
    /// Available, and of a priority that is in use.
    package internal(set) var isEligible = true
    /// The moving average of first-byte times, microseconds; 0 while none was seen.
    package internal(set) var firstByte: Int32 = 0
    /// Milliseconds; when `firstByte` was last measured.
    var measuredAt: Int64 = 0
    /// Milliseconds; when the ramp began.
    var rampStart: Int64 = 0
    /// In thousandths of its share.
    var ramp: Int32 = 1000
  }

  /// How a pool chooses.
  package struct Settings: Equatable, Sendable {
    package var method: Pool.LoadBalancing
    package var minimumActive: Int
    /// Milliseconds; 0: a member has its whole share at once.
    package var slowRamp: Int64

    package init(method: Pool.LoadBalancing, minimumActive: Int = 1, slowRamp: Int64 = 0) {
      self.method = method
      self.minimumActive = minimumActive
      self.slowRamp = slowRamp
    }
  }

  package struct MemberSettings: Equatable, Sendable {
    package var address: SocketAddress
    package var weight: Int
    package var priority: Int

    package init(address: SocketAddress, weight: Int = 1, priority: Int = 0) {
      self.address = address
      self.weight = weight
      self.priority = priority
    }
  }

  package private(set) var settings: Settings
  package internal(set) var entries: [Entry] = []
  private var turn: Int
  private var random: SeededRandom
  private var table = MaglevTable()
  /// Milliseconds; until when some member's ramp lasts.
  private var rampEnd: Int64 = 0
  private var lastRampUpdate: Int64 = 0
  private var isNew = true
  package private(set) var fullCount = 0
  /// How many hashes are told apart.
  var hashSlots: Int { table.count }

  /// - Parameter offset: where the rotation starts, so that workers do not march in step.
  package init(_ settings: Settings, offset: Int = 0) {
    self.settings = settings
    turn = offset
    random = SeededRandom(seed: UInt64(truncatingIfNeeded: offset))
  }

  /// Takes over a new member list; members that stay keep their state.
  /// - Parameter now: milliseconds.
  package mutating func update(_ settings: Settings, members: [MemberSettings], now: Int64 = 0) {
    self.settings = settings
    var old: [SocketAddress: Entry] = [:]
    for entry in entries { old[entry.address] = entry }
    let total = Int32(clamping: members.reduce(0) { $0 + max(1, $1.weight) })
    entries = members.map { member in
      let weight = Int32(clamping: max(1, member.weight))
      let priority = Int32(clamping: member.priority)
      guard var entry = old[member.address] else {
        var entry = Entry(address: member.address, weight: weight, priority: priority)
        if !isNew { begin(ramp: &entry, now) }
        return entry
      }
      // A credit beyond the new weights would favour or starve the member for many turns.
      entry.credit = min(max(entry.credit, -total), total)
      entry.weight = weight
      entry.priority = priority
      return entry
    }
    isNew = false
    fullCount = entries.count { $0.isFull }
    table =
      settings.method == .consistentHash
      ? MaglevTable(members.map { ($0.address, max(1, $0.weight)) }) : MaglevTable()
    chooseEligible()
  }

  /// - Parameter now: milliseconds.
  package mutating func setAvailable(_ available: Bool, at index: Int, now: Int64 = 0) {
    guard entries[index].isAvailable != available else { return }
    entries[index].isAvailable = available
    if available {
      var entry = entries[index]
      begin(ramp: &entry, now)
      entries[index] = entry
    }
    chooseEligible()
  }

  /// A member that is full counts as there: its priority stays the one in use.
  package mutating func setFull(_ full: Bool, at index: Int) {
    guard entries.indices.contains(index), entries[index].isFull != full else { return }
    entries[index].isFull = full
    if full { fullCount += 1 } else { fullCount -= 1 }
    chooseEligible()
  }

  /// Others may have given connections back.
  package mutating func forgetFull() {
    guard fullCount > 0 else { return }
    for index in entries.indices { entries[index].isFull = false }
    fullCount = 0
    chooseEligible()
  }

  package mutating func began(_ index: Int) { entries[index].inFlight &+= 1 }
  package mutating func ended(_ index: Int) { entries[index].inFlight &-= 1 }

  /// A first byte came after so many microseconds: an eighth of the average from now on.
  package mutating func observed(_ microseconds: Int64, at index: Int, now: Int64 = 0) {
    let sample = Int32(clamping: max(1, microseconds))
    let average = firstByte(of: index, now)
    entries[index].firstByte = average == 0 ? sample : average &+ (sample &- average) / 8
    entries[index].measuredAt = now
  }

  /// What nobody measures is forgotten, by half each half second: a member that was slow once has
  /// another chance.
  private func firstByte(of index: Int, _ now: Int64) -> Int32 {
    let entry = entries[index]
    guard entry.firstByte > 0 else { return 0 }
    return max(1, entry.firstByte >> min(20, (now &- entry.measuredAt) / 500))
  }

  private mutating func begin(ramp entry: inout Entry, _ now: Int64) {
    guard settings.slowRamp > 0 else { return }
    entry.rampStart = now
    entry.ramp = Self.rampFloor
    rampEnd = max(rampEnd, now &+ settings.slowRamp)
  }

  /// Thousandths that a member begins with.
  private static let rampFloor: Int32 = 100

  /// Priorities from the highest, until enough members are there.
  private mutating func chooseEligible() {
    var inUse = Int32.max
    var count = 0
    while count < max(1, settings.minimumActive) {
      var next: Int32?
      for entry in entries where entry.isAvailable && entry.priority < inUse {
        next = max(next ?? entry.priority, entry.priority)
      }
      guard let next else { break }
      inUse = next
      for entry in entries where entry.isAvailable && entry.priority == next { count += 1 }
    }
    for index in entries.indices {
      entries[index].isEligible =
        entries[index].isAvailable && !entries[index].isFull && entries[index].priority >= inUse
    }
  }

  private mutating func updateRamps(_ now: Int64) {
    // Every hundredth of the time is often enough.
    guard now &- lastRampUpdate >= settings.slowRamp / 100 || now >= rampEnd else { return }
    lastRampUpdate = now
    for index in entries.indices where entries[index].ramp < 1000 {
      let elapsed = max(0, now &- entries[index].rampStart)
      let share = settings.slowRamp > 0 ? elapsed &* 1000 / settings.slowRamp : 1000
      entries[index].ramp = Int32(clamping: min(1000, max(Int64(Self.rampFloor), share)))
    }
    guard now >= rampEnd else { return }
    rampEnd = 0
    // Debts were counted in thousandths meanwhile.
    for index in entries.indices { entries[index].credit /= 1000 }
  }

  /// The index of the member that is next, or nil if none is eligible.
  /// - Parameters:
  ///   - hash: of the request's key, for `consistentHash`.
  ///   - excluded: an index to pass over as long as there is another, for a retry.
  ///   - now: milliseconds.
  package mutating func pick(
    hash: UInt64? = nil, excluding excluded: Int = -1, now: Int64 = 0
  ) -> Int? {
    let count = entries.count
    guard count > 0 else { return nil }
    if rampEnd > 0 { updateRamps(now) }
    let choice =
      switch settings.method {
      case .roundRobin: rampEnd > 0 ? nextByCredit(excluded, weighted: false) : nextInTurn(excluded)
      case .ratio: nextByCredit(excluded, weighted: true)
      case .leastConnections: leastLoaded(excluded)
      case .powerOfTwo: betterOfTwo(excluded)
      case .fastest: fastest(excluded, now)
      case .consistentHash: hash.flatMap { byHash($0, excluded) } ?? nextInTurn(excluded)
      }
    if let choice { return choice }
    return excluded >= 0 && excluded < count && entries[excluded].isEligible ? excluded : nil
  }
}

extension Balancer {
  private mutating func nextInTurn(_ excluded: Int) -> Int? {
    let count = entries.count
    if turn >= count { turn %= count }
    for _ in 0..<count {
      let index = turn
      turn = turn &+ 1 == count ? 0 : turn &+ 1
      if entries[index].isEligible, index != excluded { return index }
    }
    return nil
  }

  /// A member's part of the traffic, in thousandths of its weight while some member's ramp lasts.
  private func share(_ index: Int, weighted: Bool) -> Int32 {
    let weight = weighted ? entries[index].weight : 1
    return rampEnd > 0 ? weight &* entries[index].ramp : weight
  }

  private mutating func nextByCredit(_ excluded: Int, weighted: Bool) -> Int? {
    var best = -1
    var total: Int32 = 0
    for index in entries.indices where entries[index].isEligible && index != excluded {
      let gain = share(index, weighted: weighted)
      entries[index].credit &+= gain
      total &+= gain
      if best < 0 || entries[index].credit > entries[best].credit { best = index }
    }
    guard best >= 0 else { return nil }
    entries[best].credit &-= total
    return best
  }

  /// a / wa < b / wb without a division.
  private func isLessLoaded(_ a: Int, than b: Int) -> Bool {
    Int64(entries[a].inFlight &+ 1) &* Int64(share(b, weighted: true))
      < Int64(entries[b].inFlight &+ 1) &* Int64(share(a, weighted: true))
  }

  private mutating func leastLoaded(_ excluded: Int) -> Int? {
    let count = entries.count
    var best = -1
    for step in 0..<count {
      let index = (turn &+ step) % count
      guard entries[index].isEligible, index != excluded else { continue }
      if best < 0 || isLessLoaded(index, than: best) { best = index }
    }
    guard best >= 0 else { return nil }
    turn = (best &+ 1) % count
    return best
  }

  /// The `position`th of the eligible members.
  private func eligible(_ position: Int, _ excluded: Int) -> Int? {
    var left = position
    for index in entries.indices where entries[index].isEligible && index != excluded {
      if left == 0 { return index }
      left -= 1
    }
    return nil
  }

  private mutating func betterOfTwo(_ excluded: Int) -> Int? {
    var count = 0
    for index in entries.indices where entries[index].isEligible && index != excluded { count += 1 }
    guard count > 1 else { return eligible(0, excluded) }
    let first = Int(random.next() % UInt64(count))
    let second = (first + 1 + Int(random.next() % UInt64(count - 1))) % count
    guard let a = eligible(first, excluded), let b = eligible(second, excluded) else { return nil }
    return isLessLoaded(b, than: a) ? b : a
  }

  /// One that was never measured is asked once, and is then taken for an average one until its
  /// answer is here. One in 64 goes to any member: who was slow once is measured again.
  private mutating func fastest(_ excluded: Int, _ now: Int64) -> Int? {
    let count = entries.count
    var (sum, measured, candidates) = (Int64(0), Int64(0), 0)
    for index in entries.indices where entries[index].isEligible && index != excluded {
      candidates += 1
      guard entries[index].firstByte > 0 else { continue }
      sum &+= Int64(firstByte(of: index, now))
      measured &+= 1
    }
    let draw = random.next()
    if draw % 64 == 0, candidates > 1 {
      return eligible(Int((draw >> 6) % UInt64(candidates)), excluded)
    }
    let average = measured > 0 ? Double(sum) / Double(measured) : 1
    var best = -1
    var least = Double.infinity
    for step in 0..<count {
      let index = (turn &+ step) % count
      let entry = entries[index]
      guard entry.isEligible, index != excluded else { continue }
      var cost = entry.firstByte > 0 ? Double(firstByte(of: index, now)) : average
      cost *= Double(entry.inFlight &+ 1) / Double(share(index, weighted: true))
      if entry.firstByte == 0, entry.inFlight == 0 { cost = 0 }
      if best < 0 || cost < least { (best, least) = (index, cost) }
    }
    guard best >= 0 else { return nil }
    turn = (best &+ 1) % count
    return best
  }

  /// The hash's own member, or the next of its choices that is eligible.
  private func byHash(_ hash: UInt64, _ excluded: Int) -> Int? {
    guard !table.isEmpty else { return nil }
    for attempt in 0..<UInt64(entries.count * 4) {
      let index = table.index(of: hash, attempt: attempt)
      if index < entries.count, entries[index].isEligible, index != excluded { return index }
    }
    return nil
  }
}
