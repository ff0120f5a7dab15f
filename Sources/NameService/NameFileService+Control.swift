import DNS
import Delivery
import GSLB
import Glibc
import Intent
import Kubernetes
import Linux
import NetTypes
import Telemetry

extension NameFileService {
  var controlActions: NameControl.Actions {
    NameControl.Actions(
      status: { [unowned self] in status }, metrics: { [unowned self] in metrics },
      drain: { [unowned self] order, isDraining throws(NameControl.Refusal) in
        try drain(order, isDraining)
      },
      resume: { [unowned self] member throws(NameControl.Refusal) in
        steering.handle(.resume(try name(member)))
      })
  }

  private var status: JSON {
    var status = steering.status
    status["pid"] = JSON(Int(getpid()))
    status["ready"] = true
    status["server"] = server.status
    status["problems"] = JSON(
      problems.map(\.description) + steering.problems.map { "\($0)" })
    return status
  }

  private var metrics: MetricsPage {
    var page = MetricsPage()
    page.add(
      .gauge, "atoll_dns_problems", "Objects and lines of the file that are not served.",
      problems.count)
    server.addMetrics(to: &page)
    steering.addMetrics(to: &page)
    return page
  }

  private func name(_ text: String) throws(NameControl.Refusal) -> VirtualServerName {
    guard let name = VirtualServerName(text), steering.voter.configuration[name] != nil else {
      throw NameControl.Refusal(404, "member: found \"\(text)\", expected SERVER/VIRTUALSERVER")
    }
    return name
  }

  /// `{"member"}`, or `{"unit"}` for all of a server.
  private func drain(_ order: JSON, _ isDraining: Bool) throws(NameControl.Refusal) {
    var names: Set<VirtualServerName> = []
    if let server = order["unit"].string {
      let found = steering.voter.configuration.servers.first { $0.name == server }
      guard let found else { throw NameControl.Refusal(404, "unit: there is no \(server)") }
      names = Set(found.virtualServers.map { VirtualServerName(server: server, name: $0.name) })
    } else if let member = order["member"].string {
      names = [try name(member)]
    } else {
      throw NameControl.Refusal(400, "found neither unit nor member")
    }
    let empty = isDraining ? steering.voter.leftEmpty(byDraining: names) : []
    guard order["force"].bool == true || empty.isEmpty else {
      let list = empty.map { "\($0.name)" }.joined(separator: ", ")
      throw NameControl.Refusal(409, "\(list): nothing else serves it now; force drains it still")
    }
    for name in names {
      steering.handle(
        .inside(name, View.Inside(administration: isDraining ? .draining : .enabled)))
    }
  }
}
