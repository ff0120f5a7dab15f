import Intent
import Kubernetes
import Linux
import NetTypes

/// A mesh as it is now: its units, the router between them, and what is answered to whom.
package struct MeshStatus: Sendable {
  package let record: MeshRecord
  package var wan: JSON = .null
  /// By voter.
  package var names: [(voter: String, status: JSON)] = []
  package var units: [UnitSummary] = []
  /// What could not be read, and why.
  package var problems: [String] = []
  package var faults: [Fault] = []

  @Loop package static func read(_ record: MeshRecord) async throws -> MeshStatus {
    var status = MeshStatus(record: record)
    let plan = try MeshPlan(record.configuration)
    status.units = try UnitRegistry.summaries().filter { record.units.contains($0.record.name) }
    for unit in record.units where !status.units.contains(where: { $0.record.name == unit }) {
      status.problems.append(
        "unit \(unit): not here: `atoll up --name \(record.name)` brings it up")
    }
    do {
      status.wan = try await RouterControl(socket: plan.directory.socket(of: "wan")).status()["bgp"]
    } catch {
      status.problems.append("wan: \(error)")
    }
    for voter in plan.voters {
      do {
        status.names.append(
          (voter.name, try await NameControl(plan: plan, voter: voter.name).status()))
      } catch {
        status.problems.append("names of \(voter.name): \(error)")
      }
    }
    status.faults = FaultJournal.active()
    return status
  }

  package var json: JSON {
    [
      "mesh": record.json, "units": .array(units.map(\.json)), "wan": wan,
      "names": .object(Dictionary(names.map { ($0.voter, $0.status) }) { first, _ in first }),
      "faults": .array(faults.map(\.json)), "problems": JSON(problems),
    ]
  }

  package var text: String {
    var parts = ["mesh \(record.name) · names under \(record.configuration.domain)"]
    parts += faults.map { "! fault \($0.text): \($0.remedy)" }
    parts += problems.map { "! \($0)" }
    let tables = [unitTable, sessionTable, voterTable, memberTable]
    parts += tables.filter { !$0.isEmpty }.map { "\n" + $0.text }
    if !failOvers.isEmpty { parts.append("\n" + failOvers.joined(separator: "\n")) }
    return parts.joined(separator: "\n")
  }

  private var failOvers: [String] {
    names.flatMap { voter, status in
      NamesReport(status).names.compactMap { name in
        name.failOver.map { last in
          let milliseconds = Int((last.seconds * 1000).rounded())
          return "\(name.name) left \(last.member) within \(milliseconds) ms, says \(voter)"
        }
      }
    }
  }

  private var unitTable: TextTable {
    var table = TextTable("UNIT", "STATE", "AS", "VIP-CIDR", "NODES", "EDGE")
    for unit in units {
      let configuration = unit.record.configuration
      table.add(
        configuration.name, unit.isRunning ? "up" : "down", "\(configuration.asNumber)",
        "\(configuration.vipCIDR)", "\(configuration.servers + configuration.agents)",
        unit.edgeURL ?? "-")
    }
    return table
  }

  private var sessionTable: TextTable {
    var table = TextTable("ROUTER", "BGP NEIGHBOR", "AS", "STATE", "UP", "RECEIVED", "SENT")
    for session in wan["sessions"].elements {
      table.add(
        "wan", session["peer"].string ?? "", "\(session["as"].int ?? 0)",
        session["state"].string ?? "", session["uptimeSeconds"].int.map(UnitStatus.age) ?? "-",
        "\(session["prefixesReceived"].int ?? 0)", "\(session["prefixesSent"].int ?? 0)")
    }
    return table
  }

  private var voterTable: TextTable {
    var table = TextTable("VOTER", "HEARS", "STATE")
    for (voter, status) in names {
      let report = NamesReport(status)
      table.add(
        voter, report.live.joined(separator: ", "), report.isIsolated ? "isolated" : "quorum")
    }
    return table
  }

  /// Each name as each voter sees it; in good order all agree.
  private var memberTable: TextTable {
    var table = TextTable(
      "NAME", "SEEN BY", "UNIT", "ADDRESS", "SHARE", "PROBE", "ROUTE", "ENDPOINTS", "ANSWERED")
    for (voter, status) in names {
      for name in NamesReport(status).names {
        for member in name.members {
          table.add(
            name.name, voter, member.unit, member.address,
            member.isDraining ? "draining" : "\(member.share)", member.probe, member.route,
            member.endpoints, name.answer.contains(member.address) ? "yes" : "no")
        }
      }
    }
    return table
  }
}

/// How `up` of a mesh ended, for a person and for a script.
package struct MeshSummary: Sendable {
  package let record: MeshRecord
  package let elapsed: Duration

  package var json: JSON {
    [
      "mesh": JSON(record.name), "units": JSON(record.units),
      "elapsedSeconds": .number(Double(elapsed.inNanoseconds) / 1e9),
    ]
  }

  package var text: String {
    let name = record.name
    let client = record.configuration.clients.first
    var lines = ["", "Try:", "  atoll status --name \(name)"]
    if let client {
      lines += [
        "  atoll exec --name \(name) \(client) -- kdig whoami.\(record.configuration.domain)",
        "  atoll drive",
      ]
    }
    if let last = record.units.last, record.units.count > 1 {
      lines.append("  atoll fault kill unit \(last)")
    }
    return lines.joined(separator: "\n")
  }
}
