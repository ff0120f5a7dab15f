import Intent
import KubeClient
import Kubernetes
import Linux
import NetTypes

/// Proves a unit path by path, and names the first hop that is wrong of each that fails.
@Loop package enum Verification {
  package static func run(_ record: UnitRecord) async throws -> VerificationReport {
    try Preflight.checkRoot()
    let plan = try UnitPlan(record.configuration)
    for role in plan.roles where !NetworkNamespace.exists(named: role.namespace) {
      throw UnitError(
        "unit \(record.name): namespace \(role.namespace) is missing: "
          + "`atoll up --name \(record.name)` repairs it")
    }
    let objects = try await read(try KubeClient.of(record, plan))
    let verification = VerificationPlan(objects)
    let sessions = (try? await EdgeControl(record).status())?["bgp"]["sessions"].elements ?? []
    let diagnosis = Diagnosis(plan: plan, objects: objects, sessions: sessions)
    let runner = ProbeRunner(plan: plan)
    var report = VerificationReport(unit: record.name)
    report.missing = verification.missing
    // Probes only wait for the network, so all are under way at once.
    let probes = verification.items.map { item in
      Task { @Loop in
        let outcome = await runner.run(item.probe)
        var row = VerificationReport.Row(item: item, detail: outcome.detail)
        if let failure = outcome.failure {
          row.failure = await diagnosis.firstWrongHop(of: item) ?? failure
        }
        return row
      }
    }
    for probe in probes { report.rows.append(await probe.value) }
    return report
  }

  private static func read(_ client: KubeClient) async throws -> VerificationPlan.Objects {
    var objects = VerificationPlan.Objects()
    objects.nodes = try await client.list("/api/v1/nodes")
    objects.pods = try await client.list("/api/v1/pods")
    objects.services = try await client.list("/api/v1/services")
    objects.slices = try await client.list("/apis/discovery.k8s.io/v1/endpointslices")
    objects.ingresses = try await client.list("/apis/networking.k8s.io/v1/ingresses")
    objects.affinities = try await client.list("/apis/crd.projectcalico.org/v1/blockaffinities")
    return objects
  }
}

/// Walks a failed path from the edge outward and says where it breaks.
@Loop struct Diagnosis {
  let plan: UnitPlan
  let objects: VerificationPlan.Objects
  let sessions: [JSON]

  /// Nil if every hop that can be looked at is right.
  func firstWrongHop(of item: VerificationPlan.Item) async -> String? {
    guard let name = item.node, let role = plan.nodes.first(where: { $0.nodeName == name }),
      let address = plan.address(of: role)
    else { return nil }
    for (host, interface) in [(plan.edge, "eth0"), (role, "eth0")] {
      guard let state = linkState(of: interface, in: host) else {
        return "\(host.name): \(interface) is missing"
      }
      if !state { return "\(host.name): \(interface) is down" }
    }
    let session = sessions.first { $0["peer"].string == "\(address)" }
    if session?["state"].string != "Established" {
      return
        "edge: BGP session to \(role.name) (\(address)) is \(session?["state"].string ?? "absent")"
    }
    if let outcome = try? await ProbeRunner(plan: plan).ping(address), outcome.failure != nil {
      return "\(role.name) (\(address)) does not answer the edge"
    }
    if case .ping(let pod) = item.probe, !hasRoute(role, to: pod) {
      return "\(role.name): no route to pod \(pod)"
    }
    let ready = objects.nodes.first { $0["metadata"]["name"].string == name }?["status"][
      "conditions"
    ]
    .elements.first { $0["type"].string == "Ready" }
    if ready?["status"].string != "True" {
      return "node \(name) is not Ready: \(ready?["message"].string ?? "")"
    }
    return nil
  }

  /// Nil if there is no such interface.
  private func linkState(of interface: String, in role: Role) -> Bool? {
    try? NetworkNamespace.open(named: role.namespace).with {
      try Netlink().link(named: interface)?.isUp
    }
  }

  private func hasRoute(_ role: Role, to pod: IPAddress) -> Bool {
    let routes = try? NetworkNamespace.open(named: role.namespace).with { try Netlink().routes() }
    return routes?.contains { $0.destination == IPPrefix(host: pod) } ?? false
  }
}
