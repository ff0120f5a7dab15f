import CLinux
import Delivery
import Glibc
import Linux
import NetTypes
import Synchronization

/// The data plane: virtual servers on worker threads, steered from the control loop.
///
/// The control side owns configuration, listeners' creation and health; workers own connections.
/// They meet by `Plan` messages one way, and by counters and failure flags the other.
@Loop package final class Engine {
  package struct Settings: Sendable {
    /// Threads; nil is one a processor.
    package var workers: Int?
    /// Connections of a worker, both sides together; nil is what the descriptor limit allows.
    package var connectionsPerWorker: Int?
    /// Bytes of a request's or response's head.
    package var headLimit = 32 << 10
    /// Members that a request or connection is tried on.
    package var maximumAttempts = 3
    /// Pooled connections a worker keeps to each member, and how long.
    package var idlePerMember = 256
    package var idleUpstream = Duration.seconds(60)
    /// Of mode kernel and egress.
    package var kernel = KernelSettings()

    package init() {}
  }

  let workers: [Worker]
  package nonisolated var workerCount: Int { workers.count }
  let settings: Settings
  let kernel: KernelPlane
  private let state: SharedState
  let logWriter = AccessLogWriter()
  private let prober: Prober
  private var signalWatch: Registration?
  /// What is served.
  package private(set) var applied = DeliveryConfiguration()
  var servers: [String: LiveServer] = [:]
  var pools: [String: LivePool] = [:]
  var runtimeEntries: [MemberKey: RuntimeEntry] = [:]
  /// What `tls` sections became, by the sections: unchanged ones keep their tickets and sessions.
  var terminations: [TerminationKey: TLSTermination] = [:]
  var originations: [OriginationKey: TLSOrigination] = [:]
  var ticketKeys: [Int64: TicketKeys] = [:]
  var inherited: InheritedListeners?
  private(set) var isStopped = false
  /// Something that showed only later to be wrong.
  package var onProblem: @Loop (Problem) -> Void = { _ in }

  /// A virtual server that is being served.
  struct LiveServer {
    var configuration: VirtualServer
    var rules: RuleSet
    var accessLog: CompiledAccessLog?
    var shared: SharedServer
    /// The workers' own; only to be passed on.
    var listeners: [Int32]
  }

  struct LivePool {
    var configuration: Pool
    var shared: SharedPool
    var members: [SocketAddress: SharedMember]
  }

  /// Starts the workers, with nothing to serve yet.
  package init(_ settings: Settings = Settings()) throws(SystemError) {
    let count = max(1, settings.workers ?? Int(sysconf(Int32(_SC_NPROCESSORS_ONLN))))
    let limit = Engine.raiseDescriptorLimit()
    // Workers leave descriptors for probes, the control socket and logs.
    let reserve = max(64, min(4096, limit / 8))
    let capacity = max(
      16, min(settings.connectionsPerWorker ?? 1 << 17, max(16, (limit - reserve) / count)))
    let signal = eventfd(0, Int32(EFD_CLOEXEC | EFD_NONBLOCK))
    guard signal >= 0 else { throw SystemError("eventfd") }
    let state = SharedState(failureSignal: signal)
    self.state = state
    self.settings = settings
    let prober = Prober(state: state)
    self.prober = prober
    kernel = KernelPlane(settings.kernel) { member, pool in
      prober.health(member.socketAddress, member.monitor ?? pool.monitor)?
        .isAvailable.load(ordering: .relaxed) ?? false
    }
    workers = (0..<count).map { index in
      Worker(
        Worker.Settings(
          index: index, capacity: capacity, headLimit: min(max(settings.headLimit, 1024), 48 << 10),
          maximumAttempts: UInt8(clamping: max(1, settings.maximumAttempts)),
          idlePerMember: settings.idlePerMember,
          idleUpstream: settings.idleUpstream.milliseconds), state: state)
    }
    signalWatch = try Loop.watch(signal) { _ in
      var value: eventfd_t = 0
      eventfd_read(signal, &value)
      prober.takeFailures()
    }
    for worker in workers { worker.start() }
    let workers = self.workers
    // The kernel's side asks the prober: one of the two lets go.
    prober.onChange = { [weak kernel] isUp in
      if !isUp { for worker in workers { worker.post(.healthChanged) } }
      kernel?.healthChanged()
    }
    kernel.onServing = { [weak self] in
      // Until then the listeners' queues have been emptied.
      Loop.after(.milliseconds(100)) { [weak self] in self?.retireProxies() }
    }
    kernel.onProblem = { [weak self] in self?.onProblem($0) }
  }

  private static func raiseDescriptorLimit() -> Int {
    var limit = rlimit()
    let resource = __rlimit_resource_t(7)  // RLIMIT_NOFILE, an enumeration case in Glibc.
    guard getrlimit(resource, &limit) == 0 else { return 1024 }
    if limit.rlim_cur < limit.rlim_max {
      limit.rlim_cur = limit.rlim_max
      setrlimit(resource, &limit)
      getrlimit(resource, &limit)
    }
    return Int(clamping: limit.rlim_cur)
  }

  /// Makes `configuration` what is served, object by object.
  ///
  /// An object that cannot serve is left out with its problem, and its last good version, if there
  /// is one, goes on serving. Connections and requests in flight are never cut: those of a virtual
  /// server that went are answered and closed, those of a member that went finish.
  /// - Returns: what is wrong with the objects that were left out.
  @discardableResult
  package func apply(_ configuration: DeliveryConfiguration) -> [Problem] {
    guard !isStopped else { return [] }
    let (prepared, tlsProblems) = prepareTLS(configuration)
    var (usable, problems) = withLastGood(prepared)
    problems = tlsProblems + problems
    dropWhatKernelCannot(&usable, &problems)
    var compiled = compileRules(&usable, &problems)
    let logs = openAccessLogs(&usable, &compiled, &problems)
    dropOutdatedRuntimeChanges(usable.pools)
    applyPools(usable.pools)
    var plans: [ServerPlan] = []
    var live: [String: LiveServer] = [:]
    for (key, server) in proxiesUntilKernel(usable) {
      live[key] = server
      plans.append(serverPlan(server, .kept))
    }
    let proxies = usable.virtualServers.filter { $0.mode == .proxy }
    var leaving = serversLeaving(for: proxies + live.values.map(\.configuration))
    for server in proxies {
      let known = servers[server.listenerKey]
      let before = known ?? leaving.removeValue(forKey: server.binding)
      let listeners: [Int32]
      do {
        listeners =
          if let before {
            before.listeners
          } else if let passed = inherited?.take(
            server.listenerKey, count: workers.count)
          { passed } else { try Listener.open(server, count: workers.count) }
      } catch {
        problems.append(Listener.problem(server, error))
        usable.virtualServers.removeAll { $0.name == server.name }
        continue
      }
      let own = LiveServer(
        configuration: server, rules: compiled[server.name] ?? .empty,
        accessLog: logs[server.name],
        shared: known?.shared ?? SharedServer(workers: workers.count), listeners: listeners)
      live[server.listenerKey] = own
      let listener: ListenerPlan =
        known != nil
        ? .kept : before.map { .takenOver(from: $0.shared) } ?? .opened(listeners)
      plans.append(serverPlan(own, listener))
    }
    servers = live
    inherited = nil
    applied = usable
    publish(plans)
    forgetUnusedTLS()
    return problems
  }

  /// What is served and will not be under its name, by what its sockets are bound to.
  private func serversLeaving(for wanted: [VirtualServer]) -> [String: LiveServer] {
    let staying = Set(wanted.map(\.listenerKey))
    let leaving = servers.filter { !staying.contains($0.key) }.values
    return Dictionary(leaving.map { ($0.configuration.binding, $0) }) { first, _ in first }
  }

  private func serverPlan(_ live: LiveServer, _ listener: ListenerPlan) -> ServerPlan {
    let server = live.configuration
    return ServerPlan(
      shared: live.shared, configuration: server, rules: live.rules,
      routes: RouteTable(server.routes),
      tls: TerminationKey(server).flatMap { terminations[$0] }, accessLog: live.accessLog,
      listener: listener)
  }

  private func publish(_ servers: [ServerPlan]) {
    let plan = Plan(servers: servers, pools: applied.pools.compactMap(poolPlan))
    for worker in workers { worker.post(.apply(plan)) }
    applyKernel()
  }

  /// Tells the workers what is applied once more, with the runtime changes of now.
  func republish() {
    guard !isStopped else { return }
    publish(servers.values.map { serverPlan($0, .kept) })
  }

  /// Rules by virtual server; what does not compile is replaced by its last good version.
  private func compileRules(
    _ usable: inout DeliveryConfiguration, _ problems: inout [Problem]
  ) -> [String: RuleSet] {
    var compiled: [String: RuleSet] = [:]
    for server in usable.virtualServers {
      let known = servers.values.first { $0.configuration.name == server.name }
      if let known, known.configuration.rules == server.rules {
        compiled[server.name] = known.rules
        continue
      }
      do throws(RuleFailure) {
        compiled[server.name] = try RuleSet(server.rules, former: known?.rules ?? .empty)
      } catch {
        problems.append(server.problem(error.field, error.found, error.expected))
        usable.virtualServers.removeAll { $0.name == server.name }
        if let known {
          usable.virtualServers.append(known.configuration)
          compiled[server.name] = known.rules
        }
      }
    }
    return compiled
  }

  /// What only compiling shows to be wrong with a configuration that is otherwise sound.
  package nonisolated static func compileProblems(of configuration: DeliveryConfiguration)
    -> [Problem]
  {
    configuration.virtualServers.compactMap { server in
      do throws(RuleFailure) {
        _ = try RuleSet(server.rules)
        return nil
      } catch {
        return server.problem(error.field, error.found, error.expected)
      }
    }
  }

  /// The usable objects, those that are not replaced by their last good version.
  private func withLastGood(
    _ configuration: DeliveryConfiguration
  ) -> (usable: DeliveryConfiguration, problems: [Problem]) {
    let (usable, problems) = configuration.validated()
    guard !problems.isEmpty else { return (usable, []) }
    var merged = configuration
    merged.pools = configuration.pools.compactMap { pool in
      if usable.pools.contains(where: { $0.name == pool.name }) {
        return usable.pools.contains(pool) ? pool : nil
      }
      return applied.pools.first { $0.name == pool.name }
    }
    merged.virtualServers = configuration.virtualServers.compactMap { server in
      if usable.virtualServers.contains(where: { $0.name == server.name }) {
        return usable.virtualServers.contains(server) ? server : nil
      }
      // A server whose own fields are sound was refused for its pool, which may be back now.
      if server.validate().isEmpty, server.poolNamesAre(within: Set(merged.pools.map(\.name))),
        merged.pools.allSatisfy({ $0.name != server.pool || server.kernelProblems($0).isEmpty })
      {
        return server
      }
      return applied.virtualServers.first { $0.name == server.name }
    }
    merged.egress = configuration.egress.compactMap { egress in
      if usable.egress.contains(where: { $0.name == egress.name }) {
        return usable.egress.contains(egress) ? egress : nil
      }
      return applied.egress.first { $0.name == egress.name }
    }
    // A pool that has become one the kernel cannot use stays as it was.
    for server in merged.virtualServers where server.mode == .kernel {
      guard let index = merged.pools.firstIndex(where: { $0.name == server.pool }),
        !server.kernelProblems(merged.pools[index]).isEmpty,
        let old = applied.pools.first(where: { $0.name == server.pool })
      else { continue }
      merged.pools[index] = old
    }
    for server in merged.virtualServers {
      for pool in applied.pools
      where !merged.pools.contains(where: { $0.name == pool.name })
        && server.uses(pool: pool.name)
      {
        merged.pools.append(pool)
      }
    }
    return (merged.validated().usable, problems)
  }

  private func applyPools(_ configurations: [Pool]) {
    var live: [String: LivePool] = [:]
    for pool in configurations {
      let known = pools[pool.name]
      var members: [SocketAddress: SharedMember] = [:]
      for member in pool.members {
        let address = member.socketAddress
        members[address] =
          known?.members[address] ?? SharedMember(address: address, workers: workers.count)
      }
      live[pool.name] = LivePool(
        configuration: pool, shared: known?.shared ?? SharedPool(workers: workers.count),
        members: members)
    }
    pools = live
    prober.apply(configurations)
  }

  private func poolPlan(_ pool: Pool) -> PoolPlan? {
    guard let live = pools[pool.name] else { return nil }
    let key: [UInt8]? =
      if case .cookie(let cookie) = pool.persistence?.kind {
        cookie.key.map { Array($0.utf8) } ?? MemberToken.machineKey
      } else {
        nil
      }
    let members = pool.members.compactMap { configured -> MemberPlan? in
      let member = effective(configured, of: pool.name)
      guard let shared = live.members[member.socketAddress],
        let health = prober.health(member.socketAddress, member.monitor ?? pool.monitor)
      else { return nil }
      return MemberPlan(
        shared: shared, health: health, weight: member.weight,
        connectionLimit: member.connectionLimit, priority: member.priority,
        isEnabled: member.state == .enabled, keepsSessions: member.state != .disabled,
        token: key.map { MemberToken(member.socketAddress, key: $0) })
    }
    return PoolPlan(
      shared: live.shared, name: pool.name,
      balancing: Balancer.Settings(
        method: pool.loadBalancing, minimumActive: pool.minimumActive,
        slowRamp: pool.slowRamp.milliseconds),
      settings: PoolSettings(pool),
      persistence: pool.persistence.map { live.shared.persistencePlan($0) },
      tls: OriginationKey(pool).flatMap { originations[$0] }, members: members)
  }

  /// Health of a member, with the reason and since when.
  func health(of address: SocketAddress, _ monitor: Monitor) -> MemberHealth? {
    prober.state(address, monitor)
  }

  /// Stops listening, lets connections end for at most `timeout`, then stops.
  /// - Parameter forGood: Without it, what the kernel serves is left to the process that comes next.
  package func drain(_ timeout: Duration, forGood: Bool = true) async {
    guard !isStopped else { return }
    for worker in workers { worker.post(.drain) }
    await awaitEnd(timeout, forGood: forGood)
  }

  /// Waits for the last connection, and stops.
  func awaitEnd(_ timeout: Duration, forGood: Bool) async {
    if forGood { await kernel.drain() } else { await kernel.stop(forGood: false) }
    let deadline = Loop.now.advanced(by: timeout)
    // Workers act on the message before their counts say anything.
    try? await Loop.sleep(.milliseconds(20))
    while Loop.now < deadline, servers.values.contains(where: { activeConnections($0) > 0 }) {
      try? await Loop.sleep(.milliseconds(20))
    }
    while forGood, Loop.now < deadline, kernel.activeConnections() > 0 {
      try? await Loop.sleep(.milliseconds(200))
    }
    await kernel.stop(forGood: forGood)
    stop()
    await endAccessLogs(state)
  }

  private func activeConnections(_ server: LiveServer) -> UInt64 {
    server.shared.counters.sum(.activeConnections)
  }

  /// Stops at once; connections are cut.
  package func stop() {
    guard !isStopped else { return }
    isStopped = true
    prober.stop()
    state.passwords.stop()
    let kernel = self.kernel
    Task { @Loop in await kernel.stop(forGood: true) }
    signalWatch?.cancel()
    for worker in workers { worker.post(.stop) }
    Task { @Loop in await endAccessLogs(state) }
  }
}

extension SharedPool {
  /// The table stays, whatever else of the pool changes.
  func persistencePlan(_ settings: Persistence) -> PersistencePlan {
    let table = persistence.withLock { table in
      let known = table ?? PersistenceTable()
      table = known
      return known
    }
    return PersistencePlan(settings: settings, table: table)
  }
}

extension VirtualServer {
  /// What a listening socket is bound to, and for whom.
  var listenerKey: String { "\(name) \(address) \(port) \(`protocol`.rawValue)" }
  /// What a listening socket is bound to.
  var binding: String { "\(address) \(port) \(`protocol` == .udp ? "udp" : "tcp")" }

  func uses(pool name: String) -> Bool { poolReferences.contains { $0.pool == name } }

  func poolNamesAre(within names: Set<String>) -> Bool {
    poolReferences.allSatisfy { names.contains($0.pool) }
  }
}
