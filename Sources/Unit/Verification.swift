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
    let diagnosis = Diagnosis(plan: plan, objects: objects, sessions: await sessions(record, plan))
    let runner = ProbeRunner(plan: plan)
    var report = VerificationReport(unit: record.name)
    report.missing = verification.missing
    report.rows = await Probing(verification.items, runner, diagnosis).rows()
    return report
  }

  /// What each router says of its sessions, by the router's name.
  private static func sessions(_ record: UnitRecord, _ plan: UnitPlan) async -> [String: [JSON]] {
    var sessions: [String: [JSON]] = [:]
    for router in plan.routers {
      let control = RouterControl(socket: record.directory.socket(of: router.role.name))
      sessions[router.role.name] = (try? await control.status())?["bgp"]["sessions"].elements
    }
    return sessions
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

/// All probes of a plan, under way at once: they only wait for the network.
///
/// Results are left here by index. Handing a `Row` over as a task's value crashes when built with
/// Swift 6.3.1's optimizer, which copies it from a place it has not filled.
@Loop private final class Probing {
  private let items: [VerificationPlan.Item]
  private let runner: ProbeRunner
  private let diagnosis: Diagnosis
  private var outcomes: [ProbeRunner.Outcome]

  init(_ items: [VerificationPlan.Item], _ runner: ProbeRunner, _ diagnosis: Diagnosis) {
    self.items = items
    self.runner = runner
    self.diagnosis = diagnosis
    outcomes = Array(repeating: ProbeRunner.Outcome(), count: items.count)
  }

  func rows() async -> [VerificationReport.Row] {
    let tasks = items.indices.map { index in Task { @Loop in await probe(index) } }
    for task in tasks { await task.value }
    return zip(items, outcomes).map {
      VerificationReport.Row(item: $0, detail: $1.detail, failure: $1.failure)
    }
  }

  private func probe(_ index: Int) async {
    var outcome = await runner.run(items[index].probe)
    if let failure = outcome.failure {
      outcome.failure = await diagnosis.firstWrongHop(of: items[index]) ?? failure
    }
    outcomes[index] = outcome
  }
}

/// Walks a failed path from the edge outward and says where it breaks.
@Loop struct Diagnosis {
  let plan: UnitPlan
  let objects: VerificationPlan.Objects
  /// By the router that has them.
  let sessions: [String: [JSON]]

  /// Nil if every hop that can be looked at is right.
  func firstWrongHop(of item: VerificationPlan.Item) async -> String? {
    guard let name = item.node, let role = plan.nodes.first(where: { $0.nodeName == name }),
      let address = plan.address(of: role)
    else { return nil }
    let onTheWay = Set(plan.routers.map(\.role) + [role])
    for link in plan.attachments where onTheWay.contains(link.role) && link.bridge != .vips {
      guard let state = linkState(of: link.interface, in: link.role) else {
        return "\(link.role.name): \(link.interface) is missing"
      }
      if !state { return "\(link.role.name): \(link.interface) is down" }
    }
    for (router, peer) in plan.path(to: address) {
      let session = sessions[router.name]?.first { $0["peer"].string == "\(peer)" }
      if session?["state"].string != "Established" {
        let name = plan.attachments.first { $0.address.address == peer }?.role.name ?? "peer"
        let state = session?["state"].string ?? "absent"
        return "\(router.name): BGP session to \(name) (\(peer)) is \(state)"
      }
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
