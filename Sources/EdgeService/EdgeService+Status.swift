import Delivery
import Engine
import KubeClient
import Kubernetes
import Linux
import NetTypes
import Telemetry

extension EdgeService {
  /// What `GET /status` answers.
  var status: JSON {
    let snapshot = engine.snapshot()
    let pools = Dictionary(snapshot.pools.map { ($0.name, $0) }) { first, _ in first }
    let counts = Dictionary(snapshot.servers.map { ($0.name, $0.counts) }) { first, _ in first }
    let servers = plan?.configuration.virtualServers ?? []
    var status: JSON = [
      "name": .string(options.name),
      "bgp": router.status,
      "virtualServers": .array(
        servers.map { Self.json($0, counts[$0.name], pools) }),
      "egress": .array(
        snapshot.egress.compactMap { counts in
          plan?.configuration.egress.first { $0.name == counts.name }.map {
            [
              "name": .string($0.name), "snat": .string($0.snat.rawValue),
              "addresses": .array($0.addresses.map { .string("\($0)") }),
              "sources": JSON($0.sources.count), "connections": Self.number(counts.connections),
            ]
          }
        }),
      "apiServer": [
        "address": .string(client.server), "synced": JSON(hasSynced),
        "failure": JSON(
          services.failure ?? slices.failure ?? ingresses.failure ?? classes.failure),
      ],
      "problems": .array(
        (plan?.complaints ?? []).map {
          [
            "object": .string(
              "\($0.object.groupVersionKind.kind) \($0.object.resourceName)"),
            "reason": .string($0.message),
          ]
        } + problems.map { ["object": .string($0.object), "reason": .string("\($0)")] }),
    ]
    if isDraining {
      let active = snapshot.servers.reduce(0) { $0 + $1.counts.activeConnections }
      status["drain"] = ["activeConnections": Self.number(active)]
    }
    return status
  }

  private static func json(
    _ server: VirtualServer, _ counts: EngineSnapshot.Counts?,
    _ pools: [String: EngineSnapshot.PoolCounts]
  ) -> JSON {
    var names: [String] = []
    for name in [server.pool].compactMap({ $0 }) + server.routes.map(\.pool)
    where !names.contains(name) {
      names.append(name)
    }
    return [
      "name": .string(server.name), "address": .string("\(server.address)"),
      "port": JSON(Int(server.port)), "protocol": .string(server.protocol.rawValue),
      "mode": .string(server.mode.rawValue),
      "listening": JSON(counts != nil),
      "connections": number(counts?.connections), "requests": number(counts?.requests),
      "activeConnections": number(counts?.activeConnections),
      "routes": .array(
        server.routes.map {
          [
            "host": JSON($0.host), "path": .string($0.path.path), "pool": .string($0.pool),
          ]
        }),
      "pools": .array(names.map { json($0, pools[$0]?.members ?? []) }),
    ]
  }

  private static func json(_ pool: String, _ members: [EngineSnapshot.PoolMember]) -> JSON {
    let members = members.map { member -> JSON in
      [
        "address": .string("\(member.address)"), "label": .string(member.label),
        "state": .string(member.state.rawValue), "health": .string(member.isUp ? "up" : "down"),
        "reason": JSON(member.reason),
        "sinceSeconds": JSON(Int(member.since.duration(to: Loop.now).components.seconds)),
        "requests": number(member.counts.requests),
        "connections": number(member.counts.connections),
        "activeConnections": number(member.counts.activeConnections),
        "failures": number(member.counts.failures),
      ]
    }
    return ["name": .string(pool), "members": .array(members)]
  }

  private static func number(_ value: UInt64?) -> JSON {
    .integer(Int64(clamping: value ?? 0))
  }

  /// What `GET /metrics` answers.
  var metrics: MetricsPage {
    var page = MetricsPage()
    engine.snapshot().addMetrics(to: &page)
    router.addMetrics(to: &page)
    return page
  }
}
