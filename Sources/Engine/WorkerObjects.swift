import COpenSSL
import Delivery
import Glibc
import NetTypes

/// A virtual server as one worker sees it. Touched by its worker only.
final class WorkerServer {
  let shared: SharedServer
  let counters: Counters.Block
  let latencies: Latencies.Block
  var configuration: VirtualServer
  /// What own error bodies call it.
  var label: [UInt8]
  var host: [UInt8]
  var rules: RuleSet
  var routes: RouteTable
  /// By rule, the pools that it names; nil where the pool is not there.
  var rulePools: [[WorkerPool?]] = []
  /// By route index; nil where the pool is not there.
  var routePools: [WorkerPool?] = []
  var pool: WorkerPool?
  var accessLog: CompiledAccessLog?
  var tls: TLSTermination?
  /// HTTP/2 without TLS, begun without asking.
  var acceptsHTTP2: Bool { configuration.protocol == .http && configuration.http2 == true }
  /// Goes up with every other set of rules.
  private var ruleEpoch: UInt16 = 0

  /// What a request under way remembers a rule by; another set of rules makes it void.
  func rule(_ position: Int) -> UInt32 {
    UInt32(ruleEpoch) << 16 | UInt32(truncatingIfNeeded: position & 0xffff)
  }

  func ruleName(_ rule: UInt32) -> [UInt8]? {
    let position = Int(rule & 0xffff)
    guard rule != .max, rule >> 16 == UInt32(ruleEpoch), position < rules.rules.count else {
      return nil
    }
    return rules.rules[position].label
  }

  var isHTTP: Bool { configuration.protocol == .http || configuration.protocol == .https }
  var listener = Connection.none
  /// Milliseconds.
  var connectTimeout: Int64 = 0
  var headerTimeout: Int64 = 0
  var firstByteTimeout: Int64 = 0
  var idleTimeout: Int64 = 0
  /// Of TCP, and of HTTP connections after an upgrade.
  var relayTimeout: Int64 = 0
  /// Of a whole exchange; 0: without limit.
  var totalTimeout: Int64 = 0
  /// Client connections.
  var active = 0
  var isDraining = false
  /// UDP: flows by client.
  var flows: [FlowKey: UInt32] = [:]

  init(_ plan: ServerPlan, worker: Int) {
    shared = plan.shared
    counters = plan.shared.counters.block(worker)
    latencies = plan.shared.latencies.block(worker)
    configuration = plan.configuration
    label = Array(plan.configuration.name.utf8)
    host = []
    rules = plan.rules
    routes = plan.routes
    take(plan)
  }

  func take(_ plan: ServerPlan) {
    configuration = plan.configuration
    label = Array(configuration.name.utf8)
    accessLog = plan.accessLog
    if plan.rules !== rules { ruleEpoch &+= 1 }
    host = Array(
      SocketAddress(configuration.address, port: configuration.port).description.utf8)
    rules = plan.rules
    routes = plan.routes
    tls = plan.tls
    connectTimeout = configuration.timeouts.connect.milliseconds
    headerTimeout = configuration.timeouts.header.milliseconds
    firstByteTimeout = configuration.timeouts.firstByte.milliseconds
    idleTimeout = configuration.idleTimeout.milliseconds
    totalTimeout = configuration.timeouts.total?.milliseconds ?? 0
    relayTimeout = (configuration.timeouts.idle ?? .seconds(300)).milliseconds
  }
}

struct FlowKey: Hashable {
  var address: UInt64
  var low: UInt64
  var port: UInt16
}

/// A pool as one worker sees it.
final class WorkerPool {
  let shared: SharedPool
  let counters: Counters.Block
  let latencies: Latencies.Block
  var label: [UInt8]
  var balancer: Balancer
  var settings: PoolSettings
  var persistence: WorkerPersistence?
  var tls: TLSOrigination?
  /// Why the last handshake failed.
  var tlsReason = ""
  var queue = RequestQueue()
  /// Thousandths of retries that may be made.
  var retryTokens = WorkerPool.retryReserve
  /// First-byte times are of use.
  var measures: Bool { balancer.settings.method == .fastest }
  var hashes: Bool { balancer.settings.method == .consistentHash }
  /// By the balancer's index.
  var members: [UInt32] = []
  var seenEpoch: UInt64 = .max

  init(_ plan: PoolPlan, worker: Int) {
    shared = plan.shared
    counters = plan.shared.counters.block(worker)
    latencies = plan.shared.latencies.block(worker)
    label = Array(plan.name.utf8)
    balancer = Balancer(plan.balancing, offset: worker)
    settings = plan.settings
    tls = plan.tls
  }

  /// What a pool may have in reserve: a hundred retries, as many as are lost with one member at once.
  static let retryReserve = 100_000
}

/// A member of one pool as one worker sees it.
final class WorkerMember {
  let shared: SharedMember
  let counters: Counters.Block
  let latencies: Latencies.Block
  let raw: RawAddress
  let label: [UInt8]
  let pool: WorkerPool
  /// As it was told last.
  var plan: MemberPlan
  var health: SharedHealth { plan.health }
  var connectionLimit: Int { plan.connectionLimit }
  var isEnabled: Bool { plan.isEnabled }
  var keepsSessions: Bool { plan.keepsSessions }
  var token: MemberToken? { plan.token }
  /// As the balancer was told last.
  var wasAvailable = true
  var failuresInRow = 0
  var identity: UInt32 { shared.identity }
  /// Index in the pool's balancer; -1 once removed.
  var position: Int
  /// Pooled connections, the latest first.
  var idle = Connection.none
  var idleCount = 0
  /// Connections of HTTP/2.
  var sessions: [UInt32] = []
  var inFlight = 0
  /// The latest TLS session, to resume.
  var session: OpaquePointer?

  init(_ plan: MemberPlan, pool: WorkerPool, position: Int, worker: Int) {
    shared = plan.shared
    self.plan = plan
    counters = plan.shared.counters.block(worker)
    latencies = plan.shared.latencies.block(worker)
    raw = RawAddress(plan.shared.address)
    label = Array(plan.shared.address.description.utf8)
    self.pool = pool
    self.position = position
  }

  deinit { SSL_SESSION_free(session) }

  func forgetSession() {
    SSL_SESSION_free(session)
    session = nil
  }
}

extension Duration {
  /// Whole milliseconds, rounded up; saturates.
  var milliseconds: Int64 {
    let nanoseconds = inNanoseconds
    return nanoseconds > .max - 999_999 ? .max / 1_000_000 : (nanoseconds + 999_999) / 1_000_000
  }
}
