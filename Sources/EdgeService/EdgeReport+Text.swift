import Engine

/// What commands print of an edge.
extension EdgeReport {
  package var serversText: String {
    var table = EdgeTable([
      "VIRTUAL SERVER", "ADDRESS", "PROTOCOL", ">ACTIVE", ">REQUESTS", ">5XX", ">P50", ">P99",
    ])
    for server in servers {
      table.add([
        server.name, server.address, server.protocol, "\(server.counts.activeConnections)",
        "\(server.protocol.hasPrefix("http") ? server.counts.requests : server.counts.connections)",
        "\(server.counts.statuses[4])", Self.text(server.times.total.quantile(0.5)),
        Self.text(server.times.total.quantile(0.99)),
      ])
    }
    return table.text
  }

  package var poolsText: String {
    var table = EdgeTable([
      "POOL", ">MEMBERS", ">UP", ">ACTIVE", ">REQUESTS", ">FAILURES", ">P50", ">P99",
    ])
    for pool in pools {
      table.add([
        pool.name, "\(pool.members.count)", "\(pool.members.count { $0.isUp })",
        "\(pool.counts.activeConnections)", "\(pool.counts.requests)", "\(pool.counts.failures)",
        Self.text(pool.times.total.quantile(0.5)), Self.text(pool.times.total.quantile(0.99)),
      ])
    }
    return table.text
  }

  /// - Parameter only: Of one pool.
  package func membersText(of only: String? = nil) -> String {
    var table = EdgeTable([
      "POOL", "MEMBER", "STATE", ">WEIGHT", "HEALTH", ">ACTIVE", ">REQUESTS", ">FAILURES", ">P50",
      ">P99", "NAME",
    ])
    var isChanged = false
    for pool in pools where only == nil || pool.name == only {
      for member in pool.members {
        isChanged = isChanged || member.isChanged
        let health = member.isUp ? "up" : "down: \(member.reason ?? "")"
        table.add([
          pool.name, member.address, member.state + (member.isChanged ? "*" : ""),
          "\(member.weight)", health, "\(member.counts.activeConnections)",
          "\(member.counts.requests)", "\(member.counts.failures)",
          Self.text(member.times.total.quantile(0.5)),
          Self.text(member.times.total.quantile(0.99)), member.label,
        ])
      }
    }
    return table.text
      + (isChanged
        ? "\n* changed at run time, until the member's own configuration changes or `atoll edge reset`"
        : "")
  }

  /// Three digits and a unit.
  static func text(_ time: Duration?) -> String {
    guard let time else { return "-" }
    let microseconds = time / .microseconds(1)
    switch microseconds {
    case ..<1000: return "\(Int(microseconds))µs"
    case ..<10_000: return "\(decimal(microseconds / 1000, 2))ms"
    case ..<100_000: return "\(decimal(microseconds / 1000, 1))ms"
    case ..<1_000_000: return "\(Int(microseconds / 1000))ms"
    default: return "\(decimal(microseconds / 1_000_000, 2))s"
    }
  }

  /// As `12.3k`.
  static func text(perSecond value: Double) -> String {
    switch value {
    case ..<10: decimal(value, 1)
    case ..<10_000: "\(Int(value.rounded()))"
    case ..<10_000_000: "\(decimal(value / 1000, 1))k"
    case ..<10_000_000_000: "\(decimal(value / 1_000_000, 1))M"
    default: "\(decimal(value / 1_000_000_000, 1))G"
    }
  }

  private static func decimal(_ value: Double, _ digits: Int) -> String {
    var scale = 1
    for _ in 0..<digits { scale *= 10 }
    let whole = Int((value * Double(scale)).rounded())
    let fraction = String(whole % scale)
    return "\(whole / scale).\(String(repeating: "0", count: digits - fraction.count))\(fraction)"
  }
}

/// Columns under their headings; those that begin with `>` are of numbers, to the right.
struct EdgeTable {
  private var rows: [[String]]
  private let isNumber: [Bool]

  init(_ headings: [String]) {
    isNumber = headings.map { $0.hasPrefix(">") }
    rows = [headings.map { $0.hasPrefix(">") ? String($0.dropFirst()) : $0 }]
  }

  mutating func add(_ cells: [String]) { rows.append(cells) }

  var text: String {
    let widths = isNumber.indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
    let lines = rows.map { row in
      row.enumerated().map { column, cell in
        let blanks = String(repeating: " ", count: widths[column] - cell.count)
        return isNumber[column] ? blanks + cell : cell + blanks
      }.joined(separator: "  ")
    }
    return lines.map { line in
      var line = line
      while line.last == " " { line.removeLast() }
      return line
    }.joined(separator: "\n")
  }
}
