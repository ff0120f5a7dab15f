import Delivery
import Linux
import NetTypes

/// Counts and health at one moment, by object.
package struct EngineSnapshot: Equatable, Sendable {
  package struct Counts: Equatable, Sendable {
    package var connections: UInt64 = 0
    /// Of a member: requests or connections in flight.
    package var activeConnections: UInt64 = 0
    package var requests: UInt64 = 0
    /// Responses by the first digit of their status, 1 to 5.
    package var statuses: [UInt64] = [0, 0, 0, 0, 0]
    /// From the client.
    package var bytesIn: UInt64 = 0
    /// To the client.
    package var bytesOut: UInt64 = 0
    /// Of mode kernel, from and to the client; bytes are those of the packets then.
    package var packetsIn: UInt64 = 0
    package var packetsOut: UInt64 = 0
    package var failures: UInt64 = 0
    package var retries: UInt64 = 0
    /// Requests whose client left, or whose answer could not end.
    package var aborted: UInt64 = 0
    /// Clients that rested between two requests, and were let go for want of room.
    package var reaped: UInt64 = 0

    package init() {}
  }

  /// Of requests; of TCP, of connections.
  package struct Times: Equatable, Sendable {
    /// To the last byte: of a virtual server and pool from the request's head, of a member from when
    /// it was chosen.
    package var total = LatencyDistribution()
    /// To the first byte of the answer: of a member from when all of the request had gone out.
    package var firstByte = LatencyDistribution()

    package init() {}
  }

  package struct Server: Equatable, Sendable {
    package var name: String
    package var address: SocketAddress
    package var `protocol`: VirtualServer.TransportProtocol
    package var counts: Counts
    package var times = Times()
    /// With clients.
    package var tls = TLSCounts()
  }

  /// Handshakes.
  package struct TLSCounts: Equatable, Sendable {
    package var handshakes: UInt64 = 0
    /// Those that resumed a session.
    package var resumed: UInt64 = 0
    /// By reason.
    package var failures: [String: UInt64] = [:]

    package init(handshakes: UInt64 = 0, resumed: UInt64 = 0, failures: [String: UInt64] = [:]) {
      self.handshakes = handshakes
      self.resumed = resumed
      self.failures = failures
    }
  }

  package struct PoolMember: Equatable, Sendable {
    package var address: SocketAddress
    package var label: String
    /// As it serves, with what was changed at run time.
    package var state: Member.State
    package var weight: Int
    /// What of it is not as it was configured.
    package var change: RuntimeChange?
    package var isUp: Bool
    /// Why it is not up.
    package var reason: String?
    /// When it came into this health.
    package var since: Instant
    package var counts: Counts
    package var times = Times()
  }

  package struct PoolCounts: Equatable, Sendable {
    package var name: String
    package var counts: Counts
    package var times = Times()
    package var members: [PoolMember]
    /// With members.
    package var tls = TLSCounts()
  }

  /// Lines of one destination.
  package struct AccessLogCounts: Equatable, Sendable {
    package var destination: String
    package var lines: UInt64
    /// For which no room was left, as the destination takes them too slowly.
    package var dropped: UInt64
    /// Of write(2), each of which lost what it was to write.
    package var errors: UInt64
  }

  /// What has left as one egress says.
  package struct EgressCounts: Equatable, Sendable {
    package var name: String
    package var connections: UInt64
  }

  package var servers: [Server] = []
  package var pools: [PoolCounts] = []
  package var accessLogs: [AccessLogCounts] = []
  package var egress: [EgressCounts] = []
}

extension Engine {
  /// Counts since the objects were first applied, in the order of the configuration.
  package func snapshot() -> EngineSnapshot {
    var snapshot = EngineSnapshot()
    for server in applied.virtualServers {
      if server.mode == .kernel {
        snapshot.servers.append(
          EngineSnapshot.Server(
            name: server.name, address: SocketAddress(server.address, port: server.port),
            protocol: server.protocol, counts: kernelCounts(server)))
        continue
      }
      guard let live = servers[server.listenerKey] else { continue }
      snapshot.servers.append(
        EngineSnapshot.Server(
          name: server.name, address: SocketAddress(server.address, port: server.port),
          protocol: server.protocol, counts: counts(live.shared.counters),
          times: times(live.shared.latencies), tls: live.shared.tls.snapshot()))
    }
    for pool in applied.pools {
      guard let live = pools[pool.name] else { continue }
      let members = pool.members.compactMap { member -> EngineSnapshot.PoolMember? in
        guard let shared = live.members[member.socketAddress],
          let health = health(of: member.socketAddress, member.monitor ?? pool.monitor)
        else { return nil }
        let effective = effective(member, of: pool.name)
        return EngineSnapshot.PoolMember(
          address: member.socketAddress, label: member.label, state: effective.state,
          weight: effective.weight,
          change: runtimeChange(pool: pool.name, member: member.socketAddress),
          isUp: health.isAvailable, reason: health.reason, since: health.since,
          counts: counts(shared.counters)
            + kernelCounts(pool: pool.name, member: member.socketAddress),
          times: times(shared.latencies))
      }
      snapshot.pools.append(
        EngineSnapshot.PoolCounts(
          name: pool.name, counts: counts(live.shared.counters) + kernelCounts(pool: pool.name),
          times: times(live.shared.latencies), members: members,
          tls: live.shared.tls.snapshot()))
    }
    snapshot.accessLogs = logWriter.counts
    snapshot.egress = applied.egress.map {
      EngineSnapshot.EgressCounts(name: $0.name, connections: kernel.counts.connections($0))
    }
    return snapshot
  }

  private func times(_ latencies: Latencies) -> EngineSnapshot.Times {
    var times = EngineSnapshot.Times()
    times.total = latencies.total.snapshot()
    times.firstByte = latencies.firstByte.snapshot()
    return times
  }

  private func counts(_ counters: Counters) -> EngineSnapshot.Counts {
    var counts = EngineSnapshot.Counts()
    counts.connections = counters.sum(.connections)
    counts.activeConnections = counters.sum(.activeConnections)
    counts.requests = counters.sum(.requests)
    counts.statuses = [.status1xx, .status2xx, .status3xx, .status4xx, .status5xx].map(counters.sum)
    counts.bytesIn = counters.sum(.bytesIn)
    counts.bytesOut = counters.sum(.bytesOut)
    counts.failures = counters.sum(.failures)
    counts.retries = counters.sum(.retries)
    counts.aborted = counters.sum(.aborted)
    counts.reaped = counters.sum(.reaped)
    return counts
  }
}
