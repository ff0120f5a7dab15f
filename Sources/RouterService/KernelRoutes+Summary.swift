extension KernelRoutes {
  /// How many learnt prefixes the kernel has, and how many it has not, by reason. Counted by target,
  /// so that a million routes cost as little as ten.
  package struct Summary: Equatable, Sendable {
    package var installed = 0
    package var failed: [String: Int] = [:]
  }

  package var summary: Summary {
    var summary = Summary()
    for id in targets.ids where targets[id].target != .blackhole {
      summary.installed += targets[id].installed
      if let reason = problems[id] { summary.failed[reason, default: 0] += targets[id].wanted }
    }
    for reason in refusals.values { summary.failed[reason, default: 0] += 1 }
    return summary
  }
}
