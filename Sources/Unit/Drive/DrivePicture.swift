import NetTypes

/// A drive as an SVG: above who answered in each second, below each request's latency, and the faults
/// through both.
package struct DrivePicture: Sendable {
  private static let width = 1000.0
  private static let left = 60.0
  private static let right = 20.0
  private static let palette = ["#2563eb", "#16a34a", "#d97706", "#9333ea", "#0891b2"]

  private let report: DriveReport
  private let seconds: Double
  private let names: [String]

  package init(_ report: DriveReport) {
    self.report = report
    let last = report.samples.map { $0.start + $0.latency }.max() ?? .seconds(1)
    seconds = max(1, Double(last.inNanoseconds) / 1e9)
    names = Set(report.rows.flatMap { $0.answered.keys }).sorted()
  }

  package var svg: String {
    var parts = [
      "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 \(Int(Self.width)) 520\" "
        + "font-family=\"sans-serif\" font-size=\"12\">",
      "<rect width=\"100%\" height=\"100%\" fill=\"white\"/>",
      text(
        Self.left, 20,
        "\(report.samples.count) requests for \(escaped(report.options.name)), "
          + "\(report.options.rate)/s: \(report.failed) failed, \(report.slow) slow", size: 15),
    ]
    parts += shares + latencies + marks + axis + ["</svg>"]
    return parts.joined(separator: "\n") + "\n"
  }

  private func x(_ time: Double) -> Double {
    Self.left + (Self.width - Self.left - Self.right) * time / seconds
  }

  private func number(_ value: Double) -> String {
    let tenths = Int((value * 10).rounded())
    return "\(tenths / 10).\(abs(tenths % 10))"
  }

  private func text(_ x: Double, _ y: Double, _ text: String, size: Int = 12) -> String {
    "<text x=\"\(number(x))\" y=\"\(number(y))\" font-size=\"\(size)\">\(text)</text>"
  }

  private func escaped(_ text: String) -> String {
    text.replacing("&", with: "&amp;").replacing("<", with: "&lt;")
  }

  private func color(_ name: String) -> String {
    let index = names.firstIndex(of: name) ?? 0
    return Self.palette[index % Self.palette.count]
  }

  /// Bars of a second each, one site upon the other; what failed on top, in red.
  private var shares: [String] {
    let rows = report.rows
    let most = Double(max(1, rows.map(\.requests).max() ?? 1))
    var parts: [String] = []
    for row in rows {
      var base = 190.0
      let bars =
        names.map { ($0, row.answered[$0] ?? 0, color($0)) } + [("failed", row.failed, "#dc2626")]
      for (_, count, color) in bars where count > 0 {
        let height = 140 * Double(count) / most
        base -= height
        parts.append(
          "<rect x=\"\(number(x(Double(row.second)) + 1))\" y=\"\(number(base))\" "
            + "width=\"\(number(max(1, x(1) - x(0) - 2)))\" height=\"\(number(height))\" fill=\"\(color)\"/>"
        )
      }
    }
    for (index, name) in (names + ["failed"]).enumerated() {
      let place = Self.width - 320 + Double(index) * 90
      let color = name == "failed" ? "#dc2626" : color(name)
      parts.append(
        "<rect x=\"\(number(place))\" y=\"30\" width=\"10\" height=\"10\" fill=\"\(color)\"/>")
      parts.append(text(place + 14, 39, escaped(name)))
    }
    return parts + [text(4, 60, "answered"), text(4, 74, "a second")]
  }

  /// A dot a request, by a logarithmic scale from 0.1 ms to 10 s.
  private var latencies: [String] {
    var parts: [String] = []
    for (label, milliseconds) in [("1 ms", 1.0), ("10 ms", 10), ("100 ms", 100), ("1 s", 1000)] {
      let y = height(milliseconds)
      parts.append(
        "<line x1=\"\(number(Self.left))\" x2=\"\(number(Self.width - Self.right))\" y1=\"\(number(y))\" "
          + "y2=\"\(number(y))\" stroke=\"#e5e7eb\"/>")
      parts.append(text(4, y + 4, label))
    }
    for sample in report.samples {
      let place = x(Double(sample.start.inNanoseconds) / 1e9)
      let y = height(Double(sample.latency.inNanoseconds) / 1e6)
      let color = sample.isFailed ? "#dc2626" : color(report.site(of: sample.address))
      parts.append(
        "<circle cx=\"\(number(place))\" cy=\"\(number(y))\" r=\"\(sample.isFailed ? 3 : 1)\" "
          + "fill=\"\(color)\"/>")
    }
    return parts
  }

  private func height(_ milliseconds: Double) -> Double {
    var decades = 0.0
    var value = max(0.1, min(10_000, milliseconds)) * 10
    while value >= 10 {
      value /= 10
      decades += 1
    }
    // Between two decades a straight line is near enough for a picture.
    return 480 - 50 * (decades + (value - 1) / 9)
  }

  private var marks: [String] {
    report.marks.enumerated().flatMap { index, mark -> [String] in
      let place = x(Double(mark.at.inNanoseconds) / 1e9)
      return [
        "<line x1=\"\(number(place))\" x2=\"\(number(place))\" y1=\"46\" y2=\"480\" stroke=\"#111827\" "
          + "stroke-dasharray=\"4 3\"/>",
        text(place + 4, 206 + Double(index % 3) * 14, escaped(mark.text)),
      ]
    }
  }

  private var axis: [String] {
    let step = seconds > 60 ? 10.0 : seconds > 12 ? 5.0 : 1.0
    return stride(from: 0, through: seconds, by: step).map { second in
      text(x(second) - 4, 500, "\(Int(second)) s")
    }
  }
}
