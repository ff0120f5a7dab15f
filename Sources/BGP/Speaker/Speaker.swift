import NetTypes

// A BGP speaker, sans I/O.
//
//   bytes ─▶ framer ─▶ Session (§8) ─▶ import policy ─▶ Adj-RIB-In ┐
//                                                                   ├─ decision (§9.1) ─▶ Loc-RIB ─▶ .route
//   networks, originate ────────────────────────────────────────────┘                       │
//   bytes ◀── RouteBuffer ◀── Adj-RIB-Out ◀── export rules (§9.2) ◀────────────────────────┘
//
// Every event ends in `flush`, which decides and announces what the event touched, once.
// Deviations: no MinRouteAdvertisementInterval (§9.2.1.1); external routes need no policy (RFC 8212).

/// A speaker: events in, actions out. It opens no socket and reads no clock.
package struct Speaker: Sendable {
  package internal(set) var configuration: RouterConfiguration
  var policy: RoutingPolicy
  /// In force: the configured one, or any.
  package var routerID: IPv4Address { configuration.routerID ?? .any }

  var peers: [IPAddress: Peer] = [:]
  /// By `PeerIndex`; the addresses of peers that are gone are nil.
  var peerAddresses: [IPAddress?] = [nil]
  var connections: [ConnectionID: (peer: IPAddress, slot: Int)] = [:]
  var nextConnection: UInt64 = 1
  var random: SeededRandom

  var attributes: AttributeTable
  var ipv4: RouteTable<IPv4PrefixKey>
  var ipv6: RouteTable<IPv6PrefixKey>
  /// Peers that are told the same, under numbers that are never used again.
  var groups: [Int: UpdateGroup] = [:]
  var nextGroup = 0
  var nextImportTerms: UInt32 = 0
  /// Settings have changed that groups are made by.
  var areGroupsStale = false
  /// Destinations that an event has touched.
  var dirty4 = DirtySet()
  var dirty6 = DirtySet()
  /// Destinations without paths that a peer has yet to hear of.
  var uncollected4: [UInt32] = []
  var uncollected6: [UInt32] = []
  /// Prefixes originated by events, beside the configured networks.
  var originated: [IPPrefix: PathAttributes] = [:]

  /// What peers have announced, of those for whom it is kept.
  var received: [IPAddress: ReceivedRoutes] = [:]
  /// What operators watch.
  package var debugging = SpeakerDebugging()

  var isStarted = false
  /// The instant of the event at hand.
  var clock = Instant.zero
  /// Notices about addresses that are no neighbour's.
  var strangers = NoticeBudget.ofNeighbor
  /// At the start the forwarding table was as an earlier life had left it. RFC 4724 §4.1.
  let forwardingWasPreserved: Bool
  var convergence: Convergence
  var actions: [SpeakerAction] = []

  /// After a restart, routes are not passed on before the peers have sent theirs. RFC 4724 §4.1.
  enum Convergence: Sendable {
    case restarting
    case waiting(until: Instant)
    /// Passed on; routes of the earlier life still wait for peers that restart too.
    case announced(until: Instant)
    case done
  }

  /// How long a restarted speaker waits for its peers: the Selection_Deferral_Timer.
  package static let selectionDeferral = Duration.seconds(30)

  /// - Parameters:
  ///   - restarting: routes of an earlier life are still in the forwarding table.
  ///   - forwardingWasPreserved: nothing that peers forward by us has got lost; nil: as
  ///     `restarting`. True of a speaker that no packet passes.
  ///   - seed: of the jitter of timers.
  package init(
    configuration: RouterConfiguration, policy: RoutingPolicy = RoutingPolicy(),
    restarting: Bool = false, forwardingWasPreserved: Bool? = nil, seed: UInt64
  ) {
    self.configuration = configuration
    self.policy = policy
    random = SeededRandom(seed: seed)
    attributes = AttributeTable(seed: random.next())
    ipv4 = RouteTable(seed: random.next())
    ipv6 = RouteTable(seed: random.next())
    self.forwardingWasPreserved = forwardingWasPreserved ?? restarting
    convergence = restarting && configuration.gracefulRestart.isEnabled ? .restarting : .done
  }

  /// An id for a connection that was accepted.
  package mutating func makeConnectionID() -> ConnectionID {
    defer { nextConnection += 1 }
    return ConnectionID(rawValue: nextConnection)
  }

  package mutating func handle(_ event: SpeakerEvent, at now: Instant) -> [SpeakerAction] {
    clock = now
    switch event {
    case .start: start(now)
    case .connected(let id, let local, let interface): connected(id, local, interface, now)
    case .accepted(let id, let peer, let local, let interface):
      accepted(id, peer, local, interface, now)
    case .closed(let id): closed(id, now)
    case .received(let id, let bytes): received(id, bytes, now)
    case .drained(let id): drained(id)
    case .tick: tick(now)
    case .configure(let configuration, let policy):
      configure(configuration, policy, now)
      areGroupsStale = true
      for address in peers.keys { peers[address]?.importTerms = 0 }
    case .originate(let prefix, let attributes):
      originated[prefix] = attributes
      // What `network` names is announced as configured.
      if !configuration.networks.contains(prefix) { addLocalRoute(prefix, attributes) }
    case .withdraw(let prefix):
      originated[prefix] = nil
      if !configuration.networks.contains(prefix) { removePath(of: .local, prefix) }
    case .nextHop(let address, let cost):
      if let hop = attributes.nextHops.setCost(cost, of: address) { touchPaths(through: hop) }
    case .reset(let address): reset(address, now)
    case .refresh(let address, let asks, let tells): refresh(address, asks: asks, tells: tells)
    case .pathDown(let address, let reason): pathDown(address, reason, now)
    case .shutdown: shutdown(now)
    }
    let hasConverged = checkConvergence(now)
    flush()
    // Routes that have just come are in the kernel before what was not learnt again leaves it.
    if hasConverged { actions.append(.converged) }
    defer { actions = [] }
    return actions
  }

  /// When `.tick` is due.
  package var deadline: Instant? {
    var earliest: Instant?
    func consider(_ instant: Instant?) {
      guard let instant else { return }
      earliest = earliest.map { min($0, instant) } ?? instant
    }
    for peer in peers.values { consider(peer.deadline) }
    switch convergence {
    case .waiting(let until), .announced(let until): consider(until)
    case .restarting, .done: break
    }
    return earliest
  }

  private mutating func start(_ now: Instant) {
    guard !isStarted else { return }
    isStarted = true
    if case .restarting = convergence {
      let wait = min(Self.selectionDeferral, configuration.gracefulRestart.restartTime)
      convergence = .waiting(until: now.advanced(by: wait))
    } else {
      actions.append(.converged)
    }
    for prefix in configuration.networks { addNetwork(prefix) }
    for (_, settings) in configuration.resolvedNeighbors.sorted(by: { $0.key < $1.key }) {
      addPeer(settings, now)
    }
  }

  private mutating func tick(_ now: Instant) {
    for address in peers.keys.sorted() {
      for slot in peers[address]?.slots ?? [] where (slot.session.deadline ?? .max) <= now {
        drive(address, slot.id, .tick, now)
      }
      expireChoice(address, now)
      resumeWaiting(address, now)
      expireRestart(address, now)
      expireRefreshes(address, now)
      expireDynamic(address, now)
    }
  }

  private mutating func shutdown(_ now: Instant) {
    for address in peers.keys.sorted() { stopPeer(address, .administrativeShutdown, now) }
  }

  private mutating func reset(_ address: IPAddress?, _ now: Instant) {
    for each in peers.keys.sorted() where address == nil || each == address {
      stopPeer(each, .administrativeReset, now)
      startPeer(each, now)
    }
  }
}

extension Instant {
  static let max = Instant(nanoseconds: .max)
}
