import Glibc
import Kubernetes
import Linux
import Unit

/// Shows progress: a live line on a terminal, plain lines otherwise, an object a line as JSON.
struct ProgressPrinter: Sendable {
  let format: OutputFormat
  private let live = isatty(STDERR_FILENO) == 1

  init(format: OutputFormat) { self.format = format }

  @Loop func show(_ progress: Progress) {
    switch (format, progress) {
    case (.json, .began): break
    case (.json, .done(let step, let detail, let elapsed)):
      let line: JSON = [
        "step": JSON(step), "detail": JSON(detail),
        "elapsedSeconds": .number(elapsed.inSeconds),
      ]
      write(line.text + "\n")
    case (.json, .notice(let text)):
      write((["notice": JSON(text)] as JSON).text + "\n")
    case (.text, .began(let step)):
      if live { write("\r\u{1B}[K        \(step)…") }
    case (.text, .done(let step, let detail, let elapsed)):
      let name = step.padded(to: 11)
      write("\(live ? "\r\u{1B}[K" : "")\(elapsed.secondsText.padded(to: -7)) \(name) \(detail)\n")
    case (.text, .notice(let text)):
      write("\(live ? "\r\u{1B}[K" : "")        note: \(text)\n")
    }
  }

  private func write(_ text: String) {
    let bytes = Array(text.utf8)
    _ = Glibc.write(format == .json ? STDOUT_FILENO : STDERR_FILENO, bytes, bytes.count)
  }
}

extension Duration {
  var inSeconds: Double {
    let (seconds, attoseconds) = components
    return Double(seconds) + Double(attoseconds / 1_000_000_000_000) / 1_000_000
  }

  /// `1.23 s`.
  var secondsText: String {
    let hundredths = Int((inSeconds * 100).rounded())
    let fraction = hundredths % 100
    return "\(hundredths / 100).\(fraction < 10 ? "0" : "")\(fraction) s"
  }
}

extension String {
  /// Padded with spaces to `width`; on the left if it is negative.
  func padded(to width: Int) -> String {
    let space = String(repeating: " ", count: max(0, abs(width) - count))
    return width < 0 ? space + self : self + space
  }
}
