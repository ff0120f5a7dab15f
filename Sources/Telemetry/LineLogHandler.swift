import Glibc
import Logging

/// Writes one line an event to standard error:
///
///     2026-11-23T18:47:01.123Z info router: peer established peer=172.19.0.2
///
/// A line is one write(2), so lines of several threads and processes do not mix.
package struct LineLogHandler: LogHandler {
  package var logLevel: Logger.Level
  package var metadata: Logger.Metadata = [:]
  package var metadataProvider: Logger.MetadataProvider?
  private let label: String

  package init(label: String, level: Logger.Level = .info) {
    self.label = label
    logLevel = level
  }

  /// Makes this the handler of every logger of the process. Call once, first of all.
  package static func bootstrap(level: Logger.Level) {
    LoggingSystem.bootstrap { LineLogHandler(label: $0, level: level) }
  }

  package subscript(metadataKey key: String) -> Logger.Metadata.Value? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }

  package func log(event: LogEvent) {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    let line = Array(line(event, at: time).utf8)
    var written = 0
    while written < line.count {
      let count = line.withUnsafeBytes { bytes in
        Glibc.write(STDERR_FILENO, bytes.baseAddress.map { $0 + written }, line.count - written)
      }
      // Nowhere is left to report that the log cannot be written.
      guard count > 0 || errno == EINTR else { return }
      written += max(count, 0)
    }
  }

  func line(_ event: LogEvent, at time: timespec) -> String {
    var fields = metadataProvider?.get() ?? [:]
    fields.merge(metadata) { $1 }
    if let own = event.metadata { fields.merge(own) { $1 } }
    if let error = event.error { fields["error"] = "\(error)" }
    var line = "\(timestamp(time)) \(event.level) \(label): \(oneLine("\(event.message)"))"
    for (key, value) in fields.sorted(by: { $0.key < $1.key }) {
      line += " \(key)=\(quoted("\(value)"))"
    }
    return line + "\n"
  }
}

/// RFC 3339 in UTC, with milliseconds.
private func timestamp(_ time: timespec) -> String {
  var seconds = time.tv_sec
  var parts = tm()
  gmtime_r(&seconds, &parts)
  func padded(_ value: some BinaryInteger, _ width: Int) -> String {
    let digits = String(value)
    return String(repeating: "0", count: max(0, width - digits.count)) + digits
  }
  return "\(parts.tm_year + 1900)-\(padded(parts.tm_mon + 1, 2))-\(padded(parts.tm_mday, 2))T"
    + "\(padded(parts.tm_hour, 2)):\(padded(parts.tm_min, 2)):\(padded(parts.tm_sec, 2))"
    + ".\(padded(time.tv_nsec / 1_000_000, 3))Z"
}

/// Controls escaped: what a peer sent must not write lines of its own.
private func oneLine(_ text: String) -> String {
  guard text.unicodeScalars.contains(where: { $0.value < 0x20 || $0.value == 0x7f }) else {
    return text
  }
  return text.unicodeScalars.map { scalar in
    scalar.value < 0x20 || scalar.value == 0x7f ? scalar.escaped(asASCII: true) : String(scalar)
  }.joined()
}

/// In quotes where a value would not be read back as one.
private func quoted(_ text: String) -> String {
  let plain =
    !text.isEmpty && !text.contains { $0 == " " || $0 == "\"" || $0 == "=" || $0.isNewline }
  let safe = oneLine(text)
  return plain
    ? safe
    : "\"\(safe.split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\\\""))\""
}
