import Delivery
import Glibc
import NetTypes
import Synchronization

/// What workers are told to serve: immutable, with references to the state that is shared.
struct Plan: Sendable {
  var servers: [ServerPlan]
  var pools: [PoolPlan]
}

struct ServerPlan: Sendable {
  let shared: SharedServer
  let configuration: VirtualServer
  let rules: RuleSet
  let routes: RouteTable
  let tls: TLSTermination?
  let accessLog: CompiledAccessLog?
  let listener: ListenerPlan
}

/// Where a worker has the listening socket of a virtual server from.
enum ListenerPlan: Sendable {
  /// It listens already.
  case kept
  /// A socket for each worker, by the worker's number.
  case opened([Int32])
  /// From the virtual server that had this address before, under another name or protocol: closed and
  /// opened anew, a socket would reset what the kernel has accepted in between.
  case takenOver(from: SharedServer)
}

struct PoolPlan: Sendable {
  let shared: SharedPool
  let name: String
  let balancing: Balancer.Settings
  let settings: PoolSettings
  let persistence: PersistencePlan?
  let tls: TLSOrigination?
  let members: [MemberPlan]
}

/// What workers go by of a pool's configuration, beside its members.
struct PoolSettings: Equatable, Sendable {
  /// What of a request is hashed, where the balancer asks for it.
  let hash: Pool.HashKey
  let serviceDown: Pool.ServiceDown
  let ejectAfter: Int?
  let queueLength: Int
  /// Milliseconds.
  let queueTimeout: Int64
  /// Thousandths of a retry that each request adds.
  let retryGain: Int
  /// Members of HTTP virtual servers speak HTTP/2.
  let usesHTTP2: Bool
  let proxyProtocol: ProxyProtocol.Version?

  init(_ pool: Pool) {
    hash = pool.hash
    serviceDown = pool.serviceDown
    ejectAfter = pool.ejectAfter
    queueLength = pool.queueLength
    queueTimeout = pool.queueTimeout.milliseconds
    retryGain = pool.retryBudget * 10
    usesHTTP2 = pool.protocol == .http2
    proxyProtocol = pool.proxyProtocol
  }
}

struct MemberPlan: Sendable {
  let shared: SharedMember
  let health: SharedHealth
  let weight: Int
  let connectionLimit: Int
  let priority: Int
  let isEnabled: Bool
  /// Clients that it has may go on.
  let keepsSessions: Bool
  /// What cookies call it.
  let token: MemberToken?
}

/// Identity and counts of a virtual server over all workers.
final class SharedServer: Sendable {
  /// Clients that count against its limit.
  let admitted = Atomic<Int>(0)
  let counters: Counters
  let latencies: Latencies
  let tls = TLSCounters()
  init(workers: Int) {
    counters = Counters(workers: workers)
    latencies = Latencies(workers: workers)
  }
}

final class SharedPool: Sendable {
  let counters: Counters
  let latencies: Latencies
  let persistence = Mutex<PersistenceTable?>(nil)
  let tls = TLSCounters()
  init(workers: Int) {
    counters = Counters(workers: workers)
    latencies = Latencies(workers: workers)
  }
}

/// Identity and counts of a member of one pool.
final class SharedMember: Sendable {
  let address: SocketAddress
  /// Uses that count against its limit.
  let uses = Atomic<Int>(0)
  /// What the tables of all its pools call it, whatever becomes of the configuration.
  let identity: UInt32
  let counters: Counters
  let latencies: Latencies
  init(address: SocketAddress, workers: Int) {
    self.address = address
    identity = SharedMember.identity(of: address)
    counters = Counters(workers: workers)
    latencies = Latencies(workers: workers)
  }

  private static func identity(of address: SocketAddress) -> UInt32 {
    let hash = "\(address)".utf8.reduce(0xcbf2_9ce4_8422_2325 as UInt64) {
      ($0 ^ UInt64($1)) &* 0x100_0000_01b3
    }
    return UInt32(truncatingIfNeeded: hash ^ hash >> 32)
  }
}

/// Health of an address under one monitor: the control side decides, workers read, and a worker
/// that meets a failure takes the member out at once and leaves word.
final class SharedHealth: Sendable {
  let isAvailable: Atomic<Bool>
  /// Failures that workers met; the control side compares it with what it has seen.
  let trafficFailures = Atomic<UInt32>(0)
  /// errno of the last one.
  let lastError = Atomic<Int32>(0)

  init(isAvailable: Bool) { self.isAvailable = Atomic(isAvailable) }
}

/// What the engine's threads have in common.
final class SharedState: Sendable {
  /// Goes up with every change of availability, so that workers look again.
  let healthEpoch = Atomic<UInt64>(0)
  /// Wakes the control side: a worker met a failure.
  let failureSignal: Int32
  let passwords = PasswordVerifier()
  /// Workers that have ended.
  let stopped = Atomic<Int>(0)

  init(failureSignal: Int32) { self.failureSignal = failureSignal }

  deinit { close(failureSignal) }
}
