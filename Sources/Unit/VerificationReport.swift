import Kubernetes
import NetTypes

/// What `verify` found, one row a probe.
package struct VerificationReport: Sendable {
  package struct Row: Sendable {
    package var item: VerificationPlan.Item
    /// What was measured, as `min/avg/max 0.04/0.05/0.07 ms`.
    package var detail: String
    /// The first hop that is wrong; nil if the probe holds.
    package var failure: String?
  }

  package var unit: String
  package var rows: [Row] = []
  package var missing: [(subject: String, reason: String)] = []

  package init(unit: String) { self.unit = unit }

  package var holds: Bool {
    missing.isEmpty && !rows.isEmpty && rows.allSatisfy { $0.failure == nil }
  }
}

extension VerificationPlan.Probe {
  /// `ping`, `tcp`, `http` or `route`.
  package var kind: String {
    switch self {
    case .ping: "ping"
    case .connect: "tcp"
    case .request: "http"
    case .route: "route"
    }
  }

  package var target: String {
    switch self {
    case .ping(let address): "\(address)"
    case .connect(let address): "\(address)"
    case .request(let address, let host, let path):
      host == "\(address.address)" ? "http://\(host)\(path)" : "http://\(host)\(path) at \(address)"
    case .route(let prefix, _, let address): "\(prefix) to \(address)"
    }
  }
}

extension VerificationReport {
  package var text: String {
    var table = TextTable("CHECK", "OBJECT", "TARGET", "NODE", "RESULT")
    for row in rows {
      table.add(
        row.item.probe.kind, row.item.subject, row.item.probe.target, row.item.node ?? "-",
        row.failure.map { "FAILED: \($0)" } ?? "ok  \(row.detail)")
    }
    for (subject, reason) in missing { table.add("object", subject, "-", "-", "FAILED: \(reason)") }
    let failed = rows.count { $0.failure != nil } + missing.count
    let total = rows.count + missing.count
    let verdict =
      total == 0
      ? "nothing to verify: unit \(unit) has no nodes yet"
      : failed == 0
        ? "unit \(unit): all \(total) checks hold"
        : "unit \(unit): \(failed) of \(total) checks failed"
    return table.text + "\n" + verdict
  }

  package var json: JSON {
    let checks = rows.map { row -> JSON in
      [
        "check": JSON(row.item.probe.kind), "object": JSON(row.item.subject),
        "target": JSON(row.item.probe.target), "node": JSON(row.item.node),
        "ok": JSON(row.failure == nil), "detail": JSON(row.failure ?? row.detail),
      ]
    }
    let objects = missing.map { subject, reason -> JSON in
      [
        "check": "object", "object": JSON(subject), "target": .null, "node": .null, "ok": false,
        "detail": JSON(reason),
      ]
    }
    return ["unit": JSON(unit), "ok": JSON(holds), "checks": .array(checks + objects)]
  }
}
