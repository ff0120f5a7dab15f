import Delivery
import Engine
import Kubernetes
import Linux
import NetTypes

/// What `GET /edge` of a control socket answers.
extension EngineSnapshot {
  package var json: JSON {
    ["virtualServers": .array(servers.map(Self.json)), "pools": .array(pools.map(Self.json))]
  }

  private static func json(_ server: Server) -> JSON {
    [
      "name": .string(server.name), "address": .string("\(server.address)"),
      "protocol": .string(server.protocol.rawValue), "counts": json(server.counts),
      "times": json(server.times),
    ]
  }

  private static func json(_ pool: PoolCounts) -> JSON {
    [
      "name": .string(pool.name), "counts": json(pool.counts), "times": json(pool.times),
      "members": .array(pool.members.map(json)),
    ]
  }

  package static func json(_ member: PoolMember) -> JSON {
    [
      "address": .string("\(member.address)"), "label": .string(member.label),
      "state": .string(member.state.rawValue), "weight": JSON(member.weight),
      "runtimeChange": member.change.map { change -> JSON in
        ["state": JSON(change.state?.rawValue), "weight": JSON(change.weight)]
      } ?? .null,
      "health": .string(member.isUp ? "up" : "down"), "reason": JSON(member.reason),
      "sinceSeconds": JSON(Int(member.since.duration(to: Loop.now).components.seconds)),
      "counts": json(member.counts), "times": json(member.times),
    ]
  }

  private static func json(_ counts: Counts) -> JSON {
    var json: JSON = [:]
    for (name, path) in Counts.fields {
      json[name] = .integer(Int64(clamping: counts[keyPath: path]))
    }
    json["statuses"] = .array(counts.statuses.map { .integer(Int64(clamping: $0)) })
    return json
  }

  private static func json(_ times: Times) -> JSON {
    ["total": json(times.total), "firstByte": json(times.firstByte)]
  }

  /// Buckets that hold something, by their number.
  private static func json(_ times: LatencyDistribution) -> JSON {
    var buckets: [String: JSON] = [:]
    for (bucket, count) in times.counts.enumerated() where count > 0 {
      buckets["\(bucket)"] = .integer(Int64(clamping: count))
    }
    func milliseconds(_ part: Double) -> JSON {
      times.quantile(part).map { .number($0 / .milliseconds(1)) } ?? .null
    }
    return [
      "microseconds": .integer(Int64(clamping: times.sum)), "buckets": .object(buckets),
      "p50": milliseconds(0.5), "p99": milliseconds(0.99),
    ]
  }
}
