import Kubernetes
import NetTypes

extension DriveReport {
  package var json: JSON {
    [
      "name": JSON(options.name), "rate": JSON(options.rate), "cache": JSON(options.cache.rawValue),
      "retryOnce": JSON(options.retryOnce),
      "summary": [
        "requests": JSON(samples.count), "failed": JSON(failed), "slow": JSON(slow),
        "retried": JSON(retried),
        "latencyMilliseconds": .object(
          Dictionary(Self.shares.map { ($0.name, milliseconds(percentile($0.share))) }) { a, _ in a
          }),
        "answeredBy": .object(answeredBy.mapValues { JSON($0) }),
      ],
      "recoveries": .array(
        recoveries.map {
          [
            "fault": JSON($0.mark.text), "at": seconds($0.mark.at),
            "seconds": $0.time.map(seconds) ?? .null,
          ]
        }),
      "timeline": .array(
        timeline.map {
          [
            "kind": JSON($0.kind.rawValue), "from": seconds($0.from), "to": seconds($0.to),
            "count": JSON($0.count), "text": JSON($0.text),
          ]
        }),
      "requests": .array(
        samples.filter { $0.isFailed || isSlow($0) }.map {
          [
            "at": seconds($0.start), "milliseconds": milliseconds($0.latency),
            "site": JSON(site(of: $0.address)), "attempts": JSON($0.attempts),
            "outcome": JSON($0.reason),
          ]
        }),
    ]
  }

  private static let shares: [(name: String, share: Double)] = [
    ("p50", 50), ("p90", 90), ("p99", 99), ("p999", 99.9), ("max", 100),
  ]

  private var answeredBy: [String: Int] {
    samples.filter { !$0.isFailed }.reduce(into: [:]) { $0[site(of: $1.address), default: 0] += 1 }
  }

  private func milliseconds(_ duration: Duration?) -> JSON {
    duration.map { .number((Double($0.inNanoseconds) / 1e4).rounded() / 100) } ?? .null
  }

  private func seconds(_ duration: Duration) -> JSON {
    .number((Double(duration.inNanoseconds) / 1e6).rounded() / 1000)
  }

  /// A row a second, with the faults between; then what failed or was slow; then the sum.
  package var text: String {
    var parts = [rowTable.text]
    let troubles = timeline.filter { $0.kind != .fault }
    if !troubles.isEmpty {
      parts.append(
        troubles.map { event in
          let span =
            event.from == event.to ? time(event.from) : "\(time(event.from)) to \(time(event.to))"
          return "\(event.kind.rawValue) \(event.count) at \(span): \(event.text)"
        }.joined(separator: "\n"))
    }
    parts.append(summary)
    return parts.joined(separator: "\n\n")
  }

  private var rowTable: RuledRows {
    let names = Set(rows.flatMap { $0.answered.keys }).sorted()
    var table = RuledRows(
      ["TIME", "REQUESTS", "FAILED", "SLOW", "SLOWEST"] + names.map { $0.uppercased() } + [""])
    for row in rows {
      let marks = marks.filter { Int($0.at.components.seconds) == row.second }
        .map { "◀ \($0.text) at \(time($0.at))" }
      table.add(
        [
          "\(row.second) s", "\(row.requests)", row.failed == 0 ? "-" : "\(row.failed)",
          row.slow == 0 ? "-" : "\(row.slow)", "\(row.slowest.inNanoseconds / 1_000_000) ms",
        ]
          + names.map { "\(row.answered[$0] ?? 0)" } + [marks.joined(separator: "; ")])
    }
    return table
  }

  private var summary: String {
    var lines = [
      "\(samples.count) requests for \(options.name), \(failed) failed, \(slow) slow, \(retried) retried; "
        + Self.shares.map { share in
          "\(share.name) \(percentile(share.share).map(shortTime) ?? "-")"
        }.joined(separator: ", ")
    ]
    lines += recoveries.map { mark, time in
      "\(mark.text): "
        + (time.map { "the last failed request began \(self.time($0)) after it" }
          ?? "no request failed")
    }
    return lines.joined(separator: "\n")
  }

  /// `3.4 ms`.
  private func shortTime(_ duration: Duration) -> String {
    let tenths = duration.inNanoseconds / 100_000
    return "\(tenths / 10).\(tenths % 10) ms"
  }

  private func time(_ duration: Duration) -> String {
    let milliseconds = duration.inNanoseconds / 1_000_000
    let fraction = "\(milliseconds % 1000 + 1000)".dropFirst()
    return "\(milliseconds / 1000).\(fraction) s"
  }
}

/// Columns of numbers under headings, aligned on the right but for the last.
struct RuledRows {
  private var rows: [[String]]

  init(_ headings: [String]) { rows = [headings] }

  mutating func add(_ cells: [String]) { rows.append(cells) }

  var text: String {
    let widths = rows[0].indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
    return rows.map { row in
      row.indices.map { column in
        let cell = row[column]
        guard column < row.count - 1 else { return cell }
        return String(repeating: " ", count: widths[column] - cell.count) + cell
      }.joined(separator: "  ")
    }.joined(separator: "\n")
  }
}
