import HTTP
import Intent
import KubeClient
import Kubernetes
import Linux
import NetTypes
import Transport

/// A unit as it is now, from its API server and its edge.
package struct UnitStatus: Sendable {
  package let record: UnitRecord
  package var nodes: [JSON] = []
  package var pods: [JSON] = []
  package var affinities: [JSON] = []
  package var edge: JSON = .null
  package var dns: JSON = .null
  /// Of a routed unit: the router in front of the nodes.
  package var host: JSON = .null
  /// What could not be read, and why.
  package var problems: [String] = []

  @Loop package static func read(_ record: UnitRecord) async throws -> UnitStatus {
    var status = UnitStatus(record: record)
    let plan = try UnitPlan(record.configuration)
    let client = try KubeClient.of(record, plan)
    do {
      status.nodes = try await client.list("/api/v1/nodes")
      status.pods = try await client.list("/api/v1/pods")
      status.affinities = try await client.list("/apis/crd.projectcalico.org/v1/blockaffinities")
    } catch {
      status.problems.append("API server: \(error)")
    }
    do {
      status.edge = try await RouterControl(socket: record.directory.edgeSocket).status()
    } catch {
      let isDrained = FileSystem.exists(record.directory.drainMark(of: "edge"))
      let remedy = "`atoll drain edge --undo` brings it back"
      status.problems.append(isDrained ? "edge: drained; \(remedy)" : "edge: \(error)")
    }
    do {
      status.dns = try await RouterControl(socket: record.directory.dnsSocket).status()
    } catch {
      status.problems.append("dns: \(error)")
    }
    if let host = plan.host {
      do {
        status.host = try await RouterControl(socket: record.directory.socket(of: host.name))
          .status()
      } catch {
        status.problems.append("host: \(error)")
      }
    }
    status.problems += PublishedPorts.problems(of: record).map { "port \($0)" }
    return status
  }

  /// What the unit's routers say, in the order that a packet to a pod passes them.
  var routers: [(name: String, bgp: JSON)] {
    [("edge", edge), ("host", host)].filter { !$0.1.isNull }.map { ($0, $1["bgp"]) }
  }

  package var json: JSON {
    var json: JSON = [
      "unit": record.json, "nodes": .array(nodes), "pods": .array(pods), "edge": edge, "dns": dns,
      "problems": JSON(problems),
    ]
    if !host.isNull { json["host"] = host }
    return json
  }
}

/// A router's control socket: the edge's, or that of a router that runs alone.
@Loop package struct RouterControl {
  private let path: String

  package init(socket: String) { path = socket }

  package func status() async throws -> JSON {
    try JSON(parsing: try await exchange("GET", "/status"))
  }

  /// Runs a line of the routing shell; the answer is JSON with output and prompt.
  package func exchange(_ method: String, _ target: String, body: String = "") async throws
    -> String
  {
    try await send(method, target, body: body).text
  }

  func send(
    _ method: String, _ target: String, body: String = ""
  ) async throws -> (status: Int, text: String) {
    let response = try await HTTPClient().send(
      HTTPRequestHead(method: method, target: target), body: Array(body.utf8),
      to: HTTPClient.Origin(unixPath: path))
    let text = String(decoding: try await response.body.collect(limit: 16 << 20), as: UTF8.self)
    return (response.status, text)
  }
}

extension KubeClient {
  /// The administrator's client of a unit, straight to the server: its sockets are made inside the
  /// namespace of the nodes' gateway, so that it needs no published port and no route.
  @Loop static func of(_ record: UnitRecord, _ plan: UnitPlan) throws -> KubeClient {
    var kubeconfig = try Kubeconfig.read(record.directory.kubeconfig)
    kubeconfig.server = "https://\(plan.apiServer)"
    return try KubeClient(kubeconfig: kubeconfig, socket: socketFactory(in: plan.gateway.namespace))
  }

  @Loop func list(_ path: String) async throws -> [JSON] { try await get(path)["items"].elements }
}

/// Makes sockets inside a named namespace; what they connect to is then the namespace's.
@Loop func socketFactory(in namespace: String) -> SocketFactory {
  { family, type in
    try NetworkNamespace.open(named: namespace).with {
      try makeSocket(family: family, type: type)
    }
  }
}
