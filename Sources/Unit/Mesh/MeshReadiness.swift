import Intent
import Kubernetes
import Linux
import NetTypes

/// Waits for each part of a mesh in turn, until one deadline; what is missing then is named.
@Loop struct MeshReadiness {
  private let plan: MeshPlan
  private let deadline: ReadinessDeadline

  init(plan: MeshPlan, deadline: Instant) {
    self.plan = plan
    self.deadline = ReadinessDeadline(
      instant: deadline,
      advice: "the mesh is left as it is: atoll status --name \(plan.name), "
        + "atoll logs --name \(plan.name) supervisor")
  }

  /// The router between the sites has a session with each edge, and a route to its virtual servers.
  func routes() async throws -> String {
    let control = RouterControl(socket: plan.directory.socket(of: "wan"))
    try await deadline.wait(for: "wan") {
      let bgp = try await control.status()["bgp"]
      let down = bgp["sessions"].elements.filter { $0["state"].string != "Established" }
      if !down.isEmpty {
        return "not Established: \(down.compactMap { $0["peer"].string }.joined(separator: ", "))"
      }
      let known = Set(bgp["routes"].elements.compactMap { $0["prefix"].string })
      let missing = plan.units.filter { !known.contains("\($0.configuration.vipCIDR)") }
      guard let unit = missing.first else { return nil }
      return "no route to \(unit.configuration.vipCIDR) of unit \(unit.configuration.name)"
    }
    return "\(plan.units.count) sessions Established, every VIP network known"
  }

  /// Every voter hears all others.
  func votes() async throws -> String {
    try await deadline.wait(for: "votes") {
      for voter in plan.voters {
        let report = NamesReport(try await status(of: voter.name))
        let missing = plan.voters.map(\.name).filter { !report.live.contains($0) }
        if !missing.isEmpty {
          return "\(voter.name) does not hear \(missing.joined(separator: ", "))"
        }
      }
      return nil
    }
    return "\(plan.voters.count) voters hear each other"
  }

  /// Every name is answered everywhere, from every unit that serves it.
  func answers() async throws -> String {
    var names: Set<String> = []
    try await deadline.wait(for: "answers") {
      names = []
      for voter in plan.units.map(\.configuration.name) {
        for name in NamesReport(try await status(of: voter)).names {
          names.insert(name.name)
          if name.answer.isEmpty { return "\(name.name): \(voter) has no answer" }
          if let member = name.members.first(where: { !$0.isUp }) {
            return "\(name.name): \(voter) sees \(member.unit) down"
          }
        }
      }
      return nil
    }
    return names.isEmpty ? "no name to answer" : names.sorted().joined(separator: ", ")
  }

  private func status(of voter: String) async throws -> JSON {
    try await NameControl(plan: plan, voter: voter).status()
  }
}

/// The control socket of a mesh's name service: a unit's, or a witness.
@Loop package struct NameControl {
  private let socket: RouterControl

  package init(plan: MeshPlan, voter: String) {
    let isUnit = plan.units.contains { $0.configuration.name == voter }
    socket = RouterControl(
      socket: isUnit
        ? UnitDirectory(unit: voter).dnsSocket : plan.directory.socket(of: voter))
  }

  package func status() async throws -> JSON { try await socket.status() }

  /// Takes own members out of answers, or back in.
  package func drain(_ what: JSON, undo: Bool) async throws {
    let answer = try await socket.send(undo ? "DELETE" : "POST", "/drain", body: what.text)
    guard answer.status < 300 else { throw UnitError(answer.text) }
  }
}
