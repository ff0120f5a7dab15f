import Engine
import Kubernetes
import NetTypes

/// What a control socket says of an edge, as a command reads it.
package struct EdgeReport: Equatable, Sendable {
  package typealias Counts = EngineSnapshot.Counts
  package typealias Times = EngineSnapshot.Times

  package struct Server: Equatable, Sendable {
    package var name: String
    package var address: String
    package var `protocol`: String
    package var counts: Counts
    package var times: Times
  }

  package struct Member: Equatable, Sendable {
    package var address: String
    package var label: String
    package var state: String
    package var weight: Int
    package var isChanged: Bool
    package var isUp: Bool
    package var reason: String?
    package var sinceSeconds: Int
    package var counts: Counts
    package var times: Times
  }

  package struct Pool: Equatable, Sendable {
    package var name: String
    package var counts: Counts
    package var times: Times
    package var members: [Member]
  }

  package var servers: [Server]
  package var pools: [Pool]

  package init(_ json: JSON) {
    servers = json["virtualServers"].elements.map { server in
      Server(
        name: server["name"].string ?? "", address: server["address"].string ?? "",
        protocol: server["protocol"].string ?? "", counts: Counts(json: server["counts"]),
        times: Times(json: server["times"]))
    }
    pools = json["pools"].elements.map { pool in
      Pool(
        name: pool["name"].string ?? "", counts: Counts(json: pool["counts"]),
        times: Times(json: pool["times"]), members: pool["members"].elements.map(Member.init))
    }
  }
}

extension EdgeReport.Member {
  fileprivate init(_ json: JSON) {
    address = json["address"].string ?? ""
    label = json["label"].string ?? ""
    state = json["state"].string ?? ""
    weight = json["weight"].int ?? 1
    isChanged = !json["runtimeChange"].isNull
    isUp = json["health"].string == "up"
    reason = json["reason"].string
    sinceSeconds = json["sinceSeconds"].int ?? 0
    counts = EdgeReport.Counts(json: json["counts"])
    times = EdgeReport.Times(json: json["times"])
  }
}

extension EngineSnapshot.Counts {
  /// What each count is called in JSON; `statuses` is a list beside them.
  static var fields: [(name: String, path: WritableKeyPath<Self, UInt64>)] {
    [
      ("connections", \.connections), ("activeConnections", \.activeConnections),
      ("requests", \.requests), ("bytesIn", \.bytesIn), ("bytesOut", \.bytesOut),
      ("failures", \.failures), ("retries", \.retries), ("aborted", \.aborted),
    ]
  }

  fileprivate init(json: JSON) {
    self.init()
    for (name, path) in Self.fields { self[keyPath: path] = UInt64(clamping: json[name].int ?? 0) }
    for (index, status) in json["statuses"].elements.prefix(5).enumerated() {
      statuses[index] = UInt64(clamping: status.int ?? 0)
    }
  }
}

extension EngineSnapshot.Times {
  fileprivate init(json: JSON) {
    self.init()
    total = Self.distribution(json["total"])
    firstByte = Self.distribution(json["firstByte"])
  }

  private static func distribution(_ json: JSON) -> LatencyDistribution {
    var times = LatencyDistribution()
    times.sum = UInt64(clamping: json["microseconds"].int ?? 0)
    for (bucket, count) in json["buckets"].members {
      guard let bucket = Int(bucket), times.counts.indices.contains(bucket) else { continue }
      times.counts[bucket] = UInt64(clamping: count.int ?? 0)
    }
    return times
  }
}
