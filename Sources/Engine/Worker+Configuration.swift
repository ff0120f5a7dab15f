import CLinux
import Delivery
import Glibc
import Synchronization

extension Worker {
  /// Moves to `plan` object by object: what stays keeps its state, what goes drains.
  func apply(_ plan: Plan) {
    var names: Set<String> = []
    for pool in plan.pools {
      names.insert(pool.name)
      let own: WorkerPool
      if let known = pools[pool.name], known.shared === pool.shared {
        own = known
      } else {
        own = WorkerPool(pool, worker: settings.index)
        pools[pool.name] = own
      }
      update(own, pool)
    }
    for (name, pool) in pools where !names.contains(name) {
      pools[name] = nil
      orphans.append(pool)
    }
    var kept: Set<ObjectIdentifier> = []
    for server in plan.servers {
      kept.insert(ObjectIdentifier(server.shared))
      if let known = servers.first(where: { $0?.shared === server.shared }), let known {
        known.take(server)
        connect(known)
      } else {
        addServer(server)
      }
    }
    for (index, server) in servers.enumerated() {
      if let server, !kept.contains(ObjectIdentifier(server.shared)) {
        drainServer(index, grace: 10_000)
      }
    }
    retireOrphans()
  }

  /// Forgets a server whose last connection has ended.
  func endServer(_ index: Int) {
    if let listener = servers[index]?.listener, listener != Connection.none { closeSlot(listener) }
    servers[index] = nil
    retireOrphans()
  }

  /// Lets go of pools that no server uses any more.
  private func retireOrphans() {
    orphans.removeAll { pool in
      let isUsed = servers.contains { server in
        guard let server else { return false }
        return server.pool === pool || server.routePools.contains { $0 === pool }
          || server.rulePools.contains { $0.contains { $0 === pool } }
      }
      guard !isUsed else { return false }
      for slot in pool.members {
        members[Int(slot)]?.position = -1
        closeIdle(slot)
        dropIfUnused(slot)
      }
      pool.members = []
      return true
    }
  }

  private func update(_ pool: WorkerPool, _ plan: PoolPlan) {
    var old: [ObjectIdentifier: UInt32] = [:]
    for slot in pool.members {
      if let member = members[Int(slot)] { old[ObjectIdentifier(member.shared)] = slot }
    }
    var slots: [UInt32] = []
    for (position, member) in plan.members.enumerated() {
      if let slot = old.removeValue(forKey: ObjectIdentifier(member.shared)),
        let known = members[Int(slot)]
      {
        known.plan = member
        known.position = position
        slots.append(slot)
      } else {
        slots.append(
          addMember(
            WorkerMember(member, pool: pool, position: position, worker: settings.index)))
      }
    }
    pool.members = slots
    let former = pool.settings
    pool.settings = plan.settings
    if former.proxyProtocol != plan.settings.proxyProtocol
      || former.usesHTTP2 != plan.settings.usesHTTP2
    {
      for slot in slots { closeIdle(slot) }
    }
    pool.persistence = plan.persistence.map { WorkerPersistence($0) }
    if let persistence = pool.persistence {
      for slot in slots {
        guard let member = members[Int(slot)] else { continue }
        persistence.identities[member.identity] = slot
        if let token = member.token { persistence.slots[token] = slot }
      }
    }
    if pool.tls !== plan.tls {
      pool.tls = plan.tls
      // Pooled connections are what the former settings made.
      for slot in slots {
        closeIdle(slot)
        members[Int(slot)]?.forgetSession()
      }
    }
    pool.balancer.update(
      plan.balancing,
      members: plan.members.map {
        Balancer.MemberSettings(
          address: $0.shared.address, weight: $0.weight, priority: $0.priority)
      }, now: now)
    pool.seenEpoch = .max
    for slot in old.values {
      members[Int(slot)]?.position = -1
      closeIdle(slot)
      dropIfUnused(slot)
    }
  }

  private func addMember(_ member: WorkerMember) -> UInt32 {
    if let free = members.firstIndex(where: { $0 == nil }) {
      members[free] = member
      return UInt32(free)
    }
    members.append(member)
    return UInt32(members.count - 1)
  }

  /// Frees a removed member's slot once no connection refers to it.
  func dropIfUnused(_ slot: UInt32) {
    guard let member = members[Int(slot)], member.position < 0, member.inFlight == 0,
      member.idleCount == 0, member.sessions.isEmpty
    else { return }
    members[Int(slot)] = nil
  }

  private func closeIdle(_ slot: UInt32) {
    if let member = members[Int(slot)] { closeSessions(member) }
    while let member = members[Int(slot)], member.idle != Connection.none {
      closeUpstream(member.idle)
    }
  }

  private func addServer(_ plan: ServerPlan) {
    let server = WorkerServer(plan, worker: settings.index)
    let slot: Int
    if let free = servers.firstIndex(where: { $0 == nil }) {
      slot = free
      servers[free] = server
    } else {
      slot = servers.count
      servers.append(server)
    }
    connect(server)
    guard let listener = listener(plan) else { return }
    at(listener).pointee.server = UInt32(slot)
    server.listener = listener
  }

  /// The slot of a new server's listening socket.
  private func listener(_ plan: ServerPlan) -> UInt32? {
    switch plan.listener {
    case .kept: return nil
    case .opened(let descriptors):
      let isDatagram = plan.configuration.protocol == .udp
      return open(descriptors[settings.index], isDatagram ? .datagramListener : .listener)
    case .takenOver(let shared):
      guard let before = servers.first(where: { $0?.shared === shared }), let before else {
        return nil
      }
      let listener = before.listener
      before.listener = Connection.none
      return listener == Connection.none ? nil : listener
    }
  }

