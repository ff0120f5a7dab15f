import BFD
import BGP
import Linux
import Logging
import NetTypes

/// A BGP router: the speaker on real sockets, and the kernel's table.
///
/// It lives in the network namespace of its thread, or in the one it was given. Peers and kernel
/// keep their routes when the process is killed; the next one takes them over (RFC 4724).
@Loop package final class Router {
  package struct Options: Sendable {
    /// Install learnt routes into the kernel.
    package var installsRoutes = true
    package var kernel = KernelRoutes.Options()
    /// Prefixes of our own get a blackhole, so that what has no more specific route goes nowhere.
    package var blackholesOwnPrefixes = false
    /// A path such as `/run/netns/NAME`; nil: where the process is.
    package var namespace: String?
    /// How often the kernel's table is compared with ours.
    package var auditInterval = Duration.seconds(5)
    /// Of the jitter of timers; nil: a new one each time.
    package var seed: UInt64?

    package init() {}
  }

  package private(set) var configuration: RouterConfiguration
  package private(set) var policy: RoutingPolicy
  package let options: Options
  /// Called for each change of the Loc-RIB.
  package var onRouteChange: (@Loop (RouteChange) -> Void)?
  /// Called for each change of a session's state.
  package var onSessionChange: (@Loop (SessionChange) -> Void)?

  /// What operators watch; off: nothing, at no cost.
  package var debugging = SpeakerDebugging() { didSet { speaker?.debugging = debugging } }
  /// Called for each line of debugging.
  package var onDebug: (@Loop (String) -> Void)?
  var debugBudget = NoticeBudget.ofDebugging

  let log: Logger
  var speaker: Speaker?
  var listeners: [Listener] = []
  var connections: [ConnectionID: PeerConnection] = [:]
  var kernel: KernelRoutes?
  let bfd: BFDService
  /// The BFD session of each neighbour that has one.
  var watchedPaths: [IPAddress: BFDPath] = [:]
  /// Why a path that should be watched is not.
  var pathFailures: [IPAddress: String] = [:]
  /// Of the interfaces that neighbours are known by.
  var discoveries: [String: NeighborDiscovery] = [:]
  var discoveryFailures: [String: String] = [:]
  /// The router at the other end of each.
  var heardRouters: [String: IPv6Address] = [:]
  /// The addresses of interfaces that sessions are to come from.
  var sources: [String: [IPAddress]] = [:]
  private var monitor: LinkMonitor?
  private(set) var own: Set<IPPrefix> = []
  private var events: [SpeakerEvent] = []
  private var isDriving = false
  private var timer: Timer?
  private var timerDeadline: Instant?
  private var auditTimer: Timer?
  var logLimiter = PeerLogLimiter()
  /// Spent on events by the speaker: messages, decisions, what is announced.
  private(set) var speakerTime = Duration.zero
  /// Spent on the kernel's table.
  private(set) var kernelTime = Duration.zero
  var logTimer: Timer?
  /// News of the kernel's that wait to be looked at together.
  var news = LinkNews()
  var newsTimer: Timer?
  /// What the kernel's table gave us to announce.
  var redistributed: [IPPrefix: PathAttributes] = [:]

  package init(
    configuration: RouterConfiguration, policy: RoutingPolicy = RoutingPolicy(),
    options: Options = Options(), log: Logger = Logger(label: "router")
  ) {
    self.configuration = configuration
    self.policy = policy
    self.options = options
    self.log = log
    bfd = BFDService(namespace: options.namespace)
  }

  /// Listens, takes over the kernel's routes of an earlier life and starts every neighbour.
  /// - Throws: `SystemError` if the port is taken, or netlink is not to be had.
  package func start() throws {
    guard speaker == nil else { return }
    observePaths()
    for problem in configuration.validate() { log.warning("\(problem)") }
    var isRestart = false
    try inNamespace {
      if options.installsRoutes {
        let kernel = try KernelRoutes(options.kernel)
        isRestart = try kernel.adopt()
        self.kernel = kernel
        if let limitation = kernel.limitation { log.notice("\(limitation)") }
        monitor = try watchLinks(for: kernel)
      }
      try listen()
    }
    if isRestart { log.notice("taking over routes of an earlier run") }
    let seed = options.seed ?? UInt64.random(in: .min ... .max)
    speaker = Speaker(
      configuration: inForce(configuration), policy: policy, restarting: isRestart,
      forwardingWasPreserved: isRestart || !options.installsRoutes, seed: seed)
    speaker?.debugging = debugging
    drive(.start)
    for prefix in own.sorted() { drive(.originate(prefix)) }
    updateDiscovery()
    redistribute()
    scheduleAudit(after: options.auditInterval)
  }

  /// Takes a new configuration; only neighbours whose sessions it changes are reset.
  package func apply(_ configuration: RouterConfiguration, policy: RoutingPolicy? = nil) throws {
    let old = self.configuration
    let oldPasswords = effectiveConfiguration.passwords
    self.configuration = configuration
    if let policy { self.policy = policy }
    guard speaker != nil else { return }
    for problem in configuration.validate() { log.warning("\(problem)") }
    try inNamespace {
      if old.listenPort != configuration.listenPort
        || old.listenAddresses != configuration.listenAddresses
        || old.hasIPv6Neighbors != configuration.hasIPv6Neighbors
      {
        closeListeners()
        try listen()
      } else {
        updateListenerPasswords(from: oldPasswords)
      }
    }
    updateDiscovery()
    reconfigure()
    updateWatchedPaths()
    if old.unprogrammed != configuration.unprogrammed { programAgain() }
    redistribute()
  }

  /// Hands the configuration to the speaker as it stands, with what was heard of the peers.
  func reconfigure() { drive(.configure(inForce(effectiveConfiguration), policy)) }

  /// Announces a prefix of our own, beside the configured networks.
  package func originate(_ prefix: IPPrefix) {
    guard own.insert(prefix).inserted else { return }
    drive(.originate(prefix))
  }

  package func withdraw(_ prefix: IPPrefix) {
    guard own.remove(prefix) != nil else { return }
    drive(.withdraw(prefix))
    // The kernel may hold it too.
    if redistributed.removeValue(forKey: prefix) != nil { redistribute() }
  }

  /// Ends and restarts the session with one neighbour; nil: with all.
  package func reset(_ neighbor: IPAddress? = nil) { drive(.reset(neighbor)) }

  /// Ends every session.
  /// - Parameter graceful: Peers and kernel keep our routes, for the next process to take over.
  package func stop(graceful: Bool) {
    guard speaker != nil else { return }
    if !graceful { drive(.shutdown) }
    for connection in connections.values { connection.close() }
    connections = [:]
    bfd.stop()
    stopDiscovery()
    watchedPaths = [:]
    closeListeners()
    timer?.cancel()
    auditTimer?.cancel()
    logTimer?.cancel()
    logTimer = nil
    monitor?.stop()
    newsTimer?.cancel()
    redistributed = [:]
    if !graceful { attempt("remove routes") { try kernel?.removeAll() } }
    kernel = nil
    speaker = nil
  }

  package var status: RouterStatus {
    let routes = speaker?.routes ?? []
    return RouterStatus(
      localAS: configuration.localAS, routerID: speaker?.configuration.routerID, now: Loop.now,
      isRunning: speaker != nil, sessions: speaker?.sessions ?? [],
      routes: routes.map(entry), bfd: bfd.sessions)
  }

  /// What one neighbour was told.
  package func announced(
    to neighbor: IPAddress
  ) -> [(prefix: IPPrefix, attributes: PathAttributes)] {
    speaker?.announced(to: neighbor) ?? []
  }

}

