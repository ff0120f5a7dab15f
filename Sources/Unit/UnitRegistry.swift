import Intent
import Kubernetes
import Linux

/// The units of this machine, as their records tell.
package enum UnitRegistry {
  /// Every unit with a record, by name.
  package static func names() throws -> [String] {
    guard FileSystem.exists(UnitDirectory.stateRoot) else { return [] }
    return try FileSystem.list(UnitDirectory.stateRoot).filter {
      FileSystem.exists(UnitDirectory(unit: $0).record)
    }.sorted()
  }

  /// A unit's record; nil if there is none or it cannot be read.
  package static func kept(_ name: String) -> UnitRecord? {
    try? read(name)
  }

  package static func all() throws -> [UnitRecord] {
    try names().compactMap { name in
      do {
        return try read(name)
      } catch {
        // Taken down since it was listed.
        if !FileSystem.exists(UnitDirectory(unit: name).record) { return nil }
        throw error
      }
    }
  }

  /// The unit of that name; without a name, the only one there is.
  package static func find(_ name: String?) throws -> UnitRecord {
    let names = try names()
    if let name {
      guard names.contains(name) else {
        throw UnitError("unit \(name): not here; \(known(names))")
      }
      return try read(name)
    }
    guard let only = names.first, names.count == 1 else {
      throw UnitError(
        names.isEmpty
          ? "no unit here: `atoll up` brings one up" : "which unit? --name: \(known(names))")
    }
    return try read(only)
  }

  private static func known(_ names: [String]) -> String {
    names.isEmpty ? "there is none" : "there are \(names.joined(separator: ", "))"
  }

  private static func read(_ name: String) throws -> UnitRecord {
    let path = UnitDirectory(unit: name).record
    do {
      return try UnitRecord(json: try JSON(parsing: try FileSystem.readText(path)))
    } catch {
      throw UnitError("\(path): \(error)")
    }
  }
}

/// A unit in one line, as `atoll list` shows it.
package struct UnitSummary: Sendable {
  package let record: UnitRecord
  package let isRunning: Bool

  /// Where the host reaches the edge's port 80.
  package var edgeURL: String? {
    let port = record.publishes.first { $0.target == .edge && $0.port == 80 }
    return port.map { "http://127.0.0.1:\($0.hostPort)" }
  }

  package var json: JSON {
    let configuration = record.configuration
    return [
      "name": JSON(record.name), "mesh": JSON(configuration.mesh?.mesh), "running": JSON(isRunning),
      "servers": JSON(configuration.servers), "agents": JSON(configuration.agents),
      "nodeCIDR": JSON("\(configuration.nodeCIDR)"), "podCIDR": JSON("\(configuration.podCIDR)"),
      "vipCIDR": JSON("\(configuration.vipCIDR)"),
      "api": JSON(record.apiPort.map { "https://127.0.0.1:\($0)" }), "edge": JSON(edgeURL),
    ]
  }

  package static func table(_ units: [UnitSummary]) -> String {
    guard !units.isEmpty else { return "no unit here: `atoll up` brings one up" }
    var table = TextTable(
      "UNIT", "MESH", "STATE", "NODES", "NODE-CIDR", "POD-CIDR", "VIP-CIDR", "API", "EDGE")
    for unit in units {
      let configuration = unit.record.configuration
      table.add(
        unit.record.name, configuration.mesh?.mesh ?? "-", unit.isRunning ? "up" : "down",
        "\(configuration.servers + configuration.agents)", "\(configuration.nodeCIDR)",
        "\(configuration.podCIDR)", "\(configuration.vipCIDR)",
        unit.record.apiPort.map { "https://127.0.0.1:\($0)" } ?? "-", unit.edgeURL ?? "-")
    }
    return table.text
  }
}

extension UnitRegistry {
  package static func summaries() throws -> [UnitSummary] {
    try all().map {
      UnitSummary(record: $0, isRunning: ProcessFile($0.directory.supervisorPID).isLive)
    }
  }
}