  /// Resolves the names of pools.
  private func connect(_ server: WorkerServer) {
    server.pool = server.configuration.pool.flatMap { pools[$0] }
    server.rulePools = server.rules.rules.map { $0.rule.pools.map { pools[$0] } }
    server.routePools = server.configuration.routes.map { pools[$0.pool] }
  }

  /// Closes the listener; connections end with their current request, idle ones after `grace`
  /// milliseconds, so that a request already on its way is still answered.
  func drainServer(_ index: Int, grace: Int64) {
    guard let server = servers[index], !server.isDraining else { return }
    if server.listener != Connection.none {
      // What the kernel has accepted would be reset with the listener.
      if server.configuration.protocol != .udp {
        var before: Int
        repeat {
          before = server.active
          acceptAll(server.listener)
        } while server.active > before
      }
      server.isDraining = true
      if at(server.listener).pointee.has(.paused) { pausedListeners -= 1 }
      closeSlot(server.listener)
      server.listener = Connection.none
    }
    server.isDraining = true
    for flow in server.flows.values { closeFlow(flow) }
    server.flows = [:]
    endOrDrain(index, grace: grace)
  }

  /// Has clients leave with their current request.
  func endOrDrain(_ index: Int, grace: Int64) {
    guard let server = servers[index] else { return }
    if server.active == 0 { return endServer(index) }
    for slot in 0..<used where at(slot).pointee.server == UInt32(index) {
      if at(slot).pointee.kind == .http2Client { drainSession(slot, grace: grace) }
      guard at(slot).pointee.kind == .httpClient, at(slot).pointee.stream == nil else { continue }
      at(slot).pointee.set(.closeAfter)
      if at(slot).pointee.phase == .head {
        setDeadline(slot, min(grace, max(1, deadline(slot) &- now)))
      }
    }
  }

  /// Brings the balancer's view of availability up to date.
  func refresh(_ pool: WorkerPool) {
    let epoch = state.healthEpoch.load(ordering: .acquiring)
    guard epoch != pool.seenEpoch else { return }
    pool.seenEpoch = epoch
    var goneDown: [UInt32] = []
    for (position, slot) in pool.members.enumerated() {
      guard let member = members[Int(slot)] else { continue }
      let isUp = member.health.isAvailable.load(ordering: .relaxed)
      let available = member.isEnabled && isUp
      pool.balancer.setAvailable(available, at: position, now: now)
      // A pooled connection to a member that is out would only fail later.
      if !available { closeIdle(slot) }
      if member.wasAvailable, !isUp { goneDown.append(slot) }
      member.wasAvailable = isUp
    }
    for slot in goneDown { serviceDown(slot, pool.settings.serviceDown) }
  }

  /// The next member of `pool`, passing over `excluded` if it can.
  /// - Parameter hash: of the key that the pool's `hash` names, where it wants one.
  func pick(
    _ pool: WorkerPool, hash: UInt64?, excluding excluded: UInt32 = Connection.none
  ) -> UInt32? {
    refresh(pool)
    var position = -1
    if excluded != Connection.none, let member = members[Int(excluded)], member.pool === pool {
      position = member.position
    }
    while let choice = pool.balancer.pick(hash: hash, excluding: position, now: now) {
      let slot = pool.members[choice]
      guard let member = members[Int(slot)] else { return nil }
      if reserve(member) { return slot }
      pool.balancer.setFull(true, at: choice)
      // What is passed over only if there is another is not to be taken for the last resort.
      if choice == position { break }
    }
    return nil
  }

  /// A connection to `member` was refused, reset at once or timed out: out with it, and word to
  /// the control side, which decides when it returns.
  func reportFailure(_ slot: UInt32, _ code: Int32) {
    guard let member = members[Int(slot)] else { return }
    member.counters.add(.failures)
    guard member.position >= 0 else { return }
    member.health.lastError.store(code, ordering: .relaxed)
    member.health.isAvailable.store(false, ordering: .relaxed)
    member.health.trafficFailures.add(1, ordering: .releasing)
    state.healthEpoch.add(1, ordering: .releasing)
    eventfd_write(state.failureSignal, 1)
  }

  /// The next member of `pool` with a use to give; what others gave back meanwhile counts.
  func pickAgain(
    _ pool: WorkerPool, hash: UInt64?, excluding excluded: UInt32 = Connection.none
  ) -> UInt32? {
    if let slot = pick(pool, hash: hash, excluding: excluded) { return slot }
    guard pool.balancer.fullCount > 0 else { return nil }
    pool.balancer.forgetFull()
    return pick(pool, hash: hash, excluding: excluded)
  }

  func beganUse(_ slot: UInt32) {
    guard let member = members[Int(slot)] else { return }
    member.inFlight += 1
    member.counters.add(.activeConnections)
    member.pool.counters.add(.activeConnections)
    if member.position >= 0 { member.pool.balancer.began(member.position) }
  }

  func endedUse(_ slot: UInt32) {
    guard let member = members[Int(slot)] else { return }
    member.inFlight -= 1
    member.counters.subtract(.activeConnections)
    member.pool.counters.subtract(.activeConnections)
    if member.position >= 0 { member.pool.balancer.ended(member.position) }
    dropIfUnused(slot)
  }
}