extension Router {
  /// Hands an event to the speaker and does what it asks. Events that come up meanwhile follow.
  func drive(_ event: SpeakerEvent) {
    guard speaker != nil else { return }
    events.append(event)
    if isDriving { return }
    isDriving = true
    while !events.isEmpty {
      let next = events.removeFirst()
      let start = Loop.now
      let actions = speaker?.handle(next, at: start) ?? []
      speakerTime += start.duration(to: Loop.now)
      for action in actions { perform(action) }
    }
    isDriving = false
    let start = Loop.now
    attempt("install routes") { try kernel?.flush() }
    kernelTime += start.duration(to: Loop.now)
    schedule()
  }

  private func perform(_ action: SpeakerAction) {
    switch action {
    case .connect(let id, let target): connect(id, target)
    case .send(let id, let bytes): connections[id]?.send(bytes)
    case .awaitDrain(let id): connections[id]?.awaitDrain()
    case .close(let id): connections.removeValue(forKey: id)?.end()
    case .routes(let batch): install(batch)
    case .nextHops(let added, let removed): watchNextHops(added: added, removed: removed)
    case .session(let change):
      if change.to == .established { watchPath(to: change.peer) }
      tell(change)
      onSessionChange?(change)
    case .converged:
      attempt("remove old routes") { try kernel?.sweep() }
    case .notice(let peer, let text): tell(peer, text)
    case .trace(let trace): self.trace(trace)
    }
  }

