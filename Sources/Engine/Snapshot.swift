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
    package var failures: UInt64 = 0
    package var retries: UInt64 = 0
  }

  package struct Server: Equatable, Sendable {
    package var name: String
    package var address: SocketAddress
    package var `protocol`: VirtualServer.TransportProtocol
    package var counts: Counts
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
  }

  package struct PoolMember: Equatable, Sendable {
    package var address: SocketAddress
    package var label: String
    package var state: Member.State
    package var isUp: Bool
    /// Why it is not up.
    package var reason: String?
    /// When it came into this health.
    package var since: Instant
    package var counts: Counts
  }

  package struct PoolCounts: Equatable, Sendable {
    package var name: String
    package var counts: Counts
    package var members: [PoolMember]
    /// With members.
    package var tls = TLSCounts()
  }

  package var servers: [Server] = []
  package var pools: [PoolCounts] = []
}

extension Engine {
  /// Counts since the objects were first applied, in the order of the configuration.
  package func snapshot() -> EngineSnapshot {
    var snapshot = EngineSnapshot()
    for server in applied.virtualServers {
      guard let live = servers[server.listenerKey] else { continue }
      snapshot.servers.append(
        EngineSnapshot.Server(
          name: server.name, address: SocketAddress(server.address, port: server.port),
          protocol: server.protocol, counts: counts(live.shared.counters),
          tls: live.shared.tls.snapshot()))
    }
    for pool in applied.pools {
      guard let live = pools[pool.name] else { continue }
      let members = pool.members.compactMap { member -> EngineSnapshot.PoolMember? in
        guard let shared = live.members[member.socketAddress],
          let health = health(of: member.socketAddress, member.monitor ?? pool.monitor)
        else { return nil }
        return EngineSnapshot.PoolMember(
          address: member.socketAddress, label: member.label, state: member.state,
          isUp: health.isAvailable, reason: health.reason, since: health.since,
          counts: counts(shared.counters))
      }
      snapshot.pools.append(
        EngineSnapshot.PoolCounts(
          name: pool.name, counts: counts(live.shared.counters), members: members,
          tls: live.shared.tls.snapshot()))
    }
    return snapshot
  }

  private func counts(_ counters: Counters) -> EngineSnapshot.Counts {
    EngineSnapshot.Counts(
      connections: counters.sum(.connections),
      activeConnections: counters.sum(.activeConnections), requests: counters.sum(.requests),
      statuses: [.status1xx, .status2xx, .status3xx, .status4xx, .status5xx].map(counters.sum),
      bytesIn: counters.sum(.bytesIn), bytesOut: counters.sum(.bytesOut),
      failures: counters.sum(.failures), retries: counters.sum(.retries))
  }
}
