import KubeClient
import Kubernetes
import Linux
import NetTypes

extension FaultRunner {
  /// A site's line to the router, or what two sites send each other through it.
  func cut(_ a: String, _ b: String) async throws -> Fault {
    let text = "cut link \(a) \(b)"
    let record = try MeshRegistry.find(mesh)
    let lines = MeshLines(mesh: record.name)
    let plan = try MeshPlan(record.configuration)
    for site in [a, b] where site != "wan" { _ = try lines.line(of: site, plan) }
    if a == "wan" || b == "wan" {
      let site = a == "wan" ? b : a
      let at = Timestamp.now
      try lines.unplug(site)
      return try FaultJournal.add(text, at: at, undo: [.plug(mesh: record.name, site: site)])
    }
    let fault = try FaultJournal.add(text, undo: [.reconnect(mesh: record.name)])
    try await lines.applyCuts(plan)
    return fault
  }

  func impair(
    _ site: String, _ text: String, delay: Duration = .zero, jitter: Duration = .zero,
    permille: Int = 0
  ) async throws -> Fault {
    let record = try MeshRegistry.find(mesh)
    _ = try MeshLines(mesh: record.name).line(of: site, try MeshPlan(record.configuration))
    // A line has one relay: what was done to it before is over.
    _ = try await heal {
      $0.text.hasPrefix("delay link \(site) ") || $0.text.hasPrefix("lose link \(site) ")
    }
    var impairment = LineImpairment(seed: seed)
    impairment.delay = delay
    impairment.jitter = jitter
    impairment.permille = permille
    let pid = try await MeshLines(mesh: record.name).relay(site, impairment)
    let what = permille > 0 ? "\(Double(permille) / 10)%" : impairment.delayText
    return try FaultJournal.add(
      "\(text) \(what)",
      undo: [
        .endRelay(pid: pid, started: ProcessIdentity.startTime(of: pid) ?? ""),
        .plug(mesh: record.name, site: site),
      ])
  }
}
