import Intent
import Kubernetes
import NetTypes

extension UnitStatus {
  /// One screen: nodes, pods, BGP, routes, virtual servers.
  package var text: String {
    var parts = [headline]
    parts += problems.map { "! \($0)" }
    let tables = [nodeTable, podTable, sessionTable, routeTable, virtualServerTable]
    parts += tables.filter { !$0.isEmpty }.map { "\n" + $0.text }
    return parts.joined(separator: "\n")
  }

  private var headline: String {
    var words = ["unit \(record.name)"]
    if let port = record.apiPort { words.append("API https://127.0.0.1:\(port)") }
    words += record.publishes.filter { $0.target != .server }.map { published in
      switch published.target {
      case .edge, .server: "edge :\(published.port) at 127.0.0.1:\(published.hostPort)"
      case .address(let address):
        "\(address):\(published.port) at 127.0.0.1:\(published.hostPort)"
      }
    }
    if let address = dns["server"]["addresses"][0].string { words.append("names at \(address)") }
    return words.joined(separator: " · ")
  }

  private var nodeTable: TextTable {
    var table = TextTable("NODE", "STATUS", "ADDRESS", "BLOCKS", "PODS")
    for node in nodes {
      let name = node["metadata"]["name"].string ?? ""
      let ready = node["status"]["conditions"].elements.first { $0["type"].string == "Ready" }
      let address = node["status"]["addresses"].elements.first {
        $0["type"].string == "InternalIP"
      }
      table.add(
        name, Self.state(Node(json: node), isReady: ready?["status"].string == "True"),
        address?["address"].string ?? "-", blocks(of: name).joined(separator: ","),
        "\(pods.count { $0["spec"]["nodeName"].string == name })")
    }
    return table
  }

  /// As `kubectl get nodes` shows it, and how far it is drained.
  private static func state(_ node: Node, isReady: Bool) -> String {
    let state = isReady ? "Ready" : "NotReady"
    switch node.drain {
    case .draining: return state + ",Draining"
    case .withdrawn: return state + ",Drained"
    case nil: return node.isUnschedulable ? state + ",SchedulingDisabled" : state
    }
  }

  private func blocks(of node: String) -> [String] {
    affinities.filter { $0["spec"]["node"].string == node }.compactMap { $0["spec"]["cidr"].string }
  }

  private var podTable: TextTable {
    var table = TextTable("POD", "READY", "STATUS", "RESTARTS", "ADDRESS", "NODE")
    for pod in pods {
      let containers = pod["status"]["containerStatuses"].elements
      let total = pod["spec"]["containers"].elements.count
      let waiting = containers.compactMap { $0["state"]["waiting"]["reason"].string }.first
      let phase = pod["status"]["phase"].string ?? "Pending"
      let deleting = !pod["metadata"]["deletionTimestamp"].isNull
      table.add(
        "\(pod["metadata"]["namespace"].string ?? "")/\(pod["metadata"]["name"].string ?? "")",
        "\(containers.count { $0["ready"].bool == true })/\(total)",
        deleting ? "Terminating" : waiting ?? phase,
        "\(containers.reduce(0) { $0 + ($1["restartCount"].int ?? 0) })",
        pod["status"]["podIP"].string ?? "-", pod["spec"]["nodeName"].string ?? "-")
    }
    return table
  }

  private var sessionTable: TextTable {
    var table = TextTable(
      "ROUTER", "BGP NEIGHBOR", "AS", "STATE", "UP", "RECEIVED", "SENT", "LAST ERROR")
    for (router, session) in routers.flatMap({ router in
      router.bgp["sessions"].elements.map { (router.name, $0) }
    }) {
      table.add(
        router, session["peer"].string ?? "", "\(session["as"].int ?? 0)",
        session["state"].string ?? "",
        session["uptimeSeconds"].int.map(Self.age) ?? "-",
        "\(session["prefixesReceived"].int ?? 0)", "\(session["prefixesSent"].int ?? 0)",
        session["lastError"].string ?? "-")
    }
    return table
  }

  private var routeTable: TextTable {
    var table = TextTable("ROUTER", "ROUTE", "NEXT HOPS", "KERNEL")
    for (router, route) in routers.flatMap({ router in
      router.bgp["routes"].elements.map { (router.name, $0) }
    }) {
      let hops = route["nextHops"].elements.compactMap(\.string)
      table.add(
        router, route["prefix"].string ?? "", hops.isEmpty ? "local" : hops.joined(separator: ", "),
        route["installed"].bool == true ? "installed" : route["reason"].string ?? "not installed")
    }
    return table
  }

  private var virtualServerTable: TextTable {
    var table = TextTable("VIRTUAL SERVER", "ADDRESS", "PROTOCOL", "POOL", "MEMBER", "HEALTH")
    for server in edge["virtualServers"].elements {
      var first = [
        server["name"].string ?? "",
        "\(server["address"].string ?? ""):\(server["port"].int ?? 0)",
        server["protocol"].string ?? "",
      ]
      for pool in server["pools"].elements {
        var name = pool["name"].string ?? ""
        for member in pool["members"].elements {
          table.add(
            first[0], first[1], first[2], name, member["address"].string ?? "",
            member["health"].string ?? "unknown")
          first = ["", "", ""]
          name = ""
        }
        if pool["members"].elements.isEmpty {
          table.add(first[0], first[1], first[2], name, "no members", "-")
          first = ["", "", ""]
        }
      }
    }
    return table
  }

  /// `00:01:02`, or `3d04h` from a day on, as routers show uptime.
  static func age(_ seconds: Int) -> String {
    func two(_ value: Int) -> String { value < 10 ? "0\(value)" : "\(value)" }
    let hours = seconds / 3600
    if hours >= 24 { return "\(hours / 24)d\(two(hours % 24))h" }
    return "\(two(hours)):\(two(seconds / 60 % 60)):\(two(seconds % 60))"
  }
}
