import DNS
import GSLB
import Glibc
import Intent
import KubeClient
import Kubernetes
import Linux
import Logging
import NetTypes
import Telemetry

extension UnitNameService {
  var controlActions: NameControl.Actions {
    NameControl.Actions(
      status: { [unowned self] in status }, metrics: { [unowned self] in metrics },
      drain: { [unowned self] order, isDraining throws(NameControl.Refusal) in
        try drain(order, isDraining)
      },
      resume: { [unowned self] member throws(NameControl.Refusal) in
        guard let name = VirtualServerName(member) else {
          throw NameControl.Refusal(400, "member: found \"\(member)\", expected UNIT/MEMBER")
        }
        guard steering.voter.configuration[name] != nil else {
          throw NameControl.Refusal(404, "member: there is no \(name)")
        }
        steering.handle(.resume(name))
      })
  }

  private var status: JSON {
    var status = steering.status
    status["name"] = .string(options.name)
    status["pid"] = JSON(Int(getpid()))
    status["ready"] = JSON(follower.map(\.hasSynced) ?? true)
    status["server"] = server.status
    status["drains"] = [
      "unit": JSON(drains.unit), "apps": JSON(drains.apps.sorted().map { "\($0)" }),
    ]
    if let follower {
      status["apiServer"] = [
        "address": .string(follower.client.server), "synced": JSON(follower.hasSynced),
        "failure": JSON(follower.failure),
      ]
    }
    let refused = (translation?.subjects ?? []).compactMap { subject in
      subject.problem.map { "\(subject.object.kind) \(subject.object.resourceName): \($0)" }
    }
    status["problems"] = JSON(refused + steering.problems.map { "\($0)" })
    return status
  }

  private var metrics: MetricsPage {
    var page = MetricsPage()
    server.addMetrics(to: &page)
    steering.addMetrics(to: &page)
    return page
  }

  /// `{"unit"}` or `{"app"}`, of this unit's own members; `"force"` even where none is left.
  private func drain(_ order: JSON, _ isDraining: Bool) throws(NameControl.Refusal) {
    let backings = translation?.backings ?? []
    let concerned: [String]
    let app: DomainName?
    if let unit = order["unit"].string {
      guard unit == options.name else {
        throw NameControl.Refusal(404, "unit: found \"\(unit)\", expected \(options.name)")
      }
      (app, concerned) = (nil, backings.map(\.member))
    } else if let text = order["app"].string {
      guard let name = DomainName(text), backings.contains(where: { $0.names.contains(name) })
      else {
        let known = Set(backings.flatMap(\.names)).sorted().map { "\($0)" }
        throw NameControl.Refusal(
          404, "app: found \"\(text)\", expected one of \(known.joined(separator: ", "))")
      }
      (app, concerned) = (
        name, backings.filter { $0.names.contains(name) }.map(\.member)
      )
    } else {
      throw NameControl.Refusal(400, "found neither unit nor app")
    }
    if isDraining, order["force"].bool != true {
      let names = Set(
        concerned.map { VirtualServerName(server: steering.voter.name, name: $0) })
      let empty = steering.voter.leftEmpty(byDraining: names)
      if !empty.isEmpty {
        let list = empty.map { "\($0.name)" }.joined(separator: ", ")
        throw NameControl.Refusal(
          409, "\(list): no other unit serves it now; force drains it all the same")
      }
    }
    do {
      if let app { try drains.set(app: app, isDraining) } else { try drains.set(unit: isDraining) }
    } catch {
      throw NameControl.Refusal(500, "not kept: \(error)")
    }
    log.notice(
      isDraining ? "draining" : "no longer draining",
      metadata: ["what": "\(app.map { "\($0)" } ?? options.name)"])
    tellFacts()
  }
}