  private func install(_ batch: RouteBatch) {
    if !debugging.topics.isDisjoint(with: [.kernel, .bestPath]) { traceRoutes(batch) }
    if kernel == nil, onRouteChange == nil { return }
    for (prefix, best) in batch {
      kernel?.set(prefix, best.flatMap { target(prefix, $0) })
      onRouteChange?(RouteChange(prefix: prefix, best: best))
    }
  }

  /// What the kernel is to do with a prefix; nil: nothing.
  func target(_ prefix: IPPrefix, _ best: BestRoute) -> KernelRoutes.Target? {
    if configuration.unprogrammed.contains(where: { $0.contains(prefix) }) { return nil }
    if best.origin != .local { return .nextHops(best.nextHops) }
    // What is announced out of the kernel's table is there already.
    return options.blackholesOwnPrefixes && redistributed[prefix] == nil ? .blackhole : nil
  }

  /// After a change of what stays out of the kernel's table.
  private func programAgain() {
    guard let kernel, let speaker else { return }
    var hops: [IPPrefix: BestRoute] = [:]
    for route in speaker.routes where route.isBest || route.isMultipath {
      var best = hops[route.prefix] ?? BestRoute(origin: route.origin, nextHops: [])
      if route.origin != .local, let hop = route.attributes.nextHop { best.nextHops.append(hop) }
      hops[route.prefix] = best
    }
    for (prefix, best) in hops { kernel.set(prefix, target(prefix, best)) }
    attempt("install routes") { try kernel.flush() }
  }

  private func schedule() {
    guard let deadline = speaker?.deadline else {
      timer?.cancel()
      timerDeadline = nil
      return
    }
    if timerDeadline == deadline { return }
    timer?.cancel()
    timerDeadline = deadline
    timer = Loop.after(Loop.now.duration(to: deadline)) { [weak self] in
      self?.timerDeadline = nil
      self?.drive(.tick)
    }
  }

  /// Compares the kernel's table with ours soon, and from then on regularly.
  func scheduleAudit(after delay: Duration) {
    auditTimer?.cancel()
    auditTimer = Loop.after(delay) { [weak self] in
      guard let self, speaker != nil else { return }
      updateDiscovery()
      updateSources()
      tendWatchedPaths()
      let begin = Loop.now
      attempt("audit routes") { try kernel?.audit() }
      // A large table is read the less often, so that reading takes a hundredth of the time.
      let pause = max(options.auditInterval, begin.duration(to: Loop.now) * 100)
      if speaker?.configuration.routerID == nil {
        reconfigure()
      }
      scheduleAudit(after: pause)
    }
  }

  /// What cannot be done now is tried again by the next audit.
  func attempt(_ what: String, _ body: () throws -> Void) {
    do { try body() } catch { log.error("\(what): \(error)") }
  }

  /// Runs `body` in the router's namespace; sockets made inside stay inside.
  func inNamespace(_ body: () throws -> Void) throws {
    guard let path = options.namespace else { return try body() }
    try NetworkNamespace.open(path: path).with(body)
  }

  /// The configuration with a router id, if there is an address to take it from.
  private func inForce(_ configuration: RouterConfiguration) -> RouterConfiguration {
    var configuration = withSources(configuration)
    configuration.hostName = configuration.hostName ?? HostName.own
    if configuration.routerID != nil { return configuration }
    // Keep the one we run with, if any: a new id resets every session.
    configuration.routerID = speaker?.configuration.routerID
    if configuration.routerID == nil {
      attempt("choose a router id") {
        try inNamespace {
          configuration.routerID = try Netlink().addresses().compactMap { $0.address.v4 }
            .filter { $0.rawValue >> 24 != 127 }.max()
        }
      }
    }
    return configuration
  }
}
